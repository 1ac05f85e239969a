//! Fanlane without its window and command line: what runs a batch of tasks on a pool of workers, says what happens as events, folds
//! them into models, and keeps them.
//!
//! The modules are floors, in the order in which they are best read: `job`, `event`, then `engine` and `model`, which do not know each
//! other, `store`, and `host`. Beside them are [`mp`], whose `init` a program with workers calls first, and [`interrupts`].
//!
//! A complete program is `examples/run_batch.rs`.

pub mod engine;
pub mod event;
pub mod host;
pub mod job;
pub mod model;
pub mod store;

pub use fanlane_mp as mp;
pub use fanlane_os::interrupts;
