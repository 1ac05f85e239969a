//! A client of a manager. As in Python, each thread has a connection of its own, made with its first call and ended with
//! the thread: so a call that waits holds up its own thread alone, and what a thread holds is free when it ends.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use super::address::Address;
use super::dynamic_value::DynamicValue;
use super::environment::{self, EnvironmentError};
use super::failure::{FailureKind, ManagerError};
use super::key::Key;
use super::wire::{Inbox, MAX_FRAME_BYTES, Reply, Request, WireError, read_message, write_frame};
use crate::mp::spin_wait::SpinWait;
pub(in crate::mp) use stream::AuthenticatedStream;

mod stream;

/// How long a client waits for what.
///
/// ```
/// use fanlane::mp::manager::{Address, Client, ClientOptions, Key, ManagerError};
/// use std::time::Duration;
///
/// let options = ClientOptions {
///     connect_timeout: Duration::from_secs(1),
///     answer_timeout: Duration::from_secs(5),
///     ..ClientOptions::default()
/// };
/// // Nobody is there.
/// let folder = tempfile::tempdir()?;
/// let client = Client::connect(Address::Unix(folder.path().join("socket")), Key::random()?, options);
/// assert!(matches!(client, Err(ManagerError::Unreachable { .. })));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ClientOptions {
    /// For a connection and the proof of the key.
    pub connect_timeout: Duration,
    /// For the answer to a call that does not wait in the manager; one that does has so long beyond its own timeout.
    pub answer_timeout: Duration,
    /// The largest call that is sent, in bytes.
    pub max_frame_bytes: usize,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            answer_timeout: Duration::from_secs(60),
            max_frame_bytes: MAX_FRAME_BYTES,
        }
    }
}

/// How long a call may wait in the manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ServerWait {
    /// It is answered at once.
    None,
    /// So long at most.
    AtMost(Duration),
    /// For as long as it takes.
    Unbounded,
}

impl From<Option<Duration>> for ServerWait {
    fn from(timeout: Option<Duration>) -> Self {
        timeout.map_or(Self::Unbounded, Self::AtMost)
    }
}

/// A client; its clones share it.
#[derive(Clone, Debug)]
pub struct Client {
    shared: Arc<ClientShared>,
}

#[derive(Debug)]
struct ClientShared {
    number: u64,
    address: Address,
    key: Key,
    options: ClientOptions,
    /// The connections of all threads, so that they end with the client.
    streams: Mutex<Vec<Weak<AuthenticatedStream>>>,
}

thread_local! {
    /// This thread's connections, by the numbers of their clients.
    static CONNECTIONS: RefCell<HashMap<u64, ClientConnection>> = RefCell::default();
}

impl Drop for ClientShared {
    fn drop(&mut self) {
        for stream in self.streams.get_mut().unwrap_or_else(PoisonError::into_inner).drain(..) {
            if let Some(stream) = stream.upgrade() {
                stream.shut_down();
            }
        }
        // A thread that is ending has ended its connections itself.
        let _ = CONNECTIONS.try_with(|connections| connections.borrow_mut().remove(&self.number));
    }
}

impl Client {
    /// Connects to the manager at `address`.
    ///
    /// # Errors
    /// When it cannot be reached in time, has another key, or has no room.
    pub fn connect(address: Address, key: Key, options: ClientOptions) -> Result<Self, ManagerError> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let shared = ClientShared { number, address, key, options, streams: Mutex::default() };
        let client = Self { shared: Arc::new(shared) };
        let connection = client.open_connection()?;
        CONNECTIONS.with_borrow_mut(|connections| connections.insert(number, connection));
        Ok(client)
    }

    /// Connects to the manager that the environment names, as tasks of a run with shared objects have it:
    /// [`MANAGER_VARIABLE`](super::MANAGER_VARIABLE) and a key.
    ///
    /// # Errors
    /// When it names none, and as [`Client::connect`].
    pub fn from_environment() -> Result<Self, EnvironmentError> {
        let (address, key) = environment::read(|name| std::env::var(name).ok())?;
        Ok(Self::connect(address, key, ClientOptions::default())?)
    }

    /// Where the manager is.
    pub fn address(&self) -> &Address {
        &self.shared.address
    }

    /// Asks the manager and waits for its answer.
    pub(super) fn ask(&self, request: &Request<'_>, wait: ServerWait) -> Result<DynamicValue, ManagerError> {
        let number = self.shared.number;
        // Out of the map meanwhile: what comes back may ask again, from a destructor for one.
        let kept = CONNECTIONS.with_borrow_mut(|connections| connections.remove(&number));
        let keep = |connection| CONNECTIONS.with_borrow_mut(|connections| connections.insert(number, connection));
        let mut connection = kept.map_or_else(|| self.open_connection(), Ok)?;
        match connection.exchange(request, wait, &self.shared.options) {
            Ok(Reply::Refused(failure)) => Err(failure.into()),
            Ok(Reply::Failed(failure)) => {
                keep(connection);
                Err(failure.into())
            }
            Ok(Reply::Done(value)) => {
                keep(connection);
                Ok(value)
            }
            Err(ExchangeError::Value(error)) => {
                keep(connection);
                Err(error)
            }
            Err(ExchangeError::Ended(reason)) => {
                Err(ManagerError::Gone { address: self.shared.address.to_string(), reason })
            }
            Err(ExchangeError::Silent(waited)) => {
                Err(ManagerError::NoAnswer { address: self.shared.address.to_string(), secs: waited.as_secs() })
            }
        }
    }

    fn open_connection(&self) -> Result<ClientConnection, ManagerError> {
        let ClientShared { address, key, options, streams, .. } = &*self.shared;
        let connection = ClientConnection::open(address, key, options)?;
        let mut streams = streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.retain(|stream| stream.strong_count() > 0);
        streams.push(Arc::downgrade(&connection.stream));
        Ok(connection)
    }
}

