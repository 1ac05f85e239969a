//! The server of a manager: one thread that waits for all connections at once and never for one of them, so that no
//! client, however slow, silent or hostile, holds up another.

mod connection;
mod event_loop;
mod listening_socket;
mod poll;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::unbounded;

use super::address::Address;
use super::client::{Client, ClientOptions};
use super::custom_types::{CustomObject, CustomType, Results};
use super::dynamic_value::DynamicValue;
use super::failure::{Failure, ManagerError};
use super::key::Key;
use super::registry::{Maker, ObjectInfo, Quota, Registry};
use super::wire::{MAX_FRAME_BYTES, Request};
use crate::mp::waker::Waker;
use event_loop::EventLoop;
pub(in crate::mp) use listening_socket::ListeningSocket;
pub(super) use listening_socket::set_keepalive;

type MakeCustom = Arc<dyn Fn(Vec<DynamicValue>) -> Result<Box<dyn CustomType>, Failure> + Send + Sync>;

/// What the values of a manager may take in memory where nothing else is said, in bytes: 1 GiB.
pub const MAX_BYTES: u64 = 1 << 30;

/// How a manager is served.
///
/// ```
/// use fanlane::mp::manager::{Address, FailureKind, Key, MAX_BYTES, Server, ServerOptions};
///
/// let folder = tempfile::tempdir()?;
/// let mut options = ServerOptions::new(vec![Address::Unix(folder.path().join("own/manager"))], Key::random()?);
/// assert_eq!(options.max_bytes, MAX_BYTES);
/// options.max_objects = 1;
/// let server = Server::start(options)?;
/// let client = server.client()?;
/// client.list::<u32>("one")?;
/// let error = client.list::<u32>("two").expect_err("there is room for one object");
/// assert_eq!(error.kind(), Some(FailureKind::Limit));
///
/// assert!(!server.has_ended());
/// client.stop_server()?;
/// server.join();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ServerOptions {
    /// Where it is reached; at least one.
    pub addresses: Vec<Address>,
    /// What clients must have.
    pub key: Key,
    /// A client has so long to prove that it has the key.
    pub handshake_timeout: Duration,
    /// So many clients may be connected at once, each with one connection per thread.
    pub max_connections: usize,
    /// The largest call and answer, in bytes.
    pub max_frame_bytes: usize,
    /// So many objects may be held.
    pub max_objects: usize,
    /// What the values of all objects may take in memory together, in bytes, but for those of own types.
    pub max_bytes: u64,
    /// What a client is advised whose value finds no room: the flag or the field that sets `max_bytes`.
    pub max_bytes_is_set_by: String,
    custom_types: BTreeMap<String, MakeCustom>,
}

impl ServerOptions {
    /// With room for 512 connections, 100,000 objects, [`MAX_BYTES`] of values and calls of 64 MiB.
    pub fn new(addresses: Vec<Address>, key: Key) -> Self {
        Self {
            addresses,
            key,
            handshake_timeout: Duration::from_secs(10),
            max_connections: 512,
            max_frame_bytes: MAX_FRAME_BYTES,
            max_objects: 100_000,
            max_bytes: MAX_BYTES,
            max_bytes_is_set_by: "ServerOptions::max_bytes".to_owned(),
            custom_types: BTreeMap::new(),
        }
    }

    /// Registers an own type under the name by which clients make objects of it. `make` gets the arguments that the
    /// client gave; it runs in the server's thread, so it must be quick.
    #[must_use]
    pub fn register<S: CustomType + 'static>(
        mut self,
        kind: &str,
        make: impl Fn(Vec<DynamicValue>) -> Result<S, Failure> + Send + Sync + 'static,
    ) -> Self {
        let make: MakeCustom = Arc::new(move |arguments| Ok(Box::new(make(arguments)?) as Box<dyn CustomType>));
        self.custom_types.insert(kind.to_owned(), make);
        self
    }
}

impl fmt::Debug for ServerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerOptions")
            .field("addresses", &self.addresses)
            .field("custom_types", &self.custom_types.keys())
            .finish_non_exhaustive()
    }
}

/// Why a manager cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// No address was given.
    #[error("a manager needs an address: unix:/path/of/socket or tcp:HOST:PORT")]
    NoAddress,
    /// An address cannot be listened on.
    #[error("the manager cannot listen on {address}: {source}")]
    Listen {
        /// Which one.
        address: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The folder of the socket is open to others.
    #[error(
        "the folder {0} of the manager's socket is open to others; give the socket a folder of its own \
         (mkdir -m 700 FOLDER)"
    )]
    Exposed(PathBuf),
    /// The system has no descriptors or threads left.
    #[error("the manager cannot be started: {0}")]
    System(#[from] io::Error),
}

