//! `Barrier`: nobody goes on before all have come. One who gives up, or dies, while waiting breaks it for all, so that
//! nobody waits for somebody who will not come.

use super::{Answer, Arguments, CallContext, ClientId, Object};
use crate::mp::manager::dynamic_value::DynamicValue;
use crate::mp::manager::failure::{Failure, FailureKind};

const METHODS: &[&str] = &["wait", "reset", "abort", "parties", "n_waiting", "broken"];

/// A meeting point.
pub(super) struct BarrierObject {
    parties: usize,
    waiting: Vec<ClientId>,
    broken: bool,
}

fn is_broken(why: &str) -> Failure {
    Failure::new(FailureKind::BrokenBarrier, format!("the barrier is broken: {why}"))
}

impl BarrierObject {
    pub fn new(arguments: &mut Arguments) -> Result<Self, Failure> {
        let parties = arguments.positive_or("the number of parties", 0)?;
        Ok(Self { parties, waiting: Vec::new(), broken: false })
    }

    fn break_waits(&mut self, context: &mut CallContext<'_>, why: &str) {
        for client in self.waiting.drain(..) {
            context.answer(client, Err(is_broken(why)));
        }
    }
}

impl Object for BarrierObject {
    fn call(&mut self, context: &mut CallContext<'_>, method: &str, mut with: Arguments) -> Result<Answer, Failure> {
        match method {
            "wait" => {
                let timeout_ns = with.timeout_ns()?;
                with.end()?;
                if self.broken {
                    return Err(is_broken("reset it before it is used again"));
                }
                let place = self.waiting.len();
                if place + 1 == self.parties {
                    for (place, client) in self.waiting.drain(..).enumerate() {
                        context.answer(client, Ok(DynamicValue::from(place as u64)));
                    }
                    return Answer::count(place);
                }
                if timeout_ns == Some(0) {
                    self.broken = true;
                    self.break_waits(context, "one of those who came did not wait");
                    return Err(is_broken("the time was over before all had come"));
                }
                self.waiting.push(context.client);
                Ok(Answer::Later { timeout_ns })
            }
            "reset" => {
                with.end()?;
                self.break_waits(context, "it was reset");
                self.broken = false;
                Answer::done()
            }
            "abort" => {
                with.end()?;
                self.broken = true;
                self.break_waits(context, "it was aborted");
                Answer::done()
            }
            "parties" => {
                with.end()?;
                Answer::count(self.parties)
            }
            "n_waiting" => {
                with.end()?;
                Answer::count(self.waiting.len())
            }
            "broken" => {
                with.end()?;
                Answer::now(self.broken)
            }
            _ => Err(Failure::method("a Barrier", method, METHODS)),
        }
    }

    fn timed_out(&mut self, context: &mut CallContext<'_>) {
        self.broken = true;
        self.break_waits(context, "the time of one who waited was over before all had come");
    }

    fn tracks_clients(&self) -> bool {
        true
    }

    fn client_gone(&mut self, context: &mut CallContext<'_>) {
        let client = context.client;
        if self.waiting.contains(&client) {
            self.waiting.retain(|waiter| *waiter != client);
            self.broken = true;
            self.break_waits(context, "one who waited died");
        }
    }

    fn head(&self, _items: usize) -> DynamicValue {
        DynamicValue::from(self.waiting.len() as u64)
    }

    fn state(&self) -> Option<String> {
        let broken = if self.broken { "broken, " } else { "" };
        Some(format!("{broken}{} of {} waiting", self.waiting.len(), self.parties))
    }
}
