//! [`SetProxy`].

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{encode, encode_all, proxy};
use crate::mp::manager::failure::ManagerError;

proxy! {
    /// Values of which each is there once, in a manager.
    SetProxy<T> = "set"
}

/// # Errors
/// Each method: when the manager cannot do it, or cannot be reached.
impl<T: Serialize + DeserializeOwned> SetProxy<T> {
    /// Puts an item in; whether it was not there. Of many that add the same at once, one is told so.
    pub fn add(&self, item: &T) -> Result<bool, ManagerError> {
        self.handle.get("add", vec![encode(item)?])
    }

    /// Takes an item out; whether it was there.
    pub fn discard(&self, item: &T) -> Result<bool, ManagerError> {
        self.handle.get("discard", vec![encode(item)?])
    }

    /// Takes an item out, which must be there.
    pub fn remove(&self, item: &T) -> Result<(), ManagerError> {
        self.handle.done("remove", vec![encode(item)?])
    }

    /// Whether an item is there.
    pub fn contains(&self, item: &T) -> Result<bool, ManagerError> {
        self.handle.get("contains", vec![encode(item)?])
    }

    /// Takes the first item out.
    pub fn pop(&self) -> Result<T, ManagerError> {
        self.handle.get("pop", Vec::new())
    }

    /// How many items there are.
    pub fn len(&self) -> Result<usize, ManagerError> {
        self.handle.get("len", Vec::new())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> Result<bool, ManagerError> {
        Ok(self.len()? == 0)
    }

    /// Puts items in, all at once.
    pub fn update(&self, items: &[T]) -> Result<(), ManagerError> {
        self.handle.done("update", vec![encode_all(items)?])
    }

    /// Keeps only what is among these.
    pub fn intersection_update(&self, items: &[T]) -> Result<(), ManagerError> {
        self.handle.done("intersection_update", vec![encode_all(items)?])
    }

    /// Takes these out.
    pub fn difference_update(&self, items: &[T]) -> Result<(), ManagerError> {
        self.handle.done("difference_update", vec![encode_all(items)?])
    }

    /// Takes out of these what is there, and puts in what is not.
    pub fn symmetric_difference_update(&self, items: &[T]) -> Result<(), ManagerError> {
        self.handle.done("symmetric_difference_update", vec![encode_all(items)?])
    }

    /// What is there or among these.
    pub fn union(&self, items: &[T]) -> Result<Vec<T>, ManagerError> {
        self.handle.get("union", vec![encode_all(items)?])
    }

    /// What is there and among these.
    pub fn intersection(&self, items: &[T]) -> Result<Vec<T>, ManagerError> {
        self.handle.get("intersection", vec![encode_all(items)?])
    }

    /// What is there and not among these.
    pub fn difference(&self, items: &[T]) -> Result<Vec<T>, ManagerError> {
        self.handle.get("difference", vec![encode_all(items)?])
    }

    /// What is there or among these, but not both.
    pub fn symmetric_difference(&self, items: &[T]) -> Result<Vec<T>, ManagerError> {
        self.handle.get("symmetric_difference", vec![encode_all(items)?])
    }

    /// Whether all that is there is among these.
    pub fn is_subset(&self, items: &[T]) -> Result<bool, ManagerError> {
        self.handle.get("issubset", vec![encode_all(items)?])
    }

    /// Whether all of these are there.
    pub fn is_superset(&self, items: &[T]) -> Result<bool, ManagerError> {
        self.handle.get("issuperset", vec![encode_all(items)?])
    }

    /// Whether none of these is there.
    pub fn is_disjoint(&self, items: &[T]) -> Result<bool, ManagerError> {
        self.handle.get("isdisjoint", vec![encode_all(items)?])
    }

    /// Removes all items.
    pub fn clear(&self) -> Result<(), ManagerError> {
        self.handle.done("clear", Vec::new())
    }

    /// All items, in their order.
    pub fn to_vec(&self) -> Result<Vec<T>, ManagerError> {
        self.handle.get("copy", Vec::new())
    }
}
