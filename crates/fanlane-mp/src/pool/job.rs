//! Calls that were asked for: their arguments, encoded one after the other, and the collector of their results.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use serde::Serialize;

use super::collector::{OneCollector, Returned};
use super::result::AsyncResult;
use crate::error::{PoolError, TaskError};
use crate::function::Callable;
use crate::item;
use crate::registry;
use fanlane_os::pacing::tasks_ahead;

/// A taker of results. Items are counted over everything that was asked for in one call.
pub trait Collector: Send + Sync {
    /// Takes `items` results from `first_item` on; `failures` are counted from there, and all others are in `values`.
    fn results(&self, first_item: usize, items: usize, failures: &[(u32, TaskError)], values: &[u8]);

    /// Takes note that none of these has a result.
    fn failed(&self, first_item: usize, items: usize, error: &TaskError);

    /// Whether results are no longer wanted.
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// How long a chunk takes, as far as is known: zero is unknown.
#[derive(Debug, Default)]
pub struct Pace(AtomicU64);

impl Pace {
    /// Learns from chunks that were done.
    pub fn learn(&self, chunks: u32, busy_ns: u64) {
        let each = (busy_ns / u64::from(chunks.max(1))).max(1);
        let known = self.0.load(Ordering::Relaxed);
        self.0.store(if known == 0 { each } else { (known * 3 + each) / 4 }, Ordering::Relaxed);
    }

    /// How many chunks a worker may have in hand: some milliseconds' worth, so that it never waits for more, and one
    /// at a time of those that take long.
    pub fn window(&self) -> usize {
        match self.0.load(Ordering::Relaxed) {
            0 => 2,
            each_ns => tasks_ahead(each_ns),
        }
    }
}

/// Some calls of one function, cut into chunks.
pub struct Job {
    /// What is called.
    pub function: &'static str,
    args: Vec<u8>,
    /// Where each chunk's arguments end.
    ends: Vec<usize>,
    first_item: usize,
    chunk_items: usize,
    items: usize,
    /// Number of items that the last chunk can still take.
    room: usize,
    /// Takes the results.
    pub collector: Arc<dyn Collector>,
    /// How long its chunks take; shared by all parts of a call.
    pub pace: Arc<Pace>,
    /// How many workers died of a chunk.
    pub deaths: Mutex<HashMap<usize, u32>>,
}

impl Job {
    /// No calls yet. Its first item is number `first_item` of the whole.
    pub fn new(
        function: &'static str,
        first_item: usize,
        chunk_items: usize,
        collector: Arc<dyn Collector>,
        pace: Arc<Pace>,
    ) -> Self {
        let (args, ends, deaths) = (Vec::new(), Vec::new(), Mutex::default());
        Self {
            function,
            args,
            ends,
            first_item,
            chunk_items: chunk_items.max(1),
            items: 0,
            room: 0,
            collector,
            pace,
            deaths,
        }
    }

    /// One call of a function, and its result to be.
    ///
    /// # Errors
    /// When the function is not registered, or its arguments cannot be encoded.
    pub fn one<F, Args>(args: &Args) -> Result<(Self, AsyncResult<F::Output>), PoolError>
    where
        F: Callable<Args>,
        Args: Serialize + 'static,
        F::Output: Returned,
    {
        let (collector, result) = OneCollector::pair();
        let mut job = Self::new(registry::name_of::<F>()?, 0, 1, collector, Arc::default());
        job.push(args)?;
        Ok((job, result))
    }

    /// Adds a call.
    pub fn push<A: Serialize + 'static>(&mut self, args: &A) -> Result<(), PoolError> {
        item::encode(args, &mut self.args)?;
        self.items += 1;
        if self.room == 0 {
            self.room = self.chunk_items;
            self.ends.push(0);
        }
        self.room -= 1;
        if let Some(end) = self.ends.last_mut() {
            *end = self.args.len();
        }
        Ok(())
    }

    /// Whether its last chunk has all its items.
    pub const fn is_at_chunk_end(&self) -> bool {
        self.room == 0
    }

    /// How many calls it has.
    pub const fn items(&self) -> usize {
        self.items
    }

    /// How many bytes their arguments have.
    pub const fn bytes(&self) -> usize {
        self.args.len()
    }

    /// Into how many chunks they are cut.
    pub const fn chunks(&self) -> usize {
        self.ends.len()
    }

    /// How many items each chunk has, but for the last.
    pub const fn chunk_items(&self) -> usize {
        self.chunk_items
    }

    /// The arguments of some chunks.
    pub fn args_of(&self, first: usize, chunks: usize) -> &[u8] {
        let begin = if first == 0 { 0 } else { self.ends[first - 1] };
        &self.args[begin..self.ends[first + chunks - 1]]
    }

    /// The first item of some chunks, counted over the whole, and how many they have.
    pub fn items_of(&self, first: usize, chunks: usize) -> (usize, usize) {
        let begin = first * self.chunk_items;
        let end = ((first + chunks) * self.chunk_items).min(self.items);
        (self.first_item + begin, end - begin)
    }

    /// Tells the collector that some chunks have no results.
    pub fn fail(&self, first: usize, chunks: usize, error: &TaskError) {
        let (first_item, items) = self.items_of(first, chunks);
        self.collector.failed(first_item, items, error);
    }
}
