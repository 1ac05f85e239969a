//! The tasks that no worker has: those that were never handed out, as a range that costs nothing, those that came
//! back, and retries that wait for their time.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

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
    /// Cancelled among the fresh ones.
    skipped: BTreeSet<u64>,
    returned: VecDeque<Pending>,
    /// Retries that wait, by the time at which they are due.
    later: BTreeMap<(u64, TaskId), Pending>,
    /// The order in which fresh ones are handed out.
    order: TaskOrder,
    /// Tasks that were put in front of all others, with their places.
    raised: HashMap<TaskId, u64>,
}

/// The place behind those of tasks that were put in front.
const FIRST_PLACE: u64 = 1 << 32;

impl Queue {
    /// The tasks `0..tasks`, to be taken in this order.
    pub fn new(tasks: u64, order: TaskOrder) -> Self {
        Self { end: tasks, order, ..Self::default() }
    }

    /// Adds tasks up to `tasks` in all; they are taken in the order of their numbers.
    pub fn grow(&mut self, tasks: u64) {
        self.end = self.end.max(tasks);
    }

    /// The place of a task in the order.
    pub fn place_of(&self, task: TaskId) -> u64 {
        let raised = self.raised.get(&task).copied();
        raised.unwrap_or_else(|| self.order.place_of(task).saturating_add(FIRST_PLACE))
    }

    /// Puts a task in front of all others, also of those that were raised before.
    pub fn raise(&mut self, pending: Pending) {
        // Also in front of one that was raised twice: no two tasks have one place.
        let first = self.raised.values().copied().min().unwrap_or(FIRST_PLACE);
        let place = first.saturating_sub(1);
        self.raised.insert(pending.task, place);
        self.returned.push_front(pending);
    }

    /// Whether tasks wait that were handed out before.
    pub fn has_returned(&self) -> bool {
        !self.returned.is_empty()
    }

    /// How many tasks wait, due or not.
    #[cfg(test)]
    pub fn len(&self) -> u64 {
        self.ready() + self.later.len() as u64
    }

    /// No task waits, due or not.
    pub fn is_empty(&self) -> bool {
        self.ready() == 0 && self.later.is_empty()
    }

    /// How many could be handed out now.
    pub fn ready(&self) -> u64 {
        self.fresh() + self.returned.len() as u64
    }

    /// How many were never handed out.
    pub fn fresh(&self) -> u64 {
        self.end - self.next_fresh - self.skipped.len() as u64
    }

    /// Takes out all that were never handed out, and returns how many these are.
    pub fn drop_fresh(&mut self) -> u64 {
        let count = self.fresh();
        self.next_fresh = self.end;
        self.skipped.clear();
        count
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

    /// Takes the next task, due or not.
    pub fn pop_any(&mut self) -> Option<Pending> {
        self.pop().or_else(|| self.later.pop_first().map(|(_, pending)| pending))
    }

    /// Puts tasks that were handed out back in front, in their order.
    pub fn put_back(&mut self, tasks: impl DoubleEndedIterator<Item = Pending>) {
        for pending in tasks.rev() {
            if self.order.is_ranked() { self.insert_ranked(pending) } else { self.returned.push_front(pending) }
        }
    }

    /// Values that rank the tasks also rank those that came back.
    fn insert_ranked(&mut self, pending: Pending) {
        let rank = self.place_of(pending.task);
        let place = self.returned.partition_point(|other| self.place_of(other.task) < rank);
        self.returned.insert(place, pending);
    }

    /// Puts a task that is tried again behind all others that came back, unless values rank it.
    pub fn retry(&mut self, pending: Pending) {
        if self.order.is_ranked() { self.insert_ranked(pending) } else { self.returned.push_back(pending) }
    }

    /// Keeps a task until `due_ns`.
    pub fn retry_later(&mut self, due_ns: u64, pending: Pending) {
        self.later.insert((due_ns, pending.task), pending);
    }

    /// Puts the retries that are due at `now_ns` into the queue.
    pub fn wake(&mut self, now_ns: u64) {
        while let Some(first) = self.later.first_entry()
            && first.key().0 <= now_ns
        {
            let pending = first.remove();
            self.retry(pending);
        }
    }

    /// When the next retry is due.
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
        let is_fresh = task.0 < self.end && self.order.place_of(task) >= self.next_fresh;
        let waits = is_fresh && self.skipped.insert(task.0);
        waits.then(|| Pending::fresh(task))
    }
}
