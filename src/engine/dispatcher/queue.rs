//! The tasks that no worker has: those that were never handed out, as a range that costs nothing, and those that came
//! back.

use std::collections::{BTreeSet, VecDeque};

use crate::event::TaskId;
use crate::job::order::TaskOrder;

/// A task that waits, with what its earlier attempts came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Which one.
    pub task: TaskId,
    /// Attempts that were begun.
    pub attempts: u32,
    /// Attempts that ended without success.
    pub failures: u32,
    /// Attempts whose worker died.
    pub losses: u32,
}

impl Pending {
    const fn fresh(task: TaskId) -> Self {
        Self { task, attempts: 0, failures: 0, losses: 0 }
    }
}

/// The queue. Tasks that came back go before those that were never handed out.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    next_fresh: u64,
    end: u64,
    order: TaskOrder,
    /// Cancelled among the fresh ones.
    skipped: BTreeSet<u64>,
    returned: VecDeque<Pending>,
}

impl Queue {
    /// The tasks `0..tasks`, to be taken in this order.
    pub const fn new(tasks: u64, order: TaskOrder) -> Self {
        Self { next_fresh: 0, end: tasks, order, skipped: BTreeSet::new(), returned: VecDeque::new() }
    }

    /// How many tasks wait.
    pub fn len(&self) -> u64 {
        self.end - self.next_fresh - self.skipped.len() as u64 + self.returned.len() as u64
    }

    /// Takes the next task.
    pub fn pop(&mut self) -> Option<Pending> {
        if let Some(pending) = self.returned.pop_front() {
            return Some(pending);
        }
        while self.next_fresh < self.end {
            let task = self.order.task_at(self.next_fresh);
            self.next_fresh += 1;
            if self.skipped.is_empty() || !self.skipped.remove(&task.0) {
                return Some(Pending::fresh(task));
            }
        }
        None
    }

    /// Puts tasks that were handed out back in front, in their order.
    pub fn put_back(&mut self, tasks: impl DoubleEndedIterator<Item = Pending>) {
        for pending in tasks.rev() {
            self.returned.push_front(pending);
        }
    }

    /// Puts a task that shall be tried again behind all others that came back.
    pub fn retry(&mut self, pending: Pending) {
        self.returned.push_back(pending);
    }

    /// Takes this task out; `None` where it does not wait.
    pub fn remove(&mut self, task: TaskId) -> Option<Pending> {
        if let Some(place) = self.returned.iter().position(|pending| pending.task == task) {
            return self.returned.remove(place);
        }
        let is_fresh = task.0 < self.end && self.order.place_of(task) >= self.next_fresh;
        let waits = is_fresh && self.skipped.insert(task.0);
        waits.then(|| Pending::fresh(task))
    }
}
