//! What the engine and its workers say to each other.
//!
//! A worker process is given a control socket as its standard input. The engine sends one [`Setup`] frame on it and
//! then a socket for each lane; when the control socket ends, the engine is gone and so is the worker. Tasks and
//! results travel on the lanes' sockets. Both sides are the same executable, so the encoding needs no version.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::event::{AttemptRecord, TaskId};
use crate::job::WorkloadSpec;

/// What a worker needs to know before its first task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Setup {
    /// What the tasks are.
    pub kind: TaskKind,
    /// Where they run.
    pub working_dir: PathBuf,
    /// Several lanes live in this process.
    pub shared_process: bool,
    /// The run's start on the shared monotonic clock; all times that a worker reports count from it.
    pub epoch_ns: u64,
    /// How long an attempt may take, in nanoseconds.
    pub timeout_ns: Option<u64>,
    /// From SIGTERM to SIGKILL, in nanoseconds.
    pub grace_ns: u64,
    /// How much of each stream of a command is kept, in bytes.
    pub output_limit_bytes: usize,
}

/// The exit code of a worker that ended itself in order to end a call.
pub const GAVE_UP_EXIT_CODE: i32 = 86;

/// What the tasks of a batch are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum TaskKind {
    /// Command lines.
    Command,
    /// Calls of a built-in workload.
    Workload {
        /// Which one.
        spec: WorkloadSpec,
        /// The loopback server of this run, where the workload needs one.
        server: Option<SocketAddr>,
    },
}

/// From the engine to a lane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ToWorker {
    /// Do these, in this order, after those that you have.
    Run(Vec<TaskFrame>),
    /// Give back this many of the tasks that you have not begun, the last ones first.
    Recall(u32),
    /// End or forget this task.
    Cancel(TaskId),
    /// End or forget everything that you have; `now` without a grace time.
    Stop {
        /// SIGKILL at once.
        now: bool,
    },
    /// You are not needed any more: do what you have, then end.
    Retire,
}

/// One task on its way to a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskFrame {
    /// Which one.
    pub task: TaskId,
    /// Which try, from 1.
    pub attempt: u32,
    /// The command line, or the call's argument.
    #[serde(with = "serde_bytes")]
    pub payload: Vec<u8>,
}

/// From a lane to the engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FromWorker {
    /// The lane is there.
    Ready,
    /// This task has been running for a while.
    Started {
        /// Which one.
        task: TaskId,
        /// Which try.
        attempt: u32,
        /// When it began, in nanoseconds since the run's start.
        start_ns: u64,
        /// The command's process; `None` for a call.
        pid: Option<u32>,
    },
    /// These have ended, in this order.
    Finished(Vec<AttemptRecord>),
    /// These were given back without having been begun.
    Returned(Vec<TaskId>),
    /// The lane was retired and is through; nothing follows.
    Bye,
}
