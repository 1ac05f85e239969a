//! One try of a task: what was measured, what it returned and what it printed.

use serde::{Deserialize, Serialize};

use super::{Outcome, Spill, WorkerId};
use crate::job::{CallValue, TaskId, lossless};

/// One try of a task, with everything that was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttemptRecord {
    /// The task.
    pub task: TaskId,
    /// Which try, from 1; 0 for a task that was cancelled before any try.
    pub attempt: u32,
    /// The worker that ran it; `WorkerId(0)` for a task that was cancelled before any try.
    pub worker: WorkerId,
    /// When it began, in nanoseconds since the run's start.
    pub start_ns: u64,
    /// How long it took, in nanoseconds.
    pub wall_ns: u64,
    /// CPU time of the command and of the children it waited for, or of the calling thread, in nanoseconds.
    pub cpu_ns: u64,
    /// Peak resident memory of the command in bytes; 0 for a call, which shares its worker's memory.
    pub max_rss_bytes: u64,
    /// SIGKILL ended it, and the kernel's out-of-memory killer had been active while it ran.
    #[serde(default)]
    pub memory_kill: bool,
    /// How it ended.
    pub outcome: Outcome,
    /// What a call returned.
    pub value: Option<CallValue>,
    /// What a command printed; `None` where it printed nothing.
    pub output: Option<Box<Output>>,
}

impl AttemptRecord {
    /// An attempt without measurements, value and output; set those fields with struct update syntax.
    pub const fn new(task: TaskId, attempt: u32, worker: WorkerId, outcome: Outcome) -> Self {
        Self {
            task,
            attempt,
            worker,
            start_ns: 0,
            wall_ns: 0,
            cpu_ns: 0,
            max_rss_bytes: 0,
            memory_kill: false,
            outcome,
            value: None,
            output: None,
        }
    }

    /// The record of a task that was cancelled in the queue at `at_ns`, after `attempts` attempts.
    pub const fn cancelled_in_queue(task: TaskId, attempts: u32, at_ns: u64) -> Self {
        let mut record = Self::new(task, attempts, WorkerId(0), Outcome::Cancelled);
        record.start_ns = at_ns;
        record
    }

    /// A copy without the value and the output.
    #[must_use]
    pub fn without_results(&self) -> Self {
        let Self { task, attempt, worker, start_ns, wall_ns, cpu_ns, max_rss_bytes, memory_kill, ref outcome, .. } =
            *self;
        let bare = Self::new(task, attempt, worker, outcome.clone());
        Self { start_ns, wall_ns, cpu_ns, max_rss_bytes, memory_kill, ..bare }
    }
}

/// What a command printed: its two streams, each of bounded size.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Standard output.
    pub stdout: Captured,
    /// Standard error.
    pub stderr: Captured,
    /// The command left processes running, which were ended.
    pub leaky: bool,
}

/// One stream of a command's output; beyond the size limit, only its head and its tail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Captured {
    /// The first bytes; all of them where nothing was dropped.
    #[serde(with = "lossless::bytes")]
    pub head: Vec<u8>,
    /// How many bytes were dropped between head and tail.
    pub dropped_bytes: u64,
    /// The last bytes; empty where nothing was dropped.
    #[serde(with = "lossless::bytes")]
    pub tail: Vec<u8>,
    /// Where the complete stream is, if bytes were dropped.
    pub spill: Spill,
}

impl Captured {
    /// The length of the complete stream, in bytes.
    pub const fn total_bytes(&self) -> u64 {
        self.head.len() as u64 + self.dropped_bytes + self.tail.len() as u64
    }
}
