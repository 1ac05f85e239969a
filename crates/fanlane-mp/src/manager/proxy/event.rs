//! [`EventProxy`].

use std::time::Duration;

use super::proxy;
use crate::manager::failure::ManagerError;

proxy! {
    /// A flag in a manager that threads and processes wait for.
    EventProxy<> = "Event"
}

/// # Errors
/// Each method: when the manager is gone.
impl EventProxy {
    /// Sets it and ends all waits.
    pub fn set(&self) -> Result<(), ManagerError> {
        self.handle.done("set", Vec::new())
    }

    /// Resets it.
    pub fn clear(&self) -> Result<(), ManagerError> {
        self.handle.done("clear", Vec::new())
    }

    /// Whether it is set.
    pub fn is_set(&self) -> Result<bool, ManagerError> {
        self.handle.get("is_set", Vec::new())
    }

    /// Waits until it is set; whether it is. `None`: no limit.
    pub fn wait(&self, timeout: Option<Duration>) -> Result<bool, ManagerError> {
        self.handle.wait("wait", Vec::new(), timeout)
    }
}
