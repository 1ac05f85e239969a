//! In which order a batch's tasks begin, and which of its rows are in it. A shuffle of a million tasks costs nothing:
//! where a task goes is computed, both ways, by a small cipher over the tasks' numbers. An order by values is a table.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::job::{TaskId, lossless};

/// In which order tasks begin. Their numbers are the inputs' in any case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Order {
    /// As the inputs have them.
    #[default]
    AsGiven,
    /// Mixed; the same seed mixes the same way.
    Shuffled {
        /// Any number.
        seed: u64,
    },
    /// The larger number first, those with the same as the inputs have them. The name of a column with whole numbers, or
    /// a template of one.
    Priority(String),
    /// The longest first, so that none that is long is begun last. A task of which it is not known how long it takes
    /// may be the longest of all, so these begin before all others.
    LongestFirst(Durations),
}

/// From where it is known how long tasks take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Durations {
    /// The name of a column with seconds, or a template of them; empty where they are not known.
    Column(String),
    /// A job log of an earlier run, ours or GNU parallel's: tasks are found there by their command lines. Only those
    /// that succeeded count, and the newest line of each.
    JobLog(#[serde(with = "lossless::path")] PathBuf),
    /// The history of runs, where tasks are found by their commands and values, the newest that succeeded first. The
    /// caller, which knows where the history lies, sorts the batch by it; until then tasks are in the order of the inputs.
    History,
}

/// What [`Durations::History`] is in a flag and a field.
const BY_HISTORY: &str = "longest-first-by-history";

/// An order by values as a flag and a field have it.
///
/// `priority:COLUMN`, `longest-first:COLUMN`, `longest-first-in:JOBLOG`, `longest-first-by-history`, `shuffled:SEED`.
impl FromStr for Order {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || {
            "expected priority:COLUMN, longest-first:COLUMN with a column or a template of one, \
             longest-first-in:JOBLOG with the job log of an earlier run, longest-first-by-history, or shuffled:SEED with a whole \
             number"
                .to_owned()
        };
        if text == BY_HISTORY {
            return Ok(Self::LongestFirst(Durations::History));
        }
        let (what, of) = text.split_once(':').filter(|(_, of)| !of.is_empty()).ok_or_else(bad)?;
        match what {
            "shuffled" => of.parse().map(|seed| Self::Shuffled { seed }).map_err(|_| bad()),
            "priority" => Ok(Self::Priority(of.to_owned())),
            "longest-first" => Ok(Self::LongestFirst(Durations::Column(of.to_owned()))),
            "longest-first-in" => Ok(Self::LongestFirst(Durations::JobLog(lossless::path_of_text(of)))),
            _ => Err(bad()),
        }
    }
}

impl Order {
    /// An order by values as it is typed; `None` for an order that depends on no value.
    pub fn typed(&self) -> Option<String> {
        match self {
            Self::AsGiven | Self::Shuffled { .. } => None,
            Self::Priority(column) => Some(format!("priority:{column}")),
            Self::LongestFirst(Durations::Column(column)) => Some(format!("longest-first:{column}")),
            Self::LongestFirst(Durations::History) => Some(BY_HISTORY.to_owned()),
            Self::LongestFirst(Durations::JobLog(path)) => {
                Some(format!("longest-first-in:{}", lossless::text_of_path(path)))
            }
        }
    }
}

/// The order of the tasks of one batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskOrder(TaskSequence);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum TaskSequence {
    #[default]
    AsGiven,
    Mixed(Permutation),
    Ranked(Arc<Ranking>),
}

/// A table of an order, both ways.
#[derive(Debug, PartialEq, Eq)]
struct Ranking {
    /// By place.
    tasks: Box<[u32]>,
    /// By task.
    places: Box<[u32]>,
}

/// Maximum number of tasks in an order by values: its table takes 8 bytes for each.
pub const MAX_RANKED: u64 = 50_000_000;

impl TaskOrder {
    /// The order of a batch of `tasks` tasks, unless it is an order by values.
    pub fn new(order: &Order, tasks: u64) -> Self {
        Self(match order {
            Order::Shuffled { seed } => TaskSequence::Mixed(Permutation::new(tasks, *seed)),
            Order::AsGiven | Order::Priority(_) | Order::LongestFirst(_) => TaskSequence::AsGiven,
        })
    }

