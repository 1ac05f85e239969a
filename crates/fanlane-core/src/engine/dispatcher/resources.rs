//! Which task begins next where tasks take different amounts of limited resources: places of the pool, and named counters.
//! Where all take the same, the number of workers decides and nothing here is used.
//!
//! The rule: tasks begin in their order as long as each fits. The first that does not fit waits, and what it needs is
//! kept for it: others go before it only where they leave enough of everything that they take themselves. So no task
//! waits for ever, and a task that waits for one resource does not hold up those that take another.
//!
//! Short tasks that take the same may follow each other at one worker: what the first has is handed on to the next, until
//! the first of those that wait needs some of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::event::TaskId;
use crate::job::resource_request::{MAX_NUMBERED, TaskRequests};

use super::queue::{Pending, Place};

/// Maximum number of tasks looked at for one that fits.
const WINDOW: usize = 1024;

/// What is free, which tasks have the rest, and which wait for it.
#[derive(Debug)]
pub struct Resources {
    needs: Arc<TaskRequests>,
    /// Places of the pool that are taken.
    taken: u32,
    counters: Vec<Free>,
    given: HashMap<TaskId, Given>,
    /// The first tasks of the queue, by their places in its order.
    window: BTreeMap<Place, Pending>,
    /// The same places, by what the tasks take.
    by_kind: BTreeMap<u32, BTreeSet<Place>>,
}

/// What is free of one counter.
#[derive(Debug)]
struct Free {
    left: u32,
    /// For each number whether it is free; `None` where there are too many to have numbers.
    numbered: Option<Vec<bool>>,
}

#[derive(Debug)]
struct Given {
    kind: u32,
    shares: Vec<Vec<u32>>,
}

impl Given {
    /// Its numbers, a text for each counter that has numbers.
    fn texts(&self) -> Vec<String> {
        let texts = self.shares.iter().map(|own| own.iter().map(u32::to_string).collect::<Vec<_>>().join(","));
        texts.collect()
    }
}

impl Resources {
    /// Everything is free.
    pub fn new(needs: Arc<TaskRequests>) -> Self {
        let counters = needs.counters().iter().map(|counter| Free {
            left: counter.total,
            numbered: (counter.total <= MAX_NUMBERED).then(|| vec![true; counter.total as usize]),
        });
        Self {
            counters: counters.collect(),
            needs,
            taken: 0,
            given: HashMap::new(),
            window: BTreeMap::new(),
            by_kind: BTreeMap::new(),
        }
    }

    /// How many tasks wait here.
    pub fn waiting(&self) -> usize {
        self.window.len()
    }

    /// Whether further tasks of the queue should be looked at.
    pub fn wants_more(&self) -> bool {
        self.window.len() < WINDOW
    }

    /// Takes in a task that stands at this place of the order.
    pub fn add(&mut self, place: Place, pending: Pending) {
        self.by_kind.entry(self.needs.kind_of(pending.task)).or_default().insert(place);
        self.window.insert(place, pending);
    }

    /// The most tasks at once in a pool of this size.
    pub fn at_once(&self, pool: u32) -> u32 {
        self.needs.at_once(pool)
    }

    /// The place of the task that is to begin now in a pool of this size.
    pub fn next(&self, pool: u32) -> Option<Place> {
        // A task that the pool has become too small for must not hold up all the others.
        let head = self.window.iter().find(|(_, pending)| self.kind(pending.task)[0] <= pool);
        let (&first, pending) = head?;
        let kept = self.kind(pending.task);
        if self.fits(kept, None, pool) {
            return Some(first);
        }
        let fitting = self.by_kind.iter().filter(|(kind, _)| self.fits(self.needs.of_kind(**kind), Some(kept), pool));
        fitting.filter_map(|(_, places)| places.first().copied()).min()
    }

    /// The task at this place, if it waits here.
    pub fn task_at(&self, place: Place) -> Option<TaskId> {
        self.window.get(&place).map(|pending| pending.task)
    }

    /// Gives the task at this place what it takes. Returns its numbered resources, a text for each counter with numbers.
    pub fn give(&mut self, place: Place) -> Option<(Pending, Vec<String>)> {
        let pending = self.window.remove(&place)?;
        let kind = self.needs.kind_of(pending.task);
        self.forget(kind, place);
        let takes = self.needs.of_kind(kind);
        self.taken += takes[0];
        let mut shares = Vec::with_capacity(self.counters.len());
        for (counter, need) in self.counters.iter_mut().zip(&takes[1..]) {
            counter.left -= need;
            let Some(free) = &mut counter.numbered else { continue };
            let own = (0..).zip(free.iter_mut()).filter(|(_, free)| **free).take(*need as usize);
            shares.push(own.map(|(number, free)| (*free = false, number).1).collect::<Vec<u32>>());
        }
        let given = Given { kind, shares };
        let texts = given.texts();
        self.given.insert(pending.task, given);
        Some((pending, texts))
    }

