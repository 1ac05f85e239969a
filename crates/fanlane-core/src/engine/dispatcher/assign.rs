//! The size of the pool, and how many tasks each worker gets.

use crate::event::{DispatchEvent, EventKind, LaneId, WorkerId};
use crate::job::{MAX_WORKERS, Mode};

use super::breakpoints::Breakpoints;
use super::dependencies::DependencyTracker;
use super::queue::{Pending, Queue};
use super::{Dispatcher, Effect, WorkerState};
use fanlane_os::pacing::tasks_ahead;

/// More is handed out when less than this is left, in nanoseconds, but between a quarter and half of the tasks: each message
/// wakes a thread of the worker.
const LOW_NS: f64 = 1e6;
/// The longest rest between two reads of a busy worker's lane, in nanoseconds.
const MAX_REST_NS: f64 = 4e6;
/// A shorter rest is none.
const MIN_REST_NS: f64 = 2e5;

impl Dispatcher {
    /// Starts missing workers and retires surplus ones; when no task is left, all.
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
            retiring += u32::from(state.retiring && !state.is_displaced);
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
        let wanted = allowed.min(u32::try_from(remaining).unwrap_or(u32::MAX)).min(self.usable_places());
        // Retiring workers count until they are gone, or a pool that is resized back and forth would grow each time.
        // After a failure one start shows whether the cause lasts.
        let at_once = if self.failed_starts > 0 { 1 } else { self.plan.max_starting };
        while live + retiring < wanted && starting < at_once {
            let worker = WorkerId(self.next_worker);
            self.next_worker += 1;
            let lane = self.free_lane();
            self.workers.insert(worker, WorkerState::starting(lane, now_ns));
            effects.push(Effect::Start { worker, lane });
            live += 1;
            starting += 1;
        }
    }

    /// How many workers there can be on the hosts that answer. A pool that is larger than the number of places shares its workers
    /// out among the hosts; without any place one start is tried now and then, which says what is missing.
    fn usable_places(&self) -> u32 {
        match self.places {
            None => u32::MAX,
            Some((total, usable)) if self.pool <= total => usable.max(1),
            Some((total, usable)) => {
                let share = u64::from(usable) * u64::from(self.pool) / u64::from(total.max(1));
                u32::try_from(share).unwrap_or(u32::MAX).max(1)
            }
        }
    }

    /// Takes in how many places there are. Running workers stay.
    pub(super) fn set_places(&mut self, total: u32, usable: u32, effects: &mut Vec<Effect>) {
        let before = self.places.replace((total, usable));
        let total = total.min(MAX_WORKERS);
        let follows = before.is_some_and(|(before, _)| before.min(MAX_WORKERS) == self.pool) && self.pool != total;
        if follows && self.plan.mode != Mode::One {
            self.pool = total;
            effects.push(Effect::Emit(EventKind::Dispatch(DispatchEvent::PoolResized { workers: total })));
        }
    }

    /// Retires the worker in the highest lane.
    fn retire_one(&mut self, effects: &mut Vec<Effect>) {
        let last = self.workers.iter().filter(|(_, state)| !state.retiring).max_by_key(|(_, state)| state.lane);
        if let Some((&worker, _)) = last {
            self.retire(worker, effects);
        }
    }

    /// Retires a worker whose host was taken out: another one may start at once.
    pub(super) fn displace(&mut self, worker: WorkerId, effects: &mut Vec<Effect>) {
        self.retire(worker, effects);
        if let Some(state) = self.workers.get_mut(&worker) {
            state.is_displaced = true;
        }
    }

    /// Retires a worker: it does what it has begun.
    fn retire(&mut self, worker: WorkerId, effects: &mut Vec<Effect>) {
        let Some(state) = self.workers.get_mut(&worker).filter(|state| !state.retiring) else { return };
        state.retiring = true;
        if state.ready {
            if state.in_flight.len() > 1 && !self.killing {
                state.taking_back = true;
                effects.push(Effect::TakeBack { worker, count: u32::MAX });
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

    /// How long this worker's lane need not be read, in nanoseconds: until it has done half of the tasks that it has,
    /// and at most a few milliseconds; `None`: its next message is needed at once.
    ///
    /// The messages that arrive meanwhile are read together. A wake-up for each result would take time from a core that
    /// the tasks need.
    pub fn rest_ns(&self, worker: WorkerId) -> Option<u64> {
        let state = self.workers.get(&worker).filter(|state| state.takes_tasks() && !state.taking_back)?;
        let until_wanted_ns = self.mean_wall_ns? * (state.in_flight.len() / 2) as f64;
        (until_wanted_ns >= MIN_REST_NS).then(|| until_wanted_ns.min(MAX_REST_NS) as u64)
    }

    /// Hands out tasks, and takes some back from a worker that has several for one that has none.
    pub(super) fn assign(&mut self, now_ns: u64, effects: &mut Vec<Effect>) {
        if self.stopping {
            return;
        }
        if self.paused || self.admission.is_some() {
            // What stands before a breakpoint begins.
            if self.admission.is_some() || self.breakpoints.reached().is_none() {
                self.take_back_all(effects);
            }
            return;
        }
        self.assign_next(now_ns, effects);
        self.pause_at_breakpoint(effects);
    }

    fn assign_next(&mut self, now_ns: u64, effects: &mut Vec<Effect>) {
        if self.resources.is_some() {
            self.allocate(now_ns, effects);
            self.allocate_ahead(effects);
            if self.resources.as_ref().is_some_and(|resources| resources.next(self.pool).is_none()) {
                self.take_back_for_idle(effects);
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
            self.take_back_for_idle(effects);
        }
    }

    /// The maximum number of tasks that a worker has, and the number from which on down it gets more.
    pub(super) fn ahead(&self) -> (usize, usize) {
        let control = &self.plan.control;
        match self.mean_wall_ns {
            // No task may begin after a halt or before its time, and a chunk goes to an idle worker.
            _ if control.halt.is_some() || control.delay_secs.is_some() || self.plan.chunk.is_some() => (1, 0),
            None => (1, 0),
            Some(mean_ns) => match tasks_ahead(mean_ns as u64) {
                1 => (1, 0),
                ahead => (ahead, ((LOW_NS / mean_ns.max(1.0)) as usize).clamp((ahead / 4).max(1), ahead / 2)),
            },
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
                let next = std::iter::from_fn(|| {
                    next_to_begin(&mut self.queue, &mut self.dependencies, &mut self.breakpoints)
                });
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

    /// Hands out one task; with a delay between starts, no worker is given any ahead.
    fn hand_out_one(&mut self, now_ns: u64, delay_secs: f64, effects: &mut Vec<Effect>) {
        if now_ns < self.next_start_ns {
            return;
        }
        let idle = self.workers.iter_mut().find(|(_, state)| state.is_idle());
        let Some((&worker, state)) = idle else { return };
        let next = next_to_begin(&mut self.queue, &mut self.dependencies, &mut self.breakpoints);
        let Some(pending) = next else { return };
        state.in_flight.push_back(pending);
        self.next_start_ns = now_ns + (delay_secs * 1e9) as u64;
        effects.push(Effect::Run { worker, tasks: vec![(pending.task, pending.attempts + 1)] });
    }

    /// Takes back all that has not begun: in a pause a worker finishes the task that it is at.
    fn take_back_all(&mut self, effects: &mut Vec<Effect>) {
        for (&worker, state) in &mut self.workers {
            if state.ready && !state.retiring && !state.taking_back && state.in_flight.len() > 1 {
                state.taking_back = true;
                effects.push(Effect::TakeBack { worker, count: u32::MAX });
            }
        }
    }

    fn take_back_for_idle(&mut self, effects: &mut Vec<Effect>) {
        if self.plan.chunk.is_some() {
            return;
        }
        let idle = self.workers.values().filter(|state| state.takes_tasks() && state.in_flight.is_empty()).count();
        let under_way = self.workers.values().filter(|state| state.taking_back).count();
        let (resources, pool) = (self.resources.as_ref(), self.pool);
        for _ in under_way..idle {
            let richest = self
                .workers
                .iter_mut()
                .filter(|(_, state)| !state.taking_back && !state.retiring && state.in_flight.len() > 1)
                .filter(|(_, state)| Self::fits_another(resources, state, pool))
                .max_by_key(|(_, state)| state.in_flight.len());
            let Some((&worker, state)) = richest else { return };
            state.taking_back = true;
            let waiting = state.in_flight.len() - 1;
            effects.push(Effect::TakeBack { worker, count: waiting.div_ceil(2) as u32 });
        }
    }
}

/// The next task that waits for no other.
pub(super) fn next_of(queue: &mut Queue, dependencies: &mut DependencyTracker) -> Option<Pending> {
    loop {
        let pending = queue.pop()?;
        if dependencies.is_empty() {
            return Some(pending);
        }
        if let Some(pending) = dependencies.pass(pending) {
            return Some(pending);
        }
    }
}

/// The next task that waits for no other, unless the run is to pause before it; then it stays in its place.
fn next_to_begin(
    queue: &mut Queue,
    dependencies: &mut DependencyTracker,
    breakpoints: &mut Breakpoints,
) -> Option<Pending> {
    if breakpoints.reached().is_some() {
        return None;
    }
    let pending = next_of(queue, dependencies)?;
    if breakpoints.stop_at(pending.task) {
        queue.put_back(std::iter::once(pending));
        return None;
    }
    Some(pending)
}

impl WorkerState {
    pub(super) const fn starting(lane: LaneId, now_ns: u64) -> Self {
        Self {
            lane,
            ready: false,
            retiring: false,
            is_displaced: false,
            taking_back: false,
            paused_after_abort: false,
            finished_any: false,
            alive_ns: now_ns,
            asked_ns: None,
            hung: false,
            started: None,
            in_flight: std::collections::VecDeque::new(),
        }
    }

    /// Its current task was announced, which happens only to tasks that take a while.
    fn is_at_a_long_task(&self) -> bool {
        self.started.is_some_and(|(task, _)| self.in_flight.front().is_some_and(|first| first.task == task))
    }

    pub(super) fn is_idle(&self) -> bool {
        self.takes_tasks() && self.in_flight.is_empty()
    }

    /// It has a task, but no more than `low` of them and none that takes long.
    pub(super) fn wants_more(&self, low: usize) -> bool {
        let has = self.in_flight.len();
        self.takes_tasks() && has > 0 && has <= low && !self.is_at_a_long_task()
    }

    pub(super) const fn takes_tasks(&self) -> bool {
        self.ready && !self.retiring
    }
}
