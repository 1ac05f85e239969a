//! What becomes of a batch on a cluster, decided purely: [`Coordinator`] takes what elements and Slurm say, and says what is told
//! and done about it. It reads no clock, no file and calls nothing.
//!
//! The records of the elements are the truth. A task may be done twice, where an element that seemed lost was not: the end that is
//! read first counts.

use std::collections::HashMap;

use super::elements::Elements;
use super::folder::ElementLife;
use super::records::{ElementEnd, ElementFrame};
use crate::engine::TaskStanding;
use crate::engine::dispatcher::halt;
use crate::event::{
    AttemptRecord, DispatchEvent, Event, EventKind, OutcomeCounts, RunEvent, SampleEvent, TaskEvent, TaskId, WorkerEnd,
    WorkerEvent, WorkerId,
};
use crate::job::Mode;
use crate::job::control::{Halt, HaltWhen};

/// What a batch asks of its coordinator.
#[derive(Clone, Debug)]
pub struct CoordinatorPlan {
    /// Number of tasks.
    pub tasks: u64,
    /// Maximum number of elements that run at the same time; 0 pauses.
    pub workers: u32,
    /// How the batch is run, for the summary.
    pub mode: Mode,
    /// When the run ends early.
    pub halt: Option<Halt>,
    /// How many times a task is given to another element after its own was lost.
    pub resubmissions: u32,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Tell this.
    Emit(Event),
    /// Have the elements end their tasks, and take all out of the queue.
    StopAll,
    /// Have the elements begin no further task, and take out of the queue what waits there.
    FinishSoon,
}

/// Why no further task is begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The run is stopped.
    Stop,
    /// Running tasks are let finish.
    Soon,
}

/// The state of a batch on a cluster.
#[derive(Debug)]
pub struct Coordinator {
    pub(super) plan: CoordinatorPlan,
    pub(super) elements: Elements,
    ended: Vec<bool>,
    /// Attempts of tasks that lost or earlier elements have begun.
    pub(super) attempts: HashMap<TaskId, u32>,
    pub(super) losses: HashMap<TaskId, u32>,
    pub(super) waiting: Vec<TaskId>,
    pub(super) ending: Option<Ending>,
    held: Option<String>,
    pub(super) counts: OutcomeCounts,
    pub(super) retries: u64,
    pub(super) cpu_ns: u64,
    pub(super) end_ns: u64,
    last_at_ns: u64,
    has_interpreter: bool,
    /// Sum of the times of the tasks that have ended, in nanoseconds.
    wall_ns: u64,
}

impl Coordinator {
    /// A batch of which nothing was submitted.
    pub fn new(plan: CoordinatorPlan) -> Self {
        Self {
            ended: vec![false; plan.tasks as usize],
            plan,
            elements: Elements::default(),
            attempts: HashMap::new(),
            losses: HashMap::new(),
            waiting: Vec::new(),
            ending: None,
            held: None,
            counts: OutcomeCounts::default(),
            retries: 0,
            cpu_ns: 0,
            end_ns: 0,
            last_at_ns: 0,
            has_interpreter: false,
            wall_ns: 0,
        }
    }

    /// An array was submitted.
    pub fn submitted(&mut self, array: u32, chunks: Vec<Vec<TaskId>>) {
        self.elements.add(array, chunks);
    }

    /// Whether all tasks have ended.
    pub fn is_through(&self) -> bool {
        self.counts.total() == self.plan.tasks
    }

    /// Whether nothing more is to be waited for.
    pub fn is_over(&self) -> bool {
        self.is_through() || (self.ending.is_some() && self.elements.running() == 0)
    }

    /// Why no further task is begun, if that is so.
    pub const fn ending(&self) -> Option<Ending> {
        self.ending
    }

    /// The tasks that no element has any more, to be submitted again.
    pub fn take_waiting(&mut self) -> Vec<TaskId> {
        if self.ending.is_some() {
            return Vec::new();
        }
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.retain(|task| !self.ended[task.0 as usize]);
        waiting.sort_unstable();
        waiting.dedup();
        waiting
    }

    /// Gives back tasks that could not be submitted for now.
    pub fn put_back(&mut self, tasks: Vec<TaskId>) {
        self.waiting.extend(tasks);
    }

    /// The mean time of the tasks that have ended, in seconds.
    pub fn mean_task_secs(&self) -> Option<f64> {
        let ended = self.counts.total();
        (ended > 0).then(|| self.wall_ns as f64 / ended as f64 / 1e9)
    }

