//! `Event`: a flag that others wait for.

use super::{Answer, Arguments, CallContext, ClientId, Object};
use crate::mp::manager::dynamic_value::DynamicValue;
use crate::mp::manager::failure::Failure;

/// A flag.
#[derive(Default)]
pub(super) struct EventObject {
    is_set: bool,
    waiting: Vec<ClientId>,
}

impl Object for EventObject {
    fn call(&mut self, context: &mut CallContext<'_>, method: &str, mut with: Arguments) -> Result<Answer, Failure> {
        match method {
            "set" => {
                with.end()?;
                self.is_set = true;
                for client in self.waiting.drain(..) {
                    context.answer(client, Ok(DynamicValue::Bool(true)));
                }
                Answer::done()
            }
            "clear" => {
                with.end()?;
                self.is_set = false;
                Answer::done()
            }
            "is_set" => {
                with.end()?;
                Answer::now(self.is_set)
            }
            "wait" => {
                let timeout_ns = with.timeout_ns()?;
                with.end()?;
                if self.is_set || timeout_ns == Some(0) {
                    return Answer::now(self.is_set);
                }
                self.waiting.push(context.client);
                Ok(Answer::Later { timeout_ns })
            }
            _ => Err(Failure::method("an Event", method, &["set", "clear", "is_set", "wait"])),
        }
    }

    fn timed_out(&mut self, context: &mut CallContext<'_>) {
        let client = context.client;
        self.waiting.retain(|waiter| *waiter != client);
        context.answer(client, Ok(DynamicValue::Bool(false)));
    }

    fn tracks_clients(&self) -> bool {
        true
    }

    fn client_gone(&mut self, context: &mut CallContext<'_>) {
        let client = context.client;
        self.waiting.retain(|waiter| *waiter != client);
    }

    fn head(&self, _items: usize) -> DynamicValue {
        DynamicValue::Bool(self.is_set)
    }

    fn state(&self) -> Option<String> {
        let state = if self.is_set { "set" } else { "not set" };
        Some(match self.waiting.len() {
            0 => state.to_owned(),
            count => format!("{state}, {count} waiting"),
        })
    }
}
