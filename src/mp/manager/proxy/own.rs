//! [`OwnProxy`]: an object whose methods are known by their names alone.

use serde::de::DeserializeOwned;

use super::proxy;
use crate::mp::manager::client::Patience;
use crate::mp::manager::datum::{Datum, from_datum};
use crate::mp::manager::failure::ManagerError;

proxy! {
    /// An object of an own type of the server, or of any kind whose methods are called by their names.
    OwnProxy<> = ""
}

impl OwnProxy {
    /// Calls a method, however long it takes.
    ///
    /// # Errors
    /// What the method says, and when the manager is gone.
    pub fn call<T: DeserializeOwned>(&self, method: &str, arguments: Vec<Datum>) -> Result<T, ManagerError> {
        Ok(from_datum(self.handle.call_for(method, arguments, Patience::Endless)?)?)
    }
}
