//! Results one by one, in order or as they come, of items that are submitted ahead of them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use super::collector::EachCollector;
use crate::error::{PoolError, TaskError};

/// How far the items and their results are.
pub struct Ahead<R> {
    pub collector: Arc<EachCollector<R>>,
    pub chunk_size: usize,
    is_ordered: bool,
    /// Items that were submitted.
    pub submitted: usize,
    /// Items whose results have been taken over, also into `ready`.
    taken: usize,
    ready: VecDeque<Result<R, TaskError>>,
    /// Set when no more inputs are taken, with the error to give before the end.
    pub ended: Option<Option<PoolError>>,
}

impl<R> Ahead<R> {
    /// Nothing was submitted; with an error, nothing will be.
    pub fn new(chunk_size: usize, is_ordered: bool, error: Option<PoolError>) -> Self {
        Self {
            collector: EachCollector::new(),
            chunk_size: chunk_size.max(1),
            is_ordered,
            submitted: 0,
            taken: 0,
            ready: VecDeque::new(),
            ended: error.map(Some),
        }
    }

    /// Number of items that were submitted and whose results were not taken over.
    pub const fn under_way(&self) -> usize {
        self.submitted - self.taken
    }

    /// These items were submitted, or why they could not be, which is the end.
    pub fn note_submitted(&mut self, items: usize, submitted: Result<(), TaskError>) {
        match submitted {
            Ok(()) => self.submitted += items,
            Err(error) => self.ended = Some(Some(error.into())),
        }
    }

    /// A result that was taken over before.
    pub fn next_ready(&mut self) -> Option<Result<R, PoolError>> {
        self.ready.pop_front().map(|outcome| outcome.map_err(PoolError::Task))
    }

    /// Waits for the next result; `None` after the last, [`PoolError::TimedOut`] when `deadline` comes first. `arrived` is told
    /// whether it had to wait.
    pub fn wait(&mut self, deadline: Option<Instant>, arrived: impl FnOnce(bool)) -> Option<Result<R, PoolError>> {
        if self.under_way() == 0 {
            return self.ended.as_mut()?.take().map(Err);
        }
        let Some((part, has_waited)) = self.collector.wait_for(self.is_ordered.then_some(self.taken), deadline) else {
            return Some(Err(PoolError::TimedOut));
        };
        arrived(has_waited);
        self.taken += part.len();
        self.ready = part.into();
        self.next_ready()
    }
}
