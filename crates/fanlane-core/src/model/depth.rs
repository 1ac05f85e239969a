//! The numbers of queued, running and ended tasks over time, in bounded memory.
//!
//! Records arrive in groups and report starts earlier than facts already known. Changes are therefore held back until
//! no earlier one is expected, and folded in the order in which they happened.

mod curve;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};

use crate::event::{AttemptRecord, Event, EventKind, RunEvent, TaskEvent, TaskId};

pub use curve::{Curve, Step};

/// Maximum delay of a record that is still put in its place, in nanoseconds; a later one counts at this age.
pub const REPORT_DELAY_NS: u64 = 500_000_000;
/// Number of steps in which the time that still waits for records is shown.
const TAIL_STEPS: u64 = 64;

/// Tasks queued, running and ended over time.
#[derive(Clone, Debug, Default)]
pub struct DepthHistory {
    tasks: u64,
    /// Where the batch grew: from which time on it had how many tasks.
    grown: Vec<(u64, u64)>,
    settled: Curve,
    waiting: BinaryHeap<Reverse<(u64, Change)>>,
    announced: HashSet<(TaskId, u32)>,
    last_ns: u64,
    finished: bool,
}

/// A change of the counts at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    /// A task leaves the queue for a worker.
    Starts,
    /// A task goes from its worker back to the queue.
    Returns,
    /// A task ends at its worker.
    Ends,
    /// Tasks end in the queue.
    EndQueued(u64),
}

impl DepthHistory {
    /// Takes in one event.
    pub fn apply(&mut self, event: &Event) {
        self.last_ns = self.last_ns.max(event.at_ns);
        match &event.kind {
            EventKind::Run(RunEvent::Started(header)) => self.grow(0, header.tasks),
            EventKind::Task(TaskEvent::Started { task, attempt, start_ns, .. }) => {
                if self.announced.insert((*task, *attempt)) {
                    self.change(*start_ns, Change::Starts);
                }
            }
            EventKind::Task(TaskEvent::Finished(records)) => {
                for record in records {
                    if record.attempt == 0 {
                        self.change(event.at_ns, Change::EndQueued(1));
                    } else {
                        self.attempt_ended(record, Change::Ends);
                    }
                }
            }
            EventKind::Task(TaskEvent::Retried(record)) => self.attempt_ended(record, Change::Returns),
            EventKind::Task(TaskEvent::RestCancelled { tasks }) => {
                // No more than there are: the number may come from a damaged file.
                self.change(event.at_ns, Change::EndQueued((*tasks).min(self.tasks)));
            }
            EventKind::Task(TaskEvent::Suspended { .. }) => {}
            EventKind::Run(RunEvent::Finished(_)) => self.finished = true,
            EventKind::Run(RunEvent::BatchGrew { tasks, .. }) => self.grow(event.at_ns, *tasks),
            EventKind::Run(RunEvent::InputsBroke { .. } | RunEvent::InterpreterFound(_))
            | EventKind::Dispatch(_)
            | EventKind::Worker(_)
            | EventKind::Sample(_)
            | EventKind::Shared(_) => {}
        }
        self.settle();
    }

    /// Notes the number of tasks from `at_ns` on; when there are too many notes, every second one is dropped.
    fn grow(&mut self, at_ns: u64, tasks: u64) {
        self.tasks = tasks;
        match self.grown.last_mut() {
            Some(last) if last.1 == tasks => {}
            Some(last) if last.0 == at_ns => last.1 = tasks,
            _ => self.grown.push((at_ns, tasks)),
        }
        if self.grown.len() > curve::MAX_STEPS {
            let (mut place, count) = (0, self.grown.len());
            // The first and the newest stay.
            self.grown.retain(|_| {
                place += 1;
                place % 2 == 1 || place == count
            });
        }
    }

    /// Goes on after the end with tasks that wait again.
    pub(super) fn reopen(&mut self, at_ns: u64, tasks: u64) {
        self.finished = true;
        self.settle();
        self.finished = false;
        self.last_ns = self.last_ns.max(at_ns);
        // Those that ran when the run was interrupted wait as well.
        let running = self.announced.drain().count() as i64;
        self.settled.add(self.last_ns, -running, -tasks.cast_signed());
    }

    /// Number of tasks in the batch.
    pub fn tasks(&self) -> u64 {
        self.tasks
    }

    /// The time of the newest event, in nanoseconds since the run's start.
    pub fn end_ns(&self) -> u64 {
        self.last_ns
    }

    /// The steps until `now_ns`, oldest first, a few more than `curve::MAX_STEPS` at most; each holds until the next.
    pub fn steps(&self, now_ns: u64) -> Vec<Step> {
        let mut curve = self.settled.clone();
        if !self.waiting.is_empty() {
            let from_ns = self.last_ns.saturating_sub(REPORT_DELAY_NS);
            let step_ns = (self.last_ns.max(now_ns) - from_ns) / TAIL_STEPS + 1;
            let mut slots = vec![[0_i64; 2]; TAIL_STEPS as usize + 1];
            for Reverse((at_ns, change)) in &self.waiting {
                let slot = (at_ns.saturating_sub(from_ns) / step_ns).min(TAIL_STEPS) as usize;
                let (running, ended) = change.deltas();
                slots[slot][0] += running;
                slots[slot][1] += ended;
            }
            for (slot, [running, ended]) in (0_u64..).zip(slots) {
                if (running, ended) != (0, 0) {
                    curve.add(from_ns + slot * step_ns, running, ended);
                }
            }
        }
        let tasks_at = |at_ns| {
            let since = self.grown.partition_point(|(from_ns, _)| *from_ns < at_ns);
            since.checked_sub(1).map_or(0, |place| self.grown[place].1)
        };
        curve.into_steps(tasks_at, now_ns.max(self.last_ns))
    }

    fn attempt_ended(&mut self, record: &AttemptRecord, end: Change) {
        if !self.announced.remove(&(record.task, record.attempt)) {
            self.change(record.start_ns, Change::Starts);
        }
        self.change(record.start_ns.saturating_add(record.wall_ns), end);
    }

    fn change(&mut self, at_ns: u64, change: Change) {
        self.waiting.push(Reverse((at_ns, change)));
    }

    fn settle(&mut self) {
        let until_ns = if self.finished { u64::MAX } else { self.last_ns.saturating_sub(REPORT_DELAY_NS) };
        while let Some(Reverse((at_ns, change))) = self.waiting.peek().copied() {
            if at_ns > until_ns {
                break;
            }
            self.waiting.pop();
            let (running, ended) = change.deltas();
            self.settled.add(at_ns, running, ended);
        }
    }
}

impl Change {
    const fn deltas(self) -> (i64, i64) {
        match self {
            Self::Starts => (1, 0),
            Self::Returns => (-1, 0),
            Self::Ends => (-1, 1),
            Self::EndQueued(tasks) => (0, tasks.cast_signed()),
        }
    }
}

#[cfg(test)]
mod tests;
