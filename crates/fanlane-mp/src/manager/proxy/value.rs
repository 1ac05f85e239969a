//! [`ValueProxy`].

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{encode, proxy};
use crate::manager::failure::ManagerError;

proxy! {
    /// One value in a manager.
    ValueProxy<T> = "Value"
}

/// # Errors
/// Each method: when the manager cannot do it, or cannot be reached.
impl<T: Serialize + DeserializeOwned> ValueProxy<T> {
    /// The value.
    pub fn get(&self) -> Result<T, ManagerError> {
        self.handle.get("get", Vec::new())
    }

    /// Sets the value.
    pub fn set(&self, value: &T) -> Result<(), ManagerError> {
        self.handle.done("set", vec![encode(value)?])
    }

    /// Adds to a number, atomically; returns the sum.
    pub fn add(&self, more: &T) -> Result<T, ManagerError> {
        self.handle.get("add", vec![encode(more)?])
    }

    /// Sets `new` if the value is `expected`, atomically; whether it was.
    pub fn compare_exchange(&self, expected: &T, new: &T) -> Result<bool, ManagerError> {
        self.handle.get("compare_exchange", vec![encode(expected)?, encode(new)?])
    }
}
