//! What can go wrong between processes, in words for the person who has to mend it.

use std::fmt;
use std::io;

use serde::{Deserialize, Serialize};

use fanlane_os::fd_passing::CodecError;

/// Why something between processes could not be done.
///
/// It is shown in words also by `Debug`, because that is what a `main` that returns it prints.
///
/// ```
/// use fanlane_mp::{Error, Pool};
///
/// // This program has not called `init`.
/// let error = Pool::new(1).expect_err("no process can be started");
/// assert!(matches!(error, Error::NotInitialised));
/// assert!(error.to_string().contains("Call it first thing in main"));
/// assert_eq!(format!("{error:?}"), error.to_string());
/// ```
#[derive(thiserror::Error)]
pub enum Error {
    /// A process was to be started before [`init`](crate::init) was called.
    #[error(
        "no process can be started: this program has not called fanlane_mp::init. Call it first thing in main, with \
         every function that is to run in another process"
    )]
    NotInitialised,
    /// A function that is not in the list given to [`init`](crate::init).
    #[error("{0} cannot run in another process: add function!({0}) to what is given to fanlane_mp::init in main")]
    NotRegistered(String),
    /// A process could not be started.
    #[error("the process {name} could not be started: {reason}")]
    Start {
        /// The process's name.
        name: String,
        /// What stood in the way.
        reason: String,
    },
    /// Something that needs a started process was asked of one that was not started, or the other way round.
    #[error("the process {name} {state}")]
    State {
        /// The process's name.
        name: String,
        /// In which state it is, and what to do.
        state: &'static str,
    },
    /// A value cannot be sent.
    #[error("this value cannot be sent to another process: {0}")]
    Encode(String),
    /// What arrived is no such value.
    #[error("what another process sent is not the value that is expected here: {0}")]
    Decode(String),
    /// Nothing happened in time.
    #[error("the time is over")]
    TimedOut,
    /// There is no room now.
    #[error("the queue is full")]
    Full,
    /// There is nothing now.
    #[error("the queue is empty")]
    Empty,
    /// Nobody is at the other end, or it was closed.
    #[error("the other end is closed")]
    Closed,
    /// A message is longer than the buffer that it was to be received into. It is handed over here instead.
    #[error("a message of {} bytes is longer than the buffer for it", .message.len())]
    BufferTooShort {
        /// The whole message.
        message: Vec<u8>,
    },
    /// A connection was asked for what its direction does not allow.
    #[error("this end of a one-way pipe can only {0}")]
    Direction(&'static str),
    /// An address cannot be listened at.
    #[error("cannot listen at {address}: {reason}")]
    Listen {
        /// The address.
        address: String,
        /// What stands in the way.
        reason: String,
    },
    /// Nobody can be reached at an address.
    #[error("cannot connect to {address}: {reason}")]
    Connect {
        /// The address.
        address: String,
        /// What stands in the way.
        reason: String,
    },
    /// The two sides of a connection have different keys.
    #[error("who listens at {address} has another key, or is a manager: look at the key on both sides")]
    WrongKey {
        /// The address.
        address: String,
    },
    /// A thing that may be given back was given back once too often.
    #[error("{0}")]
    Misuse(&'static str),
    /// A process that took part in this has died.
    #[error("process {pid}, which took part in this, has died")]
    OwnerDied {
        /// The number that it had.
        pid: u32,
    },
    /// A barrier was aborted, was reset while processes waited at it, or one of them waited too long.
    #[error("the barrier is broken: reset it before it is used again")]
    BrokenBarrier,
    /// A name of shared memory that nobody owns, or that belongs to somebody already.
    #[error("shared memory named {name}: {reason}")]
    Name {
        /// The name.
        name: String,
        /// What is the matter with it.
        reason: String,
    },
    /// A task of a pool came to nothing.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// The system refused.
    #[error("{what}: {source}")]
    Io {
        /// What was to be done.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl fmt::Debug for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl From<CodecError> for Error {
    fn from(error: CodecError) -> Self {
        match error {
            CodecError::Encode(reason) => Self::Encode(reason),
            CodecError::Decode(reason) => Self::Decode(reason),
        }
    }
}

impl Error {
    /// Puts what was to be done before what the system says.
    pub(crate) fn io(what: &'static str) -> impl Fn(io::Error) -> Self {
        move |source| Self::Io { what, source }
    }
}

/// Why a task of a pool has no result. It can be sent itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum TaskError {
    /// The function panicked.
    #[error("the task panicked: {0}")]
    Panicked(String),
    /// Its worker ended under it.
    #[error("the worker {pid} ended during the task: {how}")]
    WorkerDied {
        /// The worker's number.
        pid: u32,
        /// How it ended, such as `killed by SIGKILL` or `exit code 3`.
        how: String,
    },
    /// The call was cancelled before the task was done.
    #[error("the task was cancelled before it was done")]
    Cancelled,
    /// The pool was terminated before the task was done.
    #[error("the pool was terminated before the task was done")]
    Terminated,
    /// The pool is closed and takes no more tasks.
    #[error("the pool is closed: make another for further tasks")]
    PoolClosed,
    /// The pool had to stop, with its reason.
    #[error("the pool stopped: {0}")]
    PoolFailed(String),
    /// Arguments or a result that cannot be sent.
    #[error("a value of the task cannot be sent between processes: {0}")]
    Value(String),
    /// The function is not known.
    #[error("{0} cannot run in a pool: add function!({0}) to what is given to fanlane_mp::init in main")]
    NotRegistered(String),
}
