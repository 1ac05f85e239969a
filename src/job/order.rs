//! In which order a batch's tasks begin, and which of its rows are in it. A shuffle of a million tasks costs nothing:
//! where a task goes is computed, both ways, by a small cipher over the tasks' numbers.

use serde::{Deserialize, Serialize};

use crate::event::TaskId;

/// In which order tasks begin. Their numbers are the inputs' in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
}

/// The order of the tasks of one batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TaskOrder(Option<Permutation>);

impl TaskOrder {
    /// The order of a batch of so many tasks.
    pub fn new(order: Order, tasks: u64) -> Self {
        Self(match order {
            Order::AsGiven => None,
            Order::Shuffled { seed } => Some(Permutation::new(tasks, seed)),
        })
    }

    /// The task that begins at this place, from 0. The place is below the number of tasks.
    pub fn task_at(&self, place: u64) -> TaskId {
        TaskId(self.0.map_or(place, |permutation| permutation.forth(place)))
    }

    /// The place at which a task begins, from 0; the task is one of the batch.
    pub fn place_of(&self, task: TaskId) -> u64 {
        self.0.map_or(task.0, |permutation| permutation.back(task.0))
    }
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
                let order = TaskOrder::new(Order::Shuffled { seed }, len);
                let mut seen: Vec<u64> = (0..len).map(|place| order.task_at(place).0).collect();
                assert!((0..len).all(|place| order.place_of(order.task_at(place)) == place), "{len} {seed}");
                seen.sort_unstable();
                assert_eq!(seen, (0..len).collect::<Vec<_>>(), "{len} {seed}");
            }
        }
        for place in [0, 1, u64::MAX / 3, u64::MAX - 1] {
            let order = TaskOrder::new(Order::Shuffled { seed: 5 }, u64::MAX);
            assert_eq!(order.place_of(order.task_at(place)), place);
        }
    }

    /// Each of 6 tasks comes to each of 6 places about equally often: 6,000 seeds, 1,000 expected, 5 deviations of 29.
    #[test]
    fn seeds_mix_evenly() {
        let mut counts = [[0_u32; 6]; 6];
        for seed in 0..6_000 {
            let order = TaskOrder::new(Order::Shuffled { seed }, 6);
            for place in 0..6 {
                counts[place as usize][order.task_at(place).0 as usize] += 1;
            }
        }
        assert!(counts.iter().flatten().all(|count| (850..1150).contains(count)), "{counts:?}");
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
