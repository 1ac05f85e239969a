//! The choice of the engine that runs the batches of this program, whether from the command line, the window, a detached
//! run or a race: another engine is added here and is then offered everywhere.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::profile::TargetProfile;
use super::{Demand, Engine, EngineError, LocalEngine, SlurmEngine, SshEngine};
use crate::job::{Batch, lossless};

/// The engine, with workers on this machine that are this very program once more.
pub fn own_engine() -> Arc<dyn Engine> {
    Arc::new(LocalEngine::this_program())
}

/// Which engine runs a batch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum EngineChoice {
    /// This machine.
    #[default]
    Local,
    /// Another place.
    Target {
        /// The name of the profile.
        name: String,
        /// What the profile says.
        profile: Box<TargetProfile>,
    },
    /// The cluster that has a batch already which a closed command or window has left.
    Attached {
        /// The folder of the batch.
        #[serde(with = "lossless::path")]
        folder: PathBuf,
    },
}

impl EngineChoice {
    /// The engine.
    pub fn engine(&self) -> Arc<dyn Engine> {
        match self {
            Self::Local => own_engine(),
            Self::Target { profile, .. } => match &**profile {
                TargetProfile::Slurm(profile) => Arc::new(SlurmEngine::new(profile.clone())),
                TargetProfile::Ssh(target) => Arc::new(SshEngine::new(target.clone())),
            },
            Self::Attached { folder } => Arc::new(SlurmEngine::of_batch(folder.clone())),
        }
    }

    /// The batch that is there already; `None` where the engine takes any.
    ///
    /// # Errors
    /// When its folder is none of a batch of this build.
    pub fn batch(&self) -> Result<Option<Batch>, EngineError> {
        match self {
            Self::Local | Self::Target { .. } => Ok(None),
            Self::Attached { folder } => SlurmEngine::read_batch(folder).map(Some),
        }
    }

    /// Whether tasks may begin while further inputs arrive.
    pub fn takes_growing_inputs(&self) -> bool {
        let limitations = self.engine().traits().limitations;
        limitations.iter().all(|limitation| limitation.demand != Demand::GrowingInputs)
    }

    /// As `--engine` takes it.
    pub fn words(&self) -> String {
        match self {
            Self::Local => "local".to_owned(),
            Self::Target { name, profile } if name == profile.kind() => name.clone(),
            Self::Target { name, profile } => format!("{}:{name}", profile.kind()),
            Self::Attached { folder } => folder.display().to_string(),
        }
    }
}
