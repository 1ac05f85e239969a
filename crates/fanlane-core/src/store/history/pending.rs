//! A run on its way into the history: what is known of it at its start, and what was gathered of it and is not written yet.
//! The [`recorder`](super::recorder) adds to it and the [`writer`](super::writer) takes from it.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::limits::MAX_PENDING_BYTES;
use super::never_begun::NeverBegun;
use crate::event::{OutcomeCounts, RunHeader, Summary};
use crate::job::{Batch, Job};
use crate::model::Earlier;

/// A block is closed when it is this long: what one damaged place costs at most.
const BLOCK_BYTES: usize = 128 << 10;
/// What a run is recorded with.
#[derive(Debug)]
pub struct RecordedRun {
    /// Its tasks.
    pub batch: Arc<Batch>,
    /// The job, as it is to be run again.
    pub job: Job,
    /// Where the job's working folder and its relative inputs are looked up.
    pub folder: PathBuf,
    /// The run that it goes on with.
    pub continues: Option<i64>,
    /// What earlier runs have ended of its batch.
    pub earlier: Earlier,
    /// It was started from the window.
    pub window: bool,
}

/// What the recorder and the writer share: what the one has gathered and the other has not written yet.
pub(super) struct PendingRun {
    pub state: Mutex<PendingState>,
    pub wake: Condvar,
}

/// What waits to be written, and how far the run is.
#[derive(Default)]
pub(super) struct PendingState {
    pub header: Option<RunHeader>,
    pub current: Vec<u8>,
    pub full: Vec<Vec<u8>>,
    /// All that is not on the disk yet, also what the writer has taken.
    pub waiting_bytes: usize,
    /// Something besides samples is among it.
    pub is_pressing: bool,
    pub counts: OutcomeCounts,
    pub retries: u64,
    pub last_ns: u64,
    pub left_out: u64,
    pub summary: Option<Summary>,
    /// No more events come.
    pub ended: bool,
    /// Recording was given up.
    pub given_up: bool,
    pub said: Vec<String>,
    /// The run's number, once it has one.
    pub id: Option<i64>,
    /// The number is waited for, so the run is written at once.
    pub is_hurried: bool,
}

impl PendingRun {
    pub(super) fn state(&self) -> MutexGuard<'_, PendingState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PendingState {
    /// Appends tasks that never began.
    pub(super) fn push_never_begun(&mut self, tasks: Option<NeverBegun>) {
        if let Some(tasks) = tasks.filter(|_| !self.given_up) {
            tasks.push(&mut self.current);
            self.close_if_long();
        }
    }

    /// Begins another block where this one has its length.
    pub(super) fn close_if_long(&mut self) {
        if self.current.len() >= BLOCK_BYTES {
            self.full.push(std::mem::replace(&mut self.current, Vec::with_capacity(BLOCK_BYTES + 4096)));
        }
    }

    /// Whether another attempt may wait to be written. One that may not is counted.
    pub(super) fn has_room(&mut self) -> bool {
        let has_room = !self.given_up && self.waiting_bytes < MAX_PENDING_BYTES;
        self.left_out += u64::from(!has_room);
        has_room
    }

    /// The length of the blocks that the writer has not taken.
    pub(super) fn gathered_bytes(&self) -> usize {
        self.current.len() + self.full.iter().map(Vec::len).sum::<usize>()
    }
}
