//! `Condition`: a reentrant lock, and the clients that have released it until they are notified.

use std::collections::VecDeque;

use super::object::Interface;
use super::ownership::Ownership;
use super::{Answer, Arguments, CallContext, CallResult, ClientId, Object};
use crate::manager::dynamic_value::DynamicValue;
use crate::manager::failure::{Failure, FailureKind};

const INTERFACE: Interface = Interface {
    kind: "a Condition",
    methods: &[("acquire", 1), ("release", 0), ("wait", 1), ("notify", 1), ("notify_all", 0)],
    tracks_clients: true,
};

/// A condition, as in Python.
#[derive(Default)]
pub(super) struct ConditionObject {
    ownership: Ownership,
    /// The clients that wait to be notified, each with the depth to which it had acquired the lock.
    waiters: VecDeque<(ClientId, u64)>,
}

impl ConditionObject {
    fn must_own(&self, context: &CallContext<'_>, method: &str) -> Result<(), Failure> {
        if self.ownership.is_owner(context.client) {
            return Ok(());
        }
        Err(Failure::new(FailureKind::NotHeld, format!("{method}: acquire the condition first")))
    }

    fn notify(&mut self, context: &mut CallContext<'_>, most: usize) -> Result<Answer, Failure> {
        let count = most.min(self.waiters.len());
        for (client, depth) in self.waiters.drain(..count) {
            self.ownership.reacquire(context, client, depth, DynamicValue::Bool(true));
        }
        Answer::count(count)
    }
}

impl Object for ConditionObject {
    fn interface(&self) -> Option<&'static Interface> {
        Some(&INTERFACE)
    }

    fn call(&mut self, context: &mut CallContext<'_>, method: &str, arguments: &mut Arguments) -> CallResult {
        match method {
            "acquire" => self.ownership.acquire(context, arguments.timeout_ns()?, true),
            "release" => self.ownership.release(context),
            "wait" => {
                let timeout_ns = arguments.timeout_ns()?;
                self.must_own(context, method)?;
                let depth = self.ownership.release_all(context);
                self.waiters.push_back((context.client, depth));
                Ok(Answer::Later { timeout_ns })
            }
            "notify" | "notify_all" => {
                let default = if method == "notify" { 1 } else { usize::MAX };
                let most = arguments.count_or("the number of clients", default)?;
                self.must_own(context, method)?;
                self.notify(context, most)
            }
            _ => Err(INTERFACE.no_method(method)),
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

    fn client_gone(&mut self, context: &mut CallContext<'_>) {
        self.waiters.retain(|(waiter, _)| *waiter != context.client);
        self.ownership.client_gone(context);
    }

    fn content(&self, _max_items: usize) -> DynamicValue {
        DynamicValue::Bool(self.ownership.is_owned())
    }

    fn state(&self) -> Option<String> {
        let state = self.ownership.state();
        Some(if self.waiters.is_empty() { state } else { format!("{state}, {} to be notified", self.waiters.len()) })
    }
}
