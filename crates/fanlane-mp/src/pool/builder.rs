//! What can be chosen when a pool is made.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::Pool;
use super::shared::{FirstCall, PoolPlan, PoolShared};
use crate::error::{PoolError, SendError, SpawnError};
use crate::function::Callable;
use crate::registry;
use fanlane_os::fd_passing;

/// What a pool is to be like.
///
/// What tasks share is given to the initializer, which keeps it for them:
///
/// ```
/// use fanlane_mp::{self as mp, Pool, PoolBuilder, Value, function};
/// use std::sync::OnceLock;
///
/// static COUNT: OnceLock<Value<u64>> = OnceLock::new();
///
/// fn keep(count: Value<u64>) {
///     COUNT.get_or_init(|| count);
/// }
///
/// fn count_to(number: u64) -> Result<(), String> {
///     let count = COUNT.get().ok_or("the initializer was forgotten")?;
///     count.update(|count| *count += number).map_err(|error| error.to_string())
/// }
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     mp::init([function!(keep), function!(count_to)]);
///     let count = Value::new(0_u64)?;
///     let builder: PoolBuilder = Pool::builder().workers(2).max_tasks_per_child(50).retries(1);
///     let pool = builder.initializer(keep, (count.clone(),)).build()?;
///     for counted in pool.map(count_to, 1..=10)? {
///         counted?;
///     }
///     assert_eq!(count.get()?, 55);
///     Ok(())
/// }
/// ```
pub struct PoolBuilder {
    workers: usize,
    plan: PoolPlan,
    fault: Option<PoolError>,
}

impl fmt::Debug for PoolBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PoolBuilder").field("workers", &self.workers).finish_non_exhaustive()
    }
}

impl PoolBuilder {
    pub(super) fn new() -> Self {
        let workers = fanlane_os::machine::cores() as usize;
        Self { workers, plan: PoolPlan::default(), fault: None }
    }

    /// How many workers it has; at first as many as the machine has processors.
    #[must_use]
    pub const fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// What each worker calls before its first task. If it panics or returns an error, the pool stops with that as its
    /// reason. Its arguments may hold connections, queues, locks and shared memory.
    #[must_use]
    pub fn initializer<F, Args>(mut self, _function: F, args: Args) -> Self
    where
        F: Callable<Args>,
        Args: Serialize,
    {
        let encoded = registry::name_of::<F>().and_then(|function| {
            let mut bytes = Vec::new();
            let (encoded, descriptors) = fd_passing::with_descriptors(|| fd_passing::encode(&args, &mut bytes));
            encoded.map_err(SendError::from)?;
            Ok(FirstCall { function, args: bytes, descriptors })
        });
        match encoded {
            Ok(call) => self.plan.initializer = Some(call),
            Err(error) => self.fault = Some(error.into()),
        }
        self
    }

    /// Number of tasks after which a worker is replaced by a fresh one; a task is a chunk of items.
    #[must_use]
    pub fn max_tasks_per_child(mut self, tasks: u64) -> Self {
        self.plan.max_tasks_per_child = Some(tasks.max(1));
        self
    }

    /// Number of times that a task whose worker dies is tried again before it fails; 0 at first.
    #[must_use]
    pub const fn retries(mut self, retries: u32) -> Self {
        self.plan.retries = retries;
        self
    }

    /// Starts the pool.
    ///
    /// # Errors
    /// [`SpawnError::NotInitialised`], [`SpawnError::NotRegistered`] and [`PoolError::Send`] for the initializer, [`PoolError::NoWorkers`]
    /// for no workers, and what the system refuses.
    pub fn build(self) -> Result<Pool, PoolError> {
        if !registry::is_initialised() {
            return Err(SpawnError::NotInitialised.into());
        }
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let shared = Arc::new(PoolShared::new(self.plan));
        let pool = Pool { shared };
        pool.resize(self.workers)?;
        Ok(pool)
    }
}
