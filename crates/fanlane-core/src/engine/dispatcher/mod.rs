//! Which worker does which task, decided purely: [`Dispatcher::handle`] takes one input and says what to do about it. It reads
//! no clock and starts nothing, so that every order of crash, retry, cancellation and resizing is tested without a
//! process.
//!
//! A worker is handed a few tasks ahead so that it never waits for the next one; what it has not begun is taken back
//! as soon as another worker is idle, the pool shrinks, or the run pauses.

mod allocation;
#[cfg(test)]
mod allocation_tests;
mod assign;
mod breakpoints;
mod commands;
#[cfg(test)]
mod control_tests;
pub mod dependencies;
pub mod halt;
mod median;
mod memory_pressure;
mod messages;
#[cfg(test)]
mod places_tests;
mod queue;
mod resources;
#[cfg(test)]
mod simulator_tests;
mod standing;
mod supervision;
#[cfg(test)]
mod supervision_tests;
#[cfg(test)]
mod tests;
mod workers;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::event::{
    AttemptRecord, EventKind, LaneId, Outcome, OutcomeClass, OutcomeCounts, Summary, TaskEvent, TaskId, WorkerId,
};
use crate::job::MAX_WORKERS;

use breakpoints::Breakpoints;
use dependencies::DependencyTracker;
use median::Median;
pub use messages::{DispatchPlan, Effect, Input, ProcessEnd, StartCause};
use queue::{Pending, Queue};
use resources::Resources;
use supervision::Supervision;

/// How many workers may die of one task before it counts as lost.
pub const MAX_LOSSES: u32 = 3;

#[derive(Debug)]
struct WorkerState {
    lane: LaneId,
    ready: bool,
    /// No further task; it ends when it is through.
    retiring: bool,
    /// It retires because its host was taken out, so that its place is none of the pool's any more.
    is_displaced: bool,
    /// It was asked to give back tasks, and has not answered.
    taking_back: bool,
    /// The first in flight is surely not begun, because the worker aborted with the one before.
    paused_after_abort: bool,
    finished_any: bool,
    /// When its last message came, or it was started.
    alive_ns: u64,
    /// When it was asked whether it is alive, if it has not answered.
    asked_ns: Option<u64>,
    /// It does not answer and is being killed for it.
    hung: bool,
    started: Option<(TaskId, u64)>,
    in_flight: VecDeque<Pending>,
}

/// The state of a run: the queue and every worker's share of it.
#[derive(Debug)]
pub struct Dispatcher {
    plan: DispatchPlan,
    pool: u32,
    paused: bool,
    /// No further task begins.
    stopping: bool,
    /// Running tasks are being ended as well.
    killing: bool,
    queue: Queue,
    breakpoints: Breakpoints,
    /// Cancelled tasks that a worker still has: one that comes back is not handed out again.
    unwanted: BTreeSet<TaskId>,
    workers: BTreeMap<WorkerId, WorkerState>,
    next_worker: u32,
    /// The places for workers, in all and usable now, where these are on hosts.
    places: Option<(u32, u32)>,
    /// Mean time of a task, in nanoseconds, newer ones weighing more.
    mean_wall_ns: Option<f64>,
    failed_starts: u32,
    /// A worker was ready at some time.
    had_worker: bool,
    /// No worker lives, and since this time none could be started for a cause that lasts.
    failing_since_ns: Option<u64>,
    /// Workers could not be started: the next try is not before this.
    start_not_before_ns: Option<u64>,
    kill_at_ns: Option<u64>,
    supervision: Supervision,
    dependencies: DependencyTracker,
    /// What is free, where tasks take different amounts.
    resources: Option<Resources>,
    /// The batch grows no more.
    complete: bool,
    /// Being ended, for want of memory or because that was asked for, to begin again later.
    set_aside: BTreeSet<TaskId>,
    /// Given up: those that wait for them go on.
    skipped: BTreeSet<TaskId>,
    /// The reason emitted last why nothing begins.
    held: Option<String>,
    /// Why no task is started for now.
    admission: Option<String>,
    /// No task is started before this.
    next_start_ns: u64,
    median: Median,
    /// The timeout that workers were sent last, where it is a share of the median.
    timeout_ns: Option<u64>,
    counts: OutcomeCounts,
    retries: u64,
    cpu_ns: u64,
    end_ns: u64,
}

impl Dispatcher {
    /// A run that has not begun: the first [`Input::Tick`] begins it.
    pub fn new(plan: DispatchPlan) -> Self {
        Self {
            pool: plan.workers.min(MAX_WORKERS),
            paused: false,
            stopping: false,
            killing: false,
            queue: Queue::new(plan.tasks, plan.order.clone()),
            breakpoints: Breakpoints::new(plan.breakpoints.iter().copied()),
            unwanted: BTreeSet::new(),
            workers: BTreeMap::new(),
            next_worker: 1,
            places: None,
            mean_wall_ns: None,
            failed_starts: 0,
            had_worker: false,
            failing_since_ns: None,
            start_not_before_ns: None,
            kill_at_ns: None,
            supervision: Supervision::new(plan.control.heartbeat_secs),
            dependencies: DependencyTracker::new(&plan.dependencies),
            resources: plan.needs.clone().map(Resources::new),
            complete: plan.complete,
            set_aside: BTreeSet::new(),
            skipped: BTreeSet::new(),
            held: None,
            admission: None,
            next_start_ns: 0,
            median: Median::default(),
            timeout_ns: None,
            counts: OutcomeCounts::default(),
            retries: 0,
            cpu_ns: 0,
            end_ns: 0,
            plan,
        }
    }

