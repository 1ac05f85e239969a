//! What can go wrong between a client and a manager: a [`Failure`] is the manager's own answer and travels, a
//! [`ManagerError`] is what a caller gets.

use std::io;

use serde::{Deserialize, Serialize};

use super::dynamic_value::DynamicValueError;

/// What kind of failure a manager answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureKind {
    /// There is no object of that name or reference, or not any more.
    NoSuchObject,
    /// There is an object of that name, of another kind or where a new one was wanted.
    NameTaken,
    /// No kind of object has that name.
    NoSuchKind,
    /// The object has no such method.
    NoSuchMethod,
    /// The method does not take these arguments.
    WrongArguments,
    /// There is no such key, item or place.
    NotFound,
    /// Nothing was there to be taken in time; Python's `queue.Empty`.
    Empty,
    /// There was no room in time; Python's `queue.Full`.
    Full,
    /// Only whoever holds it may do that.
    NotHeld,
    /// The barrier is broken; Python's `BrokenBarrierError`.
    BrokenBarrier,
    /// A limit of the manager: objects, or the size of an answer.
    Limit,
    /// The server ends.
    Ending,
    /// What an own type's method said.
    Custom,
}

/// A manager's answer to a call that it could not do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What kind it is.
    pub kind: FailureKind,
    /// What happened, to what, and what to do.
    pub message: String,
}

impl Failure {
    /// A failure with its words.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// What a method of an own type answers when it cannot do what was asked.
    pub fn custom(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Custom, message)
    }

    pub(super) fn arguments(message: impl Into<String>) -> Self {
        Self::new(FailureKind::WrongArguments, message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(FailureKind::NotFound, message)
    }

    pub(super) fn method(kind: &str, method: &str, known: &[&str]) -> Self {
        let message = format!("{kind} has no method '{method}'; it has {}", known.join(", "));
        Self::new(FailureKind::NoSuchMethod, message)
    }
}

/// Why a call of a manager has no result.
#[derive(Debug, thiserror::Error)]
pub enum ManagerError {
    /// The manager was reached and said no.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// The manager cannot be reached.
    #[error("the manager at {address} cannot be reached: {source}; is it running, and is the address right?")]
    Unreachable {
        /// Its address.
        address: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The connection broke: the manager has ended, or the network failed.
    #[error("the manager at {address} is gone: {reason}")]
    Gone {
        /// Its address.
        address: String,
        /// What was seen of it.
        reason: String,
    },
    /// The manager did not answer in time. What was asked for may or may not have been done.
    #[error("the manager at {address} has not answered for {secs} s; whether it did what was asked is unknown")]
    NoAnswer {
        /// Its address.
        address: String,
        /// How long was waited, in seconds.
        secs: u64,
    },
    /// One of the two sides does not have the other's key.
    #[error("the manager at {0} has another key: look at FANLANE_MANAGER_KEY, or at the key file on both sides")]
    WrongKey(String),
    /// The manager has as many connections as it takes.
    #[error("the manager at {0} has as many connections as it takes; close some, or give it a larger limit")]
    TooManyConnections(String),
    /// What answers there is no manager of this version.
    #[error("what answers at {0} is no Fanlane manager, or one of another version")]
    NotAManager(String),
    /// A call is larger than the manager takes.
    #[error("a call of {bytes} bytes is over the limit of {limit}; send it in parts")]
    TooLarge {
        /// Its size, in bytes.
        bytes: usize,
        /// The limit, in bytes.
        limit: usize,
    },
    /// A value cannot be sent, or is not of the type asked for.
    #[error("the value cannot be used: {0}")]
    Value(#[from] DynamicValueError),
}

impl ManagerError {
    /// The kind of the manager's own answer, where it gave one.
    pub const fn kind(&self) -> Option<FailureKind> {
        match self {
            Self::Failed(failure) => Some(failure.kind),
            _ => None,
        }
    }
}
