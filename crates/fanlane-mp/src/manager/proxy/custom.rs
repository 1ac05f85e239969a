//! [`CustomProxy`]: an object whose methods are called by their names.

use serde::de::DeserializeOwned;

use super::proxy;
use crate::manager::client::ServerWait;
use crate::manager::dynamic_value::{DynamicValue, from_value};
use crate::manager::failure::ManagerError;

proxy! {
    /// An object of a custom type of the server, or of any other kind.
    CustomProxy<> = ""
}

impl CustomProxy {
    /// Calls a method, without a limit on the time that it takes.
    ///
    /// # Errors
    /// The failure of the method, and when the manager is gone.
    pub fn call<T: DeserializeOwned>(&self, method: &str, arguments: Vec<DynamicValue>) -> Result<T, ManagerError> {
        Ok(from_value(self.handle.call_within(method, arguments, ServerWait::Unbounded)?)?)
    }
}
