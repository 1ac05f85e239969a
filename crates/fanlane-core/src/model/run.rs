//! The state of one run, folded from its events: the source for the window and for reports.
//!
//! It reads no clock: what needs the current time takes `now_ns`.

use std::collections::HashMap;

use crate::event::{
    AttemptRecord, DispatchEvent, Event, EventKind, InterpreterFacts, LaneId, RunEvent, RunHeader, SampleEvent,
    SharedContent, SharedEvent, SharedObject, Summary, TaskEvent, TaskId, WorkerEvent, WorkerId,
};

use super::{
    CoreHistory, DepthHistory, Durations, LaneHistory, LiveText, Objects, Pace, PoolHistory, Progress, Records,
    ResultTransfers, Steering, Transports, sanitize,
};

/// A running task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunningTask {
    /// Which try, from 1.
    pub attempt: u32,
    /// The worker that runs it.
    pub worker: WorkerId,
    /// When it was started, in nanoseconds since the run's start.
    pub start_ns: u64,
    /// The command's process; `None` for a call.
    pub pid: Option<u32>,
    /// A signal has stopped it.
    pub is_suspended: bool,
}

/// Where a running task was when it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskPlace {
    /// The task.
    pub task: TaskId,
    /// When it was, in nanoseconds since the run's start.
    pub at_ns: u64,
    /// The stack of a call and what the system says of its processes, in lines that are harmless to show; `None`: it was not
    /// running.
    pub lines: Option<String>,
}

/// The state of one run.
#[derive(Debug, Default)]
pub struct RunModel {
    /// The run's header; `None` before its first event.
    pub header: Option<RunHeader>,
    /// The interpreter of a Python function.
    pub interpreter: Option<InterpreterFacts>,
    /// Its progress.
    pub progress: Progress,
    /// The attempts.
    pub records: Records,
    /// Running tasks, as far as they ran long enough to be reported.
    pub running: HashMap<TaskId, RunningTask>,
    /// Priorities and breakpoints of single tasks.
    pub steering: Steering,
    /// The activity of each lane, for the timeline.
    pub lanes: LaneHistory,
    /// Use of the cores.
    pub cores: CoreHistory,
    /// The numbers of queued, running and ended tasks over time.
    pub depth: DepthHistory,
    /// Ended tasks and the memory of the workers over time.
    pub pool: PoolHistory,
    /// How fast it gets on with how many workers.
    pub pace: Pace,
    /// How long tasks take.
    pub durations: Durations,
    /// The lane of each worker that ever existed.
    pub lane_of: HashMap<WorkerId, LaneId>,
    /// The cost of transferring results.
    pub result_transfers: ResultTransfers,
    /// Comparison of the transports of large results.
    pub transports: Transports,
    /// What it takes to hand the objects that calls return to another process.
    pub objects: Objects,
    /// The objects that the tasks share.
    pub shared: Vec<SharedObject>,
    /// The same at the end of the run.
    pub shared_ended: Vec<SharedContent>,
    /// What the followed task prints; `None` if none is followed, or it has ended.
    live_text: Option<LiveText>,
    /// Where the task is that was asked for last.
    place: Option<TaskPlace>,
}

impl RunModel {
    /// Takes in one event.
    pub fn apply(&mut self, event: &Event) {
        self.take(event.clone());
    }

