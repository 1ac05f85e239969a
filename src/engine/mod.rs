//! The engine: it takes a [`Batch`](crate::job::Batch) through a pool of workers and says what happens as events.
//!
//! The dispatcher decides and is pure; the shell around it owns processes, sockets and clocks. The engine knows no
//! window: whoever starts a run hands in a channel for its events.

mod dispatcher;
mod gate;
mod link;
mod monitor;
mod progress;
mod protocol;
mod run;
mod shared;
pub mod simulation;
mod strays;
mod transport;
mod worker;
mod worker_process;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::event::TaskId;
use crate::job::Mode;

pub use progress::PROGRESS_VARIABLE;
pub use run::Run;
pub use strays::{Sweep, own_process};
pub use worker::worker_role;
pub use worker_process::WORKER_MARKER;

/// How a batch is to be run.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// How the batch is run.
    pub mode: Mode,
    /// Size of the pool, 0 to [`crate::job::MAX_WORKERS`]; 0 starts paused. Mode `one` always has one.
    pub workers: u32,
    /// The executable that is started in the worker role.
    pub worker_executable: PathBuf,
    /// Sample cores and workers while it runs.
    pub monitor: bool,
    /// An existing, absolute folder that takes the whole of each stream that is too long for memory; `None`: only its
    /// head and its tail are kept. Whoever starts the run takes the files out of it and removes it after the run.
    pub spill_folder: Option<PathBuf>,
    /// So many tasks go to an idle worker at a time, and none is taken back for another worker, as Python's pool does it;
    /// `None`: as many as keep it busy, and what it has not begun is taken back where another worker is idle.
    pub chunk: Option<std::num::NonZeroU32>,
}

/// Something that a click, a key or a flag asks of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunCommand {
    /// Set the pool's size; 0 pauses. No running task is ended.
    SetWorkers(u32),
    /// Start no further task.
    Pause,
    /// Start tasks again.
    Resume,
    /// Cancel what is queued and end what is running: SIGTERM first, SIGKILL after the grace time.
    Stop,
    /// As `Stop`, with SIGKILL at once.
    StopNow,
    /// Cancel one task, queued or running.
    Cancel(TaskId),
}

/// The engine could not do its own job. A task that fails is not an error but an outcome.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The batch calls a workload that cannot be called so.
    #[error(transparent)]
    Workload(#[from] crate::job::workload::WorkloadError),
    /// The system refused something that no run can do without.
    #[error("{what}: {source}")]
    System {
        /// What was being done.
        what: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}
