//! Fanlane runs a batch of tasks on a pool of worker processes and shows every lane while it runs.
//!
//! The modules in reading order, each importing only what stands above it here.

pub mod cli;
pub mod engine;
pub mod event;
pub mod host;
pub mod job;
pub mod model;
pub mod mp;
pub mod session;
pub mod store;
#[cfg(feature = "gui")]
pub mod ui;
