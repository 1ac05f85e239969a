//! Proxies: a program's stand-ins for objects of a manager. Each method is one call, which is atomic among those of all
//! clients.

mod array;
mod barrier;
mod custom;
mod dict;
mod event;
mod list;
mod lock;
mod namespace;
mod open;
mod queue;
mod semaphore;
mod set;
mod value;

#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use array::ArrayProxy;
pub use barrier::BarrierProxy;
pub use custom::CustomProxy;
pub use dict::DictProxy;
pub use event::EventProxy;
pub use list::ListProxy;
pub use lock::{ConditionProxy, Held, LockProxy, RLockProxy};
pub use namespace::NamespaceProxy;
pub use queue::{JoinableQueueProxy, QueueProxy};
pub use semaphore::{BoundedSemaphoreProxy, HeldSlot, SemaphoreProxy};
pub use set::SetProxy;
pub use value::ValueProxy;

use super::client::{Client, ServerWait};
use super::dynamic_value::{DynamicValue, Reference, from_value, to_value};
use super::failure::ManagerError;
use super::wire::{Request, Target};

/// A client and the reference of an object.
#[derive(Clone, Debug)]
pub struct Handle {
    client: Client,
    reference: Reference,
}

impl Handle {
    pub(super) const fn new(client: Client, reference: Reference) -> Self {
        Self { client, reference }
    }

    /// The reference of the object, which other objects can hold.
    pub const fn reference(&self) -> Reference {
        self.reference
    }

    /// The client that calls go through.
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Calls a method by its name.
    ///
    /// # Errors
    /// The failure that the manager answers, or that it does not answer.
    pub fn call(&self, method: &str, arguments: Vec<DynamicValue>) -> Result<DynamicValue, ManagerError> {
        self.call_within(method, arguments, ServerWait::None)
    }

    pub(super) fn call_within(
        &self,
        method: &str,
        arguments: Vec<DynamicValue>,
        wait: ServerWait,
    ) -> Result<DynamicValue, ManagerError> {
        let target = Target::Reference(self.reference.0);
        self.client.request(&Request::Call { target, method, arguments }, wait)
    }

    fn get<T: DeserializeOwned>(&self, method: &str, arguments: Vec<DynamicValue>) -> Result<T, ManagerError> {
        Ok(from_value(self.call(method, arguments)?)?)
    }

    fn done(&self, method: &str, arguments: Vec<DynamicValue>) -> Result<(), ManagerError> {
        self.call(method, arguments).map(drop)
    }

    /// Calls a method whose last argument is its timeout, and converts its result.
    fn wait<T: DeserializeOwned>(
        &self,
        method: &str,
        arguments: Vec<DynamicValue>,
        timeout: Option<Duration>,
    ) -> Result<T, ManagerError> {
        Ok(from_value(self.wait_for_value(method, arguments, timeout)?)?)
    }

    /// Calls a method whose last argument is its timeout.
    fn wait_for_value(
        &self,
        method: &str,
        mut arguments: Vec<DynamicValue>,
        timeout: Option<Duration>,
    ) -> Result<DynamicValue, ManagerError> {
        arguments.push(timeout_value(timeout));
        self.call_within(method, arguments, timeout.into())
    }

    /// Removes the object from the manager; waits for it end with an error.
    ///
    /// # Errors
    /// When it is gone already, or the manager is.
    pub fn delete(&self) -> Result<(), ManagerError> {
        self.client.request(&Request::Delete(Target::Reference(self.reference.0)), ServerWait::None).map(drop)
    }
}

/// What all proxies have in common. A proxy type of a program wraps a [`Handle`] and gives methods names and types:
///
/// ```
/// use fanlane_mp::manager::proxy::{Handle, Proxy};
/// use fanlane_mp::manager::{Address, Key, ManagerError, Server, ServerOptions, from_value};
///
/// /// A list of the manager of which this program knows one method.
/// struct Log(Handle);
///
/// impl Proxy for Log {
///     const KIND: &'static str = "list";
///
///     fn from_handle(handle: Handle) -> Self {
///         Self(handle)
///     }
///
///     fn handle(&self) -> &Handle {
///         &self.0
///     }
/// }
///
/// impl Log {
///     fn note(&self, what: &str) -> Result<(), ManagerError> {
///         Ok(from_value(self.handle().call("append", vec![what.into()])?)?)
///     }
/// }
///
/// let folder = tempfile::tempdir()?;
/// let address = Address::Unix(folder.path().join("own/manager"));
/// let server = Server::start(ServerOptions::new(vec![address], Key::random()?))?;
/// let client = server.client()?;
/// client.open::<Log>("log", vec![])?.note("begun")?;
/// assert_eq!(client.list::<String>("log")?.to_vec()?, ["begun"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Proxy: Sized {
    /// The name of its kind of object.
    const KIND: &'static str;

    /// A proxy of the object that `handle` names.
    fn from_handle(handle: Handle) -> Self;

    /// The client and the reference of the object.
    fn handle(&self) -> &Handle;

    /// The reference of the object: a value that other objects of the same manager can hold.
    fn reference(&self) -> Reference {
        self.handle().reference()
    }

    /// Removes the object from the manager; waits for it end with an error.
    ///
    /// # Errors
    /// When it is gone already, or the manager is.
    fn delete(&self) -> Result<(), ManagerError> {
        self.handle().delete()
    }
}

fn encode<T: Serialize + ?Sized>(value: &T) -> Result<DynamicValue, ManagerError> {
    Ok(to_value(value)?)
}

fn encode_all<'a, T: Serialize + 'a>(values: impl IntoIterator<Item = &'a T>) -> Result<DynamicValue, ManagerError> {
    let data: Result<Vec<DynamicValue>, _> = values.into_iter().map(to_value).collect();
    Ok(DynamicValue::List(data?))
}

/// A timeout as an argument of a call, in seconds; nothing is no limit.
fn timeout_value(timeout: Option<Duration>) -> DynamicValue {
    timeout.map_or(DynamicValue::Nil, |timeout| DynamicValue::Float(timeout.as_secs_f64()))
}

const fn count(number: usize) -> DynamicValue {
    DynamicValue::Int(number as i128)
}

/// Declares the proxy type of a kind of object.
macro_rules! proxy {
    ($(#[$what:meta])* $name:ident<$($type:ident),*> = $kind:literal) => {
        $(#[$what])*
        #[derive(Debug)]
        pub struct $name<$($type),*> {
            handle: $crate::manager::proxy::Handle,
            types: std::marker::PhantomData<fn() -> ($($type,)*)>,
        }

        impl<$($type),*> Clone for $name<$($type),*> {
            fn clone(&self) -> Self {
                Self { handle: self.handle.clone(), types: std::marker::PhantomData }
            }
        }

        impl<$($type),*> $crate::manager::proxy::Proxy for $name<$($type),*> {
            const KIND: &'static str = $kind;

            fn from_handle(handle: $crate::manager::proxy::Handle) -> Self {
                Self { handle, types: std::marker::PhantomData }
            }

            fn handle(&self) -> &$crate::manager::proxy::Handle {
                &self.handle
            }
        }
    };
}
use proxy;
