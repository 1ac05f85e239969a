//! Fanlane runs a batch of tasks on a pool of worker processes and shows every lane while it runs.
//!
//! The modules in reading order, each importing only what stands above it here.

pub mod job;
pub mod event;
pub mod mp;
pub mod engine;
pub mod model;
pub mod store;
pub mod session;
pub mod cli;
#[cfg(feature = "gui")]
pub mod ui;
