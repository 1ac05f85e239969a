//! The engine of a cluster that Slurm manages.

use std::sync::Arc;

use crossbeam_channel::Sender;

use super::profile::SlurmProfile;
use super::{Engine, EngineError, RunHandle, RunOptions};
use crate::event::Event;
use crate::job::Batch;

/// Runs batches as job arrays of Slurm.
#[derive(Clone, Debug)]
pub struct SlurmEngine {
    profile: SlurmProfile,
}

impl SlurmEngine {
    /// An engine that submits as `profile` says.
    pub const fn new(profile: SlurmProfile) -> Self {
        Self { profile }
    }
}

impl Engine for SlurmEngine {
    fn start(&self, _: Arc<Batch>, _: RunOptions, _: Sender<Event>) -> Result<Box<dyn RunHandle>, EngineError> {
        Err(EngineError::Target(format!("nothing was submitted with {:?}", self.profile)))
    }
}
