//! The flag that says where a batch runs: on this machine, or at a place that a profile describes.

use anyhow::Result;
use clap::Args;

use fanlane_core::engine::EngineChoice;
use fanlane_core::store::engine_profiles::EngineProfiles;

/// Where a batch runs.
#[derive(Debug, Default, Args)]
pub struct EngineArgs {
    /// What runs the tasks: local, or a cluster: slurm, slurm:PROFILE; fanlane engines lists the profiles
    #[arg(long, value_name = "ENGINE")]
    engine: Option<String>,
}

impl EngineArgs {
    /// The engine that was named, or that of this machine.
    ///
    /// # Errors
    /// When there is no such engine, or its profile cannot be used.
    pub fn choice(&self) -> Result<EngineChoice> {
        match self.engine.as_deref() {
            None => Ok(EngineChoice::Local),
            Some(words) => Ok(EngineProfiles::open_default()?.choose(words)?),
        }
    }
}
