//! `Queue` and `JoinableQueue`: first in, first out, for any number of producers and consumers. Whoever waits is served
//! in the order of waiting.

use std::collections::VecDeque;

use super::{Answer, Arguments, ClientId, Object, Turn, Weight};
use crate::mp::manager::datum::Datum;
use crate::mp::manager::failure::{Failure, FailureKind};

const METHODS: &[&str] = &["put", "get", "qsize", "empty", "full", "copy"];
const JOINABLE_METHODS: &[&str] = &["put", "get", "qsize", "empty", "full", "copy", "task_done", "join", "unfinished"];

/// Items on their way.
pub(super) struct Queue {
    items: VecDeque<Datum>,
    /// 0: no limit.
    most: usize,
    takers: VecDeque<ClientId>,
    givers: VecDeque<(ClientId, Datum)>,
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

impl Queue {
    pub fn new(arguments: &mut Arguments, joinable: bool) -> Result<Self, Failure> {
        Ok(Self {
            items: VecDeque::new(),
            most: arguments.count_or("the limit", 0)?,
            takers: VecDeque::new(),
            givers: VecDeque::new(),
            joinable,
            unfinished: 0,
            joiners: Vec::new(),
        })
    }

    fn is_full(&self) -> bool {
        self.most > 0 && self.items.len() >= self.most
    }

    /// An item has come in; whoever waits longest has it.
    fn come_in(&mut self, turn: &mut Turn<'_>, item: Datum) {
        self.unfinished += 1;
        match self.takers.pop_front() {
            Some(taker) => turn.hand_over(taker, item),
            None => self.items.push_back(item),
        }
    }

    fn take(&mut self, turn: &mut Turn<'_>) -> Option<Datum> {
        let item = self.items.pop_front()?;
        if !self.is_full()
            && let Some((giver, waiting)) = self.givers.pop_front()
        {
            self.come_in(turn, waiting);
            turn.answer(giver, Ok(Datum::Nil));
        }
        Some(item)
    }
}

impl Object for Queue {
    fn call(&mut self, turn: &mut Turn<'_>, method: &str, mut with: Arguments) -> Result<Answer, Failure> {
        match method {
            "put" => {
                let item = with.any("the item")?;
                let timeout_ns = with.timeout_ns()?;
                with.end()?;
                if !self.is_full() {
                    self.come_in(turn, item);
                    return Answer::done();
                }
                if timeout_ns == Some(0) {
                    return Err(full(self.most));
                }
                self.givers.push_back((turn.client, item));
                Ok(Answer::Later { timeout_ns })
            }
            "get" => {
                let timeout_ns = with.timeout_ns()?;
                with.end()?;
                if let Some(item) = self.take(turn) {
                    return Ok(Answer::Taken(item));
                }
                if timeout_ns == Some(0) {
                    return Err(empty());
                }
                self.takers.push_back(turn.client);
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
                        turn.answer(joiner, Ok(Datum::Bool(true)));
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
                self.joiners.push(turn.client);
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

    fn timed_out(&mut self, turn: &mut Turn<'_>) {
        let client = turn.client;
        if let Some(place) = self.takers.iter().position(|taker| *taker == client) {
            self.takers.remove(place);
            turn.answer(client, Err(empty()));
        } else if let Some(place) = self.givers.iter().position(|(giver, _)| *giver == client) {
            self.givers.remove(place);
            turn.answer(client, Err(full(self.most)));
        } else {
            self.joiners.retain(|joiner| *joiner != client);
            turn.answer(client, Ok(Datum::Bool(false)));
        }
    }

    fn minds_clients(&self) -> bool {
        true
    }

    fn client_gone(&mut self, turn: &mut Turn<'_>) {
        let client = turn.client;
        self.takers.retain(|taker| *taker != client);
        self.givers.retain(|(giver, _)| *giver != client);
        self.joiners.retain(|joiner| *joiner != client);
    }

    fn give_back(&mut self, turn: &mut Turn<'_>, item: Datum) {
        // It was counted when it was put, and may now stand above the limit for a while: losing it would be worse.
        match self.takers.pop_front() {
            Some(taker) => turn.hand_over(taker, item),
            None => self.items.push_front(item),
        }
    }

    fn weight(&self) -> Weight {
        Weight::of(self.items.iter().chain(self.givers.iter().map(|(_, item)| item)))
    }

    fn head(&self, items: usize) -> Datum {
        Datum::List(self.items.iter().take(items).cloned().collect())
    }

    fn length(&self) -> Option<usize> {
        Some(self.items.len())
    }
}
