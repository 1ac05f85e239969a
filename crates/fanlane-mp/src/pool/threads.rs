//! A pool of threads with the interface of a pool of processes. Nothing is encoded, so closures will do as well, and
//! nothing has to be registered; a task that brings down its process brings down this one.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex};

use super::chunk::default_chunk_size;
use super::collector::AllCollector;
use super::phase::{Phase, PoolThreads};
use super::result::{AsyncResult, Completion};
use crate::error::{PoolError, SystemError, TaskError};
use crate::function::{Callable, panic_message};

mod builder;
mod imap;
mod shared;

pub use builder::{Initialized, ThreadPoolBuilder};
pub use imap::ThreadImap;
use shared::{Task, ThreadPoolPlan, ThreadPoolShared, ThreadPoolState};

/// A pool of threads. When it goes, it is terminated: what has not begun fails, and what has is waited for.
///
/// ```
/// use fanlane_mp::ThreadPool;
///
/// let pool = ThreadPool::new(2)?;
/// let offset = 10;
/// assert_eq!(pool.map(move |x: i32| x * x + offset, 1..=3)?, [11, 14, 19]);
/// assert_eq!(pool.apply(i32::pow, (2, 5))?, 32);
/// pool.close();
/// pool.join()?;
/// # Ok::<(), fanlane_mp::Error>(())
/// ```
pub struct ThreadPool {
    shared: Arc<ThreadPoolShared>,
}

impl fmt::Debug for ThreadPool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ThreadPool").field("size", &self.size()).finish_non_exhaustive()
    }
}

/// What comes of a call.
fn outcome_of<R>(call: impl FnOnce() -> R) -> Result<R, TaskError> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| TaskError::Panicked(panic_message(&*panic)))
}

impl ThreadPool {
    /// A pool of this number of threads.
    ///
    /// # Errors
    /// As [`ThreadPoolBuilder::start`].
    pub fn new(workers: usize) -> Result<Self, PoolError> {
        Self::builder().workers(workers).build()
    }

    /// A pool as the builder says.
    pub fn builder() -> ThreadPoolBuilder {
        ThreadPoolBuilder::new()
    }

    fn start(plan: ThreadPoolPlan, workers: usize) -> Result<Self, PoolError> {
        let state = ThreadPoolState { phase: Phase::Open, queue: VecDeque::new(), wanted: 0, running: 0 };
        let shared = Arc::new(ThreadPoolShared {
            plan,
            threads: PoolThreads::new(),
            state: Mutex::new(state),
            changed: Condvar::new(),
        });
        let pool = Self { shared };
        pool.resize(workers)?;
        Ok(pool)
    }

    /// How many threads it has, without those that are ending.
    pub fn size(&self) -> usize {
        self.shared.state().wanted
    }

    /// Lets it have more or fewer threads. Those that are too many finish what they have begun.
    ///
    /// # Errors
    /// [`PoolError::NoWorkers`] for none, [`TaskError::PoolClosed`] where it takes no more tasks, and what the system refuses.
    pub fn resize(&self, workers: usize) -> Result<(), PoolError> {
        if workers == 0 {
            return Err(PoolError::NoWorkers);
        }
        let mut state = self.shared.state();
        if state.phase != Phase::Open {
            return Err(PoolError::Task(TaskError::PoolClosed));
        }
        state.wanted = workers;
        while state.running < workers {
            self.shared.start_thread(&mut state).map_err(SystemError::during("no thread can be had"))?;
        }
        drop(state);
        self.shared.changed.notify_all();
        Ok(())
    }

    /// Calls `function` in a thread and waits for what it returns.
    ///
    /// # Errors
    /// [`PoolError::Task`] with what became of the call.
    pub fn apply<F, Args>(&self, function: F, args: Args) -> Result<F::Output, PoolError>
    where
        F: Callable<Args>,
        Args: Send + 'static,
        F::Output: Send + 'static,
    {
        self.apply_async(function, args)?.get()
    }

    /// Has `function` called in a thread; its result is there later.
    ///
    /// # Errors
    /// [`PoolError::Task`] where the pool takes no more.
    pub fn apply_async<F, Args>(&self, function: F, args: Args) -> Result<AsyncResult<F::Output>, PoolError>
    where
        F: Callable<Args>,
        Args: Send + 'static,
        F::Output: Send + 'static,
    {
        let (completion, result) = Completion::pair();
        self.shared.submit(Box::new(move |go_on| {
            let go_on = go_on.and_then(|()| completion.unless_cancelled());
            completion.fulfil(go_on.and_then(|()| outcome_of(|| function.call_with(args))));
        }))?;
        Ok(result)
    }

