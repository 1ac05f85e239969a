//! The tasks that no worker has: those that were never handed out, as a range that costs nothing, those that came
//! back, those that wait for their time, and those that wait for other tasks.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::event::TaskId;

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
    /// Places of the fresh ones that were taken out.
    skipped: BTreeSet<u64>,
    returned: VecDeque<Pending>,
    /// Retries that wait, by the time at which they are due.
    later: BTreeMap<(u64, TaskId), Pending>,
    /// The order in which fresh ones are handed out, where it is not their own.
    order: Option<Box<[u32]>>,
}

impl Queue {
    /// The tasks `0..tasks`, in `order` if one is given, which then names each once.
    pub fn new(tasks: u64, order: Option<Box<[u32]>>) -> Self {
        debug_assert!(order.as_ref().is_none_or(|order| order.len() as u64 == tasks), "each task has a place");
        Self { end: tasks, order, ..Self::default() }
    }

    /// How many tasks wait, whatever for.
    #[cfg(test)]
    pub fn len(&self) -> u64 {
        self.ready() + self.later.len() as u64
    }

    /// How many could be handed out now.
    pub fn ready(&self) -> u64 {
        self.end - self.next_fresh - self.skipped.len() as u64 + self.returned.len() as u64
    }

    /// Takes the next task.
    pub fn pop(&mut self) -> Option<Pending> {
        if let Some(pending) = self.returned.pop_front() {
            return Some(pending);
        }
        while self.next_fresh < self.end {
            let place = self.next_fresh;
            self.next_fresh += 1;
            let task = self.order.as_ref().map_or(place, |order| u64::from(order[place as usize]));
            if self.skipped.is_empty() || !self.skipped.remove(&task) {
                return Some(Pending::fresh(TaskId(task)));
            }
        }
        None
    }

    /// Takes the next task, due or not.
    pub fn pop_any(&mut self) -> Option<Pending> {
        self.pop().or_else(|| self.later.pop_first().map(|(_, pending)| pending))
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

    /// Has a task wait until `due_ns`.
    pub fn retry_later(&mut self, due_ns: u64, pending: Pending) {
        self.later.insert((due_ns, pending.task), pending);
    }

    /// Whatever is due at `now_ns` waits no longer.
    pub fn wake(&mut self, now_ns: u64) {
        while let Some(first) = self.later.first_entry()
            && first.key().0 <= now_ns
        {
            let pending = first.remove();
            self.returned.push_back(pending);
        }
    }

    /// When the next of those that wait for their time is due.
    pub fn next_due_ns(&self) -> Option<u64> {
        self.later.first_key_value().map(|((due_ns, _), _)| *due_ns)
    }

    /// Takes this task out; `None` where it does not wait.
    pub fn remove(&mut self, task: TaskId) -> Option<Pending> {
        if let Some(place) = self.returned.iter().position(|pending| pending.task == task) {
            return self.returned.remove(place);
        }
        if let Some(key) = self.later.keys().find(|(_, one)| *one == task).copied() {
            return self.later.remove(&key);
        }
        let waits = match &self.order {
            None => (self.next_fresh..self.end).contains(&task.0),
            Some(order) => order[self.next_fresh as usize..].iter().any(|one| u64::from(*one) == task.0),
        };
        (waits && self.skipped.insert(task.0)).then(|| Pending::fresh(task))
    }
}
