//! `Event`: a flag that clients wait for.

use super::object::{Interface, with_waiting};
use super::{Answer, Arguments, CallContext, CallResult, ClientId, Object};
use crate::manager::dynamic_value::DynamicValue;

const INTERFACE: Interface = Interface {
    kind: "an Event",
    methods: &[("set", 0), ("clear", 0), ("is_set", 0), ("wait", 1)],
    tracks_clients: true,
};

/// A flag.
#[derive(Default)]
pub(super) struct EventObject {
    is_set: bool,
    waiting: Vec<ClientId>,
}

impl Object for EventObject {
    fn interface(&self) -> Option<&'static Interface> {
        Some(&INTERFACE)
    }

    fn call(&mut self, context: &mut CallContext<'_>, method: &str, arguments: &mut Arguments) -> CallResult {
        match method {
            "set" => {
                self.is_set = true;
                for client in self.waiting.drain(..) {
                    context.answer(client, Ok(DynamicValue::Bool(true)));
                }
                Answer::done()
            }
            "clear" => {
                self.is_set = false;
                Answer::done()
            }
            "is_set" => Answer::now(self.is_set),
            "wait" => {
                let timeout_ns = arguments.timeout_ns()?;
                if self.is_set || timeout_ns == Some(0) {
                    return Answer::now(self.is_set);
                }
                self.waiting.push(context.client);
                Ok(Answer::Later { timeout_ns })
            }
            _ => Err(INTERFACE.no_method(method)),
        }
    }

    fn timed_out(&mut self, context: &mut CallContext<'_>) {
        self.client_gone(context);
        context.answer(context.client, Ok(DynamicValue::Bool(false)));
    }

    fn client_gone(&mut self, context: &mut CallContext<'_>) {
        self.waiting.retain(|waiter| *waiter != context.client);
    }

    fn content(&self, _max_items: usize) -> DynamicValue {
        DynamicValue::Bool(self.is_set)
    }

    fn state(&self) -> Option<String> {
        Some(with_waiting(if self.is_set { "set" } else { "not set" }, self.waiting.len()))
    }
}
