//! The progress of a run: the few numbers that a progress bar needs, folded from events.

use serde::{Deserialize, Serialize};

use super::format::count;
use crate::event::{
    AttemptRecord, DispatchEvent, Event, EventKind, OutcomeClass, OutcomeCounts, RunEvent, Summary, TaskEvent, TaskId,
    WorkerEvent,
};
use crate::job::control::{Halt, HaltOn};

/// The tasks of a batch that a run leaves out because earlier runs have ended them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earlier {
    /// Those that are done.
    pub done: u64,
    /// Those that failed and are not repeated.
    pub failed: u64,
    /// Those that have ended, with an unknown outcome.
    pub ended: u64,
}

impl Earlier {
    /// All of them.
    pub const fn total(self) -> u64 {
        self.done + self.failed + self.ended
    }

    /// As text, such as `12 done earlier, 3 failed earlier`; `None` if there are none.
    pub fn words(self) -> Option<String> {
        let kinds = [(self.done, "done"), (self.failed, "failed"), (self.ended, "ended")];
        let words = kinds.iter().filter(|(number, _)| *number > 0);
        let words: Vec<String> = words.map(|(number, word)| format!("{} {word} earlier", count(*number))).collect();
        (!words.is_empty()).then(|| words.join(", "))
    }
}

/// The progress of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// Tasks of the batch, as far as known.
    pub tasks: u64,
    /// There may be more: the batch grows while it runs.
    pub grows: bool,
    /// Why the source of further tasks failed, if it did.
    pub inputs_fault: Option<String>,
    /// Tasks that have ended, by how.
    pub counts: OutcomeCounts,
    /// Attempts that were followed by another.
    pub retries: u64,
    /// Live workers.
    pub live_workers: u32,
    /// The pool's size as it was last set.
    pub workers: u32,
    /// The run is paused: no task is started.
    pub paused: bool,
    /// The task with a breakpoint that the run is paused before.
    pub stopped_before: Option<TaskId>,
    /// The condition that has to hold before further tasks are started.
    pub held: Option<String>,
    /// The halt condition that ended the run.
    pub halted: Option<String>,
    /// The run is being stopped.
    pub stopping: bool,
    /// Why no worker can be started; `None` once one could.
    pub cannot_start: Option<String>,
    /// The run ended because no worker could be started.
    pub gave_up: bool,
    /// The time of the newest event, in nanoseconds since the run's start.
    pub last_ns: u64,
    /// Set once the run has ended.
    pub summary: Option<Summary>,
    /// When the run went on after an end, in nanoseconds since its start, and how many tasks had ended by then.
    pub resumed: (u64, u64),
}

