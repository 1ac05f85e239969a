//! Tasks that wait for other tasks: who may be handed out, and who never will be because one that it needs has failed.

use std::collections::{HashMap, HashSet};

use crate::event::TaskId;

use super::queue::Pending;

/// For each task, those that must be done before it. Tasks that are not named wait for none.
pub type Needs = HashMap<TaskId, Vec<TaskId>>;

/// The tasks that wait for others.
#[derive(Debug, Default)]
pub struct After {
    /// How many tasks each one still waits for.
    open: HashMap<TaskId, usize>,
    /// Who waits for a task.
    waiting_for: HashMap<TaskId, Vec<TaskId>>,
    /// Taken from the queue before its time.
    held: HashMap<TaskId, Pending>,
    /// Will never be begun.
    doomed: HashSet<TaskId>,
}

impl After {
    /// Reads who waits for whom; the needs hold no cycle.
    pub fn new(needs: &Needs) -> Self {
        let mut after = Self::default();
        for (task, before) in needs.iter().filter(|(_, before)| !before.is_empty()) {
            after.open.insert(*task, before.len());
            for one in before {
                after.waiting_for.entry(*one).or_default().push(*task);
            }
        }
        after
    }

    /// How many tasks are held.
    #[cfg(test)]
    pub fn held(&self) -> u64 {
        self.held.len() as u64
    }

    /// Whether nobody waits for anybody.
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

    /// A task will never be done: neither will any that waits for it, however far behind. Says which those are.
    pub fn failed(&mut self, task: TaskId) -> Vec<TaskId> {
        let mut lost = Vec::new();
        let mut next = vec![task];
        while let Some(task) = next.pop() {
            for waiting in self.waiting_for.remove(&task).unwrap_or_default() {
                if self.doomed.insert(waiting) {
                    lost.push(waiting);
                    next.push(waiting);
                }
            }
        }
        lost
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
