//! Results one by one, while inputs are taken as they are needed.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::Pool;
use super::collector::{EachCollector, Returned};
use super::job::{Job, Pace};
use crate::error::{Error, TaskError};
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
    chunk_size: usize,
    is_ordered: bool,
    collector: Arc<EachCollector<R>>,
    pace: Arc<Pace>,
    submitted: usize,
    /// Items whose results have been taken over, also into `ready`.
    taken: usize,
    ready: VecDeque<Result<R, TaskError>>,
    /// Number of tasks for each worker that are taken ahead.
    ahead: usize,
    /// Set when no more inputs are taken, with the error to give before the end.
    ended: Option<Option<Error>>,
}

impl<R, I> fmt::Debug for Imap<'_, R, I> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Imap").field("submitted", &self.submitted).finish_non_exhaustive()
    }
}

impl<'a, R: Returned, I> Imap<'a, R, I> {
    pub(super) fn new(
        pool: &'a Pool,
        function: Result<&'static str, Error>,
        inputs: I,
        chunk_size: usize,
        is_ordered: bool,
    ) -> Self {
        let (function, ended) = match function {
            Ok(function) => (Some(function), None),
            Err(error) => (None, Some(Some(error))),
        };
        Self {
            pool,
            function,
            inputs,
            chunk_size: chunk_size.max(1),
            is_ordered,
            collector: EachCollector::new(),
            pace: Arc::default(),
            submitted: 0,
            taken: 0,
            ready: VecDeque::new(),
            ahead: AHEAD_TASKS,
            ended,
        }
    }
}

impl<R, I> Imap<'_, R, I>
where
    R: Returned,
    I: Iterator<Item: Serialize + 'static>,
{
    /// How many tasks a worker may be taken ahead.
    fn most_ahead(&self) -> usize {
        let task_bytes = self.collector.item_bytes().saturating_mul(self.chunk_size);
        let by_bytes = (MAX_AHEAD_BYTES / task_bytes.max(1)).max(MIN_AHEAD_TASKS);
        (MAX_AHEAD_ITEMS / self.chunk_size).max(AHEAD_TASKS).min(by_bytes)
    }

    /// Takes inputs until there are enough under way.
    fn top_up(&mut self) {
        let Some(function) = self.function else { return };
        let window = self.pool.size().max(1) * self.ahead.saturating_mul(self.chunk_size);
        if self.ended.is_some() || self.submitted - self.taken > window - (window / 4).max(1) {
            return;
        }
        let collector = Arc::clone(&self.collector) as _;
        let mut job = Job::new(function, self.submitted, self.chunk_size, collector, Arc::clone(&self.pace));
        while self.submitted + job.items() - self.taken < window {
            let Some(input) = self.inputs.next() else {
                self.ended = Some(None);
                break;
            };
            if let Err(error) = job.push(&input) {
                self.ended = Some(Some(error));
                break;
            }
        }
        let items = job.items();
        match self.pool.shared.submit(job) {
            Ok(()) => self.submitted += items,
            Err(error) => self.ended = Some(Some(error.into())),
        }
    }
}

impl<R, I> Imap<'_, R, I>
where
    R: Returned,
    I: Iterator<Item: Serialize + 'static>,
{
    /// The next result, or [`Error::TimedOut`] when `timeout` is over first: it can be asked for again then.
    pub fn next_timeout(&mut self, timeout: Duration) -> Option<Result<R, Error>> {
        self.next_until(deadline_after(timeout))
    }

    fn next_until(&mut self, deadline: Option<Instant>) -> Option<Result<R, Error>> {
        if let Some(outcome) = self.ready.pop_front() {
            return Some(outcome.map_err(Error::Task));
        }
        self.top_up();
        if self.submitted == self.taken {
            return self.ended.as_mut()?.take().map(Err);
        }
        let Some((part, has_waited)) = self.collector.wait_for(self.is_ordered.then_some(self.taken), deadline) else {
            return Some(Err(Error::TimedOut));
        };
        let ahead = if has_waited { self.ahead * 2 } else { (self.ahead * 15 / 16).max(AHEAD_TASKS) };
        self.ahead = ahead.min(self.most_ahead());
        self.taken += part.len();
        self.ready = part.into();
        self.ready.pop_front().map(|outcome| outcome.map_err(Error::Task))
    }
}

impl<R, I> Iterator for Imap<'_, R, I>
where
    R: Returned,
    I: Iterator<Item: Serialize + 'static>,
{
    type Item = Result<R, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_until(None)
    }
}
