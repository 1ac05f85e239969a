//! Results one by one, while inputs are taken as they are needed.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::Pool;
use super::ahead::Ahead;
use super::collector::Returned;
use super::job::{Job, Pace};
use crate::error::PoolError;
use fanlane_os::clock::deadline_after;

/// Number of tasks for each worker that are taken ahead of the results at first. It doubles whenever results have to be
/// waited for, and falls again while they are not: they would only pile up.
const AHEAD_TASKS: usize = 8;
/// Maximum number of inputs taken ahead for each worker, or [`AHEAD_TASKS`] tasks of them if that is more.
const MAX_AHEAD_ITEMS: usize = 2_048;

/// Maximum size of their results for each worker, unless that is fewer than [`MIN_AHEAD_TASKS`] tasks.
const MAX_AHEAD_BYTES: usize = 64 << 20;
const MIN_AHEAD_TASKS: usize = 2;

/// The results of calls, one by one. What is not asked for is not waited for.
pub struct Imap<'a, R, I> {
    pool: &'a Pool,
    /// `None` if it is not registered.
    function: Option<&'static str>,
    inputs: I,
    results: Ahead<R>,
    pace: Arc<Pace>,
    /// Number of tasks for each worker that are taken ahead.
    ahead_tasks: usize,
}

impl<R, I> fmt::Debug for Imap<'_, R, I> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Imap").field("submitted", &self.results.submitted).finish_non_exhaustive()
    }
}

impl<'a, R: Returned, I> Imap<'a, R, I> {
    pub(super) fn new(
        pool: &'a Pool,
        function: Result<&'static str, PoolError>,
        inputs: I,
        chunk_size: usize,
        is_ordered: bool,
    ) -> Self {
        let (function, error) = match function {
            Ok(function) => (Some(function), None),
            Err(error) => (None, Some(error)),
        };
        let results = Ahead::new(chunk_size, is_ordered, error);
        Self { pool, function, inputs, results, pace: Arc::default(), ahead_tasks: AHEAD_TASKS }
    }
}

impl<R, I> Imap<'_, R, I>
where
    R: Returned,
    I: Iterator<Item: Serialize + 'static>,
{
    /// Maximum number of tasks for each worker that are taken ahead.
    fn max_ahead_tasks(&self) -> usize {
        let Ahead { collector, chunk_size, .. } = &self.results;
        let task_bytes = collector.item_bytes().saturating_mul(*chunk_size);
        let by_bytes = (MAX_AHEAD_BYTES / task_bytes.max(1)).max(MIN_AHEAD_TASKS);
        (MAX_AHEAD_ITEMS / chunk_size).max(AHEAD_TASKS).min(by_bytes)
    }

    /// Takes inputs until there are enough under way.
    fn top_up(&mut self) {
        let Some(function) = self.function else { return };
        let results = &mut self.results;
        let window = self.pool.size().max(1) * self.ahead_tasks.saturating_mul(results.chunk_size);
        if results.ended.is_some() || results.under_way() > window - (window / 4).max(1) {
            return;
        }
        let collector = Arc::clone(&results.collector) as _;
        let mut job = Job::new(function, results.submitted, results.chunk_size, collector, Arc::clone(&self.pace));
        while results.under_way() + job.items() < window {
            let Some(input) = self.inputs.next() else {
                results.ended = Some(None);
                break;
            };
            if let Err(error) = job.push(&input) {
                results.ended = Some(Some(error));
                break;
            }
        }
        results.note_submitted(job.items(), self.pool.shared.submit(job));
    }

    /// The next result, or [`PoolError::TimedOut`] when `timeout` is over first: it can be asked for again then.
    pub fn next_timeout(&mut self, timeout: Duration) -> Option<Result<R, PoolError>> {
        self.next_until(deadline_after(timeout))
    }

    fn next_until(&mut self, deadline: Option<Instant>) -> Option<Result<R, PoolError>> {
        if let Some(outcome) = self.results.next_ready() {
            return Some(outcome);
        }
        self.top_up();
        let mut waited = None;
        let outcome = self.results.wait(deadline, |has_waited| waited = Some(has_waited));
        if let Some(has_waited) = waited {
            let tasks = if has_waited { self.ahead_tasks * 2 } else { (self.ahead_tasks * 15 / 16).max(AHEAD_TASKS) };
            self.ahead_tasks = tasks.min(self.max_ahead_tasks());
        }
        outcome
    }
}

impl<R, I> Iterator for Imap<'_, R, I>
where
    R: Returned,
    I: Iterator<Item: Serialize + 'static>,
{
    type Item = Result<R, PoolError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_until(None)
    }
}
