//! [`EventProxy`] and [`BarrierProxy`]: where processes wait for each other.

use std::time::Duration;

use super::proxy;
use crate::mp::manager::failure::ManagerError;

proxy! {
    /// A flag in a manager that others wait for.
    EventProxy<> = "Event"
}

/// # Errors
/// Each method: when the manager is gone.
impl EventProxy {
    /// Sets it; whoever waits goes on.
    pub fn set(&self) -> Result<(), ManagerError> {
        self.handle.done("set", Vec::new())
    }

    /// Takes it back.
    pub fn clear(&self) -> Result<(), ManagerError> {
        self.handle.done("clear", Vec::new())
    }

    /// Whether it is set.
    pub fn is_set(&self) -> Result<bool, ManagerError> {
        self.handle.get("is_set", Vec::new())
    }

    /// Waits until it is set, `None` for ever; whether it is.
    pub fn wait(&self, timeout: Option<Duration>) -> Result<bool, ManagerError> {
        self.handle.wait("wait", Vec::new(), timeout)
    }
}

proxy! {
    /// A meeting point in a manager. One who gives up or dies while waiting breaks it for all.
    BarrierProxy<> = "Barrier"
}

/// # Errors
/// Each method: when the manager is gone.
impl BarrierProxy {
    /// Waits until all have come; which one this is, from 0 for the first.
    ///
    /// # Errors
    /// Of the kind [`BrokenBarrier`](crate::mp::manager::FailureKind::BrokenBarrier) when it is broken, by whomever.
    pub fn wait(&self, timeout: Option<Duration>) -> Result<usize, ManagerError> {
        self.handle.wait("wait", Vec::new(), timeout)
    }

    /// Makes it whole again; whoever waits is told that it was broken.
    pub fn reset(&self) -> Result<(), ManagerError> {
        self.handle.done("reset", Vec::new())
    }

    /// Breaks it.
    pub fn abort(&self) -> Result<(), ManagerError> {
        self.handle.done("abort", Vec::new())
    }

    /// How many must come.
    pub fn parties(&self) -> Result<usize, ManagerError> {
        self.handle.get("parties", Vec::new())
    }

    /// How many wait.
    pub fn n_waiting(&self) -> Result<usize, ManagerError> {
        self.handle.get("n_waiting", Vec::new())
    }

    /// Whether it is broken.
    pub fn is_broken(&self) -> Result<bool, ManagerError> {
        self.handle.get("broken", Vec::new())
    }
}
