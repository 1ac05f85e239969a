//! What is known of a run, rebuilt from its events alone: pure, without clock, process or window.

pub mod format;
pub mod progress;

pub use progress::Progress;
