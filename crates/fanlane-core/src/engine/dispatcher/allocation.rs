//! Handing out tasks that take different amounts, in the order that [`resources`](super::resources) gives: one to each idle
//! worker, and ahead those that take what the worker has already.

use super::assign::next_of;
use super::dependencies::DependencyTracker;
use super::queue::{Pending, Queue};
use super::resources::Resources;
use super::{Dispatcher, Effect, WorkerState};
use crate::event::{DispatchEvent, EventKind, TaskId, WorkerId};

impl Dispatcher {
    /// Hands out tasks as long as one fits, a worker is idle, and its time has come.
    pub(super) fn allocate(&mut self, now_ns: u64, effects: &mut Vec<Effect>) {
        let Some(resources) = &mut self.resources else { return };
        // Tasks that came back stand before many that are in the window already.
        while self.queue.has_returned() && add_next(resources, &mut self.queue, &mut self.dependencies) {}
        fill(resources, &mut self.queue, &mut self.dependencies);
        let delay_ns = self.plan.control.delay_secs.map(|secs| (secs * 1e9) as u64);
        let mut idle = self.workers.iter_mut().filter(|(_, state)| state.is_idle());
        while delay_ns.is_none() || now_ns >= self.next_start_ns {
            let Some((&worker, state)) = idle.next() else { return };
            let Some(place) = resources.next(self.pool) else { return };
            if resources.task_at(place).is_some_and(|task| self.breakpoints.stop_at(task)) {
                return;
            }
            let Some((pending, shares)) = resources.give(place) else { return };
            state.in_flight.push_back(pending);
            if let Some(delay_ns) = delay_ns {
                self.next_start_ns = now_ns + delay_ns;
            }
            effects.push(Effect::RunWith { worker, tasks: vec![(pending.task, pending.attempts + 1)], shares });
            fill(resources, &mut self.queue, &mut self.dependencies);
        }
    }

    /// Hands short tasks ahead to workers whose current task takes the same, so that these need not wait for the next one.
    pub(super) fn allocate_ahead(&mut self, effects: &mut Vec<Effect>) {
        let (ahead, low) = self.ahead();
        let is_at_breakpoint = self.breakpoints.reached().is_some();
        let Some(resources) = self.resources.as_mut().filter(|_| ahead > 1 && !is_at_breakpoint) else { return };
        let takers = self.workers.values().filter(|state| state.takes_tasks()).count();
        // The last ones are left for the first idle worker.
        let share = (resources.waiting() + self.queue.ready() as usize) / takers.max(1);
        let wanting = self.workers.iter_mut().filter(|(_, state)| state.wants_more(low));
        let mut wanting: Vec<_> = wanting.map(|(&worker, state)| (worker, state.in_flight.len(), state)).collect();
        // One each in turns: a task handed out may leave too little for the next one.
        let mut goes_on = true;
        while std::mem::take(&mut goes_on) {
            for (_, had, state) in &mut wanting {
                let at_work = state.in_flight.front().filter(|_| state.in_flight.len() < ahead.min(*had + share));
                if let Some(pending) = at_work.and_then(|first| resources.follower(first.task, self.pool)) {
                    if self.breakpoints.stop_at(pending.task) {
                        resources.add(self.queue.place_of(pending.task), pending);
                        goes_on = false;
                        break;
                    }
                    state.in_flight.push_back(pending);
                    fill(resources, &mut self.queue, &mut self.dependencies);
                    goes_on = true;
                }
            }
        }
        for (worker, had, state) in wanting {
            let ahead = state.in_flight.iter().skip(had).map(|pending| (pending.task, pending.attempts + 1));
            let tasks: Vec<_> = ahead.collect();
            if let (Some(first), false) = (state.in_flight.front(), tasks.is_empty()) {
                effects.push(Effect::RunWith { worker, tasks, shares: resources.shares_of(first.task) });
            }
        }
    }

