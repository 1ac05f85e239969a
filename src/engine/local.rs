//! The engine of this machine: worker processes below this one, which share its monotonic clock and its file system.

use std::path::PathBuf;
use std::sync::Arc;

use crossbeam_channel::Sender;

use super::run::Run;
use super::{Engine, EngineError, RunHandle, RunOptions};
use crate::event::Event;
use crate::job::Batch;

/// Runs batches on worker processes of this machine.
#[derive(Clone, Debug)]
pub struct LocalEngine {
    worker_executable: PathBuf,
}

impl LocalEngine {
    /// An engine whose workers are started from `worker_executable`, which must call [`mp::init`](crate::mp::init) with
    /// [`worker_role`](super::worker_role) first.
    pub fn new(worker_executable: impl Into<PathBuf>) -> Self {
        Self { worker_executable: worker_executable.into() }
    }
}

impl Engine for LocalEngine {
    fn start(
        &self,
        batch: Arc<Batch>,
        options: RunOptions,
        events: Sender<Event>,
    ) -> Result<Box<dyn RunHandle>, EngineError> {
        Ok(Box::new(Run::start(self.worker_executable.clone(), batch, options, events)?))
    }
}
