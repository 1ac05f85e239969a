//! [`BarrierProxy`].

use std::time::Duration;

use super::proxy;
use crate::manager::failure::ManagerError;

proxy! {
    /// A barrier in a manager. A party that times out or dies while waiting breaks it for all.
    BarrierProxy<> = "Barrier"
}

/// # Errors
/// Each method: when the manager is gone.
impl BarrierProxy {
    /// Waits until all parties have come; returns the number of this one, from 0 for the first. `None`: no limit.
    ///
    /// # Errors
    /// Of the kind [`BrokenBarrier`](crate::manager::FailureKind::BrokenBarrier) when it is broken, by this party or another.
    pub fn wait(&self, timeout: Option<Duration>) -> Result<usize, ManagerError> {
        self.handle.wait("wait", Vec::new(), timeout)
    }

    /// Makes a broken barrier usable again; current waits end with an error.
    pub fn reset(&self) -> Result<(), ManagerError> {
        self.handle.done("reset", Vec::new())
    }

    /// Breaks it.
    pub fn abort(&self) -> Result<(), ManagerError> {
        self.handle.done("abort", Vec::new())
    }

    /// The number of parties.
    pub fn parties(&self) -> Result<usize, ManagerError> {
        self.handle.get("parties", Vec::new())
    }

    /// The number of waiting parties.
    pub fn n_waiting(&self) -> Result<usize, ManagerError> {
        self.handle.get("n_waiting", Vec::new())
    }

    /// Whether it is broken.
    pub fn is_broken(&self) -> Result<bool, ManagerError> {
        self.handle.get("broken", Vec::new())
    }
}
