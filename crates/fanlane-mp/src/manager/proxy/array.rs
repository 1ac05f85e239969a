//! [`ArrayProxy`].

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{count, encode, proxy};
use crate::manager::failure::ManagerError;

proxy! {
    /// A fixed number of values of one kind in a manager.
    ArrayProxy<T> = "Array"
}

/// # Errors
/// Each method: when the manager cannot do it, or cannot be reached.
impl<T: Serialize + DeserializeOwned> ArrayProxy<T> {
    /// The item at a place.
    pub fn get(&self, index: usize) -> Result<T, ManagerError> {
        self.handle.get("get", vec![count(index)])
    }

    /// Replaces the item at a place.
    pub fn set(&self, index: usize, item: &T) -> Result<(), ManagerError> {
        self.handle.done("set", vec![count(index), encode(item)?])
    }

    /// Adds to the number at a place, atomically; returns the sum.
    pub fn add(&self, index: usize, more: &T) -> Result<T, ManagerError> {
        self.handle.get("add", vec![count(index), encode(more)?])
    }

    /// The number of items.
    pub fn len(&self) -> Result<usize, ManagerError> {
        self.handle.get("len", Vec::new())
    }

    /// Whether it has no items.
    pub fn is_empty(&self) -> Result<bool, ManagerError> {
        Ok(self.len()? == 0)
    }

    /// All items.
    pub fn to_vec(&self) -> Result<Vec<T>, ManagerError> {
        self.handle.get("copy", Vec::new())
    }
}
