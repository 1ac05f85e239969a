//! A run that is being recorded: its description, and its events that are not written yet. The
//! [`recorder`](super::recorder) adds to it, the [`writer`](super::writer) takes from it.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::attempt::Before;
use super::limits::MAX_PENDING_BYTES;
use super::never_begun::NeverBegun;
use crate::event::{InterpreterFacts, OutcomeCounts, RunHeader, Summary};
use crate::job::{Batch, Job};
use crate::model::Earlier;

/// Length at which a block is closed: the most that one damaged place can cost.
const BLOCK_BYTES: usize = 128 << 10;
/// The description of a run to be recorded.
#[derive(Debug)]
pub struct RecordedRun {
    /// Its tasks.
    pub batch: Arc<Batch>,
    /// The job, from which the run can be repeated.
    pub job: Job,
    /// The folder that the job's relative paths start from.
    pub folder: PathBuf,
    /// The run that it resumes.
    pub continues: Option<i64>,
    /// The tasks of its batch that earlier runs have ended.
    pub earlier: Earlier,
    /// It was started from the window.
    pub window: bool,
}

/// The state shared by the recorder and the writer.
pub(super) struct PendingRun {
    pub state: Mutex<PendingState>,
    pub wake: Condvar,
}

/// The blocks that wait to be written, and the progress of the run.
#[derive(Default)]
pub(super) struct PendingState {
    pub header: Option<RunHeader>,
    pub interpreter: Option<InterpreterFacts>,
    pub current: Vec<u8>,
    /// The entry before the next one of the current block.
    pub before: Before,
    pub full: Vec<Vec<u8>>,
    /// Bytes that are not on the disk yet, including those that the writer has taken.
    pub waiting_bytes: usize,
    /// Whether they contain anything besides samples.
    pub is_pressing: bool,
    pub counts: OutcomeCounts,
    pub retries: u64,
    pub last_ns: u64,
    pub left_out: u64,
    pub summary: Option<Summary>,
    /// No more events come.
    pub ended: bool,
    /// Recording has been abandoned.
    pub given_up: bool,
    /// Messages for the user.
    pub messages: Vec<String>,
    /// The run's number, once it has one.
    pub id: Option<i64>,
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

    /// Begins another block if this one has reached its length.
    pub(super) fn close_if_long(&mut self) {
        if self.current.len() >= BLOCK_BYTES {
            self.full.push(std::mem::replace(&mut self.current, Vec::with_capacity(BLOCK_BYTES + 4096)));
            self.before = Before::default();
        }
    }

    /// Whether another attempt may wait to be written; counts it as left out if not.
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
