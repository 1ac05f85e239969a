//! What is known of a run, rebuilt from its events alone: pure, without clock, process or window.

pub mod format;
pub mod progress;
pub mod records;
pub mod run;

pub use progress::Progress;
pub use records::Records;
pub use run::{RunModel, RunningTask};
