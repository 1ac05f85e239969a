//! [`DictProxy`].

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{encode, proxy};
use crate::mp::manager::dynamic_value::from_value;
use crate::mp::manager::failure::{FailureKind, ManagerError};

proxy! {
    /// Values by keys in a manager, in the order of the keys.
    DictProxy<K, V> = "dict"
}

/// # Errors
/// Each method: when the manager cannot do it, or cannot be reached.
impl<K: Serialize + DeserializeOwned + Ord, V: Serialize + DeserializeOwned> DictProxy<K, V> {
    /// The value of a key; `None` where there is none.
    pub fn get(&self, key: &K) -> Result<Option<V>, ManagerError> {
        match self.handle.call("get", vec![encode(key)?]) {
            Ok(value) => Ok(Some(from_value(value)?)),
            Err(error) if error.kind() == Some(FailureKind::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sets the value of a key.
    pub fn set(&self, key: &K, value: &V) -> Result<(), ManagerError> {
        self.handle.done("set", vec![encode(key)?, encode(value)?])
    }

    /// The value of a key, which is set to `value` where there is none.
    pub fn set_default(&self, key: &K, value: &V) -> Result<V, ManagerError> {
        self.handle.get("setdefault", vec![encode(key)?, encode(value)?])
    }

    /// Adds to the number of a key, 0 where there is none; what it is then.
    pub fn add(&self, key: &K, more: &V) -> Result<V, ManagerError> {
        self.handle.get("add", vec![encode(key)?, encode(more)?])
    }

    /// Takes a key out; `None` where there is none.
    pub fn pop(&self, key: &K) -> Result<Option<V>, ManagerError> {
        match self.handle.call("pop", vec![encode(key)?]) {
            Ok(value) => Ok(Some(from_value(value)?)),
            Err(error) if error.kind() == Some(FailureKind::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Takes the last key out; `None` where there is none.
    pub fn pop_item(&self) -> Result<Option<(K, V)>, ManagerError> {
        match self.handle.call("popitem", Vec::new()) {
            Ok(pair) => Ok(Some(from_value(pair)?)),
            Err(error) if error.kind() == Some(FailureKind::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes a key, which must be there.
    pub fn remove(&self, key: &K) -> Result<(), ManagerError> {
        self.handle.done("delete", vec![encode(key)?])
    }

    /// Whether there is such a key.
    pub fn contains_key(&self, key: &K) -> Result<bool, ManagerError> {
        self.handle.get("contains", vec![encode(key)?])
    }

    /// How many keys there are.
    pub fn len(&self) -> Result<usize, ManagerError> {
        self.handle.get("len", Vec::new())
    }

    /// Whether there are none.
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

    /// All of it.
    pub fn to_map(&self) -> Result<BTreeMap<K, V>, ManagerError> {
        self.handle.get("copy", Vec::new())
    }
}
