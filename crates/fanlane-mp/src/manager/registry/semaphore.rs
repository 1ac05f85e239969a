//! `Semaphore` and `BoundedSemaphore`. As in Python, any client may release a slot that another has acquired. A slot that
//! is held comes back with the end of its owner's connection.

use std::collections::{HashMap, VecDeque};

use super::object::{Interface, with_waiting};
use super::{Answer, Arguments, CallContext, CallResult, ClientId, Object};
use crate::manager::dynamic_value::DynamicValue;
use crate::manager::failure::{Failure, FailureKind};

const INTERFACE: Interface = Interface {
    kind: "a semaphore",
    methods: &[("acquire", 2), ("release", 1), ("get_value", 0)],
    tracks_clients: true,
};

/// A number of slots.
pub(super) struct SemaphoreObject {
    free: u64,
    /// Maximum number of free slots.
    bound: Option<u64>,
    /// The clients that wait, each with whether it will hold its slot.
    waiting: VecDeque<(ClientId, bool)>,
    held: HashMap<ClientId, u64>,
}

impl SemaphoreObject {
    pub fn new(arguments: &mut Arguments, is_bounded: bool) -> Result<Self, Failure> {
        let free = arguments.count_or("the number of slots", 1)? as u64;
        Ok(Self { free, bound: is_bounded.then_some(free), waiting: VecDeque::new(), held: HashMap::new() })
    }

    fn take_slot(&mut self, client: ClientId, holds: bool) {
        self.free -= 1;
        if holds {
            *self.held.entry(client).or_default() += 1;
        }
    }

    fn free_slots(&mut self, context: &mut CallContext<'_>, count: u64) {
        self.free += count;
        while self.free > 0
            && let Some((client, holds)) = self.waiting.pop_front()
        {
            self.take_slot(client, holds);
            context.answer(client, Ok(DynamicValue::Bool(true)));
        }
    }
}

impl Object for SemaphoreObject {
    fn interface(&self) -> Option<&'static Interface> {
        Some(&INTERFACE)
    }

    fn call(&mut self, context: &mut CallContext<'_>, method: &str, arguments: &mut Arguments) -> CallResult {
        match method {
            "acquire" => {
                let timeout_ns = arguments.timeout_ns()?;
                let holds = arguments.flag_or("whether it is held", false)?;
                if self.free > 0 {
                    self.take_slot(context.client, holds);
                    return Answer::now(true);
                }
                if timeout_ns == Some(0) {
                    return Answer::now(false);
                }
                self.waiting.push_back((context.client, holds));
                Ok(Answer::Later { timeout_ns })
            }
            "release" => {
                let count = arguments.positive_or("the number of slots", 1)? as u64;
                let after = self.free.checked_add(count);
                if after.is_none() || self.bound.is_some_and(|bound| after > Some(bound)) {
                    let message = "it was released more often than it was acquired";
                    return Err(Failure::new(FailureKind::NotHeld, message));
                }
                if let Some(held) = self.held.get_mut(&context.client) {
                    *held = held.saturating_sub(count);
                }
                self.free_slots(context, count);
                Answer::done()
            }
            "get_value" => Answer::now(self.free),
            _ => Err(INTERFACE.no_method(method)),
        }
    }

    fn timed_out(&mut self, context: &mut CallContext<'_>) {
        let client = context.client;
        self.waiting.retain(|(waiter, _)| *waiter != client);
        context.answer(client, Ok(DynamicValue::Bool(false)));
    }

    fn client_gone(&mut self, context: &mut CallContext<'_>) {
        self.waiting.retain(|(waiter, _)| *waiter != context.client);
        if let Some(held) = self.held.remove(&context.client) {
            self.free_slots(context, held);
        }
    }

    fn content(&self, _max_items: usize) -> DynamicValue {
        DynamicValue::from(self.free)
    }

    fn state(&self) -> Option<String> {
        let free = match self.bound {
            Some(bound) => format!("{} of {bound} free", self.free),
            None => format!("{} free", self.free),
        };
        Some(with_waiting(free, self.waiting.len()))
    }
}