/// A manager that is served by a thread of this process. Dropping it ends it.
#[derive(Debug)]
pub struct Server {
    shared: Arc<ServerShared>,
    addresses: Vec<Address>,
    key: Key,
    thread: Option<JoinHandle<()>>,
}

/// What the server's thread and its owner share.
pub(super) struct ServerShared {
    registry: Mutex<Registry>,
    waker: Arc<Waker>,
    stop: AtomicBool,
    connections: AtomicU32,
}

impl fmt::Debug for ServerShared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerShared").field("stop", &self.stop).finish_non_exhaustive()
    }
}

impl ServerShared {
    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Server {
    /// Starts serving.
    ///
    /// # Errors
    /// When an address cannot be listened on; nothing is served then.
    pub fn start(options: ServerOptions) -> Result<Self, ServeError> {
        if options.addresses.is_empty() {
            return Err(ServeError::NoAddress);
        }
        let listeners = options.addresses.iter().map(ListeningSocket::bind).collect::<Result<Vec<_>, _>>()?;
        let addresses: Vec<Address> = listeners.iter().map(|listener| listener.address().clone()).collect();
        let waker = Arc::new(Waker::new()?);
        let (results, ended) = unbounded();
        let results = Results { sender: results, waker: Arc::clone(&waker) };
        let custom_types = options.custom_types.iter().map(|(kind, make)| (kind.clone(), maker(kind, make, &results)));
        let quota = Quota::new(options.max_bytes, options.max_bytes_is_set_by.clone());
        let shared = Arc::new(ServerShared {
            registry: Mutex::new(Registry::new(custom_types.collect(), options.max_objects, quota)),
            waker,
            stop: AtomicBool::new(false),
            connections: AtomicU32::new(0),
        });
        let key = options.key.clone();
        let serving = EventLoop::new(Arc::clone(&shared), options, listeners, ended)?;
        let thread = std::thread::Builder::new().name("manager".to_owned()).spawn(move || serving.run())?;
        Ok(Self { shared, addresses, key, thread: Some(thread) })
    }

    /// Where it is reached; a port that was given as 0 is the one that was taken.
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// What clients must have.
    pub const fn key(&self) -> &Key {
        &self.key
    }

    /// A client of it, in this process.
    ///
    /// # Errors
    /// As [`Client::connect`].
    pub fn client(&self) -> Result<Client, ManagerError> {
        Client::connect(self.addresses[0].clone(), self.key.clone(), ClientOptions::default())
    }

    /// Makes an object without a detour through a socket.
    ///
    /// # Errors
    /// As for a client: a name that is taken, a kind that there is not, arguments that do not fit.
    pub fn create(&self, name: &str, kind: &str, arguments: Vec<DynamicValue>) -> Result<(), Failure> {
        let request = Request::Create { name: Some(name), kind, arguments, must_be_new: true };
        let mut answers = Vec::new();
        self.shared.registry().handle(0, 0, request, &mut answers);
        answers.into_iter().try_for_each(|answered| answered.result.map(drop))
    }

    /// What objects there are, each with a bounded preview.
    pub fn list(&self) -> Vec<ObjectInfo> {
        self.shared.registry().list()
    }

    /// The whole content of every object that has a name.
    pub fn contents(&self) -> BTreeMap<String, DynamicValue> {
        self.shared.registry().contents()
    }

    /// How many calls of objects there have been.
    pub fn calls(&self) -> u64 {
        self.shared.registry().calls()
    }

    /// How many clients are connected.
    pub fn connections(&self) -> u32 {
        self.shared.connections.load(Ordering::Acquire)
    }

    /// Waits until it was stopped by a client.
    pub fn join(mut self) {
        if let Some(thread) = self.thread.take() {
            // A panic there has said its words.
            let _ = thread.join();
        }
    }

    /// Whether a client has stopped it.
    pub fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.shared.stop.store(true, Ordering::Release);
            self.shared.waker.wake();
            let _ = thread.join();
        }
    }
}

fn maker(kind: &str, make: &MakeCustom, results: &Results) -> Maker {
    let (kind, make, results) = (kind.to_owned(), Arc::clone(make), results.clone());
    Arc::new(move |arguments| {
        let making = std::panic::AssertUnwindSafe(|| make(arguments));
        let made = std::panic::catch_unwind(making);
        let served = made.unwrap_or_else(|_| Err(Failure::custom(format!("making a {kind} panicked"))))?;
        Ok(Box::new(CustomObject::start(&kind, served, results.clone())?))
    })
}
