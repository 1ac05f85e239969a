//! The activity of each lane, folded from events: every finished attempt as a bar, the running one, and the lane's
//! worker. Drawing uses [`LaneTimeline::segments`], whose cost grows with the pixels and not with the bars.
//!
//! Not in here: what a task prints or returns, and anything about cores.

mod bars;
mod changes;

use std::collections::HashMap;

use crate::event::{
    AttemptRecord, Event, EventKind, LaneId, OutcomeCounts, RunEvent, SampleEvent, TaskEvent, TaskId, WorkerEnd,
    WorkerEvent, WorkerId, WorkerSample,
};

use super::live_output::LatestLine;
pub use bars::{Bar, Bars, Mark, Segment, Totals};
use changes::Changes;

/// All lanes of a run. Takes at most 40 bytes for each attempt and as much again for each worker.
#[derive(Clone, Debug, Default)]
pub struct LaneHistory {
    lanes: Vec<LaneTimeline>,
    lane_of: HashMap<WorkerId, usize>,
    end_ns: u64,
    finished: bool,
    unplaced: u64,
    changes: Changes,
}

/// Progress that a task has reported.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskProgress {
    /// When it was reported, in nanoseconds since the run's start.
    pub sent_ns: u64,
    /// The fraction done, 0 to 1.
    pub fraction: f32,
    /// The task's message; may be empty.
    pub message: Box<str>,
}

/// One row of the timeline.
#[derive(Clone, Debug, Default)]
pub struct LaneTimeline {
    /// Finished attempts in the order of their starts.
    pub bars: Bars,
    /// The running attempt, if it has run long enough to be reported.
    pub running: Option<Running>,
    /// The workers that lived in this lane, the newest last.
    pub lives: Vec<Life>,
    /// How tasks ended here; attempts that were tried again do not count.
    pub counts: OutcomeCounts,
    /// Attempts here that were followed by another.
    pub retries: u64,
    /// The newest measurement of the live worker; `None` before the first and after its end.
    pub sample: Option<WorkerSample>,
    /// How the newest worker died, if it did.
    pub died: Option<String>,
    /// The other machine that the newest worker is on; `None`: this one.
    pub host: Option<Box<str>>,
    /// The progress last reported in this lane.
    said: Option<TaskProgress>,
    /// The line last printed in this lane.
    printed: Option<LatestLine>,
}

/// A running attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Running {
    /// The task.
    pub task: TaskId,
    /// Which try, from 1.
    pub attempt: u32,
    /// When it began, in nanoseconds since the run's start.
    pub start_ns: u64,
    /// The command's process; `None` for a call.
    pub pid: Option<u32>,
    /// A signal has stopped it.
    pub is_suspended: bool,
}

/// One worker's time in a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// The worker.
    pub worker: WorkerId,
    /// Its process.
    pub pid: u32,
    /// When it was ready, in nanoseconds since the run's start.
    pub from_ns: u64,
    /// When it ended; `None` while it lives.
    pub to_ns: Option<u64>,
    /// It died unexpectedly.
    pub died: bool,
}

