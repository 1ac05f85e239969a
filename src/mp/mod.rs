//! Multiprocessing: processes, pipes, queues, pools and shared memory, in the words of Python's module of that name.
//! None of it knows what a task of a batch is.

pub mod bell;
pub mod clock;
pub mod connection;
pub mod error;
pub mod frame;
pub mod guarded;
pub mod launch;
pub mod life;
pub mod memory;
pub mod passing;
pub mod process_tree;
pub mod signal;
pub mod socket;
pub mod wait;

pub use connection::{Connection, one_way_pipe, pipe};
pub use error::{Error, TaskError};
pub use wait::wait;
