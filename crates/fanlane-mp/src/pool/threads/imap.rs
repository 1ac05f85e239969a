//! Results of threads one by one, while inputs are taken as they are needed.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{ThreadPool, chunk_task};
use crate::error::PoolError;
use crate::function::Callable;
use crate::pool::ahead::Ahead;
use fanlane_os::clock::deadline_after;

/// The results of calls in threads, one by one.
pub struct ThreadImap<'a, F, R, I> {
    pool: &'a ThreadPool,
    function: Arc<F>,
    inputs: I,
    results: Ahead<R>,
}

impl<F, R, I> fmt::Debug for ThreadImap<'_, F, R, I> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ThreadImap").field("submitted", &self.results.submitted).finish_non_exhaustive()
    }
}

impl<'a, F, R, I> ThreadImap<'a, F, R, I> {
    pub(super) fn new(pool: &'a ThreadPool, function: F, inputs: I, chunk_size: usize, is_ordered: bool) -> Self {
        Self { pool, function: Arc::new(function), inputs, results: Ahead::new(chunk_size, is_ordered, None) }
    }
}

impl<F, A, I> ThreadImap<'_, F, F::Output, I>
where
    F: Callable<(A,)>,
    A: Send + 'static,
    F::Output: Send + 'static,
    I: Iterator<Item = A>,
{
    /// The next result, or [`PoolError::TimedOut`] when `timeout` is over first: it can be asked for again then.
    pub fn next_timeout(&mut self, timeout: Duration) -> Option<Result<F::Output, PoolError>> {
        self.next_until(deadline_after(timeout))
    }

    fn next_until(&mut self, deadline: Option<Instant>) -> Option<Result<F::Output, PoolError>> {
        const AHEAD_TASKS: usize = 64;
        let results = &mut self.results;
        if let Some(outcome) = results.next_ready() {
            return Some(outcome);
        }
        let window = self.pool.size() * AHEAD_TASKS * results.chunk_size;
        while results.ended.is_none() && results.under_way() < window {
            let chunk: Vec<(A,)> = self.inputs.by_ref().take(results.chunk_size).map(|input| (input,)).collect();
            let items = chunk.len();
            if items < results.chunk_size {
                results.ended = Some(None);
            }
            if items == 0 {
                break;
            }
            let (collector, first_item) = (Arc::clone(&results.collector), results.submitted);
            let task =
                chunk_task(&self.function, chunk, || Ok(()), move |outcomes| collector.add(first_item, outcomes));
            results.note_submitted(items, self.pool.shared.submit(task));
        }
        results.wait(deadline, |_| {})
    }
}

impl<F, A, I> Iterator for ThreadImap<'_, F, F::Output, I>
where
    F: Callable<(A,)>,
    A: Send + 'static,
    F::Output: Send + 'static,
    I: Iterator<Item = A>,
{
    type Item = Result<F::Output, PoolError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_until(None)
    }
}
