//! Tasks before which the run pauses, and the priority of single tasks: how a person steers the queue.

use std::collections::BTreeSet;

use super::{Dispatcher, Effect};
use crate::event::{DispatchEvent, EventKind, TaskId};

/// The tasks before which the run pauses.
#[derive(Clone, Debug, Default)]
pub struct Breakpoints {
    tasks: BTreeSet<TaskId>,
    /// The one that the run pauses before.
    reached: Option<TaskId>,
}

impl Breakpoints {
    /// Those that are set from the start.
    pub fn new(tasks: impl IntoIterator<Item = TaskId>) -> Self {
        Self { tasks: tasks.into_iter().collect(), reached: None }
    }

    /// The task that the run pauses, or is about to pause, before.
    pub const fn reached(&self) -> Option<TaskId> {
        self.reached
    }

    /// This task would begin next: whether the run is to pause before it.
    pub fn stop_at(&mut self, task: TaskId) -> bool {
        let stops = !self.tasks.is_empty() && self.tasks.contains(&task);
        if stops {
            self.reached = Some(task);
        }
        stops
    }

    /// The run goes on with the task that it paused before.
    pub fn pass(&mut self) {
        if let Some(task) = self.reached.take() {
            self.tasks.remove(&task);
        }
    }

    /// The task has ended, or the run is not to pause before it any more; false if it was not to.
    pub fn remove(&mut self, task: TaskId) -> bool {
        self.reached.take_if(|reached| *reached == task);
        !self.tasks.is_empty() && self.tasks.remove(&task)
    }
}

impl Dispatcher {
    /// Pauses where the next task is one that the run is to pause before.
    pub(super) fn pause_at_breakpoint(&mut self, effects: &mut Vec<Effect>) {
        if let Some(task) = self.breakpoints.reached() {
            self.paused = true;
            effects.push(Effect::Emit(EventKind::Dispatch(DispatchEvent::BreakpointReached { task })));
        }
    }

    /// Has the run pause before a task that has not begun, or not any more.
    pub(super) fn set_breakpoint(&mut self, task: TaskId, is_set: bool, effects: &mut Vec<Effect>) {
        let changes = if is_set {
            !self.stopping && self.has_not_ended(task) && self.breakpoints.tasks.insert(task)
        } else {
            self.breakpoints.remove(task)
        };
        if !changes {
            return;
        }
        effects.push(Effect::Emit(EventKind::Dispatch(DispatchEvent::BreakpointChanged { task, is_set })));
        // A worker may have it already, behind the one that it is at.
        let ahead =
            self.workers.iter_mut().find(|(_, state)| state.in_flight.iter().skip(1).any(|one| one.task == task));
        if let Some((&worker, state)) = ahead.filter(|(_, state)| is_set && !state.taking_back && !state.retiring) {
            state.taking_back = true;
            effects.push(Effect::TakeBack { worker, count: u32::MAX });
        }
    }

    /// Gives a task that has not ended another priority; it counts where the task is queued, now or again.
    pub(super) fn set_priority(&mut self, task: TaskId, priority: i32, effects: &mut Vec<Effect>) {
        if self.stopping || !self.has_not_ended(task) {
            return;
        }
        let waits = self.take_ready(task);
        self.queue.set_priority(task, priority, waits);
        let priority = Some(priority);
        effects.push(Effect::Emit(EventKind::Dispatch(DispatchEvent::PriorityChanged { task, priority })));
    }

    /// Puts a task that no worker has in front of the queue; one that waits for others stays behind them.
    pub(super) fn raise(&mut self, task: TaskId, effects: &mut Vec<Effect>) {
        if let Some(pending) = self.take_waiting(task) {
            self.queue.raise(pending);
            let event = DispatchEvent::PriorityChanged { task, priority: None };
            effects.push(Effect::Emit(EventKind::Dispatch(event)));
        }
    }

    /// Whether a task has not ended: it waits, or a worker has it and may have to give it back.
    pub(super) fn has_not_ended(&self, task: TaskId) -> bool {
        if task.0 >= self.plan.tasks {
            return false;
        }
        let place = self.queue.place_of(task);
        let is_placed = self.resources.as_ref().is_some_and(|resources| resources.task_at(place) == Some(task));
        let is_with_worker = || self.workers.values().any(|state| state.in_flight.iter().any(|one| one.task == task));
        is_placed || self.queue.holds(task) || self.dependencies.holds(task) || is_with_worker()
    }
}
