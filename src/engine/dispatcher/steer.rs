//! What a job's control asks for: halts, gates, timeouts that follow the median, and tasks that wait for others.

use crate::event::{AttemptRecord, DispatchEvent, EventKind, Outcome, TaskId};
use crate::job::control::HaltWhen;

use super::queue::Pending;
use super::{Dispatcher, Effect, halt};

/// Workers are told a new timeout when the median has moved by more than this share.
const MEDIAN_MOVES: f64 = 0.05;

impl Dispatcher {
    pub(super) fn halt_if_reached(&mut self, now_ns: u64, effects: &mut Vec<Effect>) {
        let Some(wanted) = self.plan.control.halt else { return };
        // A share of a batch that grows is known when it has grown.
        let tasks = self.complete.then_some(self.plan.tasks);
        if self.stopping || !halt::is_reached(wanted, &self.counts, tasks) {
            return;
        }
        effects.push(Effect::Say(EventKind::Dispatch(DispatchEvent::HaltReached { halt: wanted.to_string() })));
        match wanted.when {
            HaltWhen::Now => self.stop(now_ns, false, effects),
            HaltWhen::Soon => self.cancel_waiting(now_ns, effects),
        }
    }

    /// Has the tasks that waited for these go on, or says which never will be begun.
    pub(super) fn follow(&mut self, records: &[AttemptRecord]) -> Vec<Pending> {
        let mut never = Vec::new();
        for record in records {
            if record.outcome == Outcome::Done {
                let free = self.after.done(record.task);
                self.queue.put_back(free.into_iter());
            } else {
                never.extend(self.doom(record.task));
            }
        }
        never
    }

    /// A task was not done: takes those that wait for it out of the queue.
    pub(super) fn doom(&mut self, task: TaskId) -> Vec<Pending> {
        let lost = self.after.failed(task);
        lost.into_iter().filter_map(|task| self.take_waiting(task)).collect()
    }

    pub(super) fn adjust_timeout(&mut self, records: &[AttemptRecord], effects: &mut Vec<Effect>) {
        let Some(percent) = self.plan.control.timeout_percent else { return };
        for record in records.iter().filter(|record| record.outcome == Outcome::Done) {
            self.median.add(record.wall_ns);
        }
        let Some(median_ns) = self.median.ns() else { return };
        let timeout_ns = (median_ns as f64 * percent / 100.0) as u64;
        let told_ns = self.timeout_ns.unwrap_or(0);
        if told_ns.abs_diff(timeout_ns) as f64 > told_ns as f64 * MEDIAN_MOVES {
            self.timeout_ns = Some(timeout_ns);
            let ready = self.workers.iter().filter(|(_, state)| state.ready);
            effects.extend(ready.map(|(&worker, _)| Effect::SetTimeout { worker, timeout_ns }));
        }
    }
}
