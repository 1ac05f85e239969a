//! This program's executable and machine.

use std::path::PathBuf;

use anyhow::{Context, Result};

/// The executable of workers: this program, by a path that stays valid when its file is replaced.
///
/// # Errors
/// When the system does not say where this program lies.
pub fn worker_executable() -> Result<PathBuf> {
    if cfg!(target_os = "linux") {
        return Ok("/proc/self/exe".into());
    }
    std::env::current_exe().context("the path of this program cannot be found")
}

/// The number of logical cores that this process may use.
pub fn cores() -> u32 {
    std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX))
}