/// One thread's connection.
#[derive(Debug)]
struct ClientConnection {
    stream: Arc<AuthenticatedStream>,
    inbox: Inbox,
    out: Vec<u8>,
    buffer: Vec<u8>,
    read_timeout: Option<Duration>,
    spin_wait: SpinWait,
}

/// Why a connection gave no answer.
enum ExchangeError {
    /// The call could not be sent; the connection is as it was.
    Value(ManagerError),
    Ended(String),
    Silent(Duration),
}

fn ended(error: &io::Error) -> ExchangeError {
    ExchangeError::Ended(error.to_string())
}

impl ClientConnection {
    fn open(address: &Address, key: &Key, options: &ClientOptions) -> Result<Self, ManagerError> {
        const BUFFER_BYTES: usize = 16 << 10;
        let stream = AuthenticatedStream::connect(address, key, options.connect_timeout)?;
        Ok(Self {
            stream: Arc::new(stream),
            // The server is proven, and keeps to a limit of its own that is not known here.
            inbox: Inbox::new(u32::MAX as usize),
            out: Vec::new(),
            buffer: vec![0; BUFFER_BYTES],
            read_timeout: Some(Duration::ZERO),
            spin_wait: SpinWait::default(),
        })
    }

    fn exchange(
        &mut self,
        request: &Request<'_>,
        wait: ServerWait,
        options: &ClientOptions,
    ) -> Result<Reply, ExchangeError> {
        const KEEP_BYTES: usize = 64 << 10;
        self.out.clear();
        let limit = options.max_frame_bytes;
        write_frame(&mut self.out, request, limit).map_err(|error| {
            ExchangeError::Value(match error {
                WireError::TooLarge(bytes) => ManagerError::TooLarge { bytes, limit },
                WireError::Garbage => ManagerError::Value(serde::ser::Error::custom(
                    "it lies more than 64 lists and maps deep; flatten it",
                )),
            })
        })?;
        let timeout = match wait {
            ServerWait::None => Some(options.answer_timeout),
            ServerWait::AtMost(wait) => wait.checked_add(options.answer_timeout),
            ServerWait::Unbounded => None,
        };
        // Seldom another one than before, and a call of the system each time.
        if self.read_timeout != timeout {
            self.stream.set_read_timeout(timeout).map_err(|error| ended(&error))?;
            self.read_timeout = timeout;
        }
        // A server that refuses a call says so and closes: what it said counts, not that it did not read on.
        let written = self.stream.write_all(&self.out);
        self.out.shrink_to(KEEP_BYTES);
        let reply = self.read_reply(timeout);
        match written {
            Err(error) if reply.is_err() => Err(ended(&error)),
            _ => reply,
        }
    }

    fn read_reply(&mut self, timeout: Option<Duration>) -> Result<Reply, ExchangeError> {
        loop {
            match self.inbox.next_body() {
                Ok(None) => {}
                Ok(Some(body)) => {
                    let reply = read_message(body).map_err(|error| ExchangeError::Ended(error.to_string()))?;
                    self.inbox.shrink();
                    return Ok(reply);
                }
                Err(error) => return Err(ExchangeError::Ended(error.to_string())),
            }
            let Self { stream, buffer, spin_wait, .. } = self;
            let looked = spin_wait.poll(|| stream.look(buffer));
            match looked.unwrap_or_else(|| stream.read(buffer)) {
                Ok(0) => return Err(ExchangeError::Ended("it has closed the connection".to_owned())),
                Ok(count) => self.inbox.push(&self.buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock || error.kind() == io::ErrorKind::TimedOut => {
                    return Err(ExchangeError::Silent(timeout.unwrap_or_default()));
                }
                Err(error) => return Err(ended(&error)),
            }
        }
    }
}

/// Whether a manager is there but has nothing: for loops that poll.
impl ManagerError {
    /// The queue was empty, or full, when the time was over.
    pub fn is_timeout(&self) -> bool {
        matches!(self.kind(), Some(FailureKind::Empty | FailureKind::Full))
    }
}
