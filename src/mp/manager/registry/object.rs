//! What every object can be asked.

use super::Arguments;
use super::quota::Weight;
use crate::mp::manager::dynamic_value::DynamicValue;
use crate::mp::manager::failure::Failure;

/// One connection of a client, for as long as it lives; never given twice.
pub type ClientId = u64;

/// A call that has its result.
#[derive(Debug, PartialEq)]
pub struct Answered {
    /// Who asked.
    pub client: ClientId,
    /// What came of it.
    pub result: Result<DynamicValue, Failure>,
    /// The object that the result was taken out of and goes back to, should it not arrive.
    pub taken_from: Option<u64>,
}

/// What an object says to a call.
pub enum Answer {
    /// This.
    Now(DynamicValue),
    /// This, which was taken out of the object and goes back should it not arrive.
    Taken(DynamicValue),
    /// Wait, at most so long (in nanoseconds).
    Later {
        /// `None`: for ever.
        timeout_ns: Option<u64>,
    },
}

impl Answer {
    /// Done, and nothing to say.
    pub fn done() -> Result<Self, Failure> {
        Ok(Self::Now(DynamicValue::Nil))
    }

    /// This.
    pub fn now(value: impl Into<DynamicValue>) -> Result<Self, Failure> {
        Ok(Self::Now(value.into()))
    }

    /// How many.
    pub fn count(count: usize) -> Result<Self, Failure> {
        Ok(Self::Now(DynamicValue::from(count as u64)))
    }
}

/// One turn of an object: who asks, and where answers to others go.
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

    /// Ends the wait of `client` with what was taken out of the object for it.
    pub fn hand_over(&mut self, client: ClientId, value: DynamicValue) {
        self.answers.push(Answered { client, result: Ok(value), taken_from: Some(self.object) });
    }
}

/// A thing that a manager holds.
pub trait Object: Send {
    /// Does a method. What it cannot do leaves it as it was.
    fn call(&mut self, context: &mut CallContext<'_>, method: &str, arguments: Arguments) -> Result<Answer, Failure>;

    /// The wait of the turn's client is over: it is answered now, or as soon as can be.
    fn timed_out(&mut self, context: &mut CallContext<'_>) {
        context.answer(context.client, Ok(DynamicValue::Nil));
    }

    /// Whether [`Object::client_gone`] is to be called for those that called it.
    fn tracks_clients(&self) -> bool {
        false
    }

    /// The turn's client is gone: it is not answered, and what it held is free.
    fn client_gone(&mut self, _turn: &mut CallContext<'_>) {}

    /// What was handed over has not arrived.
    fn give_back(&mut self, _turn: &mut CallContext<'_>, _datum: DynamicValue) {}

    /// Its content as a plain value, the first `items` of its items.
    fn head(&self, items: usize) -> DynamicValue;

    /// How many items it holds, where it holds items.
    fn length(&self) -> Option<usize> {
        None
    }

    /// What its values take in memory.
    fn weight(&self) -> Weight {
        Weight::default()
    }

    /// Its state in words, where its content says nothing to people.
    fn state(&self) -> Option<String> {
        None
    }
}
