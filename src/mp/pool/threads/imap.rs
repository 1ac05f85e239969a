//! Results of threads one by one, while inputs are taken as they are needed.

use std::fmt;
use std::sync::Arc;

use super::{ThreadPool, chunk_task};
use crate::mp::error::Error;
use crate::mp::function::Callable;
use crate::mp::pool::sink::EachSink;

/// The results of calls in threads, one by one.
pub struct ThreadImap<'a, F, R, I> {
    pool: &'a ThreadPool,
    function: Arc<F>,
    inputs: I,
    is_ordered: bool,
    sink: Arc<EachSink<R>>,
    submitted: usize,
    taken: usize,
    /// No more inputs are taken, and what is to be said before the end.
    ended: Option<Option<Error>>,
}

impl<F, R, I> fmt::Debug for ThreadImap<'_, F, R, I> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ThreadImap").field("submitted", &self.submitted).finish_non_exhaustive()
    }
}

impl<'a, F, R, I> ThreadImap<'a, F, R, I> {
    pub(super) fn new(pool: &'a ThreadPool, function: F, inputs: I, is_ordered: bool) -> Self {
        let (function, sink) = (Arc::new(function), EachSink::new());
        Self { pool, function, inputs, is_ordered, sink, submitted: 0, taken: 0, ended: None }
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
        const AHEAD_ITEMS: usize = 64;
        let window = self.pool.size() * AHEAD_ITEMS;
        while self.ended.is_none() && self.submitted - self.taken < window {
            let Some(input) = self.inputs.next() else {
                self.ended = Some(None);
                break;
            };
            let (sink, item) = (Arc::clone(&self.sink), self.submitted);
            let task = chunk_task(&self.function, vec![(input,)], move |outcomes| sink.add(item, outcomes));
            match self.pool.shared.submit(task) {
                Ok(()) => self.submitted += 1,
                Err(error) => self.ended = Some(Some(error.into())),
            }
        }
        if self.submitted == self.taken {
            return self.ended.as_mut()?.take().map(Err);
        }
        let (part, _) = self.sink.wait_for(self.is_ordered.then_some(self.taken));
        self.taken += part.len();
        part.into_iter().next().map(|outcome| outcome.map_err(Error::Task))
    }
}
