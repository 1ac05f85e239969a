//! [`NamespaceProxy`].

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{encode, proxy};
use crate::manager::failure::ManagerError;

proxy! {
    /// Attributes in a manager, each of any type.
    NamespaceProxy<> = "Namespace"
}

/// # Errors
/// Each method: when the manager cannot do it, or cannot be reached.
impl NamespaceProxy {
    /// The attribute of that name.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<T, ManagerError> {
        self.handle.get("get", vec![name.into()])
    }

    /// Sets the attribute of that name.
    pub fn set<T: Serialize>(&self, name: &str, value: &T) -> Result<(), ManagerError> {
        self.handle.done("set", vec![name.into(), encode(value)?])
    }

    /// Removes an existing attribute.
    pub fn remove(&self, name: &str) -> Result<(), ManagerError> {
        self.handle.done("delete", vec![name.into()])
    }

    /// The names of all attributes.
    pub fn names(&self) -> Result<Vec<String>, ManagerError> {
        self.handle.get("names", Vec::new())
    }
}
