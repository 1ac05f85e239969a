//! What can go wrong between a client and a manager: a [`ConnectError`] is the end of an attempt to connect, a [`Failure`]
//! a manager's answer to a call that it could not do, a [`ManagerError`] any reason why a call has no result.

use std::io;

use serde::{Deserialize, Serialize};

use super::dynamic_value::DynamicValueError;
use crate::authentication::handshake::Refusal;
use crate::authentication::{Address, AuthenticationError};

/// The kind of a [`Failure`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum FailureKind {
    /// No object has that name or reference (any more).
    NoSuchObject,
    /// The object of that name is of another kind, or a new one was asked for.
    NameTaken,
    /// No kind of object has that name.
    NoSuchKind,
    /// The object has no such method.
    NoSuchMethod,
    /// The method does not take these arguments.
    WrongArguments,
    /// The key, item or place does not exist.
    NotFound,
    /// The queue stayed empty until the timeout; Python's `queue.Empty`.
    Empty,
    /// The queue stayed full until the timeout; Python's `queue.Full`.
    Full,
    /// The client does not hold the object, or holds it already.
    NotHeld,
    /// The barrier is broken; Python's `BrokenBarrierError`.
    BrokenBarrier,
    /// A limit of the manager: the number of objects, their memory, or the size of a call or answer.
    Limit,
    /// The server is ending.
    Ending,
    /// A method of a custom type failed.
    Custom,
}

/// A manager's answer to a call that it could not do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// Its kind.
    pub kind: FailureKind,
    /// What happened, to what, and what to do.
    pub message: String,
}

impl Failure {
    /// A failure of that kind.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// The failure of a method of a custom type.
    pub fn custom(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Custom, message)
    }

    pub(super) fn arguments(message: impl Into<String>) -> Self {
        Self::new(FailureKind::WrongArguments, message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(FailureKind::NotFound, message)
    }
}

/// Why a client has no connection to a manager.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The manager cannot be reached.
    #[error("the manager at {address} cannot be reached: {source}; is it running, and is the address right?")]
    Unreachable {
        /// Its address.
        address: String,
        /// The error of the system.
        #[source]
        source: io::Error,
    },
    /// The manager has another key.
    #[error("the manager at {0} has another key: look at FANLANE_MANAGER_KEY, or at the key file on both sides")]
    WrongKey(String),
    /// The manager has its maximum number of connections.
    #[error("the manager at {0} has its maximum number of connections; close some, or raise the limit")]
    TooManyConnections(String),
    /// The server at the address is no manager of this version.
    #[error("the server at {0} is no Fanlane manager, or one of another version")]
    NotAManager(String),
}

impl ConnectError {
    pub(super) fn new(address: &Address, error: AuthenticationError) -> Self {
        let address = address.to_string();
        match error {
            AuthenticationError::Unreachable(source) => Self::Unreachable { address, source },
            AuthenticationError::Refused(Refusal::WrongKey) => Self::WrongKey(address),
            AuthenticationError::Refused(Refusal::Full) => Self::TooManyConnections(address),
            AuthenticationError::Refused(Refusal::OtherProtocol) => Self::NotAManager(address),
        }
    }
}

/// Why a call of a manager has no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManagerError {
    /// The manager could not do the call.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// This thread has no connection to the manager yet, and gets none.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The connection broke: the manager has ended, or the network failed.
    #[error("the manager at {address} is gone: {reason}")]
    Gone {
        /// Its address.
        address: String,
        /// How the connection ended.
        reason: String,
    },
    /// The manager did not answer in time. Whether it has done the call is unknown.
    #[error("the manager at {address} has not answered for {secs} s; whether it has done the call is unknown")]
    NoAnswer {
        /// Its address.
        address: String,
        /// The time waited, in seconds.
        secs: u64,
    },
    /// A call is larger than the limit.
    #[error("a call of {bytes} bytes is over the limit of {limit}; send it in parts")]
    TooLarge {
        /// Its size, in bytes.
        bytes: usize,
        /// The limit, in bytes.
        limit: usize,
    },
    /// A value cannot be sent, or is not of the expected type.
    #[error("the value cannot be used: {0}")]
    Value(#[from] DynamicValueError),
}

impl ManagerError {
    /// The kind of the manager's failure, where it answered with one.
    pub const fn kind(&self) -> Option<FailureKind> {
        match self {
            Self::Failed(failure) => Some(failure.kind),
            _ => None,
        }
    }

    /// Whether a queue was still empty, or full, when the timeout ended.
    pub const fn is_timeout(&self) -> bool {
        matches!(self.kind(), Some(FailureKind::Empty | FailureKind::Full))
    }
}
