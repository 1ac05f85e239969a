//! `Queue` and `JoinableQueue`: first in, first out, for any number of producers and consumers. Waiting clients are
//! served in the order of their calls.

use std::collections::VecDeque;

use super::object::{Interface, first_items};
use super::{Answer, Arguments, CallContext, CallResult, ClientId, Object, Weight};
use crate::manager::dynamic_value::DynamicValue;
use crate::manager::failure::{Failure, FailureKind};

const INTERFACE: Interface = Interface {
    kind: "a Queue",
    methods: &[("put", 2), ("get", 1), ("qsize", 0), ("empty", 0), ("full", 0), ("copy", 0)],
    tracks_clients: true,
};
const JOINABLE_INTERFACE: Interface = Interface {
    kind: "a JoinableQueue",
    methods: &[
        ("put", 2),
        ("get", 1),
        ("qsize", 0),
        ("empty", 0),
        ("full", 0),
        ("copy", 0),
        ("task_done", 0),
        ("join", 1),
        ("unfinished", 0),
    ],
    tracks_clients: true,
};

/// A queue of items.
pub(super) struct QueueObject {
    items: VecDeque<DynamicValue>,
    /// Maximum number of items; 0: no limit.
    max_items: usize,
    consumers: VecDeque<ClientId>,
    producers: VecDeque<(ClientId, DynamicValue)>,
    is_joinable: bool,
    unfinished: u64,
    joiners: Vec<ClientId>,
}

fn empty() -> Failure {
    Failure::new(FailureKind::Empty, "the queue is empty")
}

fn full(max_items: usize) -> Failure {
    Failure::new(FailureKind::Full, format!("the queue is full: it holds {max_items}"))
}

impl QueueObject {
    pub fn new(arguments: &mut Arguments, is_joinable: bool) -> Result<Self, Failure> {
        Ok(Self {
            items: VecDeque::new(),
            max_items: arguments.count_or("the limit", 0)?,
            consumers: VecDeque::new(),
            producers: VecDeque::new(),
            is_joinable,
            unfinished: 0,
            joiners: Vec::new(),
        })
    }

    const fn own_interface(&self) -> &'static Interface {
        if self.is_joinable { &JOINABLE_INTERFACE } else { &INTERFACE }
    }

    fn is_full(&self) -> bool {
        self.max_items > 0 && self.items.len() >= self.max_items
    }

    /// Hands an item to the client that has waited longest, or keeps it.
    fn accept_item(&mut self, context: &mut CallContext<'_>, item: DynamicValue) {
        self.unfinished += 1;
        match self.consumers.pop_front() {
            Some(consumer) => context.hand_over(consumer, item),
            None => self.items.push_back(item),
        }
    }

    fn take(&mut self, context: &mut CallContext<'_>) -> Option<DynamicValue> {
        let item = self.items.pop_front()?;
        if !self.is_full()
            && let Some((producer, waiting)) = self.producers.pop_front()
        {
            self.accept_item(context, waiting);
            context.answer(producer, Ok(DynamicValue::Nil));
        }
        Some(item)
    }
}

impl Object for QueueObject {
    fn interface(&self) -> Option<&'static Interface> {
        Some(self.own_interface())
    }

    fn call(&mut self, context: &mut CallContext<'_>, method: &str, arguments: &mut Arguments) -> CallResult {
        match method {
            "put" => {
                let item = arguments.any("the item")?;
                let timeout_ns = arguments.timeout_ns()?;
                if !self.is_full() {
                    self.accept_item(context, item);
                    return Answer::done();
                }
                if timeout_ns == Some(0) {
                    return Err(full(self.max_items));
                }
                self.producers.push_back((context.client, item));
                Ok(Answer::Later { timeout_ns })
            }
            "get" => {
                let timeout_ns = arguments.timeout_ns()?;
                if let Some(item) = self.take(context) {
                    return Ok(Answer::Taken(item));
                }
                if timeout_ns == Some(0) {
                    return Err(empty());
                }
                self.consumers.push_back(context.client);
                Ok(Answer::Later { timeout_ns })
            }
            "qsize" => Answer::count(self.items.len()),
            "empty" => Answer::now(self.items.is_empty()),
            "full" => Answer::now(self.is_full()),
            "copy" => Answer::list(&self.items),
            "task_done" if self.is_joinable => {
                if self.unfinished == 0 {
                    return Err(Failure::arguments("task_done: every item that was put is done already"));
                }
                self.unfinished -= 1;
                if self.unfinished == 0 {
                    for joiner in self.joiners.drain(..) {
                        context.answer(joiner, Ok(DynamicValue::Bool(true)));
                    }
                }
                Answer::done()
            }
            "join" if self.is_joinable => {
                let timeout_ns = arguments.timeout_ns()?;
                if self.unfinished == 0 || timeout_ns == Some(0) {
                    return Answer::now(self.unfinished == 0);
                }
                self.joiners.push(context.client);
                Ok(Answer::Later { timeout_ns })
            }
            "unfinished" if self.is_joinable => Answer::now(self.unfinished),
            _ => Err(self.own_interface().no_method(method)),
        }
    }

    fn timed_out(&mut self, context: &mut CallContext<'_>) {
        let client = context.client;
        let answer = if self.consumers.contains(&client) {
            Err(empty())
        } else if self.producers.iter().any(|(producer, _)| *producer == client) {
            Err(full(self.max_items))
        } else {
            Ok(DynamicValue::Bool(false))
        };
        self.client_gone(context);
        context.answer(client, answer);
    }

    fn client_gone(&mut self, context: &mut CallContext<'_>) {
        let client = context.client;
        self.consumers.retain(|consumer| *consumer != client);
        self.producers.retain(|(producer, _)| *producer != client);
        self.joiners.retain(|joiner| *joiner != client);
    }

    fn give_back(&mut self, context: &mut CallContext<'_>, item: DynamicValue) {
        // It was counted when it was put, and may now exceed the limit for a while: losing it would be worse.
        match self.consumers.pop_front() {
            Some(consumer) => context.hand_over(consumer, item),
            None => self.items.push_front(item),
        }
    }

    fn weight(&self) -> Weight {
        Weight::of(self.items.iter().chain(self.producers.iter().map(|(_, item)| item)))
    }

    fn content(&self, max_items: usize) -> DynamicValue {
        first_items(&self.items, max_items)
    }

    fn length(&self) -> Option<usize> {
        Some(self.items.len())
    }
}
