//! The engine of this machine: worker processes below this one, which share its monotonic clock and its file system.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crossbeam_channel::Sender;

use super::launcher::{Launcher, WorkerHandle};
use super::protocol::Setup;
use super::run::Run;
use super::worker_process::WorkerProcess;
use super::{Engine, EngineError, RunHandle, RunOptions};
use crate::event::Event;
use crate::job::Batch;
use fanlane_os::child::OWN_EXECUTABLE;
use fanlane_os::machine;

/// Runs batches on worker processes of this machine.
#[derive(Clone, Debug)]
pub struct LocalEngine {
    worker_executable: PathBuf,
}

impl LocalEngine {
    /// An engine whose workers are started from `worker_executable`, which must call [`mp::init`](fanlane_mp::init) with
    /// [`worker_role`](super::worker_role) first.
    pub fn new(worker_executable: impl Into<PathBuf>) -> Self {
        Self { worker_executable: worker_executable.into() }
    }

    /// An engine whose workers are this very program once more, even where its file was replaced meanwhile.
    pub fn this_program() -> Self {
        Self::new(OWN_EXECUTABLE)
    }
}

impl Engine for LocalEngine {
    fn start(
        &self,
        batch: Arc<Batch>,
        options: RunOptions,
        events: Sender<Event>,
    ) -> Result<Box<dyn RunHandle>, EngineError> {
        let wanted = batch.job().control.memfree_bytes.unwrap_or(0);
        if let Some(there) = machine::memory_bytes().filter(|there| wanted > *there) {
            return Err(EngineError::Memory { wanted, there });
        }
        Ok(Box::new(Run::start(Box::new(self.clone()), batch, options, events)?))
    }
}

impl Launcher for LocalEngine {
    fn start(&self, setup: &Setup, environment: &[(String, String)]) -> io::Result<Arc<dyn WorkerHandle>> {
        Ok(Arc::new(WorkerProcess::start(&self.worker_executable, setup, environment)?))
    }
}
