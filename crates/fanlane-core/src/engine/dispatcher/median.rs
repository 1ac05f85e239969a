//! The median time of the tasks done so far, for timeouts that are a share of it.

use super::{Dispatcher, Effect};
use crate::event::{AttemptRecord, Outcome};

/// Minimum number of tasks that a median is taken of.
const MIN_TASKS: usize = 3;
/// Maximum number of times kept: their median hardly moves any more.
const MAX_TASKS: usize = 4096;

/// How far the median must move before workers get a new timeout, as a share of it.
const MEDIAN_MOVES: f64 = 0.05;

/// Times in order.
#[derive(Debug, Default)]
pub struct Median {
    sorted_ns: Vec<u64>,
}

impl Median {
    /// Takes in the time of one more task.
    pub fn add(&mut self, wall_ns: u64) {
        if self.sorted_ns.len() < MAX_TASKS {
            let place = self.sorted_ns.partition_point(|time| *time <= wall_ns);
            self.sorted_ns.insert(place, wall_ns);
        }
    }

    /// The median, once enough tasks are done.
    pub fn ns(&self) -> Option<u64> {
        (self.sorted_ns.len() >= MIN_TASKS).then(|| self.sorted_ns[self.sorted_ns.len() / 2])
    }
}

impl Dispatcher {
    /// Sends workers a new timeout where it is a share of the median and the median has moved.
    pub(super) fn adjust_timeout(&mut self, records: &[AttemptRecord], effects: &mut Vec<Effect>) {
        let Some(percent) = self.plan.control.timeout_percent else { return };
        for record in records.iter().filter(|record| record.outcome == Outcome::Done) {
            self.median.add(record.wall_ns);
        }
        let Some(median_ns) = self.median.ns() else { return };
        let timeout_ns = (median_ns as f64 * percent / 100.0) as u64;
        let sent_ns = self.timeout_ns.unwrap_or(0);
        if sent_ns.abs_diff(timeout_ns) as f64 > sent_ns as f64 * MEDIAN_MOVES {
            self.timeout_ns = Some(timeout_ns);
            let ready = self.workers.iter().filter(|(_, state)| state.ready);
            effects.extend(ready.map(|(&worker, _)| Effect::SetTimeout { worker, timeout_ns }));
        }
    }
}
