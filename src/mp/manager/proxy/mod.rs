//! Proxies: what a program holds in place of an object of a manager. Each method is one call, done as a whole before
//! another client's.

mod cell;
mod dict;
mod list;
mod lock;
mod meet;
mod namespace;
mod open;
mod own;
mod queue;
mod semaphore;
mod set;

#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use cell::{ArrayProxy, ValueProxy};
pub use dict::DictProxy;
pub use list::ListProxy;
pub use lock::{ConditionProxy, Held, LockProxy, RLockProxy};
pub use meet::{BarrierProxy, EventProxy};
pub use namespace::NamespaceProxy;
pub use own::OwnProxy;
pub use queue::{JoinableQueueProxy, QueueProxy};
pub use semaphore::{BoundedSemaphoreProxy, HeldSlot, SemaphoreProxy};
pub use set::SetProxy;

use super::client::{Client, Patience};
use super::datum::{Datum, Reference, from_datum, to_datum};
use super::failure::ManagerError;
use super::wire::{Request, Target};

/// A client and the object that it speaks of.
#[derive(Clone, Debug)]
pub struct Handle {
    client: Client,
    reference: Reference,
}

impl Handle {
    pub(super) const fn new(client: Client, reference: Reference) -> Self {
        Self { client, reference }
    }

    /// The object's reference, which can be put into other objects.
    pub const fn reference(&self) -> Reference {
        self.reference
    }

    /// The client that it is spoken through.
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Calls a method by its name.
    ///
    /// # Errors
    /// What the manager answers, or that it did not.
    pub fn call(&self, method: &str, arguments: Vec<Datum>) -> Result<Datum, ManagerError> {
        self.call_for(method, arguments, Patience::None)
    }

    pub(super) fn call_for(
        &self,
        method: &str,
        arguments: Vec<Datum>,
        patience: Patience,
    ) -> Result<Datum, ManagerError> {
        let target = Target::Reference(self.reference.0);
        self.client.ask(&Request::Call { target, method, arguments }, patience)
    }

    fn get<T: DeserializeOwned>(&self, method: &str, arguments: Vec<Datum>) -> Result<T, ManagerError> {
        Ok(from_datum(self.call(method, arguments)?)?)
    }

    fn done(&self, method: &str, arguments: Vec<Datum>) -> Result<(), ManagerError> {
        self.call(method, arguments).map(drop)
    }

    /// A call whose last argument is how long it may wait.
    fn wait<T: DeserializeOwned>(
        &self,
        method: &str,
        mut arguments: Vec<Datum>,
        timeout: Option<Duration>,
    ) -> Result<T, ManagerError> {
        arguments.push(timeout.map_or(Datum::Nil, |timeout| Datum::Float(timeout.as_secs_f64())));
        Ok(from_datum(self.call_for(method, arguments, timeout.into())?)?)
    }

    /// Removes the object from the manager; whoever waits for it is told.
    ///
    /// # Errors
    /// When it is gone already, or the manager is.
    pub fn delete(&self) -> Result<(), ManagerError> {
        self.client.ask(&Request::Delete(Target::Reference(self.reference.0)), Patience::None).map(drop)
    }
}

/// What all proxies have. A type of proxies of one's own wraps a [`Handle`] and gives its methods names and types:
///
/// ```
/// use fanlane::mp::manager::proxy::{Handle, Proxy};
/// use fanlane::mp::manager::{Address, Key, ManagerError, Server, ServerOptions, from_datum};
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
///         Ok(from_datum(self.handle().call("append", vec![what.into()])?)?)
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
    /// The name of the kind of object that it stands for.
    const KIND: &'static str;

    /// A proxy of the object that `handle` names.
    fn from_handle(handle: Handle) -> Self;

    /// The client and the object.
    fn handle(&self) -> &Handle;

    /// The object's reference: a value that can be put into other objects of the same manager, which so hold it.
    fn reference(&self) -> Reference {
        self.handle().reference()
    }

    /// Removes the object from the manager; whoever waits for it is told.
    ///
    /// # Errors
    /// When it is gone already, or the manager is.
    fn delete(&self) -> Result<(), ManagerError> {
        self.handle().delete()
    }
}

fn datum<T: Serialize + ?Sized>(value: &T) -> Result<Datum, ManagerError> {
    Ok(to_datum(value)?)
}

fn data<'a, T: Serialize + 'a>(values: impl IntoIterator<Item = &'a T>) -> Result<Datum, ManagerError> {
    let data: Result<Vec<Datum>, _> = values.into_iter().map(to_datum).collect();
    Ok(Datum::List(data?))
}

const fn count(number: usize) -> Datum {
    Datum::Int(number as i128)
}

/// Declares a proxy of objects of one kind.
macro_rules! proxy {
    ($(#[$what:meta])* $name:ident<$($type:ident),*> = $kind:literal) => {
        $(#[$what])*
        #[derive(Debug)]
        pub struct $name<$($type),*> {
            handle: $crate::mp::manager::proxy::Handle,
            types: std::marker::PhantomData<fn() -> ($($type,)*)>,
        }

        impl<$($type),*> Clone for $name<$($type),*> {
            fn clone(&self) -> Self {
                Self { handle: self.handle.clone(), types: std::marker::PhantomData }
            }
        }

        impl<$($type),*> $crate::mp::manager::proxy::Proxy for $name<$($type),*> {
            const KIND: &'static str = $kind;

            fn from_handle(handle: $crate::mp::manager::proxy::Handle) -> Self {
                Self { handle, types: std::marker::PhantomData }
            }

            fn handle(&self) -> &$crate::mp::manager::proxy::Handle {
                &self.handle
            }
        }
    };
}
use proxy;
