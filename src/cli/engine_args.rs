//! The flag that says where a batch runs: on this machine, or at a place that a profile describes.

use anyhow::{Result, bail};
use clap::Args;

use super::run::ssh_args::SshArgs;
use super::worker_count::WorkerCount;
use fanlane_core::engine::{EngineChoice, TargetProfile};
use fanlane_core::store::engine_profiles::EngineProfiles;

/// Where a batch runs.
#[derive(Debug, Default, Args)]
pub struct EngineArgs {
    /// What runs the tasks: local, or a cluster: slurm, slurm:PROFILE; fanlane engines lists the profiles
    #[arg(long, value_name = "ENGINE")]
    engine: Option<String>,
    /// Hosts that run the tasks.
    #[command(flatten)]
    ssh: SshArgs,
}

impl EngineArgs {
    /// Whether hosts are named.
    pub fn has_hosts(&self) -> bool {
        self.ssh.is_given()
    }

    /// The engine that was named, or that of this machine. For hosts, `jobs` is how many tasks each has at a time, and `variables`
    /// are what `--env` names.
    ///
    /// # Errors
    /// When there is no such engine, or its profile cannot be used.
    pub fn choice(&self, jobs: Option<WorkerCount>, variables: &[String]) -> Result<EngineChoice> {
        match self.engine.as_deref() {
            Some(words) if self.has_hosts() => {
                bail!("--engine {words} and -S both say where the tasks run; leave one of them out")
            }
            None if self.has_hosts() => {
                let target = self.ssh.target(jobs, variables)?;
                Ok(EngineChoice::Target { name: "ssh".to_owned(), profile: Box::new(TargetProfile::Ssh(target)) })
            }
            None => Ok(EngineChoice::Local),
            Some(words) => Ok(EngineProfiles::open_default()?.choose(words)?),
        }
    }
}
