//! [`ValueProxy`] and [`ArrayProxy`].

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{count, encode, proxy};
use crate::mp::manager::failure::ManagerError;

proxy! {
    /// One value in a manager.
    ValueProxy<T> = "Value"
}

/// # Errors
/// Each method: when the manager cannot do it, or cannot be reached.
impl<T: Serialize + DeserializeOwned> ValueProxy<T> {
    /// What it is.
    pub fn get(&self) -> Result<T, ManagerError> {
        self.handle.get("get", Vec::new())
    }

    /// Makes it this.
    pub fn set(&self, value: &T) -> Result<(), ManagerError> {
        self.handle.done("set", vec![encode(value)?])
    }

    /// Adds to a number, in one step; what it is then.
    pub fn add(&self, more: &T) -> Result<T, ManagerError> {
        self.handle.get("add", vec![encode(more)?])
    }

    /// Makes it `new` if it is `expected`, in one step; whether it was.
    pub fn compare_exchange(&self, expected: &T, new: &T) -> Result<bool, ManagerError> {
        self.handle.get("compare_exchange", vec![encode(expected)?, encode(new)?])
    }
}

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

    /// Puts another item in a place.
    pub fn set(&self, index: usize, item: &T) -> Result<(), ManagerError> {
        self.handle.done("set", vec![count(index), encode(item)?])
    }

    /// Adds to the number at a place, in one step; what it is then.
    pub fn add(&self, index: usize, more: &T) -> Result<T, ManagerError> {
        self.handle.get("add", vec![count(index), encode(more)?])
    }

    /// How many items there are.
    pub fn len(&self) -> Result<usize, ManagerError> {
        self.handle.get("len", Vec::new())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> Result<bool, ManagerError> {
        Ok(self.len()? == 0)
    }

    /// All items.
    pub fn to_vec(&self) -> Result<Vec<T>, ManagerError> {
        self.handle.get("copy", Vec::new())
    }
}
