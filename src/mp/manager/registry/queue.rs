//! `Queue` and `JoinableQueue`: first in, first out, for any number of producers and consumers. Whoever waits is served
//! in the order of waiting.

use std::collections::VecDeque;

use super::{Answer, Arguments, CallContext, ClientId, Object, Weight};
use crate::mp::manager::dynamic_value::DynamicValue;
use crate::mp::manager::failure::{Failure, FailureKind};

const METHODS: &[&str] = &["put", "get", "qsize", "empty", "full", "copy"];
const JOINABLE_METHODS: &[&str] = &["put", "get", "qsize", "empty", "full", "copy", "task_done", "join", "unfinished"];

/// Items on their way.
pub(super) struct QueueObject {
    items: VecDeque<DynamicValue>,
    /// 0: no limit.
    most: usize,
    consumers: VecDeque<ClientId>,
    producers: VecDeque<(ClientId, DynamicValue)>,
    joinable: bool,
    unfinished: u64,
    joiners: Vec<ClientId>,
}

fn empty() -> Failure {
    Failure::new(FailureKind::Empty, "the queue is empty")
}

fn full(most: usize) -> Failure {
    Failure::new(FailureKind::Full, format!("the queue is full: it holds {most}"))
}

impl QueueObject {
    pub fn new(arguments: &mut Arguments, joinable: bool) -> Result<Self, Failure> {
        Ok(Self {
            items: VecDeque::new(),
            most: arguments.count_or("the limit", 0)?,
            consumers: VecDeque::new(),
            producers: VecDeque::new(),
            joinable,
            unfinished: 0,
            joiners: Vec::new(),
        })
    }

    fn is_full(&self) -> bool {
        self.most > 0 && self.items.len() >= self.most
    }

    /// An item has come in; whoever waits longest has it.
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
    fn call(&mut self, context: &mut CallContext<'_>, method: &str, mut with: Arguments) -> Result<Answer, Failure> {
        match method {
            "put" => {
                let item = with.any("the item")?;
                let timeout_ns = with.timeout_ns()?;
                with.end()?;
                if !self.is_full() {
                    self.accept_item(context, item);
                    return Answer::done();
                }
                if timeout_ns == Some(0) {
                    return Err(full(self.most));
                }
                self.producers.push_back((context.client, item));
                Ok(Answer::Later { timeout_ns })
            }
            "get" => {
                let timeout_ns = with.timeout_ns()?;
                with.end()?;
                if let Some(item) = self.take(context) {
                    return Ok(Answer::Taken(item));
                }
                if timeout_ns == Some(0) {
                    return Err(empty());
                }
                self.consumers.push_back(context.client);
                Ok(Answer::Later { timeout_ns })
            }
            "qsize" => {
                with.end()?;
                Answer::count(self.items.len())
            }
            "empty" => {
                with.end()?;
                Answer::now(self.items.is_empty())
            }
            "full" => {
                with.end()?;
                Answer::now(self.is_full())
            }
            "copy" => {
                with.end()?;
                Answer::now(self.head(usize::MAX))
            }
            "task_done" if self.joinable => {
                with.end()?;
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
            "join" if self.joinable => {
                let timeout_ns = with.timeout_ns()?;
                with.end()?;
                if self.unfinished == 0 || timeout_ns == Some(0) {
                    return Answer::now(self.unfinished == 0);
                }
                self.joiners.push(context.client);
                Ok(Answer::Later { timeout_ns })
            }
            "unfinished" if self.joinable => {
                with.end()?;
                Answer::now(self.unfinished)
            }
            _ if self.joinable => Err(Failure::method("a JoinableQueue", method, JOINABLE_METHODS)),
            _ => Err(Failure::method("a Queue", method, METHODS)),
        }
    }

    fn timed_out(&mut self, context: &mut CallContext<'_>) {
        let client = context.client;
        if let Some(place) = self.consumers.iter().position(|consumer| *consumer == client) {
            self.consumers.remove(place);
            context.answer(client, Err(empty()));
        } else if let Some(place) = self.producers.iter().position(|(producer, _)| *producer == client) {
            self.producers.remove(place);
            context.answer(client, Err(full(self.most)));
        } else {
            self.joiners.retain(|joiner| *joiner != client);
            context.answer(client, Ok(DynamicValue::Bool(false)));
        }
    }

    fn tracks_clients(&self) -> bool {
        true
    }

    fn client_gone(&mut self, context: &mut CallContext<'_>) {
        let client = context.client;
        self.consumers.retain(|consumer| *consumer != client);
        self.producers.retain(|(producer, _)| *producer != client);
        self.joiners.retain(|joiner| *joiner != client);
    }

    fn give_back(&mut self, context: &mut CallContext<'_>, item: DynamicValue) {
        // It was counted when it was put, and may now stand above the limit for a while: losing it would be worse.
        match self.consumers.pop_front() {
            Some(consumer) => context.hand_over(consumer, item),
            None => self.items.push_front(item),
        }
    }

    fn weight(&self) -> Weight {
        Weight::of(self.items.iter().chain(self.producers.iter().map(|(_, item)| item)))
    }

    fn head(&self, items: usize) -> DynamicValue {
        DynamicValue::List(self.items.iter().take(items).cloned().collect())
    }

    fn length(&self) -> Option<usize> {
        Some(self.items.len())
    }
}
