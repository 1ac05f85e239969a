//! Tasks that wait for other tasks: which may be handed out, and which never will be because a task before them has failed.

use std::collections::{HashMap, HashSet};

use super::Dispatcher;
use super::queue::Pending;
use crate::event::{AttemptRecord, Outcome, TaskId};
use crate::job::dependencies::Dependencies;

/// The tasks that wait for others.
#[derive(Debug, Default)]
pub struct DependencyTracker {
    /// How many tasks each one still waits for.
    open: HashMap<TaskId, usize>,
    /// The tasks that wait for a task.
    waiting_for: HashMap<TaskId, Vec<TaskId>>,
    /// Taken from the queue before its time.
    held: HashMap<TaskId, Pending>,
    /// Will never be begun.
    cancelled: HashSet<TaskId>,
}

impl DependencyTracker {
    /// Takes in which tasks wait for which, without a cycle.
    pub fn new(needs: &Dependencies) -> Self {
        let mut tracker = Self::default();
        for (task, before) in needs.iter().filter(|(_, before)| !before.is_empty()) {
            tracker.open.insert(*task, before.len());
            for one in before {
                tracker.waiting_for.entry(*one).or_default().push(*task);
            }
        }
        tracker
    }

    /// How many tasks are held.
    #[cfg(test)]
    pub fn held(&self) -> u64 {
        self.held.len() as u64
    }

    /// Whether no task waits for another.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Gives a task back if it may be handed out, and keeps it otherwise.
    pub fn pass(&mut self, pending: Pending) -> Option<Pending> {
        if self.open.contains_key(&pending.task) {
            self.held.insert(pending.task, pending);
            return None;
        }
        Some(pending)
    }

    /// A task is done: those that only waited for it may be handed out.
    pub fn done(&mut self, task: TaskId) -> Vec<Pending> {
        let mut free = Vec::new();
        for waiting in self.waiting_for.remove(&task).unwrap_or_default() {
            if let Some(open) = self.open.get_mut(&waiting) {
                *open -= 1;
                if *open == 0 {
                    self.open.remove(&waiting);
                    free.extend(self.held.remove(&waiting));
                }
            }
        }
        free
    }

    /// A task will never be done: neither will any that waits for it, however far behind. Returns those.
    pub fn failed(&mut self, task: TaskId) -> Vec<TaskId> {
        let mut lost = Vec::new();
        let mut next = vec![task];
        while let Some(task) = next.pop() {
            for waiting in self.waiting_for.remove(&task).unwrap_or_default() {
                if self.cancelled.insert(waiting) {
                    lost.push(waiting);
                    next.push(waiting);
                }
            }
        }
        lost.sort_unstable();
        lost
    }

    /// Whether a task is held.
    pub fn holds(&self, task: TaskId) -> bool {
        self.held.contains_key(&task)
    }

    /// Takes a held task out.
    pub fn remove(&mut self, task: TaskId) -> Option<Pending> {
        self.held.remove(&task)
    }

    /// Takes all held tasks out.
    pub fn drain(&mut self) -> Vec<Pending> {
        let mut all: Vec<Pending> = self.held.drain().map(|(_, pending)| pending).collect();
        all.sort_unstable_by_key(|pending| pending.task);
        all
    }
}

impl Dispatcher {
    /// Lets the tasks that waited for these go on, and returns those that never will be begun.
    pub(super) fn follow(&mut self, records: &[AttemptRecord]) -> Vec<Pending> {
        let mut never = Vec::new();
        for record in records {
            if record.outcome == Outcome::Done {
                let free = self.dependencies.done(record.task);
                self.queue.put_freed(free);
            } else {
                never.extend(self.drop_dependents(record.task));
            }
        }
        never
    }

    /// A task was not done: takes those that wait for it out of the queue, and returns them. Where it is skipped, they go on.
    pub(super) fn drop_dependents(&mut self, task: TaskId) -> Vec<Pending> {
        if self.skipped.remove(&task) {
            let free = self.dependencies.done(task);
            self.queue.put_freed(free);
            return Vec::new();
        }
        let lost = self.dependencies.failed(task);
        lost.into_iter().filter_map(|task| self.take_waiting(task)).collect()
    }
}
