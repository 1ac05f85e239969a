//! The one vocabulary of facts about a run. The engine says them; the window, the command line's report and the tests
//! rebuild what they show from them and from nothing else.
//!
//! Times are nanoseconds since the run's start on the monotonic clock, so a changed wall clock changes nothing.

mod attempt;
mod outcome;
mod sample;
mod shared;
mod spill;

use serde::{Deserialize, Serialize};

pub use crate::job::{CallValue, TaskId};
use crate::job::{Mode, Transport};
pub use attempt::{AttemptRecord, Captured, Output};
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

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum EventKind {
    /// The first event of a run.
    RunStarted(RunHeader),
    /// The pool's size was set.
    PoolResized {
        /// How many workers there shall be, 0 pauses.
        workers: u32,
    },
    /// No further task is started until [`EventKind::Resumed`].
    Paused,
    /// Tasks are started again.
    Resumed,
    /// No task is started for now, or tasks are started again.
    Held {
        /// What is waited for; `None` when nothing is any more.
        reason: Option<String>,
    },
    /// The batch has grown while it runs: its tasks come from a source that was not read to its end.
    BatchGrew {
        /// So many tasks are there by now.
        tasks: u64,
        /// There will be no more.
        complete: bool,
    },
    /// What the batch's further tasks would have come from cannot be used: the run ends with what it has begun.
    InputsBroke {
        /// What is wrong, and where.
        reason: String,
    },
    /// Enough tasks have ended in the way that the job's halt counts; the run ends.
    HaltReached {
        /// The halt, as it is written.
        halt: String,
    },
    /// The run is being ended: queued tasks are cancelled, running ones are ended.
    StopRequested,
    /// A worker is there and takes tasks.
    WorkerStarted {
        /// The worker.
        worker: WorkerId,
        /// The lane it is drawn in.
        lane: LaneId,
        /// The process it lives in.
        pid: u32,
    },
    /// A worker is gone.
    WorkerEnded {
        /// The worker.
        worker: WorkerId,
        /// Why.
        reason: WorkerEnd,
    },
    /// Workers cannot be started: the queue waits, and no task is failed for it.
    WorkersCannotStart {
        /// What the system said.
        reason: String,
    },
    /// A task has been running long enough to be worth saying (tiny tasks are only reported when they have ended).
    TaskStarted {
        /// The task.
        task: TaskId,
        /// Which try, from 1.
        attempt: u32,
        /// Who does it.
        worker: WorkerId,
        /// When it was started, in nanoseconds since the run's start.
        start_ns: u64,
        /// The command's process; `None` for a call.
        pid: Option<u32>,
    },
    /// These attempts are the last of their tasks: each task occurs in exactly one such record of a run.
    TasksFinished(Vec<AttemptRecord>),
    /// This attempt did not succeed and its task is tried again.
    TaskRetried(AttemptRecord),
    /// Use of the machine's cores and memory.
    MachineSampled(MachineSample),
    /// CPU and memory of each worker together with everything that it started.
    WorkersSampled(Vec<WorkerSample>),
    /// The task that a worker is doing says how far it is, at most ten times a second.
    ProgressReported {
        /// Who does it.
        worker: WorkerId,
        /// When it was said, in nanoseconds since the run's start: it is about what the worker was doing then.
        sent_ns: u64,
        /// How much is done, 0 to 1.
        fraction: f32,
        /// What it is at, in a few words; empty where it did not say.
        message: Box<str>,
    },
    /// The objects that the tasks share, as they are now.
    SharedSampled(Vec<SharedObject>),
    /// The objects that the tasks shared, as they were when the last task had ended.
    SharedEnded(Vec<SharedContent>),
    /// Two large results of about the same size have come from one worker, one by each way.
    ResultsCompared {
        /// The size of each, in bytes.
        bytes: u64,
        /// How long the one through the pipe was on its way, in nanoseconds: from the end of its call until it was here.
        pipe_ns: u64,
        /// The same for the one in shared memory.
        shared_memory_ns: u64,
        /// The way that the job asks for.
        used: Transport,
    },
    /// The last event of a run.
    RunFinished(Summary),
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
    /// How many tasks the batch has at the start; [`EventKind::BatchGrew`] says of others.
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
