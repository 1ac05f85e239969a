//! The size of a pool as `-j` gives it, in the forms of GNU parallel. The number of cores is a parameter.

use serde::{Deserialize, Serialize};

use super::MAX_WORKERS;

/// The size of a pool as a flag gives it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum WorkerCount {
    /// A number from 1 to [`MAX_WORKERS`].
    Exactly(u32),
    /// One for each task.
    OnePerTask,
    /// The number of logical cores plus this.
    CoresPlus(i64),
    /// A share of the logical cores, in percent (> 0).
    PercentOfCores(f64),
}

impl WorkerCount {
    /// The number of workers, 1 to [`MAX_WORKERS`], on a machine with `cores` logical cores and for `tasks` tasks.
    pub fn resolve(self, cores: u32, tasks: u64) -> u32 {
        let wanted = match self {
            Self::Exactly(count) => i64::from(count),
            Self::OnePerTask => i64::try_from(tasks).unwrap_or(i64::MAX),
            Self::CoresPlus(more) => i64::from(cores).saturating_add(more),
            Self::PercentOfCores(percent) => (f64::from(cores) * percent / 100.0) as i64,
        };
        u32::try_from(wanted.clamp(1, i64::from(MAX_WORKERS))).unwrap_or(1)
    }
}
