//! Multiprocessing: processes, pipes, queues, pools and shared memory, in the words of Python's module of that name.
//! None of it knows what a task of a batch is.
//!
//! # To begin
//!
//! A process is this program, started again. So `main` first calls [`init`] with every function that is to run in another
//! process: in the first process it returns; in a worker it runs the worker and never returns.
//!
//! ```
//! use fanlane_mp::{self as mp, Pool, function};
//!
//! fn cube(x: i64) -> i64 {
//!     x * x * x
//! }
//!
//! fn main() -> Result<(), mp::Error> {
//!     mp::init([function!(cube)]);
//!     let pool = Pool::new(2)?;
//!     assert_eq!(pool.map(cube, 1..=6)?, [1, 8, 27, 64, 125, 216]);
//!     Ok(())
//! }
//! ```
//!
//! Arguments and results are serde types. Shared things, such as a queue, a lock or shared memory, are cloned into the
//! arguments and are the same thing at the other end:
//!
//! ```
//! use fanlane_mp::{self as mp, Process, Queue, Value, function};
//!
//! fn add_up(numbers: Queue<u64>, sum: Value<u64>) -> Result<(), mp::Error> {
//!     while let Ok(number) = numbers.get() {
//!         sum.update(|sum| *sum += number)?;
//!     }
//!     Ok(())
//! }
//!
//! fn main() -> Result<(), mp::Error> {
//!     mp::init([function!(add_up)]);
//!     let numbers = Queue::unbounded()?;
//!     let sum = Value::new(0_u64)?;
//!     let workers = [0, 1].map(|_| Process::spawn(add_up, (numbers.clone(), sum.clone())));
//!     for number in 1..=100 {
//!         numbers.put(&number)?;
//!     }
//!     // Nothing more can be put in; what is in it can be taken.
//!     numbers.close();
//!     for worker in workers {
//!         assert_eq!(worker?.join()?, 0);
//!     }
//!     assert_eq!(sum.get()?, 5050);
//!     Ok(())
//! }
//! ```
//!
//! # What there is
//!
//! | to | use |
//! | --- | --- |
//! | call functions in workers | [`Pool`]; [`ThreadPool`] has the same methods |
//! | wait for several calls, also of different pools | [`as_completed`], [`wait_for_calls`] |
//! | run one function in a process of its own | [`spawn()`], which gives its value; [`Process`], which gives an exit code; [`active_children`], [`current_process`] |
//! | send values | [`pipe`], [`Connection`], [`wait()`]; [`Queue`], [`SimpleQueue`] |
//! | talk to programs started elsewhere | [`Listener`], [`Connection::connect`] |
//! | exclude and await each other | [`Lock`], [`RLock`], [`Semaphore`], [`BoundedSemaphore`], [`Condition`], [`Event`], [`Barrier`] |
//! | share numbers | [`Mutex`] with a guard; [`Value`], [`Array`]; without a lock [`RawValue`], [`RawArray`] |
//! | share bytes | [`SharedMemory`] by its name, [`ShareableList`], [`SharedBytes`] for large results |
//! | share with scripts and other machines | [`manager`] |
//!
//! The death of a process does little harm to the others: a lock whose owner was killed goes to the next one, with an
//! error that says so ([`OwnerDied`]); a queue has an item or does not have it; a pool starts another worker; and no process
//! outlives the one that started it.

#[cfg(feature = "network")]
pub(crate) mod authentication;
mod callable;
pub(crate) mod connection;
pub(crate) mod error;
pub(crate) mod function;
mod init;
mod item;
#[cfg(feature = "network")]
pub(crate) mod listener;
#[cfg(feature = "manager")]
pub mod manager;
pub(crate) mod pool;
pub(crate) mod process;
pub(crate) mod queue;
pub(crate) mod registry;
pub(crate) mod shared;
pub(crate) mod sync;
pub(crate) mod wait;

#[doc(inline)]
pub use crate::__mp_function as function;
#[doc(inline)]
pub use crate::__mp_init_before_main as init_before_main;
#[cfg(feature = "network")]
pub use authentication::{Address, AddressError, Key, KeyError, MIN_KEY_BYTES};
pub use connection::{Connection, one_way_pipe, pipe};
#[cfg(feature = "network")]
pub use error::NetworkError;
pub use error::{
    BarrierError, Error, JoinError, LockError, PoolError, ProcessStateError, RecvError, SendError, SharedMemoryError,
    SpawnError, SystemError, TaskError,
};
pub use fanlane_os::child::WORKER_ROLE;
pub use function::{Callable, Function};
#[doc(hidden)]
pub use function::{panic_message, returned};
pub use init::init;
#[cfg(feature = "network")]
pub use listener::Listener;
pub use pool::{
    AsCompleted, AsyncResult, Imap, Initialized, Pool, PoolBuilder, Returned, ThreadImap, ThreadPool,
    ThreadPoolBuilder, WaitFor, as_completed, default_chunk_size, wait_for_calls,
};
pub use process::{CurrentProcess, JoinHandle, Process, Sentinel, active_children, current_process, spawn};
pub use queue::{Queue, SimpleQueue};
pub use registry::set_executable;
#[doc(hidden)]
pub use shared::forget_dead_writers;
pub use shared::{
    Array, ListItem, Mutex, MutexGuard, RawArray, RawValue, ShareableList, SharedBytes, SharedMemory, Value,
};
pub use sync::{
    Barrier, BoundedSemaphore, Condition, ConditionGuard, Event, Lock, LockGuard, OwnerDied, Permit, RLock, RLockGuard,
    Semaphore,
};
pub use wait::wait;

/// The examples of the crate's README are tested with those here.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;

/// And those of the guide.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/multiprocessing.md")]
struct GuideExamples;
