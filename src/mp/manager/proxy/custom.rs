//! [`CustomProxy`]: an object whose methods are known by their names alone.

use serde::de::DeserializeOwned;

use super::proxy;
use crate::mp::manager::client::ServerWait;
use crate::mp::manager::dynamic_value::{DynamicValue, from_value};
use crate::mp::manager::failure::ManagerError;

proxy! {
    /// An object of an own type of the server, or of any kind whose methods are called by their names.
    CustomProxy<> = ""
}

impl CustomProxy {
    /// Calls a method, however long it takes.
    ///
    /// # Errors
    /// What the method says, and when the manager is gone.
    pub fn call<T: DeserializeOwned>(&self, method: &str, arguments: Vec<DynamicValue>) -> Result<T, ManagerError> {
        Ok(from_value(self.handle.call_for(method, arguments, ServerWait::Unbounded)?)?)
    }
}
