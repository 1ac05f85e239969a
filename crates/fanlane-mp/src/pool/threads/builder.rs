//! What can be chosen when a pool of threads is made.

use std::fmt;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::ThreadPool;
use super::shared::{FirstCall, ThreadPoolPlan};
use crate::error::PoolError;
use crate::function::{Callable, panic_message};

/// What a pool of threads is to be like.
///
/// ```
/// use fanlane_mp::{PoolError, ThreadPool, ThreadPoolBuilder};
/// use std::cell::Cell;
///
/// thread_local! {
///     static STEP: Cell<u32> = const { Cell::new(0) };
/// }
///
/// let builder: ThreadPoolBuilder = ThreadPool::builder().workers(2).max_tasks_per_child(100);
/// let pool = builder.initializer(|step: u32| STEP.set(step), (3,)).build()?;
/// assert_eq!(pool.map(|x: u32| x * STEP.get(), [1, 2])?, [3, 6]);
/// # Ok::<(), PoolError>(())
/// ```
pub struct ThreadPoolBuilder {
    workers: usize,
    plan: ThreadPoolPlan,
}

impl fmt::Debug for ThreadPoolBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ThreadPoolBuilder").field("workers", &self.workers).finish_non_exhaustive()
    }
}

/// What an initializer of threads may return: nothing, or a result whose error is a failure.
///
/// ```
/// use fanlane_mp::Initialized;
///
/// assert_eq!(().failure(), None);
/// assert_eq!("7".parse::<u8>().failure(), None);
/// assert_eq!(Err::<u8, _>("no licence").failure(), Some("no licence".to_owned()));
/// ```
pub trait Initialized {
    /// The words of the failure.
    fn failure(self) -> Option<String>;
}

impl Initialized for () {
    fn failure(self) -> Option<String> {
        None
    }
}

impl<T, E: Display> Initialized for Result<T, E> {
    fn failure(self) -> Option<String> {
        self.err().map(|error| error.to_string())
    }
}

impl ThreadPoolBuilder {
    pub(super) fn new() -> Self {
        let workers = fanlane_os::machine::cores() as usize;
        Self { workers, plan: ThreadPoolPlan::default() }
    }

    /// How many threads it has; at first as many as the machine has processors.
    #[must_use]
    pub const fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// What each thread calls before its first task. If it panics or returns an error, the pool stops with that as its
    /// reason.
    #[must_use]
    pub fn initializer<F, Args>(mut self, function: F, args: Args) -> Self
    where
        F: Callable<Args>,
        F::Output: Initialized,
        Args: Clone + Send + Sync + 'static,
    {
        let call: FirstCall = Arc::new(move || {
            let called = catch_unwind(AssertUnwindSafe(|| function.call_with(args.clone()).failure()));
            called.unwrap_or_else(|panic| Some(panic_message(&*panic)))
        });
        self.plan.initializer = Some(call);
        self
    }

    /// Number of tasks after which a thread is replaced by a fresh one; a task is a chunk of items. What is a thread's own is made
    /// anew then.
    #[must_use]
    pub fn max_tasks_per_child(mut self, tasks: u64) -> Self {
        self.plan.max_tasks_per_child = Some(tasks.max(1));
        self
    }

    /// Starts the pool.
    ///
    /// # Errors
    /// [`PoolError::NoWorkers`] for no threads, and what the system refuses.
    pub fn build(self) -> Result<ThreadPool, PoolError> {
        ThreadPool::start(self.plan, self.workers)
    }
}
