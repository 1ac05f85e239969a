//! What goes into a dispatcher and what comes out of it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::engine::RunCommand;
use crate::event::{AttemptRecord, EventKind, LaneId, TaskId, WorkerId};
use crate::job::dependencies::Dependencies;
use crate::job::order::TaskOrder;
use crate::job::resource_request::TaskRequests;
use crate::job::{Control, Mode};

/// Something that happened, or a command.
#[derive(Clone, Debug)]
pub enum Input {
    /// A worker that was asked for is there.
    WorkerReady { worker: WorkerId, pid: u32 },
    /// A worker that was asked for could not be started.
    WorkerFailed { worker: WorkerId, reason: String, cause: StartCause },
    /// A worker's connection has ended and its lane is free.
    WorkerEnded { worker: WorkerId, end: ProcessEnd },
    /// A worker has announced the task that it is at.
    Started {
        worker: WorkerId,
        task: TaskId,
        attempt: u32,
        start_ns: u64,
        /// The command's process; `None` for a call.
        pid: Option<u32>,
    },
    /// The command that a worker is at was stopped by a signal, or goes on.
    Suspended { worker: WorkerId, task: TaskId, pid: u32, is_suspended: bool },
    /// A worker reports results, in the order in which the tasks ended.
    Finished { worker: WorkerId, records: Vec<AttemptRecord> },
    /// A worker gives back tasks that it has not begun.
    Returned { worker: WorkerId, tasks: Vec<TaskId> },
    /// A worker answers that it is alive.
    Alive { worker: WorkerId },
    /// A worker cannot begin the task that it is at, because the system has run out of something; or has begun it at last.
    Exhausted {
        worker: WorkerId,
        /// The system's reason; `None`: it has begun.
        reason: Option<String>,
    },
    /// The lanes of these workers were not read lately, so that their silence means nothing.
    Unread { workers: Vec<WorkerId> },
    /// The next piece of a stop; see [`Dispatcher::has_more_to_cancel`].
    ///
    /// [`Dispatcher::has_more_to_cancel`]: super::Dispatcher::has_more_to_cancel
    CancelMore,
    /// A command to the run.
    Command(RunCommand),
    /// Whether the machine's memory and load allow further tasks; `Some`: why not.
    Admission(Option<String>),
    /// Less memory is free than half of what must be: the task that was begun last is ended and waits again.
    MemoryLow,
    /// The batch has grown.
    Grown {
        /// How many tasks there are by now.
        tasks: u64,
        /// Whether these are all.
        complete: bool,
        /// Why the inputs ended early.
        fault: Option<String>,
    },
    /// There are places for workers on several hosts. A pool of the size that there was a place for goes with their number.
    Places {
        /// How many there are.
        total: u32,
        /// How many can be used now.
        usable: u32,
    },
    /// A worker is to do what it has, and no more: its host was taken out.
    Retire { worker: WorkerId },
    /// Time has come to [`Dispatcher::next_wake_ns`].
    Tick,
}

impl Input {
    /// The worker whose sign of life this is.
    pub const fn sign_of_life(&self) -> Option<WorkerId> {
        match self {
            Self::WorkerReady { worker, .. }
            | Self::Started { worker, .. }
            | Self::Suspended { worker, .. }
            | Self::Finished { worker, .. }
            | Self::Returned { worker, .. }
            | Self::Alive { worker }
            | Self::Exhausted { worker, .. } => Some(*worker),
            Self::WorkerFailed { .. }
            | Self::WorkerEnded { .. }
            | Self::Unread { .. }
            | Self::CancelMore
            | Self::Command(_)
            | Self::Admission(_)
            | Self::MemoryLow
            | Self::Grown { .. }
            | Self::Places { .. }
            | Self::Retire { .. }
            | Self::Tick => None,
        }
    }
}

/// Whether a start that has failed can succeed while nothing is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartCause {
    /// It cannot: what is missing does not come back by itself.
    Lasts,
    /// It can, as soon as other processes have given something back.
    Passes,
    /// That is not known: the worker ended, or refused, before it was ready, or this process itself holds what is missing.
    Unknown,
}

/// How a worker's process ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProcessEnd {
    /// It closed the lane, as it was asked to.
    Closed,
    /// It ended itself because a call could not be ended in any other way.
    Aborted,
    /// It died in this way.
    Died(String),
}

impl std::fmt::Display for ProcessEnd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Closed => f.write_str("it closed its connection"),
            Self::Aborted => f.write_str("it ended itself in order to end a call"),
            Self::Died(how) => f.write_str(how),
        }
    }
}

/// Something to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Start a worker in this lane.
    Start { worker: WorkerId, lane: LaneId },
    /// Hand tasks to a worker, each with the number of its attempt.
    Run { worker: WorkerId, tasks: Vec<(TaskId, u32)> },
    /// Hand tasks to a worker, and with them the numbered resources that all of them use, one task after the other.
    RunWith {
        worker: WorkerId,
        tasks: Vec<(TaskId, u32)>,
        /// The numbers, a text for each counter that has numbers.
        shares: Vec<String>,
    },
    /// Ask a worker for this number of tasks that it has not begun.
    TakeBack { worker: WorkerId, count: u32 },
    /// Have a worker end or forget one task.
    Cancel { worker: WorkerId, task: TaskId },
    /// Have a worker end or forget all it has, with SIGKILL at once if `now`.
    Stop { worker: WorkerId, now: bool },
    /// Tell a worker how long each of its attempts may take from now on.
    SetTimeout { worker: WorkerId, timeout_ns: u64 },
    /// Ask a worker whether it lives.
    Ping { worker: WorkerId },
    /// Tell a worker that it is not needed any more.
    Retire { worker: WorkerId },
    /// End a worker's process, which has not ended as it should.
    Kill { worker: WorkerId },
    /// Emit an event.
    Emit(EventKind),
}

/// What a dispatcher needs to know of its run.
#[derive(Clone, Debug)]
pub struct DispatchPlan {
    /// How many tasks there are so far.
    pub tasks: u64,
    /// Whether these are all.
    pub complete: bool,
    /// What each takes, where that differs.
    pub needs: Option<Arc<TaskRequests>>,
    /// In which order they begin.
    pub order: TaskOrder,
    /// The tasks before which the run pauses.
    pub breakpoints: Vec<TaskId>,
    /// Which tasks wait for which.
    pub dependencies: Dependencies,
    /// When the run ends early, waits or holds back.
    pub control: Control,
    /// How the batch is run.
    pub mode: Mode,
    /// Size of the pool at the start.
    pub workers: u32,
    /// How often a failed task is tried again.
    pub retries: u32,
    /// From SIGTERM to SIGKILL, in nanoseconds; workers that outlast it by a second are killed.
    pub grace_ns: u64,
    /// Maximum number of workers starting at the same time.
    pub max_starting: u32,
    /// As in [`RunOptions`](crate::engine::RunOptions).
    pub chunk: Option<std::num::NonZeroU32>,
}