    /// Calls `function` for each input and waits for all results, which are in the order of the inputs. If a call
    /// fails, the first failure in that order is the error.
    ///
    /// # Errors
    /// As [`ThreadPool::apply`].
    pub fn map<F, A, I>(&self, function: F, inputs: I) -> Result<Vec<F::Output>, PoolError>
    where
        F: Callable<(A,)>,
        A: Send + 'static,
        I: IntoIterator<Item = A>,
        F::Output: Send + 'static,
    {
        self.map_async(function, inputs)?.get()
    }

    /// As [`ThreadPool::map`], with `chunk_size` inputs in a task.
    ///
    /// # Errors
    /// As [`ThreadPool::apply`].
    pub fn map_chunked<F, A, I>(&self, function: F, inputs: I, chunk_size: usize) -> Result<Vec<F::Output>, PoolError>
    where
        F: Callable<(A,)>,
        A: Send + 'static,
        I: IntoIterator<Item = A>,
        F::Output: Send + 'static,
    {
        self.map_async_chunked(function, inputs, chunk_size)?.get()
    }

    /// As [`ThreadPool::map`]; the results are there later.
    ///
    /// # Errors
    /// As [`ThreadPool::apply_async`].
    pub fn map_async<F, A, I>(&self, function: F, inputs: I) -> Result<AsyncResult<Vec<F::Output>>, PoolError>
    where
        F: Callable<(A,)>,
        A: Send + 'static,
        I: IntoIterator<Item = A>,
        F::Output: Send + 'static,
    {
        self.all(function, inputs.into_iter().map(|input| (input,)), None)
    }

    /// As [`ThreadPool::map_chunked`]; the results are there later.
    ///
    /// # Errors
    /// As [`ThreadPool::apply_async`].
    pub fn map_async_chunked<F, A, I>(
        &self,
        function: F,
        inputs: I,
        chunk_size: usize,
    ) -> Result<AsyncResult<Vec<F::Output>>, PoolError>
    where
        F: Callable<(A,)>,
        A: Send + 'static,
        I: IntoIterator<Item = A>,
        F::Output: Send + 'static,
    {
        self.all(function, inputs.into_iter().map(|input| (input,)), Some(chunk_size))
    }

    /// As [`ThreadPool::map`], for a function of several arguments: each input is a tuple of them.
    ///
    /// # Errors
    /// As [`ThreadPool::apply`].
    pub fn starmap<F, Args, I>(&self, function: F, inputs: I) -> Result<Vec<F::Output>, PoolError>
    where
        F: Callable<Args>,
        Args: Send + 'static,
        I: IntoIterator<Item = Args>,
        F::Output: Send + 'static,
    {
        self.starmap_async(function, inputs)?.get()
    }

    /// As [`ThreadPool::starmap`]; the results are there later.
    ///
    /// # Errors
    /// As [`ThreadPool::apply_async`].
    pub fn starmap_async<F, Args, I>(&self, function: F, inputs: I) -> Result<AsyncResult<Vec<F::Output>>, PoolError>
    where
        F: Callable<Args>,
        Args: Send + 'static,
        I: IntoIterator<Item = Args>,
        F::Output: Send + 'static,
    {
        self.all(function, inputs, None)
    }

    /// As [`ThreadPool::starmap_async`], with `chunk_size` inputs in a task.
    ///
    /// # Errors
    /// As [`ThreadPool::apply_async`].
    pub fn starmap_async_chunked<F, Args, I>(
        &self,
        function: F,
        inputs: I,
        chunk_size: usize,
    ) -> Result<AsyncResult<Vec<F::Output>>, PoolError>
    where
        F: Callable<Args>,
        Args: Send + 'static,
        I: IntoIterator<Item = Args>,
        F::Output: Send + 'static,
    {
        self.all(function, inputs, Some(chunk_size))
    }

    fn all<F, Args, I>(
        &self,
        function: F,
        inputs: I,
        chunk_size: Option<usize>,
    ) -> Result<AsyncResult<Vec<F::Output>>, PoolError>
    where
        F: Callable<Args>,
        Args: Send + 'static,
        I: IntoIterator<Item = Args>,
        F::Output: Send + 'static,
    {
        let inputs: Vec<Args> = inputs.into_iter().collect();
        let total = inputs.len();
        let size = chunk_size.unwrap_or_else(|| default_chunk_size(total, self.size())).max(1);
        let (collector, result) = AllCollector::pair();
        let function = Arc::new(function);
        let mut inputs = inputs.into_iter();
        for first_item in (0..total).step_by(size) {
            let chunk: Vec<Args> = inputs.by_ref().take(size).collect();
            let (collector, asked) = (Arc::clone(&collector), Arc::clone(&collector));
            let done = move |outcomes| collector.add(first_item, outcomes);
            self.shared.submit(chunk_task(&function, chunk, move || asked.unless_cancelled(), done))?;
        }
        collector.expect(total);
        Ok(result)
    }

