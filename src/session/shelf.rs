//! Where the presets of this program lie.

use std::path::PathBuf;

use crate::job::{Input, JOB_VERSION, Job, Mode, TaskTemplate, WorkloadSpec};

use super::presets::{MemoryShelf, Shelf};

/// The examples that come with the program.
pub fn built_in() -> Vec<Job> {
    vec![Job {
        version: JOB_VERSION,
        name: "First look".to_owned(),
        description: "A few hundred small sums.".to_owned(),
        task: TaskTemplate::Workload(WorkloadSpec::named("cube")),
        inputs: vec![Input::Range(1, 200)],
        linked: false,
        mode: Mode::Pool,
        workers: None,
        timeout_secs: None,
        retries: 0,
        working_dir: None,
    }]
}

/// The saved jobs.
pub fn shelf(_folder: Option<PathBuf>) -> Box<dyn Shelf> {
    Box::new(MemoryShelf::default())
}
