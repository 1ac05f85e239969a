//! The engine: it takes a [`Batch`](crate::job::Batch) through a pool of workers and says what happens as events.
//!
//! The dispatcher decides and is pure; the shell around it owns processes, sockets and clocks. The engine knows no
//! window: whoever starts a run hands in a channel for its events.

use std::path::PathBuf;
use std::sync::Arc;

use crossbeam_channel::Sender;
use serde::{Deserialize, Serialize};

use crate::event::{Event, TaskId};
use crate::job::{Batch, Mode};

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

/// A run under way.
pub struct Run {}

impl Run {
    /// Starts running `batch`. Events go to `events`, [`crate::event::EventKind::RunFinished`] last; a full channel
    /// makes the run wait, a closed one stops it.
    ///
    /// # Errors
    /// When threads or sockets cannot be had. Workers that cannot be started are an event.
    pub fn start(_batch: Arc<Batch>, _options: RunOptions, _events: Sender<Event>) -> Result<Self, EngineError> {
        todo!()
    }

    /// Asks something of the run; after its end nothing happens.
    pub fn command(&self, _command: RunCommand) {
        todo!()
    }

    /// Waits until the run has ended and all its processes are gone.
    pub fn join(self) {
        todo!()
    }
}
