//! The one vocabulary of facts about a run. The engine says them; the window, the command line's report and the tests
//! rebuild what they show from them and from nothing else.
//!
//! Times are nanoseconds since the run's start on the monotonic clock, so a changed wall clock changes nothing.

pub mod lossless;
mod sample;
mod shared;
mod spill;

use serde::{Deserialize, Serialize};

use crate::job::{Mode, Transport};
pub use sample::{MachineSample, WorkerSample};
pub use shared::{SharedContent, SharedObject};
pub use spill::{Spill, StreamName, spill_name};

/// A task's place in its batch, counted from 0. People see [`TaskId::number`], counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TaskId(pub u64);

impl TaskId {
    /// The task's number as people see it and as `{#}` gives it: 1 for the first.
    pub const fn number(self) -> u64 {
        self.0 + 1
    }
}

/// One worker's life, unique within a run: a replacement for a dead worker has a new id, and the dead one's lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WorkerId(pub u32);

/// A row of the timeline, counted from 0; people see `lane + 1`. A lane whose worker ended is given to the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Lane(pub u32);

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
        lane: Lane,
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

/// One try of a task, with everything that was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttemptRecord {
    /// The task.
    pub task: TaskId,
    /// Which try, from 1; 0 for a task that was cancelled before any try.
    pub attempt: u32,
    /// Who did it; `WorkerId(0)` for a task that was cancelled before any try.
    pub worker: WorkerId,
    /// When it began, in nanoseconds since the run's start.
    pub start_ns: u64,
    /// How long it took, in nanoseconds.
    pub wall_ns: u64,
    /// CPU time of the command and what it waited for, or of the calling thread, in nanoseconds.
    pub cpu_ns: u64,
    /// Peak resident memory of the command in bytes; 0 for a call, which shares its worker's memory.
    pub max_rss_bytes: u64,
    /// SIGKILL ended it, and the kernel had ended processes for want of memory while it ran.
    #[serde(default)]
    pub memory_kill: bool,
    /// How it ended.
    pub outcome: Outcome,
    /// What a call returned.
    pub value: Option<Value>,
    /// What a command printed; `None` where it printed nothing.
    pub output: Option<Box<Output>>,
}

impl AttemptRecord {
    /// The record of a task that was cancelled at `at_ns` while no worker had it, after so many tries.
    pub const fn cancelled_in_queue(task: TaskId, attempts: u32, at_ns: u64) -> Self {
        Self {
            task,
            attempt: attempts,
            worker: WorkerId(0),
            start_ns: at_ns,
            wall_ns: 0,
            cpu_ns: 0,
            max_rss_bytes: 0,
            memory_kill: false,
            outcome: Outcome::Cancelled,
            value: None,
            output: None,
        }
    }
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// A command that exited with 0, or a call that returned.
    Done,
    /// A command that exited with another code.
    Exited {
        /// The exit code, 1 to 255.
        code: i32,
    },
    /// A command that was ended by a signal that we did not send.
    Signalled {
        /// The signal's number.
        signal: i32,
    },
    /// The command could not be started; the text says what and why.
    CannotStart(Box<str>),
    /// A call returned an error or panicked; the text is its message.
    CallFailed(Box<str>),
    /// It was ended because it ran longer than its timeout.
    TimedOut,
    /// It was ended, or never begun, because someone asked for that.
    Cancelled,
    /// Its worker died while doing it; the text says how.
    Lost(Box<str>),
}

/// The five kinds of outcome that counts and colours tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum OutcomeClass {
    /// It succeeded.
    Done,
    /// It ended by itself, without success.
    Failed,
    /// It ran into its timeout.
    TimedOut,
    /// It was cancelled.
    Cancelled,
    /// Its worker died.
    Lost,
}

impl OutcomeClass {
    /// All classes, from the best to the worst.
    pub const ALL: [Self; 5] = [Self::Done, Self::Cancelled, Self::TimedOut, Self::Failed, Self::Lost];

    /// The word for it in tables and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::TimedOut => "timed out",
            Self::Cancelled => "cancelled",
            Self::Lost => "lost",
        }
    }
}

impl Outcome {
    /// Which of the five kinds this is.
    pub const fn class(&self) -> OutcomeClass {
        match self {
            Self::Done => OutcomeClass::Done,
            Self::Exited { .. } | Self::Signalled { .. } | Self::CannotStart(_) | Self::CallFailed(_) => {
                OutcomeClass::Failed
            }
            Self::TimedOut => OutcomeClass::TimedOut,
            Self::Cancelled => OutcomeClass::Cancelled,
            Self::Lost(_) => OutcomeClass::Lost,
        }
    }
}

/// What a call returned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// A whole number.
    Int(i64),
    /// A number.
    Float(#[serde(with = "lossless::float")] f64),
    /// Text, among it whole numbers too large for 64 bits.
    Text(Box<str>),
    /// Plain bytes.
    Bytes(#[serde(with = "lossless::bytes")] Box<[u8]>),
}

/// What a command printed: both streams apart, each bounded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Standard output.
    pub stdout: Captured,
    /// Standard error.
    pub stderr: Captured,
    /// A process that the command left behind still held a stream open; it was ended.
    pub leaky: bool,
}

/// One stream of a command's output: its head and its tail when it was longer than the limit.
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
    /// What became of the whole stream where something was dropped.
    pub spill: Spill,
}

/// How many tasks ended in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeCounts {
    /// Tasks that succeeded.
    pub done: u64,
    /// Tasks that ended by themselves without success.
    pub failed: u64,
    /// Tasks that ran into their timeout.
    pub timed_out: u64,
    /// Tasks that were cancelled.
    pub cancelled: u64,
    /// Tasks whose workers died.
    pub lost: u64,
}

impl OutcomeCounts {
    /// Counts one more.
    pub fn add(&mut self, class: OutcomeClass) {
        *self.of_mut(class) += 1;
    }

    /// How many of one class.
    pub const fn of(&self, class: OutcomeClass) -> u64 {
        match class {
            OutcomeClass::Done => self.done,
            OutcomeClass::Failed => self.failed,
            OutcomeClass::TimedOut => self.timed_out,
            OutcomeClass::Cancelled => self.cancelled,
            OutcomeClass::Lost => self.lost,
        }
    }

    /// All tasks that have ended.
    pub const fn total(&self) -> u64 {
        self.done + self.failed + self.timed_out + self.cancelled + self.lost
    }

    /// All tasks that have ended without success.
    pub const fn not_done(&self) -> u64 {
        self.total() - self.done
    }

    const fn of_mut(&mut self, class: OutcomeClass) -> &mut u64 {
        match class {
            OutcomeClass::Done => &mut self.done,
            OutcomeClass::Failed => &mut self.failed,
            OutcomeClass::TimedOut => &mut self.timed_out,
            OutcomeClass::Cancelled => &mut self.cancelled,
            OutcomeClass::Lost => &mut self.lost,
        }
    }
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
