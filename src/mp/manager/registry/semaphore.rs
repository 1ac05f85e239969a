//! `Semaphore` and `BoundedSemaphore`. A slot that was taken is anybody's to give back, as in Python, unless it was
//! taken to be held: then it comes back with the end of its holder's connection.

use std::collections::{HashMap, VecDeque};

use super::{Answer, Arguments, CallContext, ClientId, Object};
use crate::mp::manager::dynamic_value::DynamicValue;
use crate::mp::manager::failure::{Failure, FailureKind};

/// So many slots.
pub(super) struct SemaphoreObject {
    free: u64,
    /// The most that can be free.
    bound: Option<u64>,
    waiting: VecDeque<(ClientId, bool)>,
    held: HashMap<ClientId, u64>,
}

impl SemaphoreObject {
    pub fn new(arguments: &mut Arguments, bounded: bool) -> Result<Self, Failure> {
        let free = arguments.count_or("the number of slots", 1)? as u64;
        Ok(Self { free, bound: bounded.then_some(free), waiting: VecDeque::new(), held: HashMap::new() })
    }

    fn taken(&mut self, client: ClientId, to_hold: bool) {
        self.free -= 1;
        if to_hold {
            *self.held.entry(client).or_default() += 1;
        }
    }

    fn give(&mut self, context: &mut CallContext<'_>, count: u64) {
        self.free += count;
        while self.free > 0
            && let Some((client, to_hold)) = self.waiting.pop_front()
        {
            self.taken(client, to_hold);
            context.answer(client, Ok(DynamicValue::Bool(true)));
        }
    }
}

impl Object for SemaphoreObject {
    fn call(&mut self, context: &mut CallContext<'_>, method: &str, mut with: Arguments) -> Result<Answer, Failure> {
        match method {
            "acquire" => {
                let timeout_ns = with.timeout_ns()?;
                let to_hold = with.flag_or("whether it is held", false)?;
                with.end()?;
                if self.free > 0 {
                    self.taken(context.client, to_hold);
                    return Answer::now(true);
                }
                if timeout_ns == Some(0) {
                    return Answer::now(false);
                }
                self.waiting.push_back((context.client, to_hold));
                Ok(Answer::Later { timeout_ns })
            }
            "release" => {
                let count = with.positive_or("how many", 1)? as u64;
                with.end()?;
                let after = self.free.checked_add(count);
                if after.is_none() || self.bound.is_some_and(|bound| after > Some(bound)) {
                    let message = "it was released more often than it was acquired";
                    return Err(Failure::new(FailureKind::NotHeld, message));
                }
                if let Some(held) = self.held.get_mut(&context.client) {
                    *held = held.saturating_sub(count);
                }
                self.give(context, count);
                Answer::done()
            }
            "get_value" => {
                with.end()?;
                Answer::now(self.free)
            }
            _ => Err(Failure::method("a semaphore", method, &["acquire", "release", "get_value"])),
        }
    }

    fn timed_out(&mut self, context: &mut CallContext<'_>) {
        let client = context.client;
        self.waiting.retain(|(waiter, _)| *waiter != client);
        context.answer(client, Ok(DynamicValue::Bool(false)));
    }

    fn tracks_clients(&self) -> bool {
        true
    }

    fn client_gone(&mut self, context: &mut CallContext<'_>) {
        let client = context.client;
        self.waiting.retain(|(waiter, _)| *waiter != client);
        if let Some(held) = self.held.remove(&client) {
            self.give(context, held);
        }
    }

    fn head(&self, _items: usize) -> DynamicValue {
        DynamicValue::from(self.free)
    }

    fn state(&self) -> Option<String> {
        let free = match self.bound {
            Some(bound) => format!("{} of {bound} free", self.free),
            None => format!("{} free", self.free),
        };
        Some(if self.waiting.is_empty() { free } else { format!("{free}, {} waiting", self.waiting.len()) })
    }
}
