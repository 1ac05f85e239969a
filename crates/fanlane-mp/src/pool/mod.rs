//! Pools of worker processes.
//!
//! Calls are encoded when they are asked for and handed out in chunks. Each worker has some milliseconds' worth of work
//! in hand, so that it never waits for more; what it has not begun is taken back when another has nothing to do, when
//! the pool shrinks, and when the worker dies. So the death of a worker costs the chunk that it was at and nothing else.

mod ahead;
mod builder;
mod cancel;
mod chunk;
mod collector;
mod cursor;
mod futures;
mod imap;
mod job;
mod lane;
mod message;
mod outbox;
mod phase;
mod result;
mod shared;
mod state;
mod threads;
mod wire;
mod worker;

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

pub use builder::PoolBuilder;
pub use chunk::default_chunk_size;
pub use collector::Returned;
pub use futures::{AsCompleted, WaitFor, as_completed, wait_for_calls};
pub use imap::Imap;
pub use result::AsyncResult;
pub use threads::{Initialized, ThreadImap, ThreadPool, ThreadPoolBuilder};

use crate::error::{PoolError, TaskError};
use crate::function::{Callable, Function};
use crate::registry;
use collector::AllCollector;
use job::{Job, Pace};
use shared::PoolShared;

/// The role of a pool's worker.
const POOL_ROLE: &str = "pool";

/// The service of a pool's worker.
pub(crate) fn service() -> Function {
    Function::service(POOL_ROLE, worker::serve)
}

/// Size from which a part of a large call is handed over, so that workers begin while the rest is encoded.
const PART_BYTES: usize = 256 << 10;

/// A pool of worker processes. When it goes, it is terminated: close and join it to have everything done.
///
/// ```
/// use fanlane_mp::{self as mp, Pool, function};
///
/// fn cube(x: i64) -> i64 {
///     x * x * x
/// }
///
/// fn power(x: i64, y: u32) -> i64 {
///     x.pow(y)
/// }
///
/// fn main() -> Result<(), mp::Error> {
///     mp::init([function!(cube), function!(power)]);
///     let pool = Pool::new(2)?;
///     assert_eq!(pool.apply(power, (2, 10))?, 1024);
///     assert_eq!(pool.map(cube, 1..=6)?, [1, 8, 27, 64, 125, 216]);
///     assert_eq!(pool.starmap(power, [(2, 3), (3, 2)])?, [8, 9]);
///     let later = pool.apply_async(cube, (9,))?;
///     assert_eq!(later.get()?, 729);
///     let cubes: Result<Vec<i64>, _> = pool.imap(cube, 1..).take(3).collect();
///     assert_eq!(cubes?, [1, 8, 27]);
///     pool.close();
///     Ok(pool.join()?)
/// }
/// ```
pub struct Pool {
    shared: Arc<PoolShared>,
}

impl fmt::Debug for Pool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Pool").field("size", &self.size()).finish_non_exhaustive()
    }
}

impl Pool {
    /// A pool of this number of workers.
    ///
    /// # Errors
    /// As [`PoolBuilder::start`].
    pub fn new(workers: usize) -> Result<Self, PoolError> {
        Self::builder().workers(workers).build()
    }

    /// A pool as the builder says.
    pub fn builder() -> PoolBuilder {
        PoolBuilder::new()
    }

    /// How many workers it has, without those that are ending.
    pub fn size(&self) -> usize {
        self.shared.state().live_lanes()
    }

    /// The numbers of its worker processes that run now.
    pub fn pids(&self) -> Vec<u32> {
        let state = self.shared.state();
        state.lanes.iter().filter_map(|lane| Some(lane.worker.as_ref()?.child.pid())).collect()
    }

    /// Lets it have more or fewer workers. Those that are too many finish what they have begun and nothing more.
    ///
    /// # Errors
    /// [`PoolError::NoWorkers`] for none, [`TaskError::PoolClosed`] where it takes no more tasks, and what the system refuses.
    pub fn resize(&self, workers: usize) -> Result<(), PoolError> {
        if workers == 0 {
            return Err(PoolError::NoWorkers);
        }
        self.shared.resize(workers)
    }

    /// Calls `function` in a worker and waits for what it returns.
    ///
    /// # Errors
    /// [`PoolError::Spawn`], [`PoolError::Send`], and [`PoolError::Task`] with what became of the call.
    pub fn apply<F, Args>(&self, _function: F, args: Args) -> Result<F::Output, PoolError>
    where
        F: Callable<Args>,
        Args: Serialize + 'static,
        F::Output: Returned,
    {
        let (job, result) = Job::one::<F, Args>(&args)?;
        if let Some(handoff) = self.shared.hand_off(job)? {
            self.shared.run_handoff(handoff);
        }
        result.get()
    }

