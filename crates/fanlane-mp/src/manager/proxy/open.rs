//! Opens proxies: by name, where a missing object is made; by reference; or of a new object without a name.

use serde::Serialize;

use super::{
    ArrayProxy, BarrierProxy, BoundedSemaphoreProxy, ConditionProxy, CustomProxy, DictProxy, EventProxy, Handle,
    JoinableQueueProxy, ListProxy, LockProxy, NamespaceProxy, Proxy, QueueProxy, RLockProxy, SemaphoreProxy, SetProxy,
    ValueProxy, count, encode, encode_all,
};
use crate::manager::client::{Client, ServerWait};
use crate::manager::dynamic_value::{DynamicValue, Reference, from_value};
use crate::manager::failure::{Failure, FailureKind, ManagerError};
use crate::manager::registry::ObjectInfo;
use crate::manager::wire::{Request, Target};

impl Client {
    /// The object of that name. A missing one is made of `arguments`.
    ///
    /// # Errors
    /// When the object is of another kind, or cannot be made.
    pub fn open<P: Proxy>(&self, name: &str, arguments: Vec<DynamicValue>) -> Result<P, ManagerError> {
        self.make(Some(name), P::KIND, arguments, false)
    }

    /// A new object of that name.
    ///
    /// # Errors
    /// When the name is taken, or it cannot be made.
    pub fn create<P: Proxy>(&self, name: &str, arguments: Vec<DynamicValue>) -> Result<P, ManagerError> {
        self.make(Some(name), P::KIND, arguments, true)
    }

    /// A new object without a name, which other clients find by its reference. It lives until it is deleted.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn unnamed<P: Proxy>(&self, arguments: Vec<DynamicValue>) -> Result<P, ManagerError> {
        self.make(None, P::KIND, arguments, true)
    }

    fn make<P: Proxy>(
        &self,
        name: Option<&str>,
        kind: &str,
        arguments: Vec<DynamicValue>,
        must_be_new: bool,
    ) -> Result<P, ManagerError> {
        let made = self.request(&Request::Create { name, kind, arguments, must_be_new }, ServerWait::None)?;
        Ok(P::from_handle(Handle::new(self.clone(), from_value(made)?)))
    }

    /// The existing object of that name.
    ///
    /// # Errors
    /// When it does not exist, or is of another kind.
    pub fn find<P: Proxy>(&self, name: &str) -> Result<P, ManagerError> {
        let (reference, kind): (Reference, String) = from_value(self.request(&Request::Find(name), ServerWait::None)?)?;
        if kind != P::KIND && !P::KIND.is_empty() {
            let message = format!("'{name}' is a {kind}, not a {}", P::KIND);
            return Err(Failure::new(FailureKind::NameTaken, message).into());
        }
        Ok(self.proxy(reference))
    }

    /// The reference and the kind of an existing object, as a list of the two.
    ///
    /// ```
    /// # use fanlane_mp::manager::{Address, Client, Key, Reference, Server, ServerOptions, from_value};
    /// # let folder = tempfile::tempdir()?;
    /// # let address = Address::Unix(folder.path().join("own/manager"));
    /// # let server = Server::start(ServerOptions::new(vec![address], Key::random()?))?;
    /// let client: Client = server.client()?;
    /// client.lock("gate")?;
    /// let (_, kind): (Reference, String) = from_value(client.find_any("gate")?)?;
    /// assert_eq!(kind, "Lock");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When it does not exist.
    pub fn find_any(&self, name: &str) -> Result<DynamicValue, ManagerError> {
        self.request(&Request::Find(name), ServerWait::None)
    }

    /// A proxy of the object that a reference names. Whether it is of this kind shows in the first call.
    pub fn proxy<P: Proxy>(&self, reference: Reference) -> P {
        P::from_handle(Handle::new(self.clone(), reference))
    }

    /// All objects, each with a bounded preview.
    ///
    /// # Errors
    /// When the manager is gone.
    pub fn objects(&self) -> Result<Vec<ObjectInfo>, ManagerError> {
        Ok(from_value(self.request(&Request::List, ServerWait::None)?)?)
    }

    /// The complete content of an object as plain values; of an object without content, its state.
    ///
    /// # Errors
    /// When it does not exist, or the answer is over the limit.
    pub fn snapshot(&self, name: &str) -> Result<DynamicValue, ManagerError> {
        self.request(&Request::Snapshot(Target::Name(name)), ServerWait::None)
    }

    /// Calls a method of the object of that name, without a limit on the time that it waits in the manager.
    ///
    /// # Errors
    /// The failure that the manager answers, or that it does not answer.
    pub fn call(&self, name: &str, method: &str, arguments: Vec<DynamicValue>) -> Result<DynamicValue, ManagerError> {
        self.request(&Request::Call { target: Target::Name(name), method, arguments }, ServerWait::Unbounded)
    }

    /// Removes the object of that name.
    ///
    /// # Errors
    /// When it does not exist.
    pub fn delete(&self, name: &str) -> Result<(), ManagerError> {
        self.request(&Request::Delete(Target::Name(name)), ServerWait::None).map(drop)
    }

    /// Ends the manager, as Python's `shutdown` does: every client finds it gone.
    ///
    /// # Errors
    /// When it is gone already.
    pub fn stop_server(&self) -> Result<(), ManagerError> {
        self.request(&Request::Stop, ServerWait::None).map(drop)
    }
}

