//! Workers that start, fail to start, and end: the tasks of an ended worker go back to the queue, and failed starts are tried
//! again at growing intervals.

use super::queue::Pending;
use super::{Dispatcher, Effect, MAX_LOSSES, ProcessEnd, StartCause, WorkerState};
use crate::event::{AttemptRecord, DispatchEvent, EventKind, Outcome, TaskEvent, WorkerEnd, WorkerEvent, WorkerId};

const MIN_BACK_OFF_NS: u64 = 100_000_000;
const MAX_BACK_OFF_NS: u64 = 5_000_000_000;
/// Maximum number of workers in a row that end before they are ready, where none was ever ready.
const MAX_UNEXPLAINED_STARTS: u32 = 3;
/// How long a pool that had workers is without one for a cause that lasts before the run ends, in nanoseconds.
const LASTING_TIMEOUT_NS: u64 = 60_000_000_000;

impl Dispatcher {
    pub(super) fn worker_ready(&mut self, worker: WorkerId, pid: u32, effects: &mut Vec<Effect>) {
        let Some(state) = self.workers.get_mut(&worker) else { return };
        state.ready = true;
        self.had_worker = true;
        self.failing_since_ns = None;
        effects.push(Effect::Emit(EventKind::Worker(WorkerEvent::Started { worker, lane: state.lane, pid })));
        effects.extend(self.timeout_ns.map(|timeout_ns| Effect::SetTimeout { worker, timeout_ns }));
        if state.retiring {
            effects.push(Effect::Retire { worker });
        }
    }

    pub(super) fn worker_failed(
        &mut self,
        now_ns: u64,
        worker: WorkerId,
        reason: String,
        cause: StartCause,
        effects: &mut Vec<Effect>,
    ) {
        if self.workers.remove(&worker).is_none() {
            return;
        }
        self.back_off(now_ns);
        let gives_up = self.gives_up(now_ns, cause) && !self.stopping;
        if gives_up {
            effects.push(Effect::Emit(EventKind::Dispatch(DispatchEvent::GaveUp { reason: reason.clone() })));
        }
        // Before the first worker, only what is waited for is told: the rest is decided within a second.
        if gives_up || self.had_worker || cause == StartCause::Passes {
            effects.push(Effect::Emit(EventKind::Dispatch(DispatchEvent::WorkersCannotStart { reason })));
        }
        if gives_up {
            self.cancel_waiting(now_ns, effects);
        }
    }

    /// Whether no further start is tried: at once where no worker was there yet and the cause lasts, after some tries where
    /// it is unknown, and after a while where there were workers.
    fn gives_up(&mut self, now_ns: u64, cause: StartCause) -> bool {
        // Others are there or may get ready.
        if !self.workers.is_empty() || cause == StartCause::Passes {
            self.failing_since_ns = None;
            return false;
        }
        let since_ns = *self.failing_since_ns.get_or_insert(now_ns);
        match cause {
            _ if self.had_worker => now_ns - since_ns >= LASTING_TIMEOUT_NS,
            StartCause::Lasts => true,
            StartCause::Unknown | StartCause::Passes => self.failed_starts >= MAX_UNEXPLAINED_STARTS,
        }
    }

    fn back_off(&mut self, now_ns: u64) {
        // Failures at the same time count as one: only the next try shows whether the cause lasts.
        if self.start_not_before_ns.is_some_and(|not_before_ns| now_ns < not_before_ns) {
            return;
        }
        let wait_ns = MIN_BACK_OFF_NS.saturating_mul(1 << self.failed_starts.min(10)).min(MAX_BACK_OFF_NS);
        self.failed_starts += 1;
        self.start_not_before_ns = Some(now_ns + wait_ns);
    }

    pub(super) fn worker_ended(&mut self, now_ns: u64, worker: WorkerId, end: ProcessEnd, effects: &mut Vec<Effect>) {
        let Some(state) = self.workers.remove(&worker) else { return };
        self.supervision.set_exhausted(worker, None);
        let reason = match &end {
            ProcessEnd::Closed if state.retiring && state.in_flight.is_empty() => WorkerEnd::Retired,
            ProcessEnd::Closed => WorkerEnd::Died("it closed its connection".to_owned()),
            ProcessEnd::Aborted => WorkerEnd::Killed,
            ProcessEnd::Died(_) if self.stopping => WorkerEnd::Killed,
            ProcessEnd::Died(_) if state.hung => {
                WorkerEnd::Died("hung: it gave no sign of life and was killed".to_owned())
            }
            ProcessEnd::Died(how) => WorkerEnd::Died(how.clone()),
        };
        if let WorkerEnd::Died(how) = &reason {
            if !state.finished_any {
                self.back_off(now_ns);
            }
            self.count_death(now_ns, how, effects);
        }
        self.requeue(now_ns, worker, &state, &reason, effects);
        effects.push(Effect::Emit(EventKind::Worker(WorkerEvent::Ended { worker, reason })));
    }

    /// Puts the tasks of an ended worker back into the queue; only the one that it was at has had an attempt.
    fn requeue(
        &mut self,
        now_ns: u64,
        worker: WorkerId,
        state: &WorkerState,
        reason: &WorkerEnd,
        effects: &mut Vec<Effect>,
    ) {
        let mut waiting = state.in_flight.iter().copied();
        let at_work = if state.paused_after_abort { None } else { waiting.next() };
        let rest: Vec<Pending> = waiting.collect();
        self.release(worker, state.in_flight.iter().map(|pending| pending.task));
        if !self.set_aside.is_empty() {
            self.set_aside.retain(|task| state.in_flight.iter().all(|pending| pending.task != *task));
        }
        if self.stopping {
            let all: Vec<Pending> = at_work.into_iter().chain(rest).collect();
            self.cancel_all(now_ns, &all, effects);
            return;
        }
        self.queue.put_back(rest.into_iter());
        let Some(mut pending) = at_work else { return };
        pending.attempts += 1;
        let how = match reason {
            WorkerEnd::Died(how) => {
                pending.losses += 1;
                format!("its worker died: {how}")
            }
            WorkerEnd::Killed | WorkerEnd::Retired => {
                "its process was ended because a call in another of its threads had to be".to_owned()
            }
        };
        let start_ns = state.started.filter(|(task, _)| *task == pending.task).map_or(now_ns, |(_, start)| start);
        let record = AttemptRecord {
            start_ns,
            wall_ns: now_ns.saturating_sub(start_ns),
            ..AttemptRecord::new(pending.task, pending.attempts, worker, Outcome::Lost(how.into()))
        };
        if pending.losses < MAX_LOSSES {
            self.retries += 1;
            self.queue.put_back(std::iter::once(pending));
            effects.push(Effect::Emit(EventKind::Task(TaskEvent::Retried(record))));
        } else {
            self.settle(&record);
            let followers = self.drop_dependents(record.task);
            effects.push(Effect::Emit(EventKind::Task(TaskEvent::Finished(vec![record]))));
            self.cancel_all(now_ns, &followers, effects);
        }
    }
}