    /// Frees what tasks had that a worker no longer has, unless its next task goes on with it.
    pub(super) fn release(&mut self, worker: WorkerId, tasks: impl Iterator<Item = TaskId>) {
        if let Some(resources) = &mut self.resources {
            let heir = self.workers.get(&worker).and_then(|state| state.in_flight.front());
            tasks.for_each(|task| resources.release(task, heir.map(|heir| heir.task)));
        }
    }

    /// Whether one more task like this worker's current one fits; always, where all tasks take the same.
    pub(super) fn fits_another(resources: Option<&Resources>, state: &WorkerState, pool: u32) -> bool {
        resources.is_none_or(|resources| {
            state.in_flight.front().is_some_and(|first| resources.fits_another(first.task, pool))
        })
    }

    /// Takes a task out that no worker has.
    pub(super) fn take_waiting(&mut self, task: TaskId) -> Option<Pending> {
        if task.0 >= self.plan.tasks {
            return None;
        }
        // Those that are held by others are the most, and the fastest to find.
        let held = self.dependencies.remove(task);
        held.or_else(|| self.take_ready(task)).or_else(|| self.queue.remove_later(task))
    }

    /// Takes a task out that could be handed out now.
    pub(super) fn take_ready(&mut self, task: TaskId) -> Option<Pending> {
        let placed = self.resources.as_mut().and_then(|resources| resources.remove(self.queue.place_of(task)));
        placed.or_else(|| self.queue.remove_ready(task))
    }

    /// Whether a task could begin at once if its time has come.
    pub(super) fn could_begin(&self) -> bool {
        match &self.resources {
            Some(resources) => resources.next(self.pool).is_some() && self.workers.values().any(WorkerState::is_idle),
            None => self.queue.ready() > 0 && self.workers.values().any(WorkerState::is_idle),
        }
    }

    /// How many tasks can be at work at once.
    pub(super) fn at_once(&self) -> u32 {
        match &self.resources {
            Some(resources) => resources.at_once(self.pool),
            None => self.plan.control.at_once(self.pool),
        }
    }

    /// Emits why no task begins, or that tasks begin again, when that has changed.
    pub(super) fn emit_if_held(&mut self, effects: &mut Vec<Effect>) {
        let reason = match &self.admission {
            Some(need) => self.waiting_for(need),
            None => self.pool_too_small().or_else(|| self.exhaustion()),
        };
        if self.held != reason {
            self.held = reason;
            effects.push(Effect::Emit(EventKind::Dispatch(DispatchEvent::Held { reason: self.held.clone() })));
        }
    }

    /// How many tasks wait for admission, and what they need; `None` where all that are left have begun.
    fn waiting_for(&self, need: &str) -> Option<String> {
        let handed_out: usize = self.workers.values().map(|state| state.in_flight.len()).sum();
        match (self.plan.tasks - self.counts.total()).saturating_sub(handed_out as u64) {
            0 => None,
            1 => Some(format!("1 task needs {need}")),
            waiting => Some(format!("{waiting} tasks need {need}")),
        }
    }

    fn pool_too_small(&self) -> Option<String> {
        // An empty pool is a pause.
        if self.pool == 0 || self.stopping || self.counts.total() == self.plan.tasks {
            return None;
        }
        match &self.resources {
            Some(resources) => resources.obstacle(self.pool),
            None if self.plan.control.at_once(self.pool) == 0 => {
                let places = self.plan.control.slots.as_ref().map_or_else(|| "1".to_owned(), ToString::to_string);
                let pool = self.pool;
                Some(format!("each task takes {places} places, the pool has {pool}; make the pool larger"))
            }
            None => None,
        }
    }
}

/// Fills the window.
fn fill(resources: &mut Resources, queue: &mut Queue, dependencies: &mut DependencyTracker) {
    while resources.wants_more() && add_next(resources, queue, dependencies) {}
}

/// Adds one more task to the window; false where none waits.
fn add_next(resources: &mut Resources, queue: &mut Queue, dependencies: &mut DependencyTracker) -> bool {
    let Some(pending) = next_of(queue, dependencies) else { return false };
    resources.add(queue.place_of(pending.task), pending);
    true
}
