//! The choice of the engine that runs the batches of this program, whether from the command line, the window, a detached
//! run or a race: another engine is added here and is then offered everywhere.

use std::sync::Arc;

use super::{Engine, LocalEngine};

/// The engine, with workers on this machine that are this very program once more.
pub fn own_engine() -> Arc<dyn Engine> {
    Arc::new(LocalEngine::this_program())
}
