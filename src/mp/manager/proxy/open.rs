//! How a client comes by proxies: by name, made where there is none; by reference; or without a name.

use serde::Serialize;

use super::{
    ArrayProxy, BarrierProxy, BoundedSemaphoreProxy, ConditionProxy, CustomProxy, DictProxy, EventProxy, Handle,
    JoinableQueueProxy, ListProxy, LockProxy, NamespaceProxy, Proxy, QueueProxy, RLockProxy, SemaphoreProxy, SetProxy,
    ValueProxy, count, encode, encode_all,
};
use crate::mp::manager::client::{Client, ServerWait};
use crate::mp::manager::dynamic_value::{DynamicValue, Reference, from_value};
use crate::mp::manager::failure::{Failure, FailureKind, ManagerError};
use crate::mp::manager::registry::ObjectInfo;
use crate::mp::manager::wire::{Request, Target};

impl Client {
    /// The object of that name, made of `arguments` where there is none yet.
    ///
    /// # Errors
    /// When there is one of another kind, or it cannot be made.
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

    /// A new object without a name: whoever shall use it is given its reference. It lives until it is deleted.
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
        let made = self.ask(&Request::Create { name, kind, arguments, must_be_new }, ServerWait::None)?;
        Ok(P::from_handle(Handle::new(self.clone(), from_value(made)?)))
    }

    /// The object of that name, which must be there.
    ///
    /// # Errors
    /// When there is none, or one of another kind.
    pub fn find<P: Proxy>(&self, name: &str) -> Result<P, ManagerError> {
        let (reference, kind): (Reference, String) = from_value(self.ask(&Request::Find(name), ServerWait::None)?)?;
        if kind != P::KIND && !P::KIND.is_empty() {
            let message = format!("'{name}' is a {kind}, not a {}", P::KIND);
            return Err(Failure::new(FailureKind::NameTaken, message).into());
        }
        Ok(self.proxy(reference))
    }

    /// The reference and the kind of the object of that name, as a list of the two.
    ///
    /// ```
    /// # use fanlane::mp::manager::{Address, Client, Key, Reference, Server, ServerOptions, from_value};
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
    /// When there is none.
    pub fn find_any(&self, name: &str) -> Result<DynamicValue, ManagerError> {
        self.ask(&Request::Find(name), ServerWait::None)
    }

    /// A proxy of the object that a reference names. That it is of this kind shows with its first call.
    pub fn proxy<P: Proxy>(&self, reference: Reference) -> P {
        P::from_handle(Handle::new(self.clone(), reference))
    }

    /// What objects there are, each with a bounded preview.
    ///
    /// # Errors
    /// When the manager is gone.
    pub fn objects(&self) -> Result<Vec<ObjectInfo>, ManagerError> {
        Ok(from_value(self.ask(&Request::List, ServerWait::None)?)?)
    }

    /// The whole content of an object as plain values; for one without content, its state.
    ///
    /// # Errors
    /// When there is no such object, or the answer is over the limit.
    pub fn snapshot(&self, name: &str) -> Result<DynamicValue, ManagerError> {
        self.ask(&Request::Snapshot(Target::Name(name)), ServerWait::None)
    }

    /// Calls a method of the object of that name by the method's name, however long it waits in the manager.
    ///
    /// # Errors
    /// What the manager answers, or that it did not.
    pub fn call(&self, name: &str, method: &str, arguments: Vec<DynamicValue>) -> Result<DynamicValue, ManagerError> {
        self.ask(&Request::Call { target: Target::Name(name), method, arguments }, ServerWait::Unbounded)
    }

    /// Removes the object of that name.
    ///
    /// # Errors
    /// When there is none.
    pub fn delete(&self, name: &str) -> Result<(), ManagerError> {
        self.ask(&Request::Delete(Target::Name(name)), ServerWait::None).map(drop)
    }

    /// Ends the manager; Python's `shutdown`. All its clients find it gone.
    ///
    /// # Errors
    /// When it is gone already.
    pub fn stop_server(&self) -> Result<(), ManagerError> {
        self.ask(&Request::Stop, ServerWait::None).map(drop)
    }

    /// Makes an object of a kind that only its name says, an own type for one, where there is none of that name.
    ///
    /// # Errors
    /// When there is one of another kind, no such kind, or it cannot be made.
    pub fn custom(&self, name: &str, kind: &str, arguments: Vec<DynamicValue>) -> Result<CustomProxy, ManagerError> {
        self.make(Some(name), kind, arguments, false)
    }

    /// The list of that name, empty where there is none yet.
    ///
    /// # Errors
    /// As [`Client::open`], here and in what follows.
    pub fn list<T>(&self, name: &str) -> Result<ListProxy<T>, ManagerError> {
        self.open(name, Vec::new())
    }

    /// The dict of that name, empty where there is none yet.
    ///
    /// # Errors
    /// As [`Client::open`].
    pub fn dict<K, V>(&self, name: &str) -> Result<DictProxy<K, V>, ManagerError> {
        self.open(name, Vec::new())
    }

    /// The set of that name, empty where there is none yet.
    ///
    /// # Errors
    /// As [`Client::open`].
    pub fn set<T>(&self, name: &str) -> Result<SetProxy<T>, ManagerError> {
        self.open(name, Vec::new())
    }

    /// The namespace of that name, empty where there is none yet.
    ///
    /// # Errors
    /// As [`Client::open`].
    pub fn namespace(&self, name: &str) -> Result<NamespaceProxy, ManagerError> {
        self.open(name, Vec::new())
    }

    /// The value of that name, `initial` where there is none yet.
    ///
    /// # Errors
    /// As [`Client::open`].
    pub fn value<T: Serialize>(&self, name: &str, initial: &T) -> Result<ValueProxy<T>, ManagerError> {
        self.open(name, vec![encode(initial)?])
    }

    /// The array of that name, of these items where there is none yet.
    ///
    /// # Errors
    /// As [`Client::open`].
    pub fn array<T: Serialize>(&self, name: &str, items: &[T]) -> Result<ArrayProxy<T>, ManagerError> {
        self.open(name, vec![encode_all(items)?])
    }

    /// The queue of that name; it holds at most `most` items where it is made now, 0 for any number.
    ///
    /// # Errors
    /// As [`Client::open`].
    pub fn queue<T>(&self, name: &str, most: usize) -> Result<QueueProxy<T>, ManagerError> {
        self.open(name, vec![count(most)])
    }

    /// The joinable queue of that name; it holds at most `most` items where it is made now, 0 for any number.
    ///
    /// # Errors
    /// As [`Client::open`].
    pub fn joinable_queue<T>(&self, name: &str, most: usize) -> Result<JoinableQueueProxy<T>, ManagerError> {
        self.open(name, vec![count(most)])
    }

    /// The lock of that name.
    ///
    /// # Errors
    /// As [`Client::open`].
    pub fn lock(&self, name: &str) -> Result<LockProxy, ManagerError> {
        self.open(name, Vec::new())
    }

    /// The reentrant lock of that name.
    ///
    /// # Errors
    /// As [`Client::open`].
    pub fn rlock(&self, name: &str) -> Result<RLockProxy, ManagerError> {
        self.open(name, Vec::new())
    }

    /// The semaphore of that name, with so many slots where it is made now.
    ///
    /// # Errors
    /// As [`Client::open`].
    pub fn semaphore(&self, name: &str, slots: usize) -> Result<SemaphoreProxy, ManagerError> {
        self.open(name, vec![count(slots)])
    }

    /// The bounded semaphore of that name, with so many slots where it is made now.
    ///
    /// # Errors
    /// As [`Client::open`].
    pub fn bounded_semaphore(&self, name: &str, slots: usize) -> Result<BoundedSemaphoreProxy, ManagerError> {
        self.open(name, vec![count(slots)])
    }

    /// The event of that name, not set where it is made now.
    ///
    /// # Errors
    /// As [`Client::open`].
    pub fn event(&self, name: &str) -> Result<EventProxy, ManagerError> {
        self.open(name, Vec::new())
    }

    /// The condition of that name.
    ///
    /// # Errors
    /// As [`Client::open`].
    pub fn condition(&self, name: &str) -> Result<ConditionProxy, ManagerError> {
        self.open(name, Vec::new())
    }

    /// The barrier of that name, for so many parties where it is made now.
    ///
    /// # Errors
    /// As [`Client::open`].
    pub fn barrier(&self, name: &str, parties: usize) -> Result<BarrierProxy, ManagerError> {
        self.open(name, vec![count(parties)])
    }
}
