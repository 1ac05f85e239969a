//! The cores of the machine, which the size of a pool depends on.

use fanlane_core::job::{Job, Mode};

/// The machine's cores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Cores, at least 1.
    pub physical_cores: u32,
    /// Threads that the cores run in parallel, at least as many as cores.
    pub logical_cores: u32,
}

impl Machine {
    /// This machine, as far as this process may use it.
    pub fn this() -> Self {
        let logical_cores = fanlane_os::machine::cores();
        let physical = sysinfo::System::physical_core_count().map_or(logical_cores, |count| count as u32);
        Self { physical_cores: physical.clamp(1, logical_cores), logical_cores }
    }

    /// The right end of the slider of workers: twice the logical cores.
    pub const fn slider_end(self) -> u32 {
        self.logical_cores * 2
    }

    /// The number of workers with which a job starts here.
    pub fn pool_of(self, job: &Job) -> u32 {
        if job.mode == Mode::One { 1 } else { job.workers.unwrap_or(self.logical_cores) }
    }
}
