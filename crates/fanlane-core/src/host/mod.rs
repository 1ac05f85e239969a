//! A run in a process of its own, the host: it outlives the window and the terminal that started it, and whoever comes later
//! watches and commands it over a socket that only its user can open.
//!
//! [`DetachedRuns`] starts and finds them, [`DetachedRun`] is the connection to one, and [`host_role`] is the process itself: it runs
//! the engine, records the history, and keeps all that was said for those who come late.

mod coalescer;
mod folder;
mod journal;
mod role;
mod serve;
mod start;
mod watch;
mod wire;

use std::path::PathBuf;

pub use folder::RUNTIME_VARIABLE;
pub use role::host_role;
pub use start::{DetachedOrder, DetachedRuns};
pub use watch::{DetachedHandle, DetachedRun, DetachedUpdate};
pub use wire::DetachedInfo;

use crate::job::batch::PackError;

/// A host cannot be started, found or heard.
#[derive(Debug, thiserror::Error)]
pub enum DetachedError {
    /// The folder for sockets is not safe to use.
    #[error(
        "{path} cannot be used for the sockets of background runs: {reason}; remove it, or set {RUNTIME_VARIABLE} to a folder of your own"
    )]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The system refused something.
    #[error("{what}: {source}")]
    System {
        /// What was being done.
        what: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The batch cannot be handed over.
    #[error(transparent)]
    Batch(#[from] PackError),
    /// This process is a task of a run, which ends with all that it leaves behind.
    #[error("a task cannot start a run in the background: what a task leaves behind is ended with it")]
    InTask,
    /// The host does not do it, in its own words.
    #[error("{0}")]
    Refused(String),
    /// The connection broke off.
    #[error("the connection to the process that runs the batch ended: {0}")]
    Lost(String),
    /// The process at the other end belongs to somebody else.
    #[error("the process behind {0} belongs to another user and is not listened to")]
    Foreign(PathBuf),
    /// The other side speaks another protocol.
    #[error("the run was started by another version of Fanlane; watch it with that one, or end it with SIGTERM")]
    OtherBuild,
}

impl DetachedError {
    /// No host can be had here, whatever it is to run: the run can still go on in the process that asks for it.
    pub const fn is_of_this_place(&self) -> bool {
        !matches!(self, Self::Refused(_))
    }

    fn system(what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::System { what, source }
    }
}
