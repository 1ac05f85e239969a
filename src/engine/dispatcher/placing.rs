//! Handing out tasks that take different amounts: one at a time to an idle worker, in the order that
//! [`places`](super::places) says.

use super::feed::next_of;
use super::queue::Pending;
use super::{Dispatcher, Effect, Worker};
use crate::event::TaskId;

impl Dispatcher {
    /// Has tasks begin for as long as one fits, a worker is idle, and it is time.
    pub(super) fn place(&mut self, now_ns: u64, effects: &mut Vec<Effect>) {
        let Some(places) = &mut self.places else { return };
        // What came back stands before many that are in view already.
        while places.wants_more() || self.queue.has_returned() {
            let Some(pending) = next_of(&mut self.queue, &mut self.after) else { break };
            places.add(self.queue.place_of(pending.task), pending);
        }
        let delay_ns = self.plan.control.delay_secs.map(|secs| (secs * 1e9) as u64);
        let mut idle = self.workers.iter_mut().filter(|(_, state)| state.is_idle());
        while delay_ns.is_none() || now_ns >= self.next_start_ns {
            let Some((&worker, state)) = idle.next() else { return };
            let Some((pending, shares)) = places.next(self.pool).and_then(|place| places.give(place)) else { return };
            state.in_flight.push_back(pending);
            if let Some(delay_ns) = delay_ns {
                self.next_start_ns = now_ns + delay_ns;
            }
            effects.push(Effect::RunWith { worker, task: pending.task, attempt: pending.attempts + 1, shares });
            if places.wants_more()
                && let Some(pending) = next_of(&mut self.queue, &mut self.after)
            {
                places.add(self.queue.place_of(pending.task), pending);
            }
        }
    }

    /// What a worker has no more is free for others.
    pub(super) fn release(&mut self, tasks: impl Iterator<Item = TaskId>) {
        if let Some(places) = &mut self.places {
            tasks.for_each(|task| places.release(task));
        }
    }

    /// Takes a task out that no worker has.
    pub(super) fn take_waiting(&mut self, task: TaskId) -> Option<Pending> {
        if task.0 >= self.plan.tasks {
            return None;
        }
        let placed = self.places.as_mut().and_then(|places| places.remove(self.queue.place_of(task)));
        placed.or_else(|| self.queue.remove(task)).or_else(|| self.after.remove(task))
    }

    /// Whether a task could begin at once if its time has come.
    pub(super) fn could_begin(&self) -> bool {
        match &self.places {
            Some(places) => places.next(self.pool).is_some() && self.workers.values().any(Worker::is_idle),
            None => self.queue.ready() > 0 && self.workers.values().any(Worker::is_idle),
        }
    }

    /// How many tasks can be at work at once.
    pub(super) fn at_once(&self) -> u32 {
        match &self.places {
            Some(places) => places.at_once(self.pool),
            None => self.plan.control.at_once(self.pool),
        }
    }

    /// Says why nothing begins, or that something does again.
    pub(super) fn say_if_held(&mut self, effects: &mut Vec<Effect>) {
        let reason = match &self.gate {
            Some(need) => self.waiting_for(need),
            None => self.pool_too_small().or_else(|| self.shortage()),
        };
        if self.held != reason {
            self.held = reason;
            effects.push(Effect::Say(crate::event::EventKind::Held { reason: self.held.clone() }));
        }
    }

    /// How many tasks the gate keeps waiting, and what they need; `None` where all that are left have begun.
    fn waiting_for(&self, need: &str) -> Option<String> {
        let handed_out: usize = self.workers.values().map(|state| state.in_flight.len()).sum();
        match (self.plan.tasks - self.counts.total()).saturating_sub(handed_out as u64) {
            0 => None,
            1 => Some(format!("1 task needs {need}")),
            waiting => Some(format!("{waiting} tasks need {need}")),
        }
    }

    fn pool_too_small(&self) -> Option<String> {
        // A pool of none is a pause.
        if self.pool == 0 || self.stopping || self.counts.total() == self.plan.tasks {
            return None;
        }
        match &self.places {
            Some(places) => places.obstacle(self.pool),
            None if self.plan.control.at_once(self.pool) == 0 => {
                let places = self.plan.control.slots.as_ref().map_or_else(|| "1".to_owned(), ToString::to_string);
                let pool = self.pool;
                Some(format!("each task takes {places} places, the pool has {pool}; make the pool larger"))
            }
            None => None,
        }
    }
}
