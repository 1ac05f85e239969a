//! A client of a manager. As in Python, each thread has a connection of its own, from its first call to its end: a call
//! that waits blocks its own thread only, and what a thread holds is free when it ends.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use super::dynamic_value::DynamicValue;
use super::environment::{self, EnvironmentError};
use super::failure::{ConnectError, ManagerError};
use super::wire::{Inbox, MAX_FRAME_BYTES, Reply, Request, WireError, read_message, write_frame};
use crate::authentication::{Address, AuthenticatedStream, Key};
use fanlane_os::spin_wait::SpinWait;

/// The timeouts and limits of a client. Write `..ClientOptions::default()`: more may be added.
///
/// ```
/// use fanlane_mp::manager::{Address, Client, ClientOptions, ConnectError, Key};
/// use std::time::Duration;
///
/// let options = ClientOptions {
///     connect_timeout: Duration::from_secs(1),
///     answer_timeout: Duration::from_secs(5),
///     ..ClientOptions::default()
/// };
/// // No manager listens there.
/// let folder = tempfile::tempdir()?;
/// let client = Client::connect(Address::Unix(folder.path().join("socket")), Key::random()?, options);
/// assert!(matches!(client, Err(ConnectError::Unreachable { .. })));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ClientOptions {
    /// Timeout of connecting, including the proof of the key.
    pub connect_timeout: Duration,
    /// Timeout of an answer, in addition to the time that the call may wait in the manager.
    pub answer_timeout: Duration,
    /// Maximum size of a call, in bytes.
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

/// The time that a call may wait in the manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ServerWait {
    /// None: it is answered at once.
    None,
    /// At most this long.
    AtMost(Duration),
    /// No limit.
    Unbounded,
}

impl From<Option<Duration>> for ServerWait {
    fn from(timeout: Option<Duration>) -> Self {
        timeout.map_or(Self::Unbounded, Self::AtMost)
    }
}

/// A client of a manager; clones share it.
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
    /// The connections of all threads, which end with the client.
    streams: Mutex<Vec<Weak<AuthenticatedStream>>>,
}

thread_local! {
    /// The connections of this thread, by the numbers of their clients.
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
    /// When it cannot be reached in time, has another key, or has its maximum number of connections.
    pub fn connect(address: Address, key: Key, options: ClientOptions) -> Result<Self, ConnectError> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let shared = ClientShared { number, address, key, options, streams: Mutex::default() };
        let client = Self { shared: Arc::new(shared) };
        let connection = client.open_connection()?;
        CONNECTIONS.with_borrow_mut(|connections| connections.insert(number, connection));
        Ok(client)
    }

    /// Connects to the manager that the environment names in [`MANAGER_VARIABLE`](super::MANAGER_VARIABLE), as that of a
    /// task of a run with shared objects does.
    ///
    /// # Errors
    /// When it names no manager or no key, and as [`Client::connect`].
    pub fn from_environment() -> Result<Self, EnvironmentError> {
        let (address, key) = environment::read(|name| std::env::var(name).ok())?;
        Ok(Self::connect(address, key, ClientOptions::default())?)
    }

    /// The address of the manager.
    pub fn address(&self) -> &Address {
        &self.shared.address
    }

    /// Sends a request and waits for the answer.
    pub(super) fn request(&self, request: &Request<'_>, wait: ServerWait) -> Result<DynamicValue, ManagerError> {
        let number = self.shared.number;
        // Taken out of the map meanwhile: a destructor of a decoded value may use the client again.
        let kept = CONNECTIONS.with_borrow_mut(|connections| connections.remove(&number));
        let keep = |connection| CONNECTIONS.with_borrow_mut(|connections| connections.insert(number, connection));
        let mut connection = match kept {
            Some(connection) => connection,
            None => self.open_connection()?,
        };
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
            Err(ExchangeError::NotSent(error)) => {
                keep(connection);
                Err(error)
            }
            Err(ExchangeError::Ended(reason)) => {
                Err(ManagerError::Gone { address: self.shared.address.to_string(), reason })
            }
            Err(ExchangeError::TimedOut(waited)) => {
                Err(ManagerError::NoAnswer { address: self.shared.address.to_string(), secs: waited.as_secs() })
            }
        }
    }

    fn open_connection(&self) -> Result<ClientConnection, ConnectError> {
        let ClientShared { address, key, options, streams, .. } = &*self.shared;
        let connection = ClientConnection::open(address, key, options)?;
        let mut streams = streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.retain(|stream| stream.strong_count() > 0);
        streams.push(Arc::downgrade(&connection.stream));
        Ok(connection)
    }
}

/// The connection of one thread.
#[derive(Debug)]
struct ClientConnection {
    stream: Arc<AuthenticatedStream>,
    inbox: Inbox,
    out: Vec<u8>,
    buffer: Vec<u8>,
    read_timeout: Option<Duration>,
    spin_wait: SpinWait,
}

/// Why a request has no answer.
enum ExchangeError {
    /// The request was not sent; the connection is as it was.
    NotSent(ManagerError),
    Ended(String),
    TimedOut(Duration),
}

fn ended(error: &io::Error) -> ExchangeError {
    ExchangeError::Ended(error.to_string())
}

impl ClientConnection {
    fn open(address: &Address, key: &Key, options: &ClientOptions) -> Result<Self, ConnectError> {
        const BUFFER_BYTES: usize = 16 << 10;
        let stream = AuthenticatedStream::connect(address, key, options.connect_timeout)
            .map_err(|error| ConnectError::new(address, error))?;
        Ok(Self {
            stream: Arc::new(stream),
            // The server has proven the key, and keeps a limit that is not known here.
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
            ExchangeError::NotSent(match error {
                WireError::TooLarge(bytes) => ManagerError::TooLarge { bytes, limit },
                WireError::Garbage => ManagerError::Value(serde::ser::Error::custom(
                    "it nests lists and maps more than 64 deep; flatten it",
                )),
            })
        })?;
        let timeout = match wait {
            ServerWait::None => Some(options.answer_timeout),
            ServerWait::AtMost(wait) => wait.checked_add(options.answer_timeout),
            ServerWait::Unbounded => None,
        };
        // The timeout seldom changes, and setting it is a system call.
        if self.read_timeout != timeout {
            self.stream.set_read_timeout(timeout).map_err(|error| ended(&error))?;
            self.read_timeout = timeout;
        }
        // A server that refuses a call answers and closes: its answer counts, not the broken write.
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
            let polled = spin_wait.poll(|| stream.try_read(buffer));
            match polled.unwrap_or_else(|| stream.read(buffer)) {
                Ok(0) => return Err(ExchangeError::Ended("it has closed the connection".to_owned())),
                Ok(count) => self.inbox.push(&self.buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock || error.kind() == io::ErrorKind::TimedOut => {
                    return Err(ExchangeError::TimedOut(timeout.unwrap_or_default()));
                }
                Err(error) => return Err(ended(&error)),
            }
        }
    }
}
