//! The engine of a cluster that Slurm manages.
//!
//! A batch is an array of chunks, submitted once. Each element of it is this very program in a role of its own ([`element`]),
//! which runs the tasks of its chunk on a local worker, whatever kind they are of, and appends what happens to a file of its own
//! ([`records`]) in a folder that all nodes see ([`folder`]). The command that has submitted it reads these files ([`scan`]),
//! decides what they mean ([`coordinator`]) and tells it as any run is told. What Slurm itself says is asked for seldom ([`queue`])
//! and decides only about elements that say nothing.

mod chunks;
mod client;
mod coordinator;
#[cfg(test)]
mod coordinator_tests;
mod driver;
mod element;
mod elements;
mod folder;
mod losses;
mod queue;
mod reconcile;
mod records;
mod requests;
mod run;
mod scan;
mod site;
mod spills;
mod submission;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crossbeam_channel::Sender;

use super::demand::{Demand, Limitation};
pub(super) use super::profile::SlurmProfile;
use super::{Engine, EngineError, EngineTraits, RunHandle, RunOptions};
use crate::event::Event;
use crate::job::Batch;
use client::SlurmClient;
pub use element::slurm_role;
use folder::BatchFolder;
use run::SlurmRun;
use site::Site;

/// The folder of batches in the home folder, where the profile names none.
const USUAL_FOLDER: &str = "fanlane-slurm";

/// Why some things cannot be done by elements that know nothing of each other.
const APART: &str = "the elements of an array know nothing of each other; leave it out, or use --engine local";

/// What it cannot do where the profile names no interpreter.
const WITHOUT_PYTHON: Limitation = Limitation {
    demand: Demand::PythonFunction,
    reason: "the profile names no interpreter on the nodes; add python: \"/usr/bin/python3\" to it",
};

/// What it cannot do.
const LIMITATIONS: &[Limitation] = &[
    WITHOUT_PYTHON,
    Limitation { demand: Demand::Threads, reason: "an element does one task at a time; use mode pool" },
    Limitation { demand: Demand::Blocks, reason: "it is cut and read on this machine; cut it into files first" },
    Limitation { demand: Demand::Terminal, reason: "a node has no terminal" },
    Limitation {
        demand: Demand::GrowingInputs,
        reason: "an array is submitted when all its tasks are known; give the inputs as a file",
    },
    Limitation { demand: Demand::Dependencies, reason: APART },
    Limitation { demand: Demand::SharedObjects, reason: "they are in the memory of this machine; use --engine local" },
    Limitation { demand: Demand::Slots, reason: "say it in the profile, as cpus_per_task" },
    Limitation {
        demand: Demand::Resources,
        reason: "ask Slurm for them in the profile, by sbatch_flags: [\"--gres=…\"]",
    },
    Limitation { demand: Demand::Delay, reason: APART },
    Limitation { demand: Demand::TimeoutPercent, reason: "give the timeout in seconds" },
    Limitation { demand: Demand::LaneNumber, reason: "each element has one lane, so it would be 1 everywhere" },
    Limitation { demand: Demand::Breakpoints, reason: "tasks begin on nodes, without asking this machine" },
    Limitation {
        demand: Demand::FixedChunk,
        reason: "chunks are made by the time of tasks; set chunk_secs in the profile",
    },
];

/// What its runs can be asked.
const TRAITS: EngineTraits = EngineTraits {
    name: "slurm",
    limitations: LIMITATIONS,
    can_pause: true,
    can_resize: true,
    can_watch: false,
    can_steer: false,
    can_locate: false,
};

/// Runs batches as job arrays of Slurm.
#[derive(Clone, Debug)]
pub struct SlurmEngine {
    profile: SlurmProfile,
    /// The folder of a batch that was submitted before.
    attached: Option<PathBuf>,
}

impl SlurmEngine {
    /// An engine that submits as `profile` says.
    pub const fn new(profile: SlurmProfile) -> Self {
        Self { profile, attached: None }
    }

    /// An engine whose run is that of the batch in this folder, which a closed command or window has left: told from its start, and
    /// gone on with.
    pub fn of_batch(folder: PathBuf) -> Self {
        Self { profile: SlurmProfile::default(), attached: Some(folder) }
    }

    /// The batch in a folder that a closed command or window has left.
    ///
    /// # Errors
    /// When the folder is none of a batch of this build.
    pub fn read_batch(folder: &Path) -> Result<Batch, EngineError> {
        let own = BatchFolder::at(folder.to_owned());
        let unreadable = |error: &dyn std::fmt::Display| {
            target_error(format!("{} is no folder of a batch that can be attached to: {error}", folder.display()))
        };
        own.read_handle().map_err(|error| unreadable(&error))?;
        let packed = own.read("batch").map_err(|error| unreadable(&error))?;
        Batch::unpack(&packed).map_err(|error| unreadable(&error))
    }

    fn shared_folder(&self) -> Result<PathBuf, EngineError> {
        if let Some(folder) = &self.profile.shared_folder {
            return Ok(folder.clone());
        }
        let home = directories::BaseDirs::new().map(|folders| folders.home_dir().join(USUAL_FOLDER));
        home.ok_or_else(|| target_error("no home folder is known; name a shared_folder in the profile".to_owned()))
    }
}

impl Engine for SlurmEngine {
    fn start(
        &self,
        batch: Arc<Batch>,
        options: RunOptions,
        events: Sender<Event>,
    ) -> Result<Box<dyn RunHandle>, EngineError> {
        let client = Arc::new(SlurmClient::default());
        let start = match &self.attached {
            Some(folder) => run::Start::attached(BatchFolder::at(folder.clone()))?,
            None => {
                self.traits().check(&batch, &options)?;
                let site = Site::ask(&client, &self.profile)?;
                run::Start::new(&self.shared_folder()?, &self.profile, site, &batch, &options)?
            }
        };
        Ok(Box::new(SlurmRun::start(start, client, batch, options, events)?))
    }

    fn traits(&self) -> EngineTraits {
        let limitations = if self.profile.python.is_some() { &LIMITATIONS[1..] } else { LIMITATIONS };
        EngineTraits { limitations, ..TRAITS }
    }
}

fn target_error(words: String) -> EngineError {
    EngineError::Target(words)
}
