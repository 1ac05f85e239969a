//! What a session is made with.

use std::path::PathBuf;

use crate::job::Job;

use super::current_run::StartRun;
use super::machine::Machine;
use super::presets::{MemoryShelf, Shelf};

/// What a session is made with.
pub struct SessionOptions {
    /// The job file to open at the start.
    pub job: Option<PathBuf>,
    /// Where relative paths of presets start.
    pub folder: PathBuf,
    /// The examples that come with the program, the first of them opened at the first start.
    pub built_in: Vec<Job>,
    /// Where saved jobs are kept.
    pub shelf: Box<dyn Shelf>,
    /// The executable that is started in the worker role.
    pub worker_executable: PathBuf,
    /// What starts runs.
    pub start: StartRun,
    /// The machine that runs go on.
    pub machine: Machine,
}

impl SessionOptions {
    /// A session that keeps nothing, on a machine of four cores with two threads each. For tests and pictures.
    pub fn in_memory(built_in: Vec<Job>, start: StartRun) -> Self {
        Self {
            job: None,
            folder: PathBuf::from("."),
            built_in,
            shelf: Box::new(MemoryShelf::default()),
            worker_executable: PathBuf::new(),
            start,
            machine: Machine { physical_cores: 4, logical_cores: 8 },
        }
    }
}
