//! How long the tasks of a run take: quantiles of all of them, in bounded memory and to within a few percent.

use crate::event::{Event, EventKind, Outcome, TaskEvent};

/// Parts of each doubling, as a power of two: two neighbours differ by 6 %.
const PART_BITS: u32 = 4;

/// The times of the tasks that are done.
#[derive(Clone, Debug, Default)]
pub struct Durations {
    /// Number of tasks by logarithm of their time.
    counts: Vec<u64>,
    total: u64,
}

impl Durations {
    /// Takes in one event.
    pub fn apply(&mut self, event: &Event) {
        let EventKind::Task(TaskEvent::Finished(records)) = &event.kind else { return };
        for record in records.iter().filter(|record| record.outcome == Outcome::Done) {
            self.add(record.wall_ns);
        }
    }

    /// Takes in the time of one task.
    pub fn add(&mut self, wall_ns: u64) {
        let place = place_of(wall_ns);
        if self.counts.len() <= place {
            self.counts.resize(place + 1, 0);
        }
        self.counts[place] += 1;
        self.total += 1;
    }

    /// Number of tasks.
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// The time that a share of the tasks, 0 to 1, did not exceed, in nanoseconds; `None` without a task.
    pub fn quantile_ns(&self, share: f64) -> Option<u64> {
        let wanted = (self.total as f64 * share).ceil().max(1.0) as u64;
        let mut seen = 0;
        let place = self.counts.iter().position(|count| {
            seen += count;
            seen >= wanted
        });
        place.map(middle_of)
    }
}

/// Small times have a place of their own.
const fn place_of(ns: u64) -> usize {
    let parts = 1_u64 << PART_BITS;
    if ns < parts {
        return ns as usize;
    }
    let shift = ns.ilog2() - PART_BITS;
    (((shift as u64 + 1) << PART_BITS) + (ns >> shift) - parts) as usize
}

fn middle_of(place: usize) -> u64 {
    let parts = 1_u64 << PART_BITS;
    let place = place as u64;
    if place < parts {
        return place;
    }
    let shift = (place >> PART_BITS) - 1;
    let first = (parts + (place & (parts - 1))) << shift;
    first + ((1 << shift) >> 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_known_to_within_a_few_percent() {
        let mut durations = Durations::default();
        assert_eq!(durations.quantile_ns(0.5), None);
        (1..=1000_u64).for_each(|place| durations.add(place * 1_000_003));
        for (share, exact) in [(0.0, 1e6), (0.5, 500e6), (0.95, 950e6), (1.0, 1000e6)] {
            let known = durations.quantile_ns(share).expect("there are tasks") as f64;
            assert!((known / exact - 1.0).abs() < 0.04, "{share}: {known} beside {exact}");
        }
        assert_eq!(durations.total(), 1000);
    }

    #[test]
    fn every_time_has_its_place_from_the_shortest_to_the_longest() {
        let times = [0, 1, 15, 16, 17, 31, 32, 33, 1 << 20, (1 << 20) + (1 << 16), u64::MAX];
        let places: Vec<usize> = times.iter().map(|ns| place_of(*ns)).collect();
        assert!(places.is_sorted() && places.last() < Some(&1024), "{places:?}");
        for ns in times {
            let middle = middle_of(place_of(ns)) as f64;
            assert!((middle - ns as f64).abs() <= ns as f64 / 16.0, "{ns}: {middle}");
        }
    }
}