    /// Number of the attempts of a task that were lost with their elements.
    pub fn earlier_attempts(&self, task: TaskId) -> u32 {
        self.attempts.get(&task).copied().unwrap_or(0)
    }

    /// Where a task is, as far as it is known.
    pub fn standing_of(&self, task: TaskId) -> TaskStanding {
        match self.ended.get(task.0 as usize) {
            None => TaskStanding::Absent,
            Some(true) => TaskStanding::Ended,
            Some(false) if self.elements.runs(task) => TaskStanding::Running,
            Some(false) => TaskStanding::Waiting,
        }
    }

    /// Whether a task has no end yet.
    pub fn is_open(&self, task: TaskId) -> bool {
        self.ended.get(task.0 as usize).is_some_and(|ended| !ended)
    }

    /// Sets the maximum number of elements that run at the same time.
    pub fn resize(&mut self, now_ns: u64, workers: u32, effects: &mut Vec<Effect>) {
        self.plan.workers = workers;
        self.emit(now_ns, EventKind::Dispatch(DispatchEvent::PoolResized { workers }), effects);
    }

    /// That number.
    pub const fn workers(&self) -> u32 {
        self.plan.workers
    }

    /// The run is to be stopped.
    pub fn stop(&mut self, now_ns: u64, effects: &mut Vec<Effect>) {
        if self.ending != Some(Ending::Stop) {
            self.ending = Some(Ending::Stop);
            self.emit(now_ns, EventKind::Dispatch(DispatchEvent::StopRequested), effects);
            effects.push(Effect::StopAll);
        }
    }

    /// Tells why no task runs, or that some do again.
    pub fn hold(&mut self, now_ns: u64, reason: Option<String>, effects: &mut Vec<Effect>) {
        let reason = reason.filter(|_| self.elements.running() == 0 && self.ending.is_none());
        if reason != self.held {
            self.held.clone_from(&reason);
            self.emit(now_ns, EventKind::Dispatch(DispatchEvent::Held { reason }), effects);
        }
    }

    /// Takes in what an element says; `shift_ns` is what is added to its times to get those of the run.
    pub fn frame(
        &mut self,
        now_ns: u64,
        life: ElementLife,
        shift_ns: i64,
        frame: ElementFrame,
        effects: &mut Vec<Effect>,
    ) {
        if let ElementFrame::Began { host, pid, .. } = frame {
            return self.began(now_ns, life, shift_ns, (host, pid), effects);
        }
        let Some(state) = self.elements.life_mut(life) else { return };
        let worker = state.worker;
        let is_over = state.is_over;
        match frame {
            ElementFrame::Began { .. } => {}
            ElementFrame::Started { task, attempt, start_ns, pid } => {
                let start_ns = state.run_ns(start_ns);
                if is_over || self.ended.get(task.0 as usize) != Some(&false) {
                    return;
                }
                let attempt = attempt + self.attempts.get(&task).copied().unwrap_or(0);
                if let Some(state) = self.elements.life_mut(life) {
                    state.running = Some((task, attempt, start_ns));
                }
                let event = TaskEvent::Started { task, attempt, worker, start_ns, pid };
                self.emit(now_ns, EventKind::Task(event), effects);
            }
            ElementFrame::Retried(record) => {
                let record = self.record_of(life, worker, record);
                if !self.is_open(record.task) {
                    return;
                }
                self.retries += 1;
                self.cpu_ns += record.cpu_ns;
                self.emit(now_ns, EventKind::Task(TaskEvent::Retried(record)), effects);
            }
            ElementFrame::Finished(records) => {
                let mut kept = Vec::with_capacity(records.len());
                for record in records {
                    if let Some(state) = self.elements.life_mut(life) {
                        state.ended_tasks += 1;
                        state.running.take_if(|(task, ..)| *task == record.task);
                    }
                    let record = self.record_of(life, worker, record);
                    if self.settle(&record) {
                        kept.push(record);
                    }
                }
                if !kept.is_empty() {
                    self.emit(now_ns, EventKind::Task(TaskEvent::Finished(kept)), effects);
                }
                self.halt_if_reached(now_ns, effects);
            }
            ElementFrame::Progress { sent_ns, fraction, message } => {
                let sent_ns = state.run_ns(sent_ns);
                let event = SampleEvent::Progress { worker, sent_ns, fraction, message };
                self.emit(now_ns, EventKind::Sample(event), effects);
            }
            ElementFrame::Interpreter(facts) => {
                // That of the first element stands for all.
                if !std::mem::replace(&mut self.has_interpreter, true) {
                    self.emit(now_ns, EventKind::Run(RunEvent::InterpreterFound(facts)), effects);
                }
            }
            ElementFrame::CannotStart(reason) => {
                let reason = reason.into();
                self.emit(now_ns, EventKind::Dispatch(DispatchEvent::WorkersCannotStart { reason }), effects);
            }
            ElementFrame::Ended(end) => self.life_ended(now_ns, life, &end, effects),
        }
    }

