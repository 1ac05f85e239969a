//! The options of a session.

use std::path::PathBuf;
use std::sync::Arc;

use fanlane_core::engine::Engine;
use fanlane_core::host::DetachedRuns;
use fanlane_core::store::engine_profiles::EngineProfiles;
use fanlane_core::store::presets::Presets;
use fanlane_core::store::race::Races;

use super::machine::Machine;
use super::run::EditorPrograms;

/// The options of a session.
pub struct SessionOptions {
    /// The job file to open at the start.
    pub job: Option<PathBuf>,
    /// The folder of the process of a detached run, to be followed from the start.
    pub watched: Option<PathBuf>,
    /// The folder for relative paths of presets.
    pub folder: PathBuf,
    /// The folder of saved jobs; `None`: jobs cannot be saved.
    pub presets: Option<Presets>,
    /// The folder of saved races; `None`: races cannot be saved.
    pub races: Option<Races>,
    /// The folder of the history; `None`: runs are not recorded.
    pub history: Option<PathBuf>,
    /// Processes left over from killed runs are ended first.
    pub sweeps: bool,
    /// Starts and finds detached runs; `None`: runs are part of this process and end with it.
    pub detached: Option<DetachedRuns>,
    /// The profiles of engines; `None`: everything runs on this machine.
    pub engines: Option<EngineProfiles>,
    /// The file of the window's settings; `None`: they are not remembered.
    pub settings: Option<PathBuf>,
    /// The programs that show an output.
    pub editor_programs: EditorPrograms,
    /// The engine for runs in this process.
    pub engine: Arc<dyn Engine>,
    /// The machine.
    pub machine: Machine,
}

impl SessionOptions {
    /// A session that saves nothing, on a machine of four cores with two threads each. For tests and pictures.
    pub fn in_memory(engine: Arc<dyn Engine>) -> Self {
        Self {
            job: None,
            watched: None,
            folder: PathBuf::from("/"),
            presets: None,
            races: None,
            history: None,
            sweeps: false,
            detached: None,
            engines: None,
            settings: None,
            editor_programs: EditorPrograms { visual: None, desktop: "/no/such/program".into() },
            engine,
            machine: Machine { physical_cores: 4, logical_cores: 8 },
        }
    }
}