impl LaneHistory {
    /// Takes in one event.
    pub fn apply(&mut self, event: &Event) {
        self.end_ns = self.end_ns.max(event.at_ns);
        match &event.kind {
            EventKind::Worker(WorkerEvent::Started { worker, lane, pid }) => {
                self.worker_started(event.at_ns, *worker, *lane, *pid)
            }
            EventKind::Worker(WorkerEvent::Placed { worker, host }) => {
                if let Some(lane) = self.lane_mut(*worker) {
                    lane.host = Some(host.clone());
                }
            }
            EventKind::Worker(WorkerEvent::Ended { worker, reason }) => self.worker_ended(event.at_ns, *worker, reason),
            EventKind::Task(TaskEvent::Started { task, attempt, worker, start_ns, pid }) => {
                let (task, attempt, start_ns, pid) = (*task, *attempt, *start_ns, *pid);
                let running = Running { task, attempt, start_ns, pid, is_suspended: false };
                match self.lane_mut(*worker) {
                    Some(lane) => lane.running = Some(running),
                    None => self.unplaced += 1,
                }
            }
            EventKind::Task(TaskEvent::Finished(records)) => {
                for record in records {
                    self.attempt_ended(record, false);
                }
            }
            EventKind::Task(TaskEvent::Retried(record)) => self.attempt_ended(record, true),
            EventKind::Task(TaskEvent::Suspended { worker, task, is_suspended, .. }) => {
                let running = self.lane_mut(*worker).and_then(|lane| lane.running.as_mut());
                if let Some(running) = running.filter(|running| running.task == *task) {
                    running.is_suspended = *is_suspended;
                }
            }
            EventKind::Task(TaskEvent::RestCancelled { .. })
            | EventKind::Worker(WorkerEvent::HostJoined { .. } | WorkerEvent::HostLost { .. }) => {}
            EventKind::Sample(SampleEvent::Workers(samples)) => {
                for sample in samples {
                    // A sample may be late: it counts only while its worker is the live one of the lane.
                    if let Some(lane) = self.lane_mut(sample.worker)
                        && lane.live().is_some_and(|life| life.worker == sample.worker)
                    {
                        lane.sample = Some(sample.clone());
                    }
                }
            }
            EventKind::Sample(SampleEvent::Progress { worker, sent_ns, fraction, message }) => {
                if let Some(lane) = self.lane_mut(*worker)
                    && lane.said.as_ref().is_none_or(|said| said.sent_ns <= *sent_ns)
                {
                    lane.said = Some(TaskProgress { sent_ns: *sent_ns, fraction: *fraction, message: message.clone() });
                }
            }
            EventKind::Sample(SampleEvent::Printed(printed)) => {
                if let Some(lane) = self.lane_mut(printed.worker)
                    && let Some(line) = LatestLine::of(printed)
                {
                    lane.printed = Some(line);
                }
            }
            EventKind::Run(RunEvent::Finished(_)) => {
                self.finished = true;
                for lane in &mut self.lanes {
                    lane.running = None;
                    lane.end_life(event.at_ns, false);
                }
            }
            EventKind::Run(
                RunEvent::Started(_)
                | RunEvent::BatchGrew { .. }
                | RunEvent::InputsBroke { .. }
                | RunEvent::InterpreterFound(_),
            )
            | EventKind::Sample(
                SampleEvent::Machine(_)
                | SampleEvent::ResultsCompared { .. }
                | SampleEvent::Object(_)
                | SampleEvent::Located { .. },
            )
            | EventKind::Dispatch(_)
            | EventKind::Shared(_) => {}
        }
    }

    /// Goes on after the end: other attempts follow these, which were the last of their tasks.
    pub(super) fn reopen(&mut self, removed: &[AttemptRecord]) {
        self.finished = false;
        let end_ns = self.end_ns;
        for lane in &mut self.lanes {
            lane.running = None;
            lane.end_life(end_ns, false);
        }
        for record in removed {
            if let Some(lane) = self.lane_mut(record.worker) {
                lane.counts.remove(record.outcome.class());
                lane.retries += 1;
                lane.bars.mark_retried(record.start_ns, record.task);
            }
            self.changes.add(record.start_ns);
        }
        self.lanes.iter_mut().for_each(|lane| lane.bars.sum_full_groups());
    }

    /// The lanes, top to bottom.
    pub fn lanes(&self) -> &[LaneTimeline] {
        &self.lanes
    }

    /// The time of the newest fact, in nanoseconds since the run's start.
    pub fn end_ns(&self) -> u64 {
        self.end_ns
    }

    /// The run has ended: nothing changes any more.
    pub fn finished(&self) -> bool {
        self.finished
    }

    /// The progress reported by the task that a worker is running, if any.
    pub fn progress_of(&self, worker: WorkerId) -> Option<&TaskProgress> {
        self.lane_of.get(&worker).and_then(|&index| self.lanes[index].progress())
    }

    /// The latest line printed by the task that a worker is running, if any came.
    pub fn latest_line_of(&self, worker: WorkerId) -> Option<&LatestLine> {
        self.lane_of.get(&worker).and_then(|&index| self.lanes[index].latest_line())
    }

    /// The lane of a worker.
    pub fn lane_of(&self, worker: WorkerId) -> Option<usize> {
        self.lane_of.get(&worker).copied()
    }

    /// Number of attempts in all lanes.
    pub fn bar_count(&self) -> usize {
        self.lanes.iter().map(|lane| lane.bars.len()).sum()
    }

    /// The number of the newest change of the bars.
    pub const fn revision(&self) -> u64 {
        self.changes.revision()
    }

    /// The earliest start of the bars that were added after `revision`; `None` if none was. It may be earlier than that, if
    /// `revision` is long ago.
    pub fn changed_since(&self, revision: u64) -> Option<u64> {
        self.changes.since(revision)
    }

    /// Attempts of workers that no event had named; 0 in a complete record of a run.
    pub fn unplaced(&self) -> u64 {
        self.unplaced
    }

