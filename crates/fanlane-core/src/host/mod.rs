//! Detached runs. A detached run has a separate process, the host, which outlives the window or terminal that started
//! it. Watchers connect to it, also later, over a socket that only its user can open.
//!
//! [`DetachedRuns`] starts and finds them, [`DetachedRun`] is the connection to one, and [`host_role`] is the process
//! itself: it runs the engine, records the history, and keeps all events for watchers that connect later. [`python_pool_role`]
//! is the same for a Python script, whose calls are the tasks and come while it runs. [`queue_role`] is the
//! process that starts the jobs of the [queue](crate::store::queue) in their turn, each as a detached run.

mod coalescer;
mod control;
mod folder;
mod hosting;
mod journal;
mod leaving;
mod order;
mod pieces;
mod python_pool;
mod queue_runner;
mod role;
mod serve;
mod start;
mod terminal_run;
mod watch;
mod wire;

use std::path::PathBuf;

pub use control::ControlledRun;
pub use folder::{RUNTIME_VARIABLE, own_runtime_folder};
pub use order::DetachedOrder;
pub use python_pool::python_pool_role;
pub use queue_runner::queue_role;
pub use role::host_role;
pub use start::DetachedRuns;
pub use terminal_run::TerminalRun;
pub use watch::{DetachedHandle, DetachedRun, DetachedUpdate};
pub use wire::DetachedInfo;

use crate::job::batch::PackError;
use crate::store::queue::QueueError;

/// A detached run cannot be started, found or watched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DetachedError {
    /// The folder for sockets is not safe to use.
    #[error(
        "{path} cannot be used for the sockets of detached runs: {reason}; remove it, or set {RUNTIME_VARIABLE} to a folder of your own"
    )]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// An error of the system.
    #[error("{what}: {source}")]
    System {
        /// What was being done.
        what: &'static str,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// The batch cannot be sent to the host.
    #[error(transparent)]
    Batch(#[from] PackError),
    /// This process belongs to a task, whose child processes are ended with it.
    #[error("a task cannot start a detached run: the processes that a task leaves behind are ended with it")]
    InTask,
    /// The host refuses; the text is its message.
    #[error("{0}")]
    Refused(String),
    /// The folder of a job of the queue is gone, or cannot be entered.
    #[error("its folder {} cannot be used: {reason}", .path.display())]
    NoFolder {
        /// The folder.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The queue of jobs cannot be read or changed.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The connection ended.
    #[error("the connection to the process that runs the batch ended: {0}")]
    Lost(String),
    /// The process at the other end belongs to another user.
    #[error("the process behind {0} belongs to another user; nothing is read from it")]
    Foreign(PathBuf),
    /// The other side has another version of the protocol.
    #[error("the run was started by another version of Fanlane; watch it with that one, or end it with SIGTERM")]
    OtherBuild,
}

impl DetachedError {
    /// Whether no run can be detached here, whatever its job: it can still run in the calling process.
    pub const fn is_of_this_place(&self) -> bool {
        !matches!(self, Self::Refused(_))
    }

    fn system(what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::System { what, source }
    }
}
