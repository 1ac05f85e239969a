//! [`DictProxy`].

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{encode, proxy};
use crate::manager::failure::{FailureKind, ManagerError};

proxy! {
    /// Values by keys in a manager, in the order of the keys.
    DictProxy<K, V> = "dict"
}

/// # Errors
/// Each method: when the manager cannot do it, or cannot be reached.
impl<K: Serialize + DeserializeOwned + Ord, V: Serialize + DeserializeOwned> DictProxy<K, V> {
    /// The value of a key; `None` for a missing key.
    pub fn get(&self, key: &K) -> Result<Option<V>, ManagerError> {
        found(self.handle.get("get", vec![encode(key)?]))
    }

    /// Sets the value of a key.
    pub fn set(&self, key: &K, value: &V) -> Result<(), ManagerError> {
        self.handle.done("set", vec![encode(key)?, encode(value)?])
    }

    /// The value of a key; a missing key is set to `value`.
    pub fn set_default(&self, key: &K, value: &V) -> Result<V, ManagerError> {
        self.handle.get("setdefault", vec![encode(key)?, encode(value)?])
    }

    /// Adds to the number of a key, 0 for a missing key, atomically; returns the sum.
    pub fn add(&self, key: &K, more: &V) -> Result<V, ManagerError> {
        self.handle.get("add", vec![encode(key)?, encode(more)?])
    }

    /// Removes a key and returns its value; `None` for a missing key.
    pub fn pop(&self, key: &K) -> Result<Option<V>, ManagerError> {
        found(self.handle.get("pop", vec![encode(key)?]))
    }

    /// Removes the last key and returns it with its value; `None` where the dict is empty.
    pub fn pop_item(&self) -> Result<Option<(K, V)>, ManagerError> {
        found(self.handle.get("popitem", Vec::new()))
    }

    /// Removes an existing key.
    pub fn remove(&self, key: &K) -> Result<(), ManagerError> {
        self.handle.done("delete", vec![encode(key)?])
    }

    /// Whether it has this key.
    pub fn contains_key(&self, key: &K) -> Result<bool, ManagerError> {
        self.handle.get("contains", vec![encode(key)?])
    }

    /// The number of keys.
    pub fn len(&self) -> Result<usize, ManagerError> {
        self.handle.get("len", Vec::new())
    }

    /// Whether it has no keys.
    pub fn is_empty(&self) -> Result<bool, ManagerError> {
        Ok(self.len()? == 0)
    }

    /// All keys.
    pub fn keys(&self) -> Result<Vec<K>, ManagerError> {
        self.handle.get("keys", Vec::new())
    }

    /// All values, in the order of their keys.
    pub fn values(&self) -> Result<Vec<V>, ManagerError> {
        self.handle.get("values", Vec::new())
    }

    /// All keys and values.
    pub fn items(&self) -> Result<Vec<(K, V)>, ManagerError> {
        self.handle.get("items", Vec::new())
    }

    /// Sets several values at once.
    pub fn update(&self, entries: &BTreeMap<K, V>) -> Result<(), ManagerError> {
        self.handle.done("update", vec![encode(entries)?])
    }

    /// Removes all keys.
    pub fn clear(&self) -> Result<(), ManagerError> {
        self.handle.done("clear", Vec::new())
    }

    /// The complete content.
    pub fn to_map(&self) -> Result<BTreeMap<K, V>, ManagerError> {
        self.handle.get("copy", Vec::new())
    }
}

/// A missing key is no error.
fn found<T>(result: Result<T, ManagerError>) -> Result<Option<T>, ManagerError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == Some(FailureKind::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}