    fn lane_mut(&mut self, worker: WorkerId) -> Option<&mut LaneTimeline> {
        self.lane_of.get(&worker).map(|&index| &mut self.lanes[index])
    }

    fn worker_started(&mut self, at_ns: u64, worker: WorkerId, lane: LaneId, pid: u32) {
        let index = lane.0 as usize;
        if self.lanes.len() <= index {
            self.lanes.resize_with(index + 1, LaneTimeline::default);
        }
        self.lane_of.insert(worker, index);
        let lane = &mut self.lanes[index];
        lane.end_life(at_ns, false);
        lane.died = None;
        lane.host = None;
        lane.running = None;
        lane.lives.push(Life { worker, pid, from_ns: at_ns, to_ns: None, died: false });
    }

    fn worker_ended(&mut self, at_ns: u64, worker: WorkerId, reason: &WorkerEnd) {
        let Some(lane) = self.lane_mut(worker) else { return };
        if lane.live().is_none_or(|life| life.worker != worker) {
            return;
        }
        lane.running = None;
        if let WorkerEnd::Died(how) = reason {
            lane.died = Some(how.clone());
        }
        lane.end_life(at_ns, matches!(reason, WorkerEnd::Died(_)));
    }

    fn attempt_ended(&mut self, record: &AttemptRecord, retried: bool) {
        // A task that was cancelled before any try never was in a lane.
        if record.attempt == 0 {
            return;
        }
        let bar = Bar::new(record.start_ns, record.wall_ns, record.task, record.outcome.class(), retried);
        self.end_ns = self.end_ns.max(bar.end_ns());
        let Some(lane) = self.lane_mut(record.worker) else {
            self.unplaced += 1;
            return;
        };
        // Records travel in groups, so a record of an earlier attempt may arrive after the next one's start.
        if lane.running.is_some_and(|running| running.task == record.task || running.start_ns < record.start_ns) {
            lane.running = None;
        }
        if retried {
            lane.retries += 1
        } else {
            lane.counts.add(record.outcome.class())
        }
        lane.bars.insert(bar);
        self.changes.add(bar.start_ns);
    }
}

impl LaneTimeline {
    /// The progress reported by the running attempt, if any.
    pub fn progress(&self) -> Option<&TaskProgress> {
        // A late report belongs to an attempt that has ended.
        self.said.as_ref().filter(|said| self.running.is_some_and(|running| said.sent_ns >= running.start_ns))
    }

    /// The latest line printed by the running attempt, if any came.
    pub fn latest_line(&self) -> Option<&LatestLine> {
        let is_of = |running: Running, line: &LatestLine| (running.task, running.attempt) == (line.task, line.attempt);
        self.printed.as_ref().filter(|line| self.running.is_some_and(|running| is_of(running, line)))
    }

    /// The live worker of this lane.
    pub fn live(&self) -> Option<&Life> {
        self.lives.last().filter(|life| life.to_ns.is_none())
    }

    /// The process of the live worker, or of the last one.
    pub fn pid(&self) -> Option<u32> {
        self.lives.last().map(|life| life.pid)
    }

    /// Time spent in attempts until `now_ns`, in nanoseconds.
    pub fn busy_ns(&self, now_ns: u64) -> u64 {
        self.bars.busy_ns() + self.running.map_or(0, |running| now_ns.saturating_sub(running.start_ns))
    }

    /// Time with a worker until `now_ns`, in nanoseconds.
    pub fn alive_ns(&self, now_ns: u64) -> u64 {
        self.lives.iter().map(|life| life.to_ns.unwrap_or(now_ns).saturating_sub(life.from_ns)).sum()
    }

    /// The share of its workers' time that was spent in attempts, 0 to 1; `None` before any time has passed.
    pub fn utilisation(&self, now_ns: u64) -> Option<f64> {
        let alive_ns = self.alive_ns(now_ns);
        (alive_ns > 0).then(|| (self.busy_ns(now_ns) as f64 / alive_ns as f64).min(1.0))
    }

    /// What to draw between two times when one pixel is `pixel_ns` wide: see [`Bars::segments`].
    pub fn segments(&self, from_ns: u64, to_ns: u64, pixel_ns: f64, draw: impl FnMut(Segment)) {
        self.bars.segments(from_ns, to_ns, pixel_ns, draw);
    }

    fn end_life(&mut self, at_ns: u64, died: bool) {
        if let Some(life) = self.lives.last_mut().filter(|life| life.to_ns.is_none()) {
            life.to_ns = Some(at_ns);
            life.died = died;
        }
        self.sample = None;
    }
}

#[cfg(test)]
mod tests;