    /// The task with the largest key first, those with the same key as they are given; `keys` has one for each task, at
    /// most [`MAX_RANKED`].
    pub fn largest_first<K: Ord>(keys: &[K]) -> Self {
        let mut tasks: Vec<u32> = (0..u32::try_from(keys.len()).expect("not more than can be ranked")).collect();
        tasks.sort_by(|one, other| keys[*other as usize].cmp(&keys[*one as usize]));
        let mut places = vec![0; tasks.len()];
        for (place, task) in (0..).zip(&tasks) {
            places[*task as usize] = place;
        }
        Self(TaskSequence::Ranked(Arc::new(Ranking { tasks: tasks.into(), places: places.into() })))
    }

    /// The tasks that take longest first, by their seconds; those of which it is not known before all others.
    pub fn longest_first(secs: &[Option<f64>]) -> Self {
        let keys: Vec<_> = secs.iter().map(|secs| secs.map_or(u64::MAX, sortable)).collect();
        Self::largest_first(&keys)
    }

    /// The order of some of the tasks, numbered anew.
    pub(super) fn only(&self, tasks: &[TaskId]) -> Self {
        match &self.0 {
            TaskSequence::AsGiven | TaskSequence::Mixed(_) => Self::default(),
            TaskSequence::Ranked(_) => {
                let keys: Vec<_> = tasks.iter().map(|task| std::cmp::Reverse(self.place_of(*task))).collect();
                Self::largest_first(&keys)
            }
        }
    }

    /// Whether values decide: then a task that came back takes its place again.
    pub const fn is_ranked(&self) -> bool {
        matches!(self.0, TaskSequence::Ranked(_))
    }

    /// The task that begins at this place, from 0. The place is below the number of tasks.
    pub fn task_at(&self, place: u64) -> TaskId {
        TaskId(match &self.0 {
            TaskSequence::AsGiven => place,
            TaskSequence::Mixed(permutation) => permutation.forth(place),
            TaskSequence::Ranked(ranking) => u64::from(ranking.tasks[place as usize]),
        })
    }

    /// The place at which a task begins, from 0; the task is one of the batch.
    pub fn place_of(&self, task: TaskId) -> u64 {
        match &self.0 {
            TaskSequence::AsGiven => task.0,
            TaskSequence::Mixed(permutation) => permutation.back(task.0),
            TaskSequence::Ranked(ranking) => u64::from(ranking.places[task.0 as usize]),
        }
    }
}

/// Numbers that are not negative lie in the order of their bits.
fn sortable(secs: f64) -> u64 {
    secs.max(0.0).to_bits()
}

/// `count` different numbers below `of`, sorted; all of them if there are no more.
pub(super) fn sample(count: u64, of: u64, seed: u64) -> Vec<u64> {
    let permutation = Permutation::new(of, seed);
    let mut chosen: Vec<u64> = (0..count.min(of)).map(|place| permutation.forth(place)).collect();
    chosen.sort_unstable();
    chosen
}

/// A permutation of the numbers below `len`: a Feistel network over the next even power of two, walked on while it
/// leads beyond the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Permutation {
    len: u64,
    half_bits: u32,
    seed: u64,
}

const ROUNDS: u64 = 6;

impl Permutation {
    fn new(len: u64, seed: u64) -> Self {
        let bits = u64::BITS - len.saturating_sub(1).leading_zeros();
        Self { len, half_bits: bits.div_ceil(2).max(1), seed }
    }

    fn forth(&self, mut number: u64) -> u64 {
        debug_assert!(number < self.len, "{number} of {}", self.len);
        loop {
            let (mut left, mut right) = self.split(number);
            for round in 0..ROUNDS {
                (left, right) = (right, left ^ self.mix(right, round));
            }
            number = self.join(left, right);
            if number < self.len {
                return number;
            }
        }
    }

    fn back(&self, mut number: u64) -> u64 {
        debug_assert!(number < self.len, "{number} of {}", self.len);
        loop {
            let (mut left, mut right) = self.split(number);
            for round in (0..ROUNDS).rev() {
                (left, right) = (right ^ self.mix(left, round), left);
            }
            number = self.join(left, right);
            if number < self.len {
                return number;
            }
        }
    }

