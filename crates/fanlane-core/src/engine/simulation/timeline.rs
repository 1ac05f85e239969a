//! Simulated time for one dispatcher: what is to come, in its order, and what the dispatcher makes of it. What workers are
//! like, and which faults they have, is said by the worlds that are built on this.

use std::collections::BTreeMap;

use crate::engine::dispatcher::{Dispatcher, Effect, Input};

/// A dispatcher whose clock is moved on by planned events of type `E`.
pub struct Timeline<E> {
    /// The dispatcher; its inputs go through [`Timeline::handle`].
    pub dispatcher: Dispatcher,
    now_ns: u64,
    /// By time and, within one moment, by the order in which they were planned.
    coming: BTreeMap<(u64, u64), E>,
    planned: u64,
    tick_at_ns: Option<u64>,
}

impl<E> Timeline<E> {
    /// At time 0, with nothing to come.
    pub const fn new(dispatcher: Dispatcher) -> Self {
        Self { dispatcher, now_ns: 0, coming: BTreeMap::new(), planned: 0, tick_at_ns: None }
    }

    /// The time, in nanoseconds since the run's start.
    pub const fn now_ns(&self) -> u64 {
        self.now_ns
    }

    /// Plans `event` at `at_ns`, or now if that has passed, behind those that were planned for that moment before.
    pub fn plan(&mut self, at_ns: u64, event: E) {
        self.planned += 1;
        self.coming.insert((at_ns.max(self.now_ns), self.planned), event);
    }

    /// When the next event is due.
    pub fn next_at_ns(&self) -> Option<u64> {
        self.coming.first_key_value().map(|((at_ns, _), _)| *at_ns)
    }

    /// Moves the time on.
    pub const fn advance(&mut self, to_ns: u64) {
        if to_ns > self.now_ns {
            self.now_ns = to_ns;
        }
    }

    /// Takes the next event and moves the time on to it.
    pub fn next(&mut self) -> Option<E> {
        let ((at_ns, _), event) = self.coming.pop_first()?;
        self.advance(at_ns);
        Some(event)
    }

    /// Gives the dispatcher an input at this time; returns what is to be done.
    pub fn handle(&mut self, input: Input) -> Vec<Effect> {
        if matches!(input, Input::Tick) {
            self.tick_at_ns = None;
        }
        let mut effects = Vec::new();
        self.dispatcher.handle(self.now_ns, input, &mut effects);
        effects
    }

    /// Plans `tick`, an event that becomes [`Input::Tick`], at the dispatcher's next deadline, unless an earlier one is planned.
    pub fn plan_tick(&mut self, tick: E) {
        if let Some(due_ns) = self.dispatcher.next_wake_ns()
            && self.tick_at_ns.is_none_or(|planned_ns| due_ns < planned_ns)
        {
            self.tick_at_ns = Some(due_ns);
            self.plan(due_ns, tick);
        }
    }
}
