//! Periodic measurements of the machine and of the workers.

use serde::{Deserialize, Serialize};

use super::WorkerId;

/// A large object that a call of a Python function has returned, and what each way of handing it to another process takes, in
/// nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectSample {
    /// The name of its type.
    pub kind: Box<str>,
    /// Size of its pickle, in bytes.
    pub bytes: u64,
    /// How much of it lies in buffers that a pickle of protocol 5 can leave out, in bytes.
    pub buffer_bytes: u64,
    /// Pickled as a whole, through a pipe.
    pub pickle_ns: u64,
    /// By protocol 5, with its buffers beside it, through a pipe.
    pub pickle5_ns: u64,
    /// By protocol 5, with its buffers in shared memory.
    pub shared_memory_ns: u64,
}

/// CPU and memory use of the machine at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MachineSample {
    /// Use of each logical core since the previous sample, 0 to 100 %.
    pub core_percent: Vec<f32>,
    /// Memory in use, in bytes.
    pub memory_used_bytes: u64,
    /// Memory of the machine, in bytes.
    pub memory_total_bytes: u64,
}

/// CPU and memory use of one worker and its child processes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkerSample {
    /// The worker.
    pub worker: WorkerId,
    /// CPU use since the previous sample, 100 % for each core that was busy.
    pub cpu_percent: f32,
    /// Resident memory, in bytes.
    pub rss_bytes: u64,
}