    /// The numbered resources that this task has.
    pub fn shares_of(&self, task: TaskId) -> Vec<String> {
        self.given.get(&task).map_or_else(Vec::new, Given::texts)
    }

    /// Takes out a task that may go on with what `of` has; `None` where none waits, or the first that waits lacks some of
    /// that.
    pub fn follower(&mut self, of: TaskId, pool: u32) -> Option<Pending> {
        let kind = self.given.get(&of)?.kind;
        let takes = self.needs.of_kind(kind);
        let (_, head) = self.window.iter().find(|(_, pending)| self.kind(pending.task)[0] <= pool)?;
        let head = self.needs.kind_of(head.task);
        let lacks_none = || {
            let mut all = self.left(pool).zip(takes).zip(self.needs.of_kind(head));
            all.all(|((left, need), wanted)| *need == 0 || left >= *wanted)
        };
        // A pool that was made smaller gets back its surplus.
        if self.taken > pool || !(head == kind || lacks_none()) {
            return None;
        }
        let place = *self.by_kind.get(&kind)?.first()?;
        self.remove(place)
    }

    /// Whether a second task like this one could begin beside it.
    pub fn fits_another(&self, task: TaskId, pool: u32) -> bool {
        let Some(Given { kind, .. }) = self.given.get(&task) else { return false };
        let head = self.window.values().find(|pending| self.kind(pending.task)[0] <= pool);
        self.fits(self.needs.of_kind(*kind), head.map(|head| self.kind(head.task)), pool)
    }

    /// Frees what a task had, or gives it to the task that goes on after it at the same worker.
    pub fn release(&mut self, task: TaskId, heir: Option<TaskId>) {
        let Some(given) = self.given.remove(&task) else { return };
        if let Some(heir) = heir {
            self.given.insert(heir, given);
            return;
        }
        let Given { kind, shares } = given;
        let takes = self.needs.of_kind(kind);
        self.taken -= takes[0];
        let mut shares = shares.into_iter();
        for (counter, need) in self.counters.iter_mut().zip(&takes[1..]) {
            counter.left += need;
            if let Some(free) = &mut counter.numbered {
                shares.next().unwrap_or_default().into_iter().for_each(|number| free[number as usize] = true);
            }
        }
    }

    /// Takes out the task at this place of the order, if it waits here.
    pub fn remove(&mut self, place: Place) -> Option<Pending> {
        let pending = self.window.remove(&place)?;
        self.forget(self.needs.kind_of(pending.task), place);
        Some(pending)
    }

    /// Takes out all that wait.
    pub fn drain(&mut self) -> Vec<Pending> {
        self.by_kind.clear();
        std::mem::take(&mut self.window).into_values().collect()
    }

    /// Why no task can begin in a pool of this size though none runs: the first that waits is too large for it.
    pub fn obstacle(&self, pool: u32) -> Option<String> {
        if !self.given.is_empty() || self.next(pool).is_some() {
            return None;
        }
        let first = self.window.values().next()?;
        let places = self.kind(first.task)[0];
        let (number, count) = (first.task.number(), self.window.len());
        (places > pool).then(|| {
            let others = if count > 1 { format!(" and {} more wait", count - 1) } else { " waits".to_owned() };
            format!("task {number}{others}: it takes {places} places, the pool has {pool}; make the pool larger")
        })
    }

    fn kind(&self, task: TaskId) -> &[u32] {
        self.needs.of_kind(self.needs.kind_of(task))
    }

    /// Whether a task that takes this fits in, and leaves enough of what it takes itself for a task that waits for `kept`.
    fn fits(&self, takes: &[u32], kept: Option<&[u32]>, pool: u32) -> bool {
        self.left(pool).zip(takes).enumerate().all(|(place, (left, need))| {
            let kept = kept.map_or(0, |kept| kept[place]);
            *need == 0 || u64::from(left) >= u64::from(*need) + u64::from(kept)
        })
    }

    /// How much is free: places of the pool, then of each counter.
    fn left(&self, pool: u32) -> impl Iterator<Item = u32> {
        std::iter::once(pool.saturating_sub(self.taken)).chain(self.counters.iter().map(|free| free.left))
    }

    fn forget(&mut self, kind: u32, place: Place) {
        if let Some(places) = self.by_kind.get_mut(&kind) {
            places.remove(&place);
            if places.is_empty() {
                self.by_kind.remove(&kind);
            }
        }
    }
}
