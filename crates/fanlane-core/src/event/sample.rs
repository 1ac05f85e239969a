//! What the monitor reads of the machine and of the workers now and then.

use serde::{Deserialize, Serialize};

use super::WorkerId;

/// Use of the machine at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MachineSample {
    /// Use of each logical core since the sample before, 0 to 100 %.
    pub core_percent: Vec<f32>,
    /// Memory in use, in bytes.
    pub memory_used_bytes: u64,
    /// Memory of the machine, in bytes.
    pub memory_total_bytes: u64,
}

/// Use of the machine by one worker and everything that it started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkerSample {
    /// The worker.
    pub worker: WorkerId,
    /// CPU since the sample before, 100 % for each core that was kept busy.
    pub cpu_percent: f32,
    /// Resident memory, in bytes.
    pub rss_bytes: u64,
}
