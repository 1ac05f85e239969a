//! What a session is made with.

use std::path::PathBuf;
use std::sync::Arc;

use fanlane_core::engine::Engine;
use fanlane_core::host::DetachedRuns;
use fanlane_core::store::presets::Presets;
use fanlane_core::store::race::Races;

use super::machine::Machine;

/// What a session is made with.
pub struct SessionOptions {
    /// The job file to open at the start.
    pub job: Option<PathBuf>,
    /// Where relative paths of presets start.
    pub folder: PathBuf,
    /// Where saved jobs are kept; `None`: nothing can be saved.
    pub presets: Option<Presets>,
    /// Where races are kept; `None`: none can be saved.
    pub races: Option<Races>,
    /// The folder of the history that runs are recorded in; `None`: none is.
    pub history: Option<PathBuf>,
    /// What runs that were killed have left is ended first.
    pub sweeps: bool,
    /// What starts runs in processes of their own and finds them; `None`: they go on in this one and end with it.
    pub detached: Option<DetachedRuns>,
    /// What runs batches for this process.
    pub engine: Arc<dyn Engine>,
    /// The machine that runs go on.
    pub machine: Machine,
}

impl SessionOptions {
    /// A session that saves nothing, on a machine of four cores with two threads each. For tests and pictures.
    pub fn in_memory(engine: Arc<dyn Engine>) -> Self {
        Self {
            job: None,
            folder: PathBuf::from("/"),
            presets: None,
            races: None,
            history: None,
            sweeps: false,
            detached: None,
            engine,
            machine: Machine { physical_cores: 4, logical_cores: 8 },
        }
    }
}