    const fn split(&self, number: u64) -> (u64, u64) {
        (number >> self.half_bits, number & self.mask())
    }

    const fn join(&self, left: u64, right: u64) -> u64 {
        left << self.half_bits | right
    }

    const fn mask(&self) -> u64 {
        (1 << self.half_bits) - 1
    }

    /// A half scrambled under the seed: multiplications by odd constants, high bits folded onto low ones.
    const fn mix(&self, half: u64, round: u64) -> u64 {
        let mut mixed = half.wrapping_add(self.seed).wrapping_add((round + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) & self.mask()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_has_one_place() {
        for len in [1, 2, 3, 4, 5, 16, 17, 100, 1000, 4097] {
            for seed in [0, 1, u64::MAX] {
                let order = TaskOrder::new(&Order::Shuffled { seed }, len);
                let mut seen: Vec<u64> = (0..len).map(|place| order.task_at(place).0).collect();
                assert!((0..len).all(|place| order.place_of(order.task_at(place)) == place), "{len} {seed}");
                seen.sort_unstable();
                assert_eq!(seen, (0..len).collect::<Vec<_>>(), "{len} {seed}");
            }
        }
        for place in [0, 1, u64::MAX / 3, u64::MAX - 1] {
            let order = TaskOrder::new(&Order::Shuffled { seed: 5 }, u64::MAX);
            assert_eq!(order.place_of(order.task_at(place)), place);
        }
    }

    /// Each of 6 tasks comes to each of 6 places about equally often: 6,000 seeds, 1,000 expected, 5 deviations of 29.
    #[test]
    fn seeds_mix_evenly() {
        let mut counts = [[0_u32; 6]; 6];
        for seed in 0..6_000 {
            let order = TaskOrder::new(&Order::Shuffled { seed }, 6);
            for place in 0..6 {
                counts[place as usize][order.task_at(place).0 as usize] += 1;
            }
        }
        assert!(counts.iter().flatten().all(|count| (850..1150).contains(count)), "{counts:?}");
    }

    #[test]
    fn larger_keys_come_first_and_ties_as_given() {
        let order = TaskOrder::largest_first(&[3, -1, 7, 3, 7]);
        let tasks: Vec<u64> = (0..5).map(|place| order.task_at(place).0).collect();
        assert_eq!(tasks, [2, 4, 0, 3, 1]);
        assert!((0..5).all(|place| order.place_of(order.task_at(place)) == place));
        let some = order.only(&[TaskId(1), TaskId(3), TaskId(4)]);
        assert_eq!((0..3).map(|place| some.task_at(place).0).collect::<Vec<_>>(), [2, 1, 0]);
        let long = TaskOrder::longest_first(&[Some(0.5), None, Some(1e9), Some(0.0), Some(60.0)]);
        assert_eq!((0..5).map(|place| long.task_at(place).0).collect::<Vec<_>>(), [1, 2, 4, 0, 3]);
    }

    #[test]
    fn an_order_is_written_as_it_is_read() {
        for text in ["priority:p", "longest-first:{secs}", "longest-first-in:logs/a:b", "longest-first-by-history"] {
            assert_eq!(text.parse::<Order>().unwrap().typed().as_deref(), Some(text));
        }
        for text in ["", "priority", "priority:", "shortest:x", "longest-first"] {
            assert!(text.parse::<Order>().unwrap_err().contains("longest-first-in:JOBLOG"), "{text}");
        }
    }

    #[test]
    fn a_sample_is_sorted_and_without_repetition() {
        let chosen = sample(100, 1_000_000, 7);
        assert_eq!(chosen.len(), 100);
        assert!(chosen.windows(2).all(|pair| pair[0] < pair[1]) && chosen[99] < 1_000_000);
        assert_eq!(chosen, sample(100, 1_000_000, 7));
        assert_ne!(chosen, sample(100, 1_000_000, 8));
        assert_eq!(sample(9, 3, 1), [0, 1, 2]);
        assert!(sample(9, 0, 1).is_empty());
    }
}
