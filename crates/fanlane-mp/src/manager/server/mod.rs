//! The server of a manager: one thread that waits for all connections at once and never for a single one, so that no
//! client, however slow, silent or hostile, delays another.

mod connection;
mod event_loop;
mod poll;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::unbounded;

use super::client::{Client, ClientOptions};
use super::custom_types::{CustomType, MakeCustom, Results, maker};
use super::dynamic_value::DynamicValue;
use super::failure::{ConnectError, Failure};
use super::folder::Folder;
use super::registry::{ObjectInfo, Quota, Registry};
use super::wire::{MAX_FRAME_BYTES, Request};
use crate::authentication::{Address, BindError, Key, ListeningSocket};
use event_loop::EventLoop;
use fanlane_os::waker::Waker;

/// Default maximum memory of a manager's values, in bytes: 1 GiB.
pub const MAX_BYTES: u64 = 1 << 30;

/// The options of a manager's server.
///
/// ```
/// use fanlane_mp::manager::{FailureKind, MAX_BYTES, Server, ServerOptions};
///
/// let mut options = ServerOptions::local()?;
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
#[non_exhaustive]
pub struct ServerOptions {
    /// The addresses that it listens at; with none, a socket in a folder of its own, for processes of this user.
    pub addresses: Vec<Address>,
    /// The key that clients must have.
    pub key: Key,
    /// Maximum time for a client to prove that it has the key.
    pub handshake_timeout: Duration,
    /// Maximum number of connections at the same time; each thread of a client has one.
    pub max_connections: usize,
    /// Maximum size of a call and of an answer, in bytes.
    pub max_frame_bytes: usize,
    /// Maximum number of objects.
    pub max_objects: usize,
    /// Maximum memory of the values of all objects together, in bytes, without those of custom types.
    pub max_bytes: u64,
    /// The flag or the field that sets `max_bytes`, for the message to a client whose value is refused.
    pub max_bytes_is_set_by: String,
    custom_types: BTreeMap<String, MakeCustom>,
}

impl ServerOptions {
    /// A random key and no address, for the processes of this user that are told them; limits as [`ServerOptions::new`].
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn local() -> io::Result<Self> {
        Ok(Self::new(Vec::new(), Key::random()?))
    }

    /// Limits of 512 connections, 100,000 objects, [`MAX_BYTES`] of values and 64 MiB a call.
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

    /// Registers a custom type under the name by which clients make objects of it. `make` gets the arguments of the
    /// client. It runs in the server's thread and must be quick.
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

/// Why a server cannot be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The server cannot listen at an address.
    #[error("the manager cannot listen at {address}: {source}")]
    Listen {
        /// The address.
        address: String,
        /// The error of the system.
        #[source]
        source: io::Error,
    },
    /// Other users can enter the folder of the socket.
    #[error(
        "the folder {0} of the manager's socket is open to other users; give the socket a folder of its own \
         (mkdir -m 700 FOLDER)"
    )]
    Exposed(PathBuf),
    /// The system has no descriptors or threads left, or no folder for the socket of a manager without an address.
    #[error("the manager cannot be started: {0}")]
    System(#[from] io::Error),
}

/// A manager in a thread of this process. Dropping it ends the thread.
#[derive(Debug)]
pub struct Server {
    shared: Arc<ServerShared>,
    addresses: Vec<Address>,
    key: Key,
    thread: Option<JoinHandle<()>>,
    /// Of a socket that no address was given for. It is removed after the thread has ended.
    folder: Option<Folder>,
}

/// The part of a server that its thread and its owner share.
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
    /// Starts a server.
    ///
    /// # Errors
    /// When it cannot listen at one of its addresses.
    pub fn start(mut options: ServerOptions) -> Result<Self, ServeError> {
        let mut folder = None;
        if options.addresses.is_empty() {
            let own = folder.insert(Folder::create()?);
            options.addresses.push(Address::Unix(own.path().join("manager")));
        }
        let listeners = options.addresses.iter().map(listen).collect::<Result<Vec<_>, _>>()?;
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
        Ok(Self { shared, addresses, key, thread: Some(thread), folder })
    }

    /// The folder of its socket, where no address was given. It is removed with the server.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_ref().map(Folder::path)
    }

    /// The addresses that it listens at, with the chosen port in place of port 0.
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// The key that clients must have.
    pub const fn key(&self) -> &Key {
        &self.key
    }

    /// A client of it, in this process.
    ///
    /// # Errors
    /// As [`Client::connect`].
    pub fn client(&self) -> Result<Client, ConnectError> {
        Client::connect(self.addresses[0].clone(), self.key.clone(), ClientOptions::default())
    }

    /// Makes an object without a client.
    ///
    /// # Errors
    /// As for a client: the name is taken, the kind is unknown, or the arguments do not fit.
    pub fn create(&self, name: &str, kind: &str, arguments: Vec<DynamicValue>) -> Result<(), Failure> {
        let request = Request::Create { name: Some(name), kind, arguments, must_be_new: true };
        let mut answers = Vec::new();
        self.shared.registry().handle(0, 0, request, &mut answers);
        answers.into_iter().try_for_each(|answered| answered.result.map(drop))
    }

    /// All objects, each with a bounded preview.
    pub fn list(&self) -> Vec<ObjectInfo> {
        self.shared.registry().list()
    }

    /// The complete content of every object that has a name.
    pub fn contents(&self) -> BTreeMap<String, DynamicValue> {
        self.shared.registry().contents()
    }

    /// The number of calls of objects so far.
    pub fn calls(&self) -> u64 {
        self.shared.registry().calls()
    }

    /// The number of connections.
    pub fn connections(&self) -> u32 {
        self.shared.connections.load(Ordering::Acquire)
    }

    /// Waits until a client has stopped the server.
    pub fn join(mut self) {
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has printed its message.
            let _ = thread.join();
        }
    }

    /// Whether a client has stopped the server.
    pub fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

fn listen(address: &Address) -> Result<ListeningSocket, ServeError> {
    ListeningSocket::bind(address).map_err(|error| match error {
        BindError::Exposed(folder) => ServeError::Exposed(folder),
        BindError::System(source) => ServeError::Listen { address: address.to_string(), source },
    })
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
