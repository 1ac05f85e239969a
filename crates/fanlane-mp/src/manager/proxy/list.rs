//! [`ListProxy`].

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{count, encode, encode_all, proxy};
use crate::manager::dynamic_value::DynamicValue;
use crate::manager::failure::ManagerError;

proxy! {
    /// A list in a manager. Places count from 0, negative ones from the end.
    ListProxy<T> = "list"
}

const fn place(index: i64) -> DynamicValue {
    DynamicValue::Int(index as i128)
}

/// # Errors
/// Each method: when the manager cannot do it, or cannot be reached.
impl<T: Serialize + DeserializeOwned> ListProxy<T> {
    /// Appends an item.
    pub fn append(&self, item: &T) -> Result<(), ManagerError> {
        self.handle.done("append", vec![encode(item)?])
    }

    /// Appends items, atomically.
    pub fn extend(&self, items: &[T]) -> Result<(), ManagerError> {
        self.handle.done("extend", vec![encode_all(items)?])
    }

    /// Inserts an item before the one at a place.
    pub fn insert(&self, index: i64, item: &T) -> Result<(), ManagerError> {
        self.handle.done("insert", vec![place(index), encode(item)?])
    }

    /// Removes the last item and returns it.
    pub fn pop(&self) -> Result<T, ManagerError> {
        self.handle.get("pop", Vec::new())
    }

    /// Removes the item at a place and returns it.
    pub fn pop_at(&self, index: i64) -> Result<T, ManagerError> {
        self.handle.get("pop", vec![place(index)])
    }

    /// Removes the first item that is equal.
    pub fn remove(&self, item: &T) -> Result<(), ManagerError> {
        self.handle.done("remove", vec![encode(item)?])
    }

    /// The item at a place.
    pub fn get(&self, index: i64) -> Result<T, ManagerError> {
        self.handle.get("get", vec![place(index)])
    }

    /// Replaces the item at a place.
    pub fn set(&self, index: i64, item: &T) -> Result<(), ManagerError> {
        self.handle.done("set", vec![place(index), encode(item)?])
    }

    /// Removes the item at a place.
    pub fn delete_at(&self, index: i64) -> Result<(), ManagerError> {
        self.handle.done("delete", vec![place(index)])
    }

    /// The items from one place up to, but not including, another; places beyond the ends are left out.
    pub fn slice(&self, from: i64, to: i64) -> Result<Vec<T>, ManagerError> {
        self.handle.get("slice", vec![place(from), place(to)])
    }

    /// The place of the first item that is equal.
    pub fn index(&self, item: &T) -> Result<usize, ManagerError> {
        self.handle.get("index", vec![encode(item)?])
    }

    /// The number of equal items.
    pub fn count(&self, item: &T) -> Result<usize, ManagerError> {
        self.handle.get("count", vec![encode(item)?])
    }

    /// Whether an item is equal.
    pub fn contains(&self, item: &T) -> Result<bool, ManagerError> {
        self.handle.get("contains", vec![encode(item)?])
    }

    /// The number of items.
    pub fn len(&self) -> Result<usize, ManagerError> {
        self.handle.get("len", Vec::new())
    }

    /// Whether it has no items.
    pub fn is_empty(&self) -> Result<bool, ManagerError> {
        Ok(self.len()? == 0)
    }

    /// Reverses the order.
    pub fn reverse(&self) -> Result<(), ManagerError> {
        self.handle.done("reverse", Vec::new())
    }

    /// Sorts the items, smallest first.
    pub fn sort(&self) -> Result<(), ManagerError> {
        self.handle.done("sort", Vec::new())
    }

    /// Removes all items.
    pub fn clear(&self) -> Result<(), ManagerError> {
        self.handle.done("clear", Vec::new())
    }

    /// All items.
    pub fn to_vec(&self) -> Result<Vec<T>, ManagerError> {
        self.handle.get("copy", Vec::new())
    }

    /// At most `most` items from place `first` on, for lists that are too long for one answer.
    pub fn page(&self, first: usize, most: usize) -> Result<Vec<T>, ManagerError> {
        self.handle.get("slice", vec![count(first), count(first.saturating_add(most))])
    }
}