    /// Calls `function` for each input and gives the results one by one in the order of the inputs, which are taken as
    /// results are asked for.
    pub fn imap<F, A, I>(&self, function: F, inputs: I) -> ThreadImap<'_, F, F::Output, I::IntoIter>
    where
        F: Callable<(A,)>,
        A: Send + 'static,
        I: IntoIterator<Item = A>,
        F::Output: Send + 'static,
    {
        self.imap_chunked(function, inputs, 1)
    }

    /// As [`ThreadPool::imap`], with `chunk_size` inputs in a task.
    pub fn imap_chunked<F, A, I>(
        &self,
        function: F,
        inputs: I,
        chunk_size: usize,
    ) -> ThreadImap<'_, F, F::Output, I::IntoIter>
    where
        F: Callable<(A,)>,
        A: Send + 'static,
        I: IntoIterator<Item = A>,
        F::Output: Send + 'static,
    {
        ThreadImap::new(self, function, inputs.into_iter(), chunk_size, true)
    }

    /// As [`ThreadPool::imap`], with the results in the order in which they come.
    pub fn imap_unordered<F, A, I>(&self, function: F, inputs: I) -> ThreadImap<'_, F, F::Output, I::IntoIter>
    where
        F: Callable<(A,)>,
        A: Send + 'static,
        I: IntoIterator<Item = A>,
        F::Output: Send + 'static,
    {
        self.imap_unordered_chunked(function, inputs, 1)
    }

    /// As [`ThreadPool::imap_unordered`], with `chunk_size` inputs in a task.
    pub fn imap_unordered_chunked<F, A, I>(
        &self,
        function: F,
        inputs: I,
        chunk_size: usize,
    ) -> ThreadImap<'_, F, F::Output, I::IntoIter>
    where
        F: Callable<(A,)>,
        A: Send + 'static,
        I: IntoIterator<Item = A>,
        F::Output: Send + 'static,
    {
        ThreadImap::new(self, function, inputs.into_iter(), chunk_size, false)
    }

    /// Takes no more tasks. What it has is done, and then its threads end.
    pub fn close(&self) {
        self.shared.state().phase.close();
        self.shared.changed.notify_all();
    }

    /// Cancels a call of this pool: its tasks that are not begun are not done, and its result is
    /// [`TaskError::Cancelled`]. `false` where the result is there already. A thread cannot be ended from outside, so what
    /// has begun goes on to its end.
    ///
    /// ```
    /// use fanlane_mp::{PoolError, TaskError, ThreadPool};
    /// use std::sync::{Arc, Barrier};
    ///
    /// let pool = ThreadPool::new(1)?;
    /// let gate = Arc::new(Barrier::new(2));
    /// let inside = Arc::clone(&gate);
    /// let first = pool.apply_async(move || inside.wait().is_leader(), ())?;
    /// let second = pool.apply_async(|| unreachable!("it is not begun"), ())?;
    /// assert!(pool.cancel(&second));
    /// assert!(matches!(second.get(), Err(PoolError::Task(TaskError::Cancelled))));
    /// assert_ne!(gate.wait().is_leader(), first.get()?);
    /// # Ok::<(), PoolError>(())
    /// ```
    pub fn cancel<T>(&self, call: &AsyncResult<T>) -> bool {
        call.cancel()
    }

    /// Begins no more tasks: those fail with [`TaskError::Terminated`]. A thread cannot be ended from outside, so what
    /// has begun goes on to its end.
    pub fn terminate(&self) {
        self.shared.end(&TaskError::Terminated);
    }

    /// Waits until its threads have ended, after [`ThreadPool::close`] or [`ThreadPool::terminate`].
    ///
    /// # Errors
    /// [`PoolError::Open`] where it is neither closed nor terminated; the reason for which the pool had to stop.
    pub fn join(&self) -> Result<(), PoolError> {
        self.shared.state().phase.check_joinable()?;
        self.shared.threads.join();
        self.shared.state().phase.joined()
    }
}

/// Calls `function` for each item, unless `may_begin` gives an error.
fn chunk_task<F, Args>(
    function: &Arc<F>,
    chunk: Vec<Args>,
    may_begin: impl Fn() -> Result<(), TaskError> + Send + 'static,
    done: impl FnOnce(Vec<Result<F::Output, TaskError>>) + Send + 'static,
) -> Task
where
    F: Callable<Args>,
    Args: Send + 'static,
{
    let function = Arc::clone(function);
    Box::new(move |go_on| {
        let may_begin = || go_on.clone().and_then(|()| may_begin());
        done(
            chunk.into_iter().map(|args| may_begin().and_then(|()| outcome_of(|| function.call_with(args)))).collect(),
        );
    })
}

impl Drop for ThreadPool {
    fn drop(&mut self) {
        self.terminate();
        let _ = self.join();
    }
}

#[cfg(test)]
mod tests;
