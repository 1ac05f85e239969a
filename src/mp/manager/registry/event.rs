//! `Event`: a flag that others wait for.

use super::{Answer, Arguments, ClientId, Object, Turn};
use crate::mp::manager::datum::Datum;
use crate::mp::manager::failure::Failure;

/// A flag.
#[derive(Default)]
pub(super) struct Event {
    is_set: bool,
    waiting: Vec<ClientId>,
}

impl Object for Event {
    fn call(&mut self, turn: &mut Turn<'_>, method: &str, mut with: Arguments) -> Result<Answer, Failure> {
        match method {
            "set" => {
                with.end()?;
                self.is_set = true;
                for client in self.waiting.drain(..) {
                    turn.answer(client, Ok(Datum::Bool(true)));
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
                self.waiting.push(turn.client);
                Ok(Answer::Later { timeout_ns })
            }
            _ => Err(Failure::method("an Event", method, &["set", "clear", "is_set", "wait"])),
        }
    }

    fn timed_out(&mut self, turn: &mut Turn<'_>) {
        let client = turn.client;
        self.waiting.retain(|waiter| *waiter != client);
        turn.answer(client, Ok(Datum::Bool(false)));
    }

    fn minds_clients(&self) -> bool {
        true
    }

    fn client_gone(&mut self, turn: &mut Turn<'_>) {
        let client = turn.client;
        self.waiting.retain(|waiter| *waiter != client);
    }

    fn head(&self, _items: usize) -> Datum {
        Datum::Bool(self.is_set)
    }

    fn state(&self) -> Option<String> {
        let state = if self.is_set { "set" } else { "not set" };
        Some(match self.waiting.len() {
            0 => state.to_owned(),
            count => format!("{state}, {count} waiting"),
        })
    }
}
