//! How many workers there shall be, and who gets how much.

use crate::event::{LaneId, WorkerId};
use crate::job::Mode;

use super::after::After;
use super::queue::{Pending, Queue};
use super::{Dispatcher, Effect, Worker};

/// A worker is handed about this much work ahead, in nanoseconds: far more than a message takes to arrive, far less
/// than a person notices.
const AHEAD_NS: f64 = 1e7;

/// It gets more when it has less than this left, in nanoseconds, but between a quarter and half of the tasks: each message
/// wakes a thread there.
const LOW_NS: f64 = 1e6;
/// While a worker has work enough, nobody listens to it more often than this, in nanoseconds.
const REST_NS: f64 = 4e6;
/// A shorter rest is none.
const LEAST_REST_NS: f64 = 2e5;

/// Tasks that take longer, in nanoseconds, are handed out one by one: then they begin in their order, and the way to
/// and fro costs less than a hundredth.
const LONG_NS: f64 = 2e7;
const MOST_AHEAD: usize = 2048;

impl Dispatcher {
    /// Starts workers that are missing, retires those that are too many, or all when there is nothing left to do.
    pub(super) fn size_pool(&mut self, now_ns: u64, effects: &mut Vec<Effect>) {
        let remaining = self.plan.tasks - self.counts.total();
        let allowed = match self.plan.mode {
            _ if self.stopping || (remaining == 0 && self.complete) => 0,
            Mode::One => self.at_once().min(1),
            Mode::Threads | Mode::Pool => self.at_once(),
        };
        let (mut live, mut retiring, mut starting) = (0, 0, 0);
        for state in self.workers.values() {
            live += u32::from(!state.retiring);
            retiring += u32::from(state.retiring);
            starting += u32::from(!state.ready);
        }
        while live > allowed {
            self.retire_one(effects);
            live -= 1;
        }
        if self.start_not_before_ns.is_some_and(|not_before_ns| now_ns < not_before_ns) {
            return;
        }
        self.start_not_before_ns = None;
        if self.paused {
            return;
        }
        let wanted = allowed.min(u32::try_from(remaining).unwrap_or(u32::MAX));
        // Those on their way out count until they are gone, or a pool that is resized to and fro would grow each time.
        // After a failure one start is enough to see whether it was more than that.
        let at_once = if self.failed_starts > 0 { 1 } else { self.plan.starting_limit };
        while live + retiring < wanted && starting < at_once {
            let worker = WorkerId(self.next_worker);
            self.next_worker += 1;
            let lane = self.free_lane();
            self.workers.insert(worker, Worker::starting(lane, now_ns));
            effects.push(Effect::Start { worker, lane });
            live += 1;
            starting += 1;
        }
    }

    /// Retires the worker in the highest lane.
    fn retire_one(&mut self, effects: &mut Vec<Effect>) {
        let last = self.workers.iter_mut().filter(|(_, state)| !state.retiring).max_by_key(|(_, state)| state.lane);
        let Some((&worker, state)) = last else { return };
        state.retiring = true;
        if state.ready {
            if state.in_flight.len() > 1 && !self.killing {
                state.recalling = true;
                effects.push(Effect::Recall { worker, count: u32::MAX });
            }
            effects.push(Effect::Retire { worker });
        }
    }

    fn free_lane(&self) -> LaneId {
        let mut taken: Vec<u32> = self.workers.values().map(|state| state.lane.0).collect();
        taken.sort_unstable();
        let free = taken.iter().zip(0..).find(|(lane, place)| **lane != *place).map(|(_, place)| place);
        LaneId(free.unwrap_or(taken.len() as u32))
    }

    /// How long nobody has to listen to this worker, in nanoseconds: until it has done half of the tasks that it has,
    /// and at most a few milliseconds; `None` where its next word is waited for.
    ///
    /// What it says meanwhile is heard in one go. Each result that wakes a thread of its own takes its time from a core
    /// that the tasks need.
    pub fn rest_ns(&self, worker: WorkerId) -> Option<u64> {
        let state = self.workers.get(&worker).filter(|state| state.takes_tasks() && !state.recalling)?;
        let until_wanted_ns = self.mean_wall_ns? * (state.in_flight.len() / 2) as f64;
        (until_wanted_ns >= LEAST_REST_NS).then(|| until_wanted_ns.min(REST_NS) as u64)
    }

    /// Hands out tasks; takes some back where one worker has several and another has none.
    pub(super) fn feed(&mut self, now_ns: u64, effects: &mut Vec<Effect>) {
        if self.stopping {
            return;
        }
        if self.paused || self.gate.is_some() {
            self.recall_all(effects);
            return;
        }
        if self.places.is_some() {
            self.place(now_ns, effects);
            self.place_ahead(effects);
            if self.places.as_ref().is_some_and(|places| places.next(self.pool).is_none()) {
                self.recall_for_idle(effects);
            }
            return;
        }
        if self.queue.ready() > 0 {
            match self.plan.control.delay_secs {
                Some(delay_secs) => self.hand_out_one(now_ns, delay_secs, effects),
                None => self.hand_out(effects),
            }
        }
        if self.queue.ready() == 0 {
            self.recall_for_idle(effects);
        }
    }

