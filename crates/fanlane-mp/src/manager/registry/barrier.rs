//! `Barrier`: all parties wait until the last one has come. A party that times out or dies while waiting breaks the
//! barrier for all, so that none waits for a party that will not come.

use super::object::Interface;
use super::{Answer, Arguments, CallContext, CallResult, ClientId, Object};
use crate::manager::dynamic_value::DynamicValue;
use crate::manager::failure::{Failure, FailureKind};

const INTERFACE: Interface = Interface {
    kind: "a Barrier",
    methods: &[("wait", 1), ("reset", 0), ("abort", 0), ("parties", 0), ("n_waiting", 0), ("broken", 0)],
    tracks_clients: true,
};

/// A barrier.
pub(super) struct BarrierObject {
    parties: usize,
    waiting: Vec<ClientId>,
    is_broken: bool,
}

fn broken(why: &str) -> Failure {
    Failure::new(FailureKind::BrokenBarrier, format!("the barrier is broken: {why}"))
}

impl BarrierObject {
    pub fn new(arguments: &mut Arguments) -> Result<Self, Failure> {
        let parties = arguments.positive_or("the number of parties", 0)?;
        Ok(Self { parties, waiting: Vec::new(), is_broken: false })
    }

    fn end_waits(&mut self, context: &mut CallContext<'_>, why: &str) {
        for client in self.waiting.drain(..) {
            context.answer(client, Err(broken(why)));
        }
    }

    fn break_for_all(&mut self, context: &mut CallContext<'_>, why: &str) {
        self.is_broken = true;
        self.end_waits(context, why);
    }
}

impl Object for BarrierObject {
    fn interface(&self) -> Option<&'static Interface> {
        Some(&INTERFACE)
    }

    fn call(&mut self, context: &mut CallContext<'_>, method: &str, arguments: &mut Arguments) -> CallResult {
        match method {
            "wait" => {
                let timeout_ns = arguments.timeout_ns()?;
                if self.is_broken {
                    return Err(broken("reset it before it is used again"));
                }
                let place = self.waiting.len();
                if place + 1 == self.parties {
                    for (place, client) in self.waiting.drain(..).enumerate() {
                        context.answer(client, Ok(DynamicValue::from(place as u64)));
                    }
                    return Answer::count(place);
                }
                if timeout_ns == Some(0) {
                    self.break_for_all(context, "a party came and did not wait");
                    return Err(broken("the timeout ended before all parties had come"));
                }
                self.waiting.push(context.client);
                Ok(Answer::Later { timeout_ns })
            }
            "reset" => {
                self.end_waits(context, "it was reset");
                self.is_broken = false;
                Answer::done()
            }
            "abort" => {
                self.break_for_all(context, "it was aborted");
                Answer::done()
            }
            "parties" => Answer::count(self.parties),
            "n_waiting" => Answer::count(self.waiting.len()),
            "broken" => Answer::now(self.is_broken),
            _ => Err(INTERFACE.no_method(method)),
        }
    }

    fn timed_out(&mut self, context: &mut CallContext<'_>) {
        self.break_for_all(context, "the timeout of a waiting party ended before all had come");
    }

    fn client_gone(&mut self, context: &mut CallContext<'_>) {
        if self.waiting.contains(&context.client) {
            self.waiting.retain(|waiter| *waiter != context.client);
            self.break_for_all(context, "a waiting party died");
        }
    }

    fn content(&self, _max_items: usize) -> DynamicValue {
        DynamicValue::from(self.waiting.len() as u64)
    }

    fn state(&self) -> Option<String> {
        let broken = if self.is_broken { "broken, " } else { "" };
        Some(format!("{broken}{} of {} waiting", self.waiting.len(), self.parties))
    }
}
