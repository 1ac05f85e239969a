//! Commands to a run: another size of its pool, a pause, a stop, the end of one task. Also a batch that has grown, and the
//! end of tasks that no worker has.

use super::queue::Pending;
use super::{Dispatcher, Effect, WorkerState};
use crate::engine::RunCommand;
use crate::event::{AttemptRecord, DispatchEvent, EventKind, RunEvent, TaskEvent, TaskId};
use crate::job::MAX_WORKERS;

impl Dispatcher {
    pub(super) fn command(&mut self, now_ns: u64, command: RunCommand, effects: &mut Vec<Effect>) {
        match command {
            RunCommand::SetWorkers(workers) => {
                self.pool = workers.min(MAX_WORKERS);
                effects.push(Effect::Emit(EventKind::Dispatch(DispatchEvent::PoolResized { workers: self.pool })));
            }
            RunCommand::Pause if !self.paused => {
                self.paused = true;
                effects.push(Effect::Emit(EventKind::Dispatch(DispatchEvent::Paused)));
            }
            RunCommand::Resume if self.paused => {
                self.paused = false;
                self.breakpoints.pass();
                effects.push(Effect::Emit(EventKind::Dispatch(DispatchEvent::Resumed)));
            }
            RunCommand::Pause | RunCommand::Resume => {}
            RunCommand::Stop => self.stop(now_ns, false, effects),
            RunCommand::StopNow => self.stop(now_ns, true, effects),
            RunCommand::Cancel(task) => self.cancel(now_ns, task, effects),
            RunCommand::Restart(task) => self.restart(task, effects),
            RunCommand::Skip(task) => {
                self.skipped.insert(task);
                self.cancel(now_ns, task, effects);
            }
            RunCommand::Raise(task) => self.raise(task, effects),
            RunCommand::SetPriority { task, priority } => self.set_priority(task, priority, effects),
            RunCommand::SetBreakpoint { task, is_set } => self.set_breakpoint(task, is_set, effects),
            // What tasks print, and where they are, does not pass through here.
            RunCommand::Watch(_) | RunCommand::Follow(_) | RunCommand::Unfollow(_) | RunCommand::Locate(_) => {}
        }
    }

    pub(super) fn stop(&mut self, now_ns: u64, now: bool, effects: &mut Vec<Effect>) {
        const MARGIN_NS: u64 = 1_000_000_000;
        self.cancel_waiting(now_ns, effects);
        self.killing = true;
        let wait_ns = if now { MARGIN_NS } else { self.plan.grace_ns + MARGIN_NS };
        let kill_at_ns = now_ns + wait_ns;
        self.kill_at_ns = Some(self.kill_at_ns.map_or(kill_at_ns, |earlier| earlier.min(kill_at_ns)));
        for (&worker, state) in &self.workers {
            if state.ready {
                effects.push(Effect::Stop { worker, now });
            }
        }
    }

    fn cancel(&mut self, now_ns: u64, task: TaskId, effects: &mut Vec<Effect>) {
        if let Some(pending) = self.take_waiting(task) {
            let mut gone = vec![pending];
            gone.extend(self.drop_dependents(task));
            self.cancel_all(now_ns, &gone, effects);
            return;
        }
        let holder = self.workers.iter().find(|(_, state)| state.in_flight.iter().any(|one| one.task == task));
        match holder {
            Some((&worker, _)) => {
                self.unwanted.insert(task);
                effects.push(Effect::Cancel { worker, task });
            }
            // It has ended.
            None => drop(self.skipped.remove(&task)),
        }
    }

    /// Ends the attempt that a worker is at and puts its task back into the queue.
    fn restart(&mut self, task: TaskId, effects: &mut Vec<Effect>) {
        let is_at_it = |state: &WorkerState| state.in_flight.front().is_some_and(|first| first.task == task);
        let holder = self.workers.iter().find(|(_, state)| is_at_it(state));
        if let Some((&worker, _)) = holder.filter(|_| !self.stopping && !self.unwanted.contains(&task))
            && self.set_aside.insert(task)
        {
            effects.push(Effect::Cancel { worker, task });
        }
    }

    /// Cancels tasks that came back, or whose attempt failed, before their worker knew of the cancellation.
    pub(super) fn cancel_unwanted(&mut self, now_ns: u64, effects: &mut Vec<Effect>) {
        if self.unwanted.is_empty() {
            return;
        }
        let unwanted: Vec<TaskId> = self.unwanted.iter().copied().collect();
        let mut back: Vec<Pending> = unwanted.into_iter().filter_map(|task| self.take_waiting(task)).collect();
        for place in 0..back.len() {
            let task = back[place].task;
            self.unwanted.remove(&task);
            back.extend(self.drop_dependents(task));
        }
        self.cancel_all(now_ns, &back, effects);
    }

    /// There are `tasks` by now, and these are all where the batch is complete. After a fault no further task begins; running
    /// ones finish.
    pub(super) fn grown(
        &mut self,
        now_ns: u64,
        tasks: u64,
        complete: bool,
        fault: Option<String>,
        effects: &mut Vec<Effect>,
    ) {
        if self.complete || self.stopping {
            return;
        }
        if tasks > self.plan.tasks {
            self.plan.tasks = tasks;
            self.queue.grow(tasks);
        }
        self.complete = complete;
        effects.push(Effect::Emit(EventKind::Run(RunEvent::BatchGrew { tasks: self.plan.tasks, complete })));
        if let Some(reason) = fault {
            effects.push(Effect::Emit(EventKind::Run(RunEvent::InputsBroke { reason })));
            self.cancel_waiting(now_ns, effects);
        }
    }

    /// Ends tasks that no worker has (any more) as cancelled.
    pub(super) fn cancel_all(&mut self, now_ns: u64, tasks: &[Pending], effects: &mut Vec<Effect>) {
        if tasks.is_empty() {
            return;
        }
        let records: Vec<AttemptRecord> = tasks
            .iter()
            .map(|pending| AttemptRecord::cancelled_in_queue(pending.task, pending.attempts, now_ns))
            .collect();
        for record in &records {
            self.settle(record);
        }
        effects.push(Effect::Emit(EventKind::Task(TaskEvent::Finished(records))));
    }
}
