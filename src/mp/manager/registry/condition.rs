//! `Condition`: a lock, and those who have let go of it until they are notified.

use std::collections::VecDeque;

use super::ownership::Ownership;
use super::{Answer, Arguments, CallContext, ClientId, Object};
use crate::mp::manager::dynamic_value::DynamicValue;
use crate::mp::manager::failure::{Failure, FailureKind};

const METHODS: &[&str] = &["acquire", "release", "wait", "notify", "notify_all"];

/// A reentrant lock with waiters, as in Python.
#[derive(Default)]
pub(super) struct ConditionObject {
    ownership: Ownership,
    /// Who waits to be notified, and how often it had acquired the lock.
    waiters: VecDeque<(ClientId, u64)>,
}

impl ConditionObject {
    fn must_hold(&self, context: &CallContext<'_>, method: &str) -> Result<(), Failure> {
        if self.ownership.is_held_by(context.client) {
            return Ok(());
        }
        Err(Failure::new(FailureKind::NotHeld, format!("{method}: acquire the condition first")))
    }

    fn notify(&mut self, context: &mut CallContext<'_>, most: usize) -> usize {
        let count = most.min(self.waiters.len());
        for (client, depth) in self.waiters.drain(..count) {
            self.ownership.reacquire(context, client, depth, DynamicValue::Bool(true));
        }
        count
    }
}

impl Object for ConditionObject {
    fn call(&mut self, context: &mut CallContext<'_>, method: &str, mut with: Arguments) -> Result<Answer, Failure> {
        match method {
            "acquire" => {
                let timeout_ns = with.timeout_ns()?;
                with.end()?;
                self.ownership.acquire(context, timeout_ns, true)
            }
            "release" => {
                with.end()?;
                self.ownership.release(context)?;
                Answer::done()
            }
            "wait" => {
                let timeout_ns = with.timeout_ns()?;
                with.end()?;
                self.must_hold(context, method)?;
                let depth = self.ownership.release_all(context);
                self.waiters.push_back((context.client, depth));
                Ok(Answer::Later { timeout_ns })
            }
            "notify" => {
                let most = with.count_or("how many", 1)?;
                with.end()?;
                self.must_hold(context, method)?;
                Answer::count(self.notify(context, most))
            }
            "notify_all" => {
                with.end()?;
                self.must_hold(context, method)?;
                Answer::count(self.notify(context, usize::MAX))
            }
            _ => Err(Failure::method("a Condition", method, METHODS)),
        }
    }

    fn timed_out(&mut self, context: &mut CallContext<'_>) {
        let client = context.client;
        if let Some(place) = self.waiters.iter().position(|(waiter, _)| *waiter == client) {
            let (_, depth) = self.waiters.remove(place).expect("the place was just found");
            self.ownership.reacquire(context, client, depth, DynamicValue::Bool(false));
        } else if self.ownership.cancel_wait(client) {
            context.answer(client, Ok(DynamicValue::Bool(false)));
        }
    }

    fn tracks_clients(&self) -> bool {
        true
    }

    fn client_gone(&mut self, context: &mut CallContext<'_>) {
        let client = context.client;
        self.waiters.retain(|(waiter, _)| *waiter != client);
        self.ownership.forget(context);
    }

    fn head(&self, _items: usize) -> DynamicValue {
        DynamicValue::Bool(self.ownership.is_held())
    }

    fn state(&self) -> Option<String> {
        Some(match self.waiters.len() {
            0 => self.ownership.words(),
            count => format!("{}, {count} to be notified", self.ownership.words()),
        })
    }
}