/// # Errors
/// Each method: as [`Client::open`].
impl Client {
    /// The object of that name, of a kind that only the name of a type tells: a custom type of the server.
    pub fn custom(&self, name: &str, kind: &str, arguments: Vec<DynamicValue>) -> Result<CustomProxy, ManagerError> {
        self.make(Some(name), kind, arguments, false)
    }

    /// The list of that name, empty where it is new.
    pub fn list<T>(&self, name: &str) -> Result<ListProxy<T>, ManagerError> {
        self.open(name, Vec::new())
    }

    /// The dict of that name, empty where it is new.
    pub fn dict<K, V>(&self, name: &str) -> Result<DictProxy<K, V>, ManagerError> {
        self.open(name, Vec::new())
    }

    /// The set of that name, empty where it is new.
    pub fn set<T>(&self, name: &str) -> Result<SetProxy<T>, ManagerError> {
        self.open(name, Vec::new())
    }

    /// The namespace of that name, empty where it is new.
    pub fn namespace(&self, name: &str) -> Result<NamespaceProxy, ManagerError> {
        self.open(name, Vec::new())
    }

    /// The value of that name, `initial` where it is new.
    pub fn value<T: Serialize>(&self, name: &str, initial: &T) -> Result<ValueProxy<T>, ManagerError> {
        self.open(name, vec![encode(initial)?])
    }

    /// The array of that name, of these items where it is new.
    pub fn array<T: Serialize>(&self, name: &str, items: &[T]) -> Result<ArrayProxy<T>, ManagerError> {
        self.open(name, vec![encode_all(items)?])
    }

    /// The queue of that name; a new one holds at most `max_items` items, 0 for no limit.
    pub fn queue<T>(&self, name: &str, max_items: usize) -> Result<QueueProxy<T>, ManagerError> {
        self.open(name, vec![count(max_items)])
    }

    /// The joinable queue of that name; a new one holds at most `max_items` items, 0 for no limit.
    pub fn joinable_queue<T>(&self, name: &str, max_items: usize) -> Result<JoinableQueueProxy<T>, ManagerError> {
        self.open(name, vec![count(max_items)])
    }

    /// The lock of that name.
    pub fn lock(&self, name: &str) -> Result<LockProxy, ManagerError> {
        self.open(name, Vec::new())
    }

    /// The reentrant lock of that name.
    pub fn rlock(&self, name: &str) -> Result<RLockProxy, ManagerError> {
        self.open(name, Vec::new())
    }

    /// The semaphore of that name; a new one has `slots` slots.
    pub fn semaphore(&self, name: &str, slots: usize) -> Result<SemaphoreProxy, ManagerError> {
        self.open(name, vec![count(slots)])
    }

    /// The bounded semaphore of that name; a new one has `slots` slots.
    pub fn bounded_semaphore(&self, name: &str, slots: usize) -> Result<BoundedSemaphoreProxy, ManagerError> {
        self.open(name, vec![count(slots)])
    }

    /// The event of that name, not set where it is new.
    pub fn event(&self, name: &str) -> Result<EventProxy, ManagerError> {
        self.open(name, Vec::new())
    }

    /// The condition of that name.
    pub fn condition(&self, name: &str) -> Result<ConditionProxy, ManagerError> {
        self.open(name, Vec::new())
    }

    /// The barrier of that name; a new one is for `parties` parties.
    pub fn barrier(&self, name: &str, parties: usize) -> Result<BarrierProxy, ManagerError> {
        self.open(name, vec![count(parties)])
    }
}
