//! The events of a run: the only vocabulary for facts about it. The engine emits them; the window, the command line's
//! report and the tests build what they show from them alone.
//!
//! Times are nanoseconds since the run's start on the monotonic clock, so a changed wall clock changes nothing.

mod attempt;
mod interpreter;
mod kind;
mod outcome;
mod printed;
mod sample;
mod shared;
mod spill;

use serde::{Deserialize, Serialize};

use crate::job::Mode;
pub use crate::job::{CallValue, TaskId};
pub use attempt::{AttemptRecord, Captured, Output};
pub use interpreter::InterpreterFacts;
pub use kind::{DispatchEvent, EventKind, RunEvent, SampleEvent, SharedEvent, TaskEvent, WorkerEvent};
pub use outcome::{Outcome, OutcomeClass, OutcomeCounts};
pub use printed::{MAX_LATEST_LINE_BYTES, Printed, latest_line};
pub use sample::{MachineSample, ObjectSample, WorkerSample};
pub use shared::{SharedContent, SharedObject};
pub use spill::{Spill, StreamName, spill_name};

/// A worker, unique within a run. The replacement of a dead worker has a new id and the same lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WorkerId(pub u32);

/// A row of the timeline, counted from 0; it is shown as `lane + 1`. When its worker has ended, the next worker takes
/// the lane.
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

/// What a run is, known at its start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunHeader {
    /// The job's name, or its command line.
    pub name: String,
    /// How the batch is run.
    pub mode: Mode,
    /// Size of the pool at the start.
    pub workers: u32,
    /// Number of tasks in the batch at the start; [`RunEvent::BatchGrew`] counts later ones.
    pub tasks: u64,
    /// Wall clock at the start, in milliseconds since 1970-01-01 UTC.
    pub started_unix_ms: u64,
}

/// Why a worker has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum WorkerEnd {
    /// It was no longer needed.
    Retired,
    /// The engine killed it: a call ran into its timeout or was cancelled, or the run was stopped at once.
    Killed,
    /// It died; the text says how (`killed by SIGKILL`).
    Died(String),
}

/// The totals of a run.
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
    /// Requested size of the pool at the end.
    pub workers: u32,
    /// How the batch was run.
    pub mode: Mode,
    /// The run was stopped before all tasks had ended.
    pub stopped: bool,
}
