//! Multiprocessing: processes, pipes, queues, pools and shared memory, in the words of Python's module of that name.
//! None of it knows what a task of a batch is.

mod append;
pub mod bell;
pub mod child;
pub mod clock;
pub mod connection;
pub mod descriptors;
pub mod eager;
pub mod entry;
pub mod error;
pub mod frame;
pub mod function;
pub mod guarded;
pub mod interrupts;
pub mod launch;
pub mod life;
pub mod limit;
pub mod manager;
pub mod memory;
pub mod memory_kills;
pub mod passing;
pub mod pool;
pub mod process;
pub mod process_tree;
pub mod progress;
pub mod queue;
pub mod shared;
pub mod signal;
pub mod socket;
pub mod sync;
pub mod wait;
pub(crate) mod waker;
pub mod watch;

#[doc(inline)]
pub use crate::__mp_function as function;
pub use connection::{Connection, one_way_pipe, pipe};
pub use entry::{WORKER_ROLE, init, set_executable};
pub use error::{Error, TaskError};
#[doc(hidden)]
pub use function::returned;
pub use function::{Callable, Function};
pub use pool::{
    AsyncResult, Imap, Initialized, Pool, PoolBuilder, Returned, ThreadImap, ThreadPool, ThreadPoolBuilder,
    default_chunk_size,
};
pub use process::{CurrentProcess, Process, Sentinel, active_children, current_process};
pub use queue::{Queue, SimpleQueue};
pub(crate) use shared::forget_dead_writers;
pub use shared::{Array, ListItem, RawArray, RawValue, ShareableList, SharedBytes, SharedMemory, Value};
pub use sync::{Barrier, BoundedSemaphore, Condition, Event, HolderDied, Lock, Permit, RLock, Semaphore};
pub use wait::wait;