    fn began(
        &mut self,
        now_ns: u64,
        life: ElementLife,
        shift_ns: i64,
        (host, pid): (Box<str>, u32),
        effects: &mut Vec<Effect>,
    ) {
        for stale in self.elements.stale_lives(life) {
            self.lose_life(now_ns, stale, "was lost: Slurm has started its element again", effects);
        }
        let Some((worker, lane)) = self.elements.begin(life, shift_ns) else { return };
        self.hold(now_ns, None, effects);
        self.emit(now_ns, EventKind::Worker(WorkerEvent::Started { worker, lane, pid }), effects);
        self.emit(now_ns, EventKind::Worker(WorkerEvent::Placed { worker, host }), effects);
    }

    fn life_ended(&mut self, now_ns: u64, life: ElementLife, end: &ElementEnd, effects: &mut Vec<Effect>) {
        let id = (life.array, life.element);
        let is_newest = self.elements.get(id).is_some_and(|element| element.life == Some(life));
        let Some((worker, _)) = self.elements.end_life(life) else { return };
        let reason = match end {
            ElementEnd::Unable(reason) => WorkerEnd::Died(reason.to_string()),
            ElementEnd::Terminated => WorkerEnd::Killed,
            ElementEnd::Done | ElementEnd::TimeNearlyOver | ElementEnd::Asked => WorkerEnd::Retired,
        };
        self.emit(now_ns, EventKind::Worker(WorkerEvent::Ended { worker, reason }), effects);
        // One that was ended by the scheduler may be started again by it: what Slurm says of it decides.
        if is_newest && *end != ElementEnd::Terminated {
            let has_ended_some = self.elements.life(life).is_some_and(|state| state.ended_tasks > 0);
            let counts = *end != ElementEnd::Asked && !has_ended_some;
            let how = match end {
                ElementEnd::Unable(reason) => reason,
                _ => "its element ended before it was begun",
            };
            self.hand_back(now_ns, id, counts.then_some(how), effects);
        }
    }

    /// A record as the run has it: the worker, the times and the number of the attempt are those of the run.
    fn record_of(&self, life: ElementLife, worker: WorkerId, record: AttemptRecord) -> AttemptRecord {
        let start_ns = self.elements.life(life).map_or(record.start_ns, |state| state.run_ns(record.start_ns));
        let earlier = if record.attempt > 0 { self.attempts.get(&record.task).copied().unwrap_or(0) } else { 0 };
        AttemptRecord { worker, start_ns, attempt: record.attempt + earlier, ..record }
    }

    /// Counts a record if it is the first end of its task.
    pub(super) fn settle(&mut self, record: &AttemptRecord) -> bool {
        let Some(ended) = self.ended.get_mut(record.task.0 as usize) else { return false };
        if std::mem::replace(ended, true) {
            return false;
        }
        self.counts.add(record.outcome.class());
        self.cpu_ns += record.cpu_ns;
        self.wall_ns += record.wall_ns;
        self.end_ns = self.end_ns.max(record.start_ns + record.wall_ns);
        true
    }

    pub(super) fn halt_if_reached(&mut self, now_ns: u64, effects: &mut Vec<Effect>) {
        let Some(wanted) = self.plan.halt.filter(|_| self.ending.is_none()) else { return };
        if !halt::is_reached(wanted, &self.counts, Some(self.plan.tasks)) {
            return;
        }
        self.emit(now_ns, EventKind::Dispatch(DispatchEvent::HaltReached { halt: wanted.to_string() }), effects);
        match wanted.when {
            HaltWhen::Now => self.stop(now_ns, effects),
            HaltWhen::Soon => {
                self.ending = Some(Ending::Soon);
                effects.push(Effect::FinishSoon);
            }
        }
    }

    /// Events are told in the order of their times.
    pub(super) fn emit(&mut self, at_ns: u64, kind: EventKind, effects: &mut Vec<Effect>) {
        self.last_at_ns = self.last_at_ns.max(at_ns);
        effects.push(Effect::Emit(Event { at_ns: self.last_at_ns, kind }));
    }
}