    /// How many tasks a worker has at most, and it gets more when it has so few.
    pub(super) fn ahead(&self) -> (usize, usize) {
        let control = &self.plan.control;
        match self.mean_wall_ns {
            // Nothing more is to begin once the halt is reached, nor before its time; a chunk goes to whoever has nothing.
            _ if control.halt.is_some() || control.delay_secs.is_some() || self.plan.chunk.is_some() => (1, 0),
            // One to work at and one to go on with, or as many as fill the time.
            Some(mean_ns) if mean_ns < LONG_NS => {
                let mean_ns = mean_ns.max(1.0);
                let ahead = ((AHEAD_NS / mean_ns) as usize).clamp(2, MOST_AHEAD);
                (ahead, ((LOW_NS / mean_ns) as usize).clamp((ahead / 4).max(1), ahead / 2))
            }
            _ => (1, 0),
        }
    }

    fn hand_out(&mut self, effects: &mut Vec<Effect>) {
        let (ahead, low) = self.ahead();
        let takers = self.workers.values().filter(|state| state.takes_tasks()).count();
        // An idle worker gets its first task before a busy one gets its next.
        for idle_only in [true, false] {
            for (&worker, state) in self.workers.iter_mut().filter(|(_, state)| state.takes_tasks()) {
                let has = state.in_flight.len();
                let wants = if idle_only { has == 0 } else { state.wants_more(low) };
                if !wants {
                    continue;
                }
                let queued = self.queue.ready() as usize;
                let share = queued.div_ceil(takers).min(ahead.saturating_sub(has)).max(1);
                let count = match self.plan.chunk {
                    Some(chunk) => chunk.get() as usize,
                    None if idle_only && queued <= takers => 1,
                    None => share,
                };
                let first = state.in_flight.len();
                let next = std::iter::from_fn(|| next_of(&mut self.queue, &mut self.after));
                state.in_flight.extend(next.take(count));
                let tasks: Vec<_> =
                    state.in_flight.iter().skip(first).map(|pending| (pending.task, pending.attempts + 1)).collect();
                if !tasks.is_empty() {
                    effects.push(Effect::Run { worker, tasks });
                }
                if self.queue.ready() == 0 {
                    return;
                }
            }
        }
    }

    /// With a delay between starts, nobody is handed anything ahead.
    fn hand_out_one(&mut self, now_ns: u64, delay_secs: f64, effects: &mut Vec<Effect>) {
        if now_ns < self.next_start_ns {
            return;
        }
        let idle = self.workers.iter_mut().find(|(_, state)| state.is_idle());
        let Some((&worker, state)) = idle else { return };
        let Some(pending) = next_of(&mut self.queue, &mut self.after) else { return };
        state.in_flight.push_back(pending);
        self.next_start_ns = now_ns + (delay_secs * 1e9) as u64;
        effects.push(Effect::Run { worker, tasks: vec![(pending.task, pending.attempts + 1)] });
    }

    /// While the run is paused a worker finishes the task that it is at, and begins none.
    fn recall_all(&mut self, effects: &mut Vec<Effect>) {
        for (&worker, state) in &mut self.workers {
            if state.ready && !state.retiring && !state.recalling && state.in_flight.len() > 1 {
                state.recalling = true;
                effects.push(Effect::Recall { worker, count: u32::MAX });
            }
        }
    }

    fn recall_for_idle(&mut self, effects: &mut Vec<Effect>) {
        if self.plan.chunk.is_some() {
            return;
        }
        let idle = self.workers.values().filter(|state| state.takes_tasks() && state.in_flight.is_empty()).count();
        let under_way = self.workers.values().filter(|state| state.recalling).count();
        let (places, pool) = (self.places.as_ref(), self.pool);
        for _ in under_way..idle {
            let richest = self
                .workers
                .iter_mut()
                .filter(|(_, state)| !state.recalling && !state.retiring && state.in_flight.len() > 1)
                .filter(|(_, state)| Self::fits_another(places, state, pool))
                .max_by_key(|(_, state)| state.in_flight.len());
            let Some((&worker, state)) = richest else { return };
            state.recalling = true;
            let waiting = state.in_flight.len() - 1;
            effects.push(Effect::Recall { worker, count: waiting.div_ceil(2) as u32 });
        }
    }
}

/// The next task that waits for no other.
pub(super) fn next_of(queue: &mut Queue, after: &mut After) -> Option<Pending> {
    loop {
        let pending = queue.pop()?;
        if after.is_empty() {
            return Some(pending);
        }
        if let Some(pending) = after.pass(pending) {
            return Some(pending);
        }
    }
}

impl Worker {
    pub(super) const fn starting(lane: LaneId, now_ns: u64) -> Self {
        Self {
            lane,
            ready: false,
            retiring: false,
            recalling: false,
            paused_after_give_up: false,
            finished_any: false,
            heard_ns: now_ns,
            asked_ns: None,
            hung: false,
            started: None,
            in_flight: std::collections::VecDeque::new(),
        }
    }

    /// The task that it is at was announced: it takes longer than a message needs.
    fn is_at_a_long_task(&self) -> bool {
        self.started.is_some_and(|(task, _)| self.in_flight.front().is_some_and(|first| first.task == task))
    }

    pub(super) fn is_idle(&self) -> bool {
        self.takes_tasks() && self.in_flight.is_empty()
    }

    /// It has something, but no more than `low` tasks and none that takes long.
    pub(super) fn wants_more(&self, low: usize) -> bool {
        let has = self.in_flight.len();
        self.takes_tasks() && has > 0 && has <= low && !self.is_at_a_long_task()
    }

    pub(super) const fn takes_tasks(&self) -> bool {
        self.ready && !self.retiring
    }
}
