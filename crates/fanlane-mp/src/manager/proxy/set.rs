//! [`SetProxy`].

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{encode, encode_all, proxy};
use crate::manager::failure::ManagerError;

proxy! {
    /// Distinct values in a manager.
    SetProxy<T> = "set"
}

/// # Errors
/// Each method: when the manager cannot do it, or cannot be reached.
impl<T: Serialize + DeserializeOwned> SetProxy<T> {
    /// Adds an item; whether it is new. Of several clients that add it at the same time, exactly one is told so.
    pub fn add(&self, item: &T) -> Result<bool, ManagerError> {
        self.handle.get("add", vec![encode(item)?])
    }

    /// Removes an item; whether it was in the set.
    pub fn discard(&self, item: &T) -> Result<bool, ManagerError> {
        self.handle.get("discard", vec![encode(item)?])
    }

    /// Removes an existing item.
    pub fn remove(&self, item: &T) -> Result<(), ManagerError> {
        self.handle.done("remove", vec![encode(item)?])
    }

    /// Whether an item is in the set.
    pub fn contains(&self, item: &T) -> Result<bool, ManagerError> {
        self.handle.get("contains", vec![encode(item)?])
    }

    /// Removes the first item and returns it.
    pub fn pop(&self) -> Result<T, ManagerError> {
        self.handle.get("pop", Vec::new())
    }

    /// The number of items.
    pub fn len(&self) -> Result<usize, ManagerError> {
        self.handle.get("len", Vec::new())
    }

    /// Whether it has no items.
    pub fn is_empty(&self) -> Result<bool, ManagerError> {
        Ok(self.len()? == 0)
    }

    /// Adds items, atomically.
    pub fn update(&self, items: &[T]) -> Result<(), ManagerError> {
        self.handle.done("update", vec![encode_all(items)?])
    }

    /// Keeps only the items that are among `items`.
    pub fn intersection_update(&self, items: &[T]) -> Result<(), ManagerError> {
        self.handle.done("intersection_update", vec![encode_all(items)?])
    }

    /// Removes `items`.
    pub fn difference_update(&self, items: &[T]) -> Result<(), ManagerError> {
        self.handle.done("difference_update", vec![encode_all(items)?])
    }

    /// Removes those of `items` that are in the set, and adds the others.
    pub fn symmetric_difference_update(&self, items: &[T]) -> Result<(), ManagerError> {
        self.handle.done("symmetric_difference_update", vec![encode_all(items)?])
    }

    /// The items of the set or of `items`.
    pub fn union(&self, items: &[T]) -> Result<Vec<T>, ManagerError> {
        self.handle.get("union", vec![encode_all(items)?])
    }

    /// The items of both the set and `items`.
    pub fn intersection(&self, items: &[T]) -> Result<Vec<T>, ManagerError> {
        self.handle.get("intersection", vec![encode_all(items)?])
    }

    /// The items of the set that are not among `items`.
    pub fn difference(&self, items: &[T]) -> Result<Vec<T>, ManagerError> {
        self.handle.get("difference", vec![encode_all(items)?])
    }

    /// The items of either the set or `items`, but not of both.
    pub fn symmetric_difference(&self, items: &[T]) -> Result<Vec<T>, ManagerError> {
        self.handle.get("symmetric_difference", vec![encode_all(items)?])
    }

    /// Whether all items of the set are among `items`.
    pub fn is_subset(&self, items: &[T]) -> Result<bool, ManagerError> {
        self.handle.get("issubset", vec![encode_all(items)?])
    }

    /// Whether all of `items` are in the set.
    pub fn is_superset(&self, items: &[T]) -> Result<bool, ManagerError> {
        self.handle.get("issuperset", vec![encode_all(items)?])
    }

    /// Whether none of `items` is in the set.
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