    /// Has `function` called in a worker; its result is there later.
    ///
    /// # Errors
    /// [`PoolError::Spawn`], [`PoolError::Send`], and [`PoolError::Task`] where the pool takes no more.
    pub fn apply_async<F, Args>(&self, _function: F, args: Args) -> Result<AsyncResult<F::Output>, PoolError>
    where
        F: Callable<Args>,
        Args: Serialize + 'static,
        F::Output: Returned,
    {
        let (job, result) = Job::one::<F, Args>(&args)?;
        self.shared.submit(job)?;
        Ok(result)
    }

    /// Calls `function` for each input and waits for all results, which are in the order of the inputs. If a call
    /// fails, the first failure in that order is the error.
    ///
    /// # Errors
    /// As [`Pool::apply`].
    pub fn map<F, A, I>(&self, function: F, inputs: I) -> Result<Vec<F::Output>, PoolError>
    where
        F: Callable<(A,)>,
        A: Serialize + 'static,
        I: IntoIterator<Item = A>,
        F::Output: Returned,
    {
        self.map_async(function, inputs)?.get()
    }

    /// As [`Pool::map`], with `chunk_size` inputs in a task instead of [`default_chunk_size`].
    ///
    /// # Errors
    /// As [`Pool::apply`].
    pub fn map_chunked<F, A, I>(&self, function: F, inputs: I, chunk_size: usize) -> Result<Vec<F::Output>, PoolError>
    where
        F: Callable<(A,)>,
        A: Serialize + 'static,
        I: IntoIterator<Item = A>,
        F::Output: Returned,
    {
        self.map_async_chunked(function, inputs, chunk_size)?.get()
    }

    /// As [`Pool::map`]; the results are there later.
    ///
    /// # Errors
    /// As [`Pool::apply_async`].
    pub fn map_async<F, A, I>(&self, _function: F, inputs: I) -> Result<AsyncResult<Vec<F::Output>>, PoolError>
    where
        F: Callable<(A,)>,
        A: Serialize + 'static,
        I: IntoIterator<Item = A>,
        F::Output: Returned,
    {
        self.all::<F, A, F::Output>(inputs, None)
    }

    /// As [`Pool::map_chunked`]; the results are there later.
    ///
    /// # Errors
    /// As [`Pool::apply_async`].
    pub fn map_async_chunked<F, A, I>(
        &self,
        _function: F,
        inputs: I,
        chunk_size: usize,
    ) -> Result<AsyncResult<Vec<F::Output>>, PoolError>
    where
        F: Callable<(A,)>,
        A: Serialize + 'static,
        I: IntoIterator<Item = A>,
        F::Output: Returned,
    {
        self.all::<F, A, F::Output>(inputs, Some(chunk_size))
    }

    /// As [`Pool::map`], for a function of several arguments: each input is a tuple of them.
    ///
    /// # Errors
    /// As [`Pool::apply`].
    pub fn starmap<F, Args, I>(&self, function: F, inputs: I) -> Result<Vec<F::Output>, PoolError>
    where
        F: Callable<Args>,
        Args: Serialize + 'static,
        I: IntoIterator<Item = Args>,
        F::Output: Returned,
    {
        self.starmap_async(function, inputs)?.get()
    }

    /// As [`Pool::starmap`]; the results are there later.
    ///
    /// # Errors
    /// As [`Pool::apply_async`].
    pub fn starmap_async<F, Args, I>(&self, _function: F, inputs: I) -> Result<AsyncResult<Vec<F::Output>>, PoolError>
    where
        F: Callable<Args>,
        Args: Serialize + 'static,
        I: IntoIterator<Item = Args>,
        F::Output: Returned,
    {
        self.all::<F, Args, F::Output>(inputs, None)
    }

    /// As [`Pool::starmap_async`], with `chunk_size` inputs in a task.
    ///
    /// # Errors
    /// As [`Pool::apply_async`].
    pub fn starmap_async_chunked<F, Args, I>(
        &self,
        _function: F,
        inputs: I,
        chunk_size: usize,
    ) -> Result<AsyncResult<Vec<F::Output>>, PoolError>
    where
        F: Callable<Args>,
        Args: Serialize + 'static,
        I: IntoIterator<Item = Args>,
        F::Output: Returned,
    {
        self.all::<F, Args, F::Output>(inputs, Some(chunk_size))
    }

