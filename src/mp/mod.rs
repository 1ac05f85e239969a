//! Multiprocessing primitives: the quick start of programs, sockets between processes, frames on them, a clock that all processes share, and the
//! tree of processes below one. They know no task.

pub mod clock;
pub mod descriptors;
pub mod frame;
pub mod launch;
pub mod limit;
pub mod memory_kills;
pub mod process_tree;
pub mod signal;
pub mod socket;
