//! Results of threads one by one, while inputs are taken as they are needed.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{ThreadPool, chunk_task};
use crate::error::{Error, TaskError};
use crate::function::Callable;
use crate::pool::collector::EachCollector;
use fanlane_os::clock::deadline_after;

/// The results of calls in threads, one by one.
pub struct ThreadImap<'a, F, R, I> {
    pool: &'a ThreadPool,
    function: Arc<F>,
    inputs: I,
    chunk_size: usize,
    is_ordered: bool,
    collector: Arc<EachCollector<R>>,
    submitted: usize,
    /// Items whose results have been taken over, also into `ready`.
    taken: usize,
    ready: VecDeque<Result<R, TaskError>>,
    /// Set when no more inputs are taken, with the error to give before the end.
    ended: Option<Option<Error>>,
}

impl<F, R, I> fmt::Debug for ThreadImap<'_, F, R, I> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ThreadImap").field("submitted", &self.submitted).finish_non_exhaustive()
    }
}

impl<'a, F, R, I> ThreadImap<'a, F, R, I> {
    pub(super) fn new(pool: &'a ThreadPool, function: F, inputs: I, chunk_size: usize, is_ordered: bool) -> Self {
        Self {
            pool,
            function: Arc::new(function),
            inputs,
            chunk_size: chunk_size.max(1),
            is_ordered,
            collector: EachCollector::new(),
            submitted: 0,
            taken: 0,
            ready: VecDeque::new(),
            ended: None,
        }
    }
}

impl<F, A, I> ThreadImap<'_, F, F::Output, I>
where
    F: Callable<(A,)>,
    A: Send + 'static,
    F::Output: Send + 'static,
    I: Iterator<Item = A>,
{
    /// The next result, or [`Error::TimedOut`] when `timeout` is over first: it can be asked for again then.
    pub fn next_timeout(&mut self, timeout: Duration) -> Option<Result<F::Output, Error>> {
        self.next_until(deadline_after(timeout))
    }

    fn next_until(&mut self, deadline: Option<Instant>) -> Option<Result<F::Output, Error>> {
        const AHEAD_TASKS: usize = 64;
        if let Some(outcome) = self.ready.pop_front() {
            return Some(outcome.map_err(Error::Task));
        }
        let window = self.pool.size() * AHEAD_TASKS * self.chunk_size;
        while self.ended.is_none() && self.submitted - self.taken < window {
            let chunk: Vec<(A,)> = self.inputs.by_ref().take(self.chunk_size).map(|input| (input,)).collect();
            let items = chunk.len();
            if items < self.chunk_size {
                self.ended = Some(None);
            }
            if items == 0 {
                break;
            }
            let (collector, first_item) = (Arc::clone(&self.collector), self.submitted);
            let task =
                chunk_task(&self.function, chunk, || Ok(()), move |outcomes| collector.add(first_item, outcomes));
            match self.pool.shared.submit(task) {
                Ok(()) => self.submitted += items,
                Err(error) => self.ended = Some(Some(error.into())),
            }
        }
        if self.submitted == self.taken {
            return self.ended.as_mut()?.take().map(Err);
        }
        let Some((part, _)) = self.collector.wait_for(self.is_ordered.then_some(self.taken), deadline) else {
            return Some(Err(Error::TimedOut));
        };
        self.taken += part.len();
        self.ready = part.into();
        self.ready.pop_front().map(|outcome| outcome.map_err(Error::Task))
    }
}

impl<F, A, I> Iterator for ThreadImap<'_, F, F::Output, I>
where
    F: Callable<(A,)>,
    A: Send + 'static,
    F::Output: Send + 'static,
    I: Iterator<Item = A>,
{
    type Item = Result<F::Output, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_until(None)
    }
}