    fn all<F: 'static, A: Serialize + 'static, R: Returned>(
        &self,
        inputs: impl IntoIterator<Item = A>,
        chunk_size: Option<usize>,
    ) -> Result<AsyncResult<Vec<R>>, PoolError> {
        let function = registry::name_of::<F>()?;
        let inputs = inputs.into_iter();
        match (chunk_size, inputs.size_hint()) {
            (Some(size), _) => self.all_in_chunks(function, inputs, size.max(1)),
            (None, (least, Some(most))) if least == most => {
                self.all_in_chunks(function, inputs, default_chunk_size(least, self.size()))
            }
            // The size of a chunk depends on their number.
            (None, _) => {
                let inputs: Vec<A> = inputs.collect();
                let size = default_chunk_size(inputs.len(), self.size());
                self.all_in_chunks(function, inputs.into_iter(), size)
            }
        }
    }

    fn all_in_chunks<A: Serialize + 'static, R: Returned>(
        &self,
        function: &'static str,
        inputs: impl Iterator<Item = A>,
        chunk_size: usize,
    ) -> Result<AsyncResult<Vec<R>>, PoolError> {
        let (collector, result) = AllCollector::<R>::pair();
        let pace = Arc::new(Pace::default());
        let part =
            |first_item| Job::new(function, first_item, chunk_size, Arc::clone(&collector) as _, Arc::clone(&pace));
        let mut job = part(0);
        let mut total = 0;
        for input in inputs {
            job.push(&input)?;
            total += 1;
            if job.is_at_chunk_end() && job.bytes() >= PART_BYTES {
                self.shared.submit(std::mem::replace(&mut job, part(total)))?;
            }
        }
        self.shared.submit(job)?;
        collector.expect(total);
        Ok(result)
    }

    /// Calls `function` for each input and gives the results one by one in the order of the inputs. Inputs are taken
    /// as results are asked for, some way ahead, so there may be any number of them.
    pub fn imap<F, A, I>(&self, function: F, inputs: I) -> Imap<'_, F::Output, I::IntoIter>
    where
        F: Callable<(A,)>,
        A: Serialize + 'static,
        I: IntoIterator<Item = A>,
        F::Output: Returned,
    {
        self.imap_chunked(function, inputs, 1)
    }

    /// As [`Pool::imap`], with `chunk_size` inputs in a task.
    pub fn imap_chunked<F, A, I>(&self, _function: F, inputs: I, chunk_size: usize) -> Imap<'_, F::Output, I::IntoIter>
    where
        F: Callable<(A,)>,
        A: Serialize + 'static,
        I: IntoIterator<Item = A>,
        F::Output: Returned,
    {
        Imap::new(self, registry::name_of::<F>().map_err(PoolError::from), inputs.into_iter(), chunk_size, true)
    }

    /// As [`Pool::imap`], with the results in the order in which they come.
    pub fn imap_unordered<F, A, I>(&self, function: F, inputs: I) -> Imap<'_, F::Output, I::IntoIter>
    where
        F: Callable<(A,)>,
        A: Serialize + 'static,
        I: IntoIterator<Item = A>,
        F::Output: Returned,
    {
        self.imap_unordered_chunked(function, inputs, 1)
    }

    /// As [`Pool::imap_unordered`], with `chunk_size` inputs in a task.
    pub fn imap_unordered_chunked<F, A, I>(
        &self,
        _function: F,
        inputs: I,
        chunk_size: usize,
    ) -> Imap<'_, F::Output, I::IntoIter>
    where
        F: Callable<(A,)>,
        A: Serialize + 'static,
        I: IntoIterator<Item = A>,
        F::Output: Returned,
    {
        Imap::new(self, registry::name_of::<F>().map_err(PoolError::from), inputs.into_iter(), chunk_size, false)
    }

    /// Takes no more tasks. What it has is done, and then its workers end.
    pub fn close(&self) {
        self.shared.close();
    }

    /// Ends its workers now, with all that they have started. Tasks without a result fail with
    /// [`TaskError::Terminated`].
    pub fn terminate(&self) {
        self.shared.end(TaskError::Terminated);
    }

    /// Waits until its workers have ended, after [`Pool::close`] or [`Pool::terminate`].
    ///
    /// # Errors
    /// [`PoolError::Open`] where it is neither closed nor terminated; the reason for which the pool had to stop.
    pub fn join(&self) -> Result<(), PoolError> {
        self.shared.state().phase.check_joinable()?;
        self.shared.join();
        self.shared.state().phase.joined()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.terminate();
        self.shared.join();
    }
}