impl Progress {
    /// Takes in one event.
    pub fn apply(&mut self, event: &Event) {
        self.last_ns = self.last_ns.max(event.at_ns);
        match &event.kind {
            EventKind::Run(RunEvent::Started(header)) => {
                self.tasks = header.tasks;
                self.workers = header.workers;
            }
            EventKind::Run(RunEvent::BatchGrew { tasks, complete }) => {
                self.tasks = *tasks;
                self.grows = !complete;
            }
            EventKind::Run(RunEvent::InputsBroke { reason }) => self.inputs_fault = Some(reason.clone()),
            EventKind::Dispatch(DispatchEvent::PoolResized { workers }) => self.workers = *workers,
            EventKind::Dispatch(DispatchEvent::Held { reason }) => self.held.clone_from(reason),
            EventKind::Dispatch(DispatchEvent::HaltReached { halt }) => self.halted = Some(halt.clone()),
            EventKind::Dispatch(DispatchEvent::Paused) => self.paused = true,
            EventKind::Dispatch(DispatchEvent::BreakpointReached { task }) => {
                self.paused = true;
                self.stopped_before = Some(*task);
            }
            EventKind::Dispatch(DispatchEvent::BreakpointChanged { task, is_set: false }) => {
                self.stopped_before.take_if(|before| before == task);
            }
            EventKind::Dispatch(DispatchEvent::Resumed) => {
                self.paused = false;
                self.stopped_before = None;
            }
            EventKind::Dispatch(DispatchEvent::StopRequested) => {
                self.stopping = true;
                self.grows = false;
            }
            EventKind::Worker(WorkerEvent::Started { .. }) => {
                self.live_workers += 1;
                self.cannot_start = None;
            }
            EventKind::Worker(WorkerEvent::Ended { .. }) => self.live_workers = self.live_workers.saturating_sub(1),
            EventKind::Dispatch(DispatchEvent::WorkersCannotStart { reason }) => {
                self.cannot_start = Some(reason.clone())
            }
            EventKind::Dispatch(DispatchEvent::GaveUp { .. }) => self.gave_up = true,
            EventKind::Task(TaskEvent::RestCancelled { tasks }) => {
                self.counts.add_many(OutcomeClass::Cancelled, *tasks);
            }
            EventKind::Task(TaskEvent::Finished(records)) => {
                for record in records {
                    self.counts.add(record.outcome.class());
                }
                self.stopped_before.take_if(|before| records.iter().any(|record| record.task == *before));
            }
            EventKind::Task(TaskEvent::Retried(_)) => self.retries += 1,
            EventKind::Run(RunEvent::Finished(summary)) => self.summary = Some(summary.clone()),
            EventKind::Run(RunEvent::InterpreterFound(_))
            | EventKind::Worker(
                WorkerEvent::Placed { .. } | WorkerEvent::HostJoined { .. } | WorkerEvent::HostLost { .. },
            )
            | EventKind::Task(TaskEvent::Started { .. } | TaskEvent::Suspended { .. })
            | EventKind::Dispatch(
                DispatchEvent::PriorityChanged { .. }
                | DispatchEvent::Told { .. }
                | DispatchEvent::BreakpointChanged { is_set: true, .. },
            )
            | EventKind::Sample(_)
            | EventKind::Shared(_) => {}
        }
    }

    /// The run has ended with all tasks done, or with as many as a halt asked for.
    pub fn has_reached_goal(&self) -> bool {
        let Some(counts) = self.summary.as_ref().map(|summary| &summary.counts) else { return false };
        // The tasks that a halt left out are cancelled.
        let none_failed = counts.not_done() == counts.cancelled;
        let halt = self.halted.as_deref().and_then(|halt| halt.parse::<Halt>().ok());
        self.inputs_fault.is_none()
            && match halt.map(|halt| halt.on) {
                Some(HaltOn::Success) => true,
                Some(HaltOn::Done) => none_failed,
                Some(HaltOn::Fail) | None => counts.not_done() == 0,
            }
    }

    /// Tasks that are known and have not ended.
    pub const fn remaining(&self) -> u64 {
        self.tasks.saturating_sub(self.counts.total())
    }

    /// Tasks that have ended and were not cancelled.
    pub const fn ended(&self) -> u64 {
        self.counts.total() - self.counts.cancelled
    }

    /// Tasks a second, at `now_ns`, without those that were cancelled: of the whole run once it has ended, and before that
    /// since it went on last; 0 before the first has ended.
    pub fn rate(&self, now_ns: u64) -> f64 {
        let (elapsed_ns, ended) = match &self.summary {
            Some(summary) => (summary.wall_ns, self.ended()),
            None => (now_ns.saturating_sub(self.resumed.0), self.ended().saturating_sub(self.resumed.1)),
        };
        if elapsed_ns == 0 { 0.0 } else { ended as f64 * 1e9 / elapsed_ns as f64 }
    }

    /// Goes on after the end; the tasks of these records no longer count as ended.
    pub(super) fn reopen(&mut self, removed: &[AttemptRecord], workers: u32) {
        for record in removed {
            self.counts.remove(record.outcome.class());
            self.retries += u64::from(record.attempt > 0);
        }
        *self = Self {
            tasks: self.tasks,
            counts: self.counts,
            retries: self.retries,
            workers,
            last_ns: self.last_ns,
            resumed: (self.last_ns, self.ended()),
            ..Self::default()
        };
    }

    /// Time for the remaining known tasks at the rate so far, in seconds; `None` before the first task has ended.
    pub fn left_secs(&self, now_ns: u64) -> Option<f64> {
        let rate = self.rate(now_ns);
        (rate > 0.0).then(|| self.remaining() as f64 / rate)
    }
}
