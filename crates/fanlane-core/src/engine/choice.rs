//! The choice of the engine that runs the batches of this program, whether from the command line, the window, a detached
//! run or a race: another engine is added here and is then offered everywhere.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Engine, LocalEngine};

/// The engine, with workers on this machine that are this very program once more.
pub fn own_engine() -> Arc<dyn Engine> {
    choose(LocalEngine::this_program())
}

/// The engine, with workers on this machine that are started from `worker_executable`; see [`LocalEngine::new`].
pub fn engine_with_workers(worker_executable: impl Into<PathBuf>) -> Arc<dyn Engine> {
    choose(LocalEngine::new(worker_executable))
}

fn choose(local: LocalEngine) -> Arc<dyn Engine> {
    Arc::new(local)
}