    /// Takes in one event by value: outputs are moved, not copied.
    pub fn take(&mut self, event: Event) {
        if let EventKind::Dispatch(DispatchEvent::Resumed) = &event.kind {
            self.progress.stopped_before.into_iter().for_each(|task| self.steering.pass(task));
        }
        self.progress.apply(&event);
        self.steering.apply(&event);
        self.lanes.apply(&event);
        self.cores.apply(&event);
        self.depth.apply(&event);
        self.pool.apply(&event);
        self.pace.apply(&event);
        self.durations.apply(&event);
        self.result_transfers.apply(&event);
        self.transports.apply(&event);
        self.objects.apply(&event);
        match event.kind {
            EventKind::Run(RunEvent::Started(header)) => self.header = Some(header),
            EventKind::Worker(WorkerEvent::Started { worker, lane, .. }) => {
                self.lane_of.insert(worker, lane);
            }
            EventKind::Worker(WorkerEvent::Ended { worker, .. }) => {
                // The record of its task comes separately; until then the task must not be shown as running.
                self.running.retain(|_, running| running.worker != worker);
            }
            EventKind::Task(TaskEvent::Started { task, attempt, worker, start_ns, pid }) => {
                if self.records.of(task).is_none() {
                    self.running.insert(task, RunningTask { attempt, worker, start_ns, pid, is_suspended: false });
                }
            }
            EventKind::Task(TaskEvent::Finished(records)) => {
                for record in records {
                    self.running.remove(&record.task);
                    self.live_text.take_if(|text| text.task == record.task);
                    self.place.take_if(|place| place.task == record.task);
                    self.records.push_final(record, self.progress.tasks);
                }
            }
            EventKind::Task(TaskEvent::Retried(record)) => {
                self.running.remove(&record.task);
                self.records.push_retried(record);
            }
            EventKind::Task(TaskEvent::Suspended { task, is_suspended, .. }) => {
                if let Some(running) = self.running.get_mut(&task) {
                    running.is_suspended = is_suspended;
                }
            }
            EventKind::Task(TaskEvent::RestCancelled { .. }) => self.records.cancel_rest(),
            EventKind::Shared(SharedEvent::Sampled(objects)) => self.shared = objects,
            EventKind::Shared(SharedEvent::Ended(contents)) => self.shared_ended = contents,
            EventKind::Sample(SampleEvent::Located { task, place }) => {
                let lines = place.map(|lines| sanitize::text(lines.as_bytes()));
                self.place = Some(TaskPlace { task, at_ns: event.at_ns, lines });
            }
            EventKind::Sample(SampleEvent::Printed(printed)) => {
                if let Some(text) = &mut self.live_text {
                    text.apply(&printed);
                }
            }
            EventKind::Run(RunEvent::InterpreterFound(facts)) => self.interpreter = Some(facts),
            EventKind::Run(RunEvent::Finished(_)) => self.running.clear(),
            EventKind::Run(RunEvent::BatchGrew { .. } | RunEvent::InputsBroke { .. })
            | EventKind::Worker(
                WorkerEvent::Placed { .. } | WorkerEvent::HostJoined { .. } | WorkerEvent::HostLost { .. },
            )
            | EventKind::Dispatch(_)
            | EventKind::Sample(_) => {}
        }
    }

    /// Goes on after the end with these tasks, which no longer count as ended: their last attempts become earlier ones.
    /// Returns these.
    pub(super) fn reopen(&mut self, tasks: &[TaskId], workers: u32) -> Vec<AttemptRecord> {
        let removed = self.records.reopen(tasks);
        let from_ns = self.progress.last_ns.max(self.lanes.end_ns());
        self.progress.reopen(&removed, workers);
        self.lanes.reopen(&removed);
        self.depth.reopen(from_ns, removed.len() as u64);
        self.shared_ended.clear();
        self.running.clear();
        self.steering = Steering::default();
        self.pace = Pace::resumed(workers, from_ns);
        if let Some(header) = &mut self.header {
            header.workers = workers;
        }
        removed
    }

    /// Keeps what this task prints from now on, in place of another one's. The run has to be asked for it, by
    /// `RunCommand::Follow`.
    pub fn follow(&mut self, task: Option<TaskId>) {
        let task = task.filter(|task| self.records.of(*task).is_none());
        if self.live_text.as_ref().map(|text| text.task) != task {
            self.live_text = task.map(LiveText::new);
        }
    }

    /// What the followed task prints; `None` if none is followed, or it has ended.
    pub const fn live_text(&self) -> Option<&LiveText> {
        self.live_text.as_ref()
    }

    /// Where a task is, if it was asked last and has not ended since.
    pub fn place_of(&self, task: TaskId) -> Option<&TaskPlace> {
        self.place.as_ref().filter(|place| place.task == task)
    }

    /// The totals of the run; `None` while it is running.
    pub const fn summary(&self) -> Option<&Summary> {
        self.progress.summary.as_ref()
    }

    /// The run has ended.
    pub const fn is_finished(&self) -> bool {
        self.progress.summary.is_some()
    }

    /// All attempts of a task that have ended, oldest first, the final one last.
    pub fn attempts(&self, task: TaskId) -> impl Iterator<Item = &AttemptRecord> {
        self.records.retried(task).iter().chain(self.records.of(task))
    }

    /// Tasks that neither ended nor are known to be running.
    pub fn queued(&self) -> u64 {
        self.progress.remaining().saturating_sub(self.running.len() as u64)
    }
}
