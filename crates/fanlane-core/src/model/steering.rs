//! How single tasks of the queue were steered: their priorities, and those before which the run pauses.

use std::collections::{BTreeSet, HashMap};

use crate::event::{DispatchEvent, Event, EventKind, TaskEvent, TaskId};

/// The priority of a task that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// The number that it was given, or 0.
    Number(i32),
    /// It was put in front of all others.
    First,
}

/// Priorities and breakpoints of the tasks that have not ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Steering {
    /// Those other than 0; the highest goes first.
    ranks: HashMap<TaskId, i64>,
    raised: i64,
    breakpoints: BTreeSet<TaskId>,
}

/// Above each number that can be given.
const MAX_NUMBER: i64 = i32::MAX as i64;

impl Steering {
    /// Takes in one event.
    pub fn apply(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Dispatch(DispatchEvent::PriorityChanged { task, priority }) => {
                let rank = priority.map_or(MAX_NUMBER + self.raised + 1, i64::from);
                self.raised += i64::from(priority.is_none());
                if rank == 0 {
                    self.ranks.remove(task)
                } else {
                    self.ranks.insert(*task, rank)
                };
            }
            EventKind::Dispatch(DispatchEvent::BreakpointChanged { task, is_set: true }) => {
                self.breakpoints.insert(*task);
            }
            EventKind::Dispatch(DispatchEvent::BreakpointChanged { task, is_set: false }) => {
                self.breakpoints.remove(task);
            }
            EventKind::Task(TaskEvent::Finished(records))
                if !(self.ranks.is_empty() && self.breakpoints.is_empty()) =>
            {
                for record in records {
                    self.ranks.remove(&record.task);
                    self.breakpoints.remove(&record.task);
                }
            }
            _ => {}
        }
    }

    /// The run has gone on with the task that it paused before.
    pub(super) fn pass(&mut self, task: TaskId) {
        self.breakpoints.remove(&task);
    }

    /// The priority of a task.
    pub fn priority_of(&self, task: TaskId) -> Priority {
        let rank = self.ranks.get(&task).copied().unwrap_or(0);
        i32::try_from(rank).map_or(Priority::First, Priority::Number)
    }

    /// Whether the run pauses before this task.
    pub fn has_breakpoint(&self, task: TaskId) -> bool {
        self.breakpoints.contains(&task)
    }

    /// The tasks before which the run pauses, by number.
    pub const fn breakpoints(&self) -> &BTreeSet<TaskId> {
        &self.breakpoints
    }

    /// The tasks with a priority other than 0, each with its rank: the higher goes first, and 0 is that of all others.
    pub(super) fn ranks(&self) -> impl Iterator<Item = (TaskId, i64)> {
        self.ranks.iter().map(|(task, rank)| (*task, *rank))
    }

    /// Whether a task has a priority other than 0.
    pub(super) fn is_ranked(&self, task: TaskId) -> bool {
        self.ranks.contains_key(&task)
    }
}
