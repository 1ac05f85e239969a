//! What can go wrong between processes: an error for each family of operations, with what that family can run into and
//! nothing else, and [`Error`], into which each of them converts.

use std::fmt;
use std::io;

use serde::{Deserialize, Serialize};

use fanlane_os::fd_passing::CodecError;

/// Any error of this library, for functions that do several things: `?` converts the error of each operation into it.
///
/// Like all errors of the families it shows its message also by `Debug`, because that is what a `main` that returns it prints.
///
/// ```
/// use fanlane_mp::{Error, Pool, PoolError, SpawnError};
///
/// // This program has not called `init`.
/// let error = Error::from(Pool::new(1).expect_err("no process can be started"));
/// assert!(matches!(error, Error::Pool(PoolError::Spawn(SpawnError::NotInitialised))));
/// assert!(error.to_string().contains("Call it first thing in main"));
/// assert_eq!(format!("{error:?}"), error.to_string());
/// ```
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A process could not be started.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    /// A process has no value.
    #[error(transparent)]
    Join(#[from] JoinError),
    /// A process is not in the state for an operation.
    #[error(transparent)]
    ProcessState(#[from] ProcessStateError),
    /// A value could not be sent or put into a queue.
    #[error(transparent)]
    Send(#[from] SendError),
    /// No value was received or taken from a queue.
    #[error(transparent)]
    Recv(#[from] RecvError),
    /// There is no connection to another program.
    #[cfg(feature = "network")]
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// A lock, semaphore or condition.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A barrier.
    #[error(transparent)]
    Barrier(#[from] BarrierError),
    /// Shared memory.
    #[error(transparent)]
    SharedMemory(#[from] SharedMemoryError),
    /// A pool, or a result of one.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// The system refused.
    #[error(transparent)]
    System(#[from] SystemError),
}

impl From<CodecError> for Error {
    fn from(error: CodecError) -> Self {
        match error {
            CodecError::Encode(_) => SendError::from(error).into(),
            CodecError::Decode(_) => RecvError::from(error).into(),
        }
    }
}

impl From<TaskError> for Error {
    fn from(error: TaskError) -> Self {
        Self::Pool(PoolError::Task(error))
    }
}

/// An error of the system, with what was to be done.
#[derive(thiserror::Error)]
#[error("{what}: {source}")]
#[non_exhaustive]
pub struct SystemError {
    /// What could not be done.
    pub what: &'static str,
    /// The error of the system.
    pub source: io::Error,
}

impl SystemError {
    /// Puts what was to be done before the error of the system.
    pub(crate) fn during(what: &'static str) -> impl Fn(io::Error) -> Self {
        move |source| Self { what, source }
    }
}

/// Why a process was not started.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum SpawnError {
    /// The program has not called [`init`](crate::init).
    #[error(
        "no process can be started: this program has not called fanlane_mp::init. Call it first thing in main, with \
         every function that is to run in another process"
    )]
    NotInitialised,
    /// The function is not in the list given to [`init`](crate::init).
    #[error("{0} cannot run in another process: add function!({0}) to what is given to fanlane_mp::init in main")]
    NotRegistered(String),
    /// An argument cannot be sent.
    #[error(transparent)]
    Arguments(#[from] SendError),
    /// The system refused, or the process ended at once.
    #[error("the process {name} could not be started: {reason}")]
    Start {
        /// The name of the process.
        name: String,
        /// What failed.
        reason: String,
    },
    /// It was started before.
    #[error(transparent)]
    State(#[from] ProcessStateError),
}

/// Why there is no value of a function that ran in a process of its own.
#[derive(PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// The function returned an error, with this message.
    #[error("the function returned an error: {0}")]
    Failed(String),
    /// The function panicked, with this message.
    #[error("the function panicked: {0}")]
    Panicked(String),
    /// The process ended with this exit code before the function returned.
    #[error("the process ended with exit code {0} before its function returned")]
    Exited(i32),
    /// A signal with this number killed the process before the function returned.
    #[error("signal {0} killed the process before its function returned")]
    Killed(i32),
    /// The arguments or the value cannot be encoded or decoded.
    #[error("the value of the function did not arrive: {0}")]
    Value(String),
}

/// An operation needs a started process and this one was not started or was closed, or the other way round.
#[derive(thiserror::Error)]
#[error("the process {name} {state}")]
pub struct ProcessStateError {
    pub(crate) name: String,
    /// Its state, and what to do.
    pub(crate) state: &'static str,
}

/// Why a value was not sent through a [`Connection`](crate::Connection) or put into a [`Queue`](crate::Queue).
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The other end is closed, or the queue.
    #[error("the other end is closed")]
    Closed,
    /// The bounded queue has no room now.
    #[error("the queue is full")]
    Full,
    /// The bounded queue had no room in time.
    #[error("the time is over")]
    TimedOut,
    /// The value cannot be encoded, or not for this channel.
    #[error("this value cannot be sent to another process: {0}")]
    Encode(String),
    /// This is the receiving end of a one-way pipe.
    #[error("this end of a one-way pipe can only receive")]
    Direction,
    /// The system refused, for example because there is no memory left.
    #[error(transparent)]
    System(#[from] SystemError),
}

impl From<CodecError> for SendError {
    fn from((CodecError::Encode(reason) | CodecError::Decode(reason)): CodecError) -> Self {
        Self::Encode(reason)
    }
}

/// Why no value was received from a [`Connection`](crate::Connection) or taken from a [`Queue`](crate::Queue).
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum RecvError {
    /// The other end is closed, or the queue, and everything was received.
    #[error("the other end is closed")]
    Closed,
    /// The queue has no item now.
    #[error("the queue is empty")]
    Empty,
    /// Nothing arrived in the queue in time.
    #[error("the time is over")]
    TimedOut,
    /// What arrived is no value of the expected type. It is lost.
    #[error("what another process sent is not the value that is expected here: {0}")]
    Decode(String),
    /// A message is longer than the buffer for it.
    #[error("a message of {} bytes is longer than the buffer for it", .message.len())]
    BufferTooShort {
        /// The whole message.
        message: Vec<u8>,
    },
    /// This is the sending end of a one-way pipe.
    #[error("this end of a one-way pipe can only send")]
    Direction,
    /// The system refused, or the message was cut off because its sender died.
    #[error(transparent)]
    System(#[from] SystemError),
}

impl From<CodecError> for RecvError {
    fn from((CodecError::Encode(reason) | CodecError::Decode(reason)): CodecError) -> Self {
        Self::Decode(reason)
    }
}

/// Why there is no connection through a [`Listener`](crate::Listener) or to one.
#[cfg(feature = "network")]
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// The address cannot be listened at.
    #[error("cannot listen at {address}: {reason}")]
    Listen {
        /// The address.
        address: String,
        /// What failed.
        reason: String,
    },
    /// The address cannot be reached, does not answer in time, or speaks another protocol.
    #[error("cannot connect to {address}: {reason}")]
    Connect {
        /// The address.
        address: String,
        /// What failed.
        reason: String,
    },
    /// The two sides have different keys.
    #[error("the listener at {address} has another key, or is a manager: look at the key on both sides")]
    WrongKey {
        /// The address.
        address: String,
    },
    /// Nothing connected in time.
    #[error("the time is over")]
    TimedOut,
    /// The system refused.
    #[error(transparent)]
    System(#[from] SystemError),
}

/// What can happen to a lock, a semaphore or a condition, and to values that have a lock. See also
/// [`OwnerDied`](crate::OwnerDied), which carries the guard.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// The process that owned the lock died without releasing it.
    #[error("process {pid}, which owned this, has died: what is protected by it may be half changed")]
    OwnerDied {
        /// Its process id.
        pid: u32,
    },
    /// Something was given back more often than it was taken.
    #[error("{0}")]
    ReleasedTooOften(&'static str),
}

/// Why a [`Barrier`](crate::Barrier) did not open.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum BarrierError {
    /// It was aborted, was reset while processes waited at it, or one of them waited too long.
    #[error("the barrier is broken: reset it before it is used again")]
    Broken,
    /// A process died while it waited, which breaks the barrier.
    #[error("process {pid}, which waited at the barrier, has died")]
    ParticipantDied {
        /// Its process id.
        pid: u32,
    },
    /// The other processes did not arrive in time, which breaks the barrier.
    #[error("the time is over")]
    TimedOut,
    /// A number of processes that a barrier cannot have.
    #[error("a barrier is for 1 to 432 processes, not for {0}")]
    Parties(usize),
    /// More processes arrived than the barrier is for.
    #[error("more processes came to the barrier than it is for")]
    TooManyArrived,
    /// It could not be made.
    #[error(transparent)]
    SharedMemory(#[from] SharedMemoryError),
}

/// Why shared memory cannot be had or used: what every shared thing is made of.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum SharedMemoryError {
    /// A name that is taken, or that no process has.
    #[error("shared memory named {name}: {reason}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A size, an index or a value that does not fit.
    #[error("{0}")]
    DoesNotFit(&'static str),
    /// Another program has overwritten the memory.
    #[error("an item of a shared list is damaged")]
    Damaged,
    /// The system refused: no descriptors or no memory are left.
    #[error(transparent)]
    System(#[from] SystemError),
}

/// What can happen to a [`Pool`](crate::Pool) or a [`ThreadPool`](crate::ThreadPool), and to what is asked of one.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum PoolError {
    /// Its workers cannot be started, or do not know the function.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    /// Arguments cannot be sent to a worker.
    #[error(transparent)]
    Arguments(#[from] SendError),
    /// A task has no result.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// The result did not arrive in time. It can be asked for again.
    #[error("the time is over")]
    TimedOut,
    /// The result was taken before.
    #[error("this result was taken already")]
    ResultTaken,
    /// A pool was to have no workers.
    #[error("a pool has at least one worker")]
    NoWorkers,
    /// A pool that still takes tasks was joined.
    #[error("a pool is joined after it was closed or terminated")]
    Open,
    /// The system refused.
    #[error(transparent)]
    System(#[from] SystemError),
}

impl From<CodecError> for PoolError {
    fn from(error: CodecError) -> Self {
        Self::Arguments(error.into())
    }
}

/// `Debug` is the message.
macro_rules! debug_is_message {
    ($($(#[$condition:meta])? $type:ty),*) => {
        $($(#[$condition])?
        impl fmt::Debug for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, formatter)
            }
        })*
    };
}
debug_is_message!(Error, SystemError, SpawnError, JoinError, ProcessStateError, SendError, RecvError);
debug_is_message!(
    LockError,
    BarrierError,
    SharedMemoryError,
    PoolError,
    #[cfg(feature = "network")]
    NetworkError
);

/// Why a task of a pool has no result. It can be sent itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum TaskError {
    /// The function panicked.
    #[error("the task panicked: {0}")]
    Panicked(String),
    /// Its worker ended under it.
    #[error("the worker {pid} ended during the task: {how}")]
    WorkerDied {
        /// The worker's process id.
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