    /// Takes in one input at `now_ns` (since the run's start) and appends what is to be done, in order.
    pub fn handle(&mut self, now_ns: u64, input: Input, effects: &mut Vec<Effect>) {
        if let Some(worker) = input.sign_of_life() {
            self.note_alive(now_ns, worker);
        }
        match input {
            Input::Alive { .. } => return,
            Input::Exhausted { worker, reason } => self.supervision.set_exhausted(worker, reason),
            Input::Unread { workers } => workers.into_iter().for_each(|worker| self.note_alive(now_ns, worker)),
            Input::CancelMore => self.cancel_some(now_ns, effects),
            Input::WorkerReady { worker, pid } => self.worker_ready(worker, pid, effects),
            Input::WorkerFailed { worker, reason, cause } => {
                self.worker_failed(now_ns, worker, reason, cause, effects);
            }
            Input::WorkerEnded { worker, end } => self.worker_ended(now_ns, worker, end, effects),
            Input::Started { worker, task, attempt, start_ns, pid } => {
                self.started(
                    worker,
                    EventKind::Task(TaskEvent::Started { task, attempt, worker, start_ns, pid }),
                    effects,
                );
            }
            Input::Suspended { worker, task, pid, is_suspended } => {
                effects.push(Effect::Emit(EventKind::Task(TaskEvent::Suspended { worker, task, pid, is_suspended })));
            }
            Input::Finished { worker, records } => self.finished(now_ns, worker, records, effects),
            Input::Returned { worker, tasks } => self.returned(now_ns, worker, &tasks, effects),
            Input::Command(command) => self.command(now_ns, command, effects),
            Input::Admission(reason) => self.admission = reason,
            Input::MemoryLow => self.end_youngest(effects),
            Input::Grown { tasks, complete, fault } => self.grown(now_ns, tasks, complete, fault, effects),
            Input::Places { total, usable } => self.set_places(total, usable, effects),
            Input::Retire { worker } => self.displace(worker, effects),
            Input::Tick => self.tick(now_ns, effects),
        }
        self.queue.wake(now_ns);
        self.halt_if_reached(now_ns, effects);
        self.cancel_unwanted(now_ns, effects);
        self.size_pool(now_ns, effects);
        self.assign(now_ns, effects);
        self.emit_if_held(effects);
    }

    /// The worker that has a task.
    pub fn worker_of(&self, task: TaskId) -> Option<WorkerId> {
        let has = |state: &WorkerState| state.in_flight.iter().any(|pending| pending.task == task);
        self.workers.iter().find(|(_, state)| has(state)).map(|(worker, _)| *worker)
    }

    /// All tasks have ended and all workers are gone.
    pub fn is_over(&self) -> bool {
        (self.complete || self.stopping) && self.counts.total() == self.plan.tasks && self.workers.is_empty()
    }

    /// No further task begins.
    pub const fn is_stopping(&self) -> bool {
        self.stopping
    }

    /// When an [`Input::Tick`] is due at the latest, in nanoseconds since the run's start.
    pub fn next_wake_ns(&self) -> Option<u64> {
        let is_delayed = self.plan.control.delay_secs.is_some() && self.admission.is_none() && !self.paused;
        let delayed = (is_delayed && self.could_begin()).then_some(self.next_start_ns);
        let look = (!self.workers.is_empty()).then_some(self.supervision.next_check_ns);
        let dues = [self.start_not_before_ns, self.kill_at_ns, self.queue.next_due_ns(), delayed, look];
        dues.into_iter().flatten().min()
    }

    /// The run so far in a few numbers.
    pub const fn summary(&self) -> Summary {
        Summary {
            counts: self.counts,
            wall_ns: self.end_ns,
            cpu_ns: self.cpu_ns,
            retries: self.retries,
            workers: self.pool,
            mode: self.plan.mode,
            stopped: self.stopping,
        }
    }

    fn started(&mut self, worker: WorkerId, event: EventKind, effects: &mut Vec<Effect>) {
        let Some(state) = self.workers.get_mut(&worker) else { return };
        let EventKind::Task(TaskEvent::Started { task, start_ns, .. }) = event else { return };
        if !state.in_flight.iter().any(|pending| pending.task == task) {
            return;
        }
        state.started = Some((task, start_ns));
        state.paused_after_abort = false;
        effects.push(Effect::Emit(event));
        // The task is long after all: those behind it would lose their turn.
        if state.in_flight.len() > 1 && !state.taking_back && !state.retiring && self.plan.chunk.is_none() {
            state.taking_back = true;
            effects.push(Effect::TakeBack { worker, count: u32::MAX });
        }
    }

