//! What every object of a manager can be asked, and how it answers.

use super::Arguments;
use super::quota::Weight;
use crate::manager::dynamic_value::DynamicValue;
use crate::manager::failure::{Failure, FailureKind};

/// One connection of a client, for as long as it lives; a number is never used twice.
pub type ClientId = u64;

/// The answer to a call.
#[derive(Debug, PartialEq)]
pub struct Answered {
    /// The client that called.
    pub client: ClientId,
    /// The result of the call.
    pub result: Result<DynamicValue, Failure>,
    /// The object that the result was taken out of and goes back to, should it not arrive.
    pub taken_from: Option<u64>,
}

/// How an object answers a call.
pub enum Answer {
    /// At once, with this value.
    Now(DynamicValue),
    /// At once, with a value that was taken out of the object and goes back should it not arrive.
    Taken(DynamicValue),
    /// Later: the client waits.
    Later {
        /// The longest wait, in nanoseconds; `None`: no limit.
        timeout_ns: Option<u64>,
    },
}

/// The answer of an object, or its failure.
pub type CallResult = Result<Answer, Failure>;

impl Answer {
    /// The call is done and has no result.
    pub fn done() -> Result<Self, Failure> {
        Ok(Self::Now(DynamicValue::Nil))
    }

    /// The result is known at once.
    pub fn now(value: impl Into<DynamicValue>) -> Result<Self, Failure> {
        Ok(Self::Now(value.into()))
    }

    /// The result is a count.
    pub fn count(count: usize) -> Result<Self, Failure> {
        Self::now(count as u64)
    }

    /// The result is a list.
    pub fn list<'a>(items: impl IntoIterator<Item = &'a DynamicValue>) -> Result<Self, Failure> {
        Ok(Self::Now(DynamicValue::List(items.into_iter().cloned().collect())))
    }
}

/// The client that calls an object, and where answers to other clients go.
pub struct CallContext<'a> {
    pub client: ClientId,
    pub object: u64,
    pub answers: &'a mut Vec<Answered>,
}

impl CallContext<'_> {
    /// Ends the wait of `client`.
    pub fn answer(&mut self, client: ClientId, result: Result<DynamicValue, Failure>) {
        self.answers.push(Answered { client, result, taken_from: None });
    }

    /// Ends the wait of `client` with a value that was taken out of the object for it.
    pub fn hand_over(&mut self, client: ClientId, value: DynamicValue) {
        self.answers.push(Answered { client, result: Ok(value), taken_from: Some(self.object) });
    }
}

/// The methods of a built-in kind of object.
pub struct Interface {
    /// The kind with its article, for messages.
    pub kind: &'static str,
    /// The methods, each with the largest number of arguments that it takes.
    pub methods: &'static [(&'static str, usize)],
    /// Whether [`Object::client_gone`] is called for clients that have called the object.
    pub tracks_clients: bool,
}

impl Interface {
    /// Refuses a call with more arguments than its method takes. An unknown method is refused by the object itself.
    pub fn check_count(&self, method: &str, arguments: usize) -> Result<(), Failure> {
        match self.methods.iter().find(|(name, _)| *name == method) {
            Some((_, most)) if arguments > *most => {
                Err(Failure::arguments(format!("{method}: {} arguments too many", arguments - most)))
            }
            _ => Ok(()),
        }
    }

    /// The failure of a call of a method that the kind does not have.
    pub fn no_method(&self, method: &str) -> Failure {
        let names: Vec<&str> = self.methods.iter().map(|(name, _)| *name).collect();
        let message = format!("{} has no method '{method}'; it has {}", self.kind, names.join(", "));
        Failure::new(FailureKind::NoSuchMethod, message)
    }
}

/// An object that a manager holds.
pub trait Object: Send {
    /// The methods of its kind; `None` where only the object itself knows them.
    fn interface(&self) -> Option<&'static Interface>;

    /// Calls a method. A call that fails leaves the object as it was.
    fn call(&mut self, context: &mut CallContext<'_>, method: &str, arguments: &mut Arguments) -> CallResult;

    /// The wait of the context's client has timed out: it is answered now, or as soon as possible.
    fn timed_out(&mut self, context: &mut CallContext<'_>) {
        context.answer(context.client, Ok(DynamicValue::Nil));
    }

    /// The context's client is gone: it gets no answer, and what it held is free.
    fn client_gone(&mut self, _context: &mut CallContext<'_>) {}

    /// A value that was taken out did not arrive and comes back.
    fn give_back(&mut self, _context: &mut CallContext<'_>, _value: DynamicValue) {}

    /// Its content as a plain value, cut after the first `max_items` items.
    fn content(&self, max_items: usize) -> DynamicValue;

    /// The number of its items, where it has items.
    fn length(&self) -> Option<usize> {
        None
    }

    /// What its values take in memory.
    fn weight(&self) -> Weight {
        Weight::default()
    }

    /// Its state in words, where the content alone does not tell it.
    fn state(&self) -> Option<String> {
        None
    }
}

/// The first `max_items` items as a list.
pub fn first_items<'a>(items: impl IntoIterator<Item = &'a DynamicValue>, max_items: usize) -> DynamicValue {
    DynamicValue::List(items.into_iter().take(max_items).cloned().collect())
}

/// Weight, content and length of an object whose values are its `items`.
macro_rules! described_by_items {
    () => {
        fn weight(&self) -> $crate::manager::registry::Weight {
            $crate::manager::registry::Weight::of(&self.items)
        }

        fn content(&self, max_items: usize) -> DynamicValue {
            $crate::manager::registry::object::first_items(&self.items, max_items)
        }

        fn length(&self) -> Option<usize> {
            Some(self.items.len())
        }
    };
}
pub(super) use described_by_items;

/// `state`, with the number of clients that wait where there are any.
pub fn with_waiting(state: impl Into<String>, waiting: usize) -> String {
    let state = state.into();
    if waiting == 0 { state } else { format!("{state}, {waiting} waiting") }
}
