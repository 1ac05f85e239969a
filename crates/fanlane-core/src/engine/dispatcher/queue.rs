//! The tasks that no worker has: those that were never handed out, as a range that costs nothing, those that came
//! back, retries that wait for their time, and those that were given a priority.

use std::cmp::Reverse;
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

/// Where a task stands among those that wait: the higher priority first, and within one the order of the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    priority: Reverse<i64>,
    in_order: u64,
}

/// The priority of a task, above those that can be set where it was put in front of all others; 0 is that of all others.
type Rank = i64;

/// Above each priority that can be set.
const MAX_SET_RANK: Rank = i32::MAX as Rank;

/// The queue. The higher priority goes first; within one, tasks that came back go before those that were never handed out.
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
    /// Priorities other than 0, of tasks that have not ended.
    ranks: HashMap<TaskId, Rank>,
    /// The tasks among these that could be handed out now.
    ranked: BTreeMap<Place, Pending>,
    /// How many tasks were put in front of all others so far.
    raised: Rank,
}

impl Queue {
    /// The tasks `0..tasks`, to be taken in this order.
    pub fn new(tasks: u64, order: TaskOrder) -> Self {
        Self { end: tasks, order, ..Self::default() }
    }

    /// Adds tasks up to `tasks` in all; they are taken in the order of their numbers.
    pub fn grow(&mut self, tasks: u64) {
        self.end = self.end.max(tasks);
    }

    /// The place of a task among those that wait.
    pub fn place_of(&self, task: TaskId) -> Place {
        let rank = self.ranks.get(&task).copied().unwrap_or(0);
        Place { priority: Reverse(rank), in_order: self.order.place_of(task) }
    }

    /// Gives a task another priority: one that can be handed out now takes its new place.
    pub fn set_priority(&mut self, task: TaskId, priority: i32, waits: Option<Pending>) {
        self.set_rank(task, priority.into(), waits);
    }

    /// Puts a task in front of all others, also of those that were raised before.
    pub fn raise(&mut self, pending: Pending) {
        self.raised += 1;
        self.set_rank(pending.task, MAX_SET_RANK + self.raised, Some(pending));
    }

    fn set_rank(&mut self, task: TaskId, rank: Rank, waits: Option<Pending>) {
        if rank == 0 {
            self.ranks.remove(&task)
        } else {
            self.ranks.insert(task, rank)
        };
        let Some(pending) = waits else { return };
        if !self.took_ranked(pending) && !self.take_as_fresh(pending) {
            self.insert_ranked(pending);
        }
    }

    /// A task that was taken out of those that were never handed out is one of them again, if its turn is still to come.
    fn take_as_fresh(&mut self, pending: Pending) -> bool {
        pending == Pending::fresh(pending.task)
            && self.order.place_of(pending.task) >= self.next_fresh
            && self.skipped.remove(&pending.task.0)
    }

    /// Forgets the priority of a task that has ended.
    pub fn forget(&mut self, task: TaskId) {
        if !self.ranks.is_empty() {
            self.ranks.remove(&task);
        }
    }

    /// Whether a task with a priority took its place.
    fn took_ranked(&mut self, pending: Pending) -> bool {
        let has_rank = self.ranks.contains_key(&pending.task);
        if has_rank {
            self.ranked.insert(self.place_of(pending.task), pending);
        }
        has_rank
    }

    /// Whether tasks wait that stand before those that were never handed out.
    pub fn has_returned(&self) -> bool {
        !self.returned.is_empty() || self.first_ranked().is_some_and(|rank| rank > 0)
    }

    fn first_ranked(&self) -> Option<Rank> {
        self.ranked.first_key_value().map(|(place, _)| place.priority.0)
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
        self.fresh() + (self.returned.len() + self.ranked.len()) as u64
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
        if self.first_ranked().is_some_and(|rank| rank > 0) {
            return self.pop_ranked();
        }
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
        self.pop_ranked()
    }

    fn pop_ranked(&mut self) -> Option<Pending> {
        self.ranked.pop_first().map(|(_, pending)| pending)
    }

    /// Takes the next task, due or not.
    pub fn pop_any(&mut self) -> Option<Pending> {
        self.pop().or_else(|| self.later.pop_first().map(|(_, pending)| pending))
    }

    /// Puts tasks that others have held up in front, in the order of the batch, or where values rank them.
    pub fn put_freed(&mut self, mut tasks: Vec<Pending>) {
        tasks.retain(|pending| !self.took_ranked(*pending));
        tasks.sort_by_cached_key(|pending| self.place_of(pending.task));
        if !self.order.is_ranked() {
            self.put_back(tasks.into_iter());
            return;
        }
        let returned = std::mem::take(&mut self.returned);
        let mut merged = Vec::with_capacity(returned.len() + tasks.len());
        let mut returned = returned.into_iter().peekable();
        for pending in tasks {
            let place = self.place_of(pending.task);
            while let Some(earlier) = returned.next_if(|other| self.place_of(other.task) < place) {
                merged.push(earlier);
            }
            merged.push(pending);
        }
        merged.extend(returned);
        self.returned = merged.into();
    }

    /// Puts tasks that were handed out back in front, in their order.
    pub fn put_back(&mut self, tasks: impl DoubleEndedIterator<Item = Pending>) {
        for pending in tasks.rev() {
            if self.took_ranked(pending) {
                continue;
            }
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
        if self.took_ranked(pending) {
            return;
        }
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

    /// Whether this task waits, due or not.
    pub fn holds(&self, task: TaskId) -> bool {
        self.is_fresh(task)
            || self.ranked.contains_key(&self.place_of(task))
            || self.returned.iter().any(|pending| pending.task == task)
            || self.later.keys().any(|(_, one)| *one == task)
    }

    fn is_fresh(&self, task: TaskId) -> bool {
        task.0 < self.end && self.order.place_of(task) >= self.next_fresh && !self.skipped.contains(&task.0)
    }

    /// Takes this task out; `None` where it does not wait for its time.
    pub fn remove_later(&mut self, task: TaskId) -> Option<Pending> {
        let key = self.later.keys().find(|(_, one)| *one == task).copied()?;
        self.later.remove(&key)
    }

    /// Takes this task out; `None` where it could not be handed out now.
    pub fn remove_ready(&mut self, task: TaskId) -> Option<Pending> {
        if self.ranks.contains_key(&task)
            && let Some(pending) = self.ranked.remove(&self.place_of(task))
        {
            return Some(pending);
        }
        if self.is_fresh(task) {
            self.skipped.insert(task.0);
            return Some(Pending::fresh(task));
        }
        let place = self.returned.iter().position(|pending| pending.task == task)?;
        self.returned.remove(place)
    }
}