    fn finished(&mut self, now_ns: u64, worker: WorkerId, mut records: Vec<AttemptRecord>, effects: &mut Vec<Effect>) {
        let Some(state) = self.workers.get_mut(&worker) else { return };
        // A ready worker proves little: its first task may be what kills it.
        if !std::mem::replace(&mut state.finished_any, true) {
            self.failed_starts = 0;
        }
        let mut wall_ns = 0;
        let mut final_ones = true;
        let mut ended: Vec<Option<Pending>> = Vec::with_capacity(records.len());
        let mut last_was_begun = false;
        for record in &records {
            last_was_begun = state.in_flight.front().is_some_and(|first| first.task == record.task);
            let pending = take_in_flight(&mut state.in_flight, record.task);
            wall_ns += record.wall_ns;
            final_ones &= pending.is_some() && is_final_class(&record.outcome) && self.set_aside.is_empty();
            ended.push(pending);
        }
        state.paused_after_abort = last_was_begun
            && records
                .last()
                .is_some_and(|last| matches!(last.outcome.class(), OutcomeClass::TimedOut | OutcomeClass::Cancelled));
        if !records.is_empty() {
            let mean = wall_ns as f64 / records.len() as f64;
            self.mean_wall_ns = Some(self.mean_wall_ns.map_or(mean, |old| old.mul_add(0.7, mean * 0.3)));
        }
        self.release(worker, records.iter().map(|record| record.task));
        if !final_ones {
            let mut place = 0;
            records.retain(|record| {
                let pending = ended[place];
                place += 1;
                self.keeps_as_final(now_ns, record, pending, effects)
            });
        }
        for record in &records {
            self.settle(record);
        }
        let followers = if self.dependencies.is_empty() { Vec::new() } else { self.follow(&records) };
        if self.plan.control.timeout_percent.is_some() {
            self.adjust_timeout(&records, effects);
        }
        if !records.is_empty() {
            effects.push(Effect::Emit(EventKind::Task(TaskEvent::Finished(records))));
        }
        self.cancel_all(now_ns, &followers, effects);
    }

    /// Whether this record is its task's last; if not, the task is queued again, or the worker did not have it.
    fn keeps_as_final(
        &mut self,
        now_ns: u64,
        record: &AttemptRecord,
        pending: Option<Pending>,
        effects: &mut Vec<Effect>,
    ) -> bool {
        let Some(mut pending) = pending else { return false };
        if self.set_aside.contains(&record.task) && self.put_back_set_aside(record, pending, effects) {
            return false;
        }
        if is_final_class(&record.outcome) || self.stopping {
            return true;
        }
        pending.attempts += 1;
        pending.failures += 1;
        // The kernel would end it again for want of memory, or another process for it.
        if pending.failures > self.plan.retries || record.memory_kill {
            return true;
        }
        self.retries += 1;
        self.cpu_ns += record.cpu_ns;
        match self.plan.control.retry_wait {
            Some(wait) => {
                let wait_ns = (wait.secs_after(pending.failures) * 1e9) as u64;
                self.queue.retry_later(now_ns + wait_ns, pending);
            }
            None => self.queue.retry(pending),
        }
        effects.push(Effect::Emit(EventKind::Task(TaskEvent::Retried(record.clone()))));
        false
    }

    fn settle(&mut self, record: &AttemptRecord) {
        self.unwanted.remove(&record.task);
        self.queue.forget(record.task);
        self.breakpoints.remove(record.task);
        self.counts.add(record.outcome.class());
        self.cpu_ns += record.cpu_ns;
        self.end_ns = self.end_ns.max(record.start_ns + record.wall_ns);
    }

    fn returned(&mut self, now_ns: u64, worker: WorkerId, tasks: &[TaskId], effects: &mut Vec<Effect>) {
        let Some(state) = self.workers.get_mut(&worker) else { return };
        state.taking_back = false;
        let back: Vec<Pending> = tasks.iter().filter_map(|task| take_in_flight(&mut state.in_flight, *task)).collect();
        self.release(worker, back.iter().map(|pending| pending.task));
        if self.stopping {
            self.cancel_all(now_ns, &back, effects);
        } else {
            self.queue.put_back(back.into_iter());
        }
    }

    fn tick(&mut self, now_ns: u64, effects: &mut Vec<Effect>) {
        if self.kill_at_ns.is_some_and(|due| due <= now_ns) {
            self.kill_at_ns = None;
            effects.extend(self.workers.keys().map(|&worker| Effect::Kill { worker }));
        }
        self.check_workers(now_ns, effects);
    }
}

/// Outcomes after which no further attempt is made, whatever the job allows.
const fn is_final_class(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Done | Outcome::Cancelled | Outcome::CannotStart(_))
}

fn take_in_flight(in_flight: &mut VecDeque<Pending>, task: TaskId) -> Option<Pending> {
    if in_flight.front().is_some_and(|pending| pending.task == task) {
        return in_flight.pop_front();
    }
    let place = in_flight.iter().position(|pending| pending.task == task)?;
    in_flight.remove(place)
}
