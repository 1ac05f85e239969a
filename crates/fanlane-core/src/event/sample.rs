//! Periodic measurements of the machine and of the workers.

use serde::{Deserialize, Serialize};

use super::WorkerId;

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
