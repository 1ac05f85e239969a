//! The one vocabulary of facts about a run. The engine says them; the window, the command line's report and the tests
//! rebuild what they show from them and from nothing else.
//!
//! Times are nanoseconds since the run's start on the monotonic clock, so a changed wall clock changes nothing.

mod attempt;
mod kind;
mod outcome;
mod sample;
mod shared;
mod spill;

use serde::{Deserialize, Serialize};

use crate::job::Mode;
pub use crate::job::{CallValue, TaskId};
pub use attempt::{AttemptRecord, Captured, Output};
pub use kind::{DispatchEvent, EventKind, RunEvent, SampleEvent, SharedEvent, TaskEvent, WorkerEvent};
pub use outcome::{Outcome, OutcomeClass, OutcomeCounts};
pub use sample::{MachineSample, WorkerSample};
pub use shared::{SharedContent, SharedObject};
pub use spill::{Spill, StreamName, spill_name};

/// One worker's life, unique within a run: a replacement for a dead worker has a new id, and the dead one's lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WorkerId(pub u32);

/// A row of the timeline, counted from 0; people see `lane + 1`. A lane whose worker ended is given to the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LaneId(pub u32);

/// A fact about a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When it was true, in nanoseconds since the run's start.
    pub at_ns: u64,
    /// What happened.
    pub kind: EventKind,
}

/// What a run is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunHeader {
    /// The job's name, or its command line.
    pub name: String,
    /// How the batch is run.
    pub mode: Mode,
    /// Size of the pool at the start.
    pub workers: u32,
    /// How many tasks the batch has at the start; later ones are counted by [`RunEvent::BatchGrew`].
    pub tasks: u64,
    /// Wall clock at the start, in milliseconds since 1970-01-01 UTC.
    pub started_unix_ms: u64,
}

/// Why a worker is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WorkerEnd {
    /// It was not needed any more.
    Retired,
    /// We ended it: a call ran into its timeout, was cancelled, or the run was stopped at once.
    Killed,
    /// It died, with the words for how (`killed by SIGKILL`).
    Died(String),
}

/// A whole run in a few numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// How the tasks ended.
    pub counts: OutcomeCounts,
    /// From the run's start to the end of its last task, in nanoseconds.
    pub wall_ns: u64,
    /// CPU time of all attempts, in nanoseconds.
    pub cpu_ns: u64,
    /// Attempts beyond the first of each task.
    pub retries: u64,
    /// Size of the pool at the end, as it was asked for.
    pub workers: u32,
    /// How the batch was run.
    pub mode: Mode,
    /// Someone stopped the run before it was through.
    pub stopped: bool,
}
