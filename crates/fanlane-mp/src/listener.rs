//! Connections between programs that have not started each other: one listens at an address, others connect, and both
//! sides prove that they have the key before anything is decoded. Objects that many share are a
//! [`manager`](crate::manager)'s, not this one's.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};

use crate::authentication::handshake::{CLAIM_BYTES, Challenge, Refusal};
use crate::authentication::{Address, AuthenticatedStream, AuthenticationError, Key, ListeningSocket};
use crate::connection::Connection;
use crate::error::{NetworkError, SystemError};
use crate::wait::wait;
use fanlane_os::clock::deadline_after;

/// Maximum time for a peer to prove that it has the key.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum number of unauthenticated peers. One more, and the oldest is sent away, so that peers without the key cannot
/// keep clients out.
const MAX_UNAUTHENTICATED: usize = 64;

/// Accepts connections at an address: a Unix socket of this user alone, or a TCP port. A peer without the key is sent away
/// and never reaches the program. The socket is closed with this value.
///
/// Connections are not encrypted. Over TCP, connections, queues, locks and shared memory cannot be sent.
///
/// ```
/// use fanlane_mp::{Address, Connection, Key, Listener};
/// use std::time::Duration;
///
/// let key = Key::random()?;
/// // Port 0: any that is free.
/// let mut listener = Listener::bind(&Address::Tcp("127.0.0.1:0".into()), key.clone())?;
/// let address = listener.address().clone();
/// // Elsewhere, most likely on another machine:
/// let client = std::thread::spawn(move || -> Result<u64, fanlane_mp::Error> {
///     let there = Connection::connect(&address, &key, Duration::from_secs(10))?;
///     there.send(&("square", 12_u64))?;
///     Ok(there.recv()?)
/// });
/// let here = listener.accept()?;
/// let (_what, number): (String, u64) = here.recv()?;
/// here.send(&(number * number))?;
/// assert_eq!(client.join().expect("it does not panic")?, 144);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Listener {
    socket: ListeningSocket,
    key: Key,
    /// In the order of their connections.
    unauthenticated: VecDeque<UnauthenticatedPeer>,
}

/// A peer that has not proven the key.
#[derive(Debug)]
struct UnauthenticatedPeer {
    socket: OwnedFd,
    challenge: Challenge,
    claim: [u8; CLAIM_BYTES],
    received: usize,
    until: Instant,
}

/// How far a handshake has come.
enum Handshake {
    Incomplete,
    Proven,
    Failed,
}

impl Listener {
    /// Listens at `address`. A missing folder of a Unix socket is made, for this user alone.
    ///
    /// # Errors
    /// [`NetworkError::Listen`] where the address is taken or not available, or its folder is open to other users.
    pub fn bind(address: &Address, key: Key) -> Result<Self, NetworkError> {
        let socket = ListeningSocket::bind(address)
            .map_err(|error| NetworkError::Listen { address: address.to_string(), reason: error.to_string() })?;
        Ok(Self { socket, key: key.for_connections(), unauthenticated: VecDeque::new() })
    }

    /// The address that it listens at, with the chosen port in place of port 0.
    pub const fn address(&self) -> &Address {
        self.socket.address()
    }

    /// Waits for the next connection whose other end has the key.
    ///
    /// # Errors
    /// [`NetworkError::System`] when the system refuses, for example because it has no descriptors left.
    pub fn accept(&mut self) -> Result<Connection, NetworkError> {
        self.accept_until(None)
    }

    /// Waits for the next connection at most for `timeout`.
    ///
    /// # Errors
    /// Also [`NetworkError::TimedOut`].
    pub fn accept_timeout(&mut self, timeout: Duration) -> Result<Connection, NetworkError> {
        self.accept_until(deadline_after(timeout))
    }

    fn accept_until(&mut self, deadline: Option<Instant>) -> Result<Connection, NetworkError> {
        loop {
            if let Some(socket) = self.poll()? {
                return Connection::on(socket);
            }
            let now = Instant::now();
            if deadline.is_some_and(|deadline| now >= deadline) {
                return Err(NetworkError::TimedOut);
            }
            self.unauthenticated.retain(|peer| now < peer.until);
            let next = self.unauthenticated.front().map(|peer| peer.until).into_iter().chain(deadline).min();
            let mut things: Vec<&dyn AsFd> = vec![&self.socket];
            things.extend(self.unauthenticated.iter().map(|peer| &peer.socket as &dyn AsFd));
            wait(&things, next.map(|next| next.saturating_duration_since(now)))?;
        }
    }

    /// Accepts new peers and continues handshakes, without waiting; returns the first peer that has proven the key.
    fn poll(&mut self) -> Result<Option<OwnedFd>, NetworkError> {
        for _ in 0..MAX_UNAUTHENTICATED {
            let accepted = self.socket.accept().map_err(SystemError::during("a connection cannot be accepted"))?;
            let Some(socket) = accepted else { break };
            if self.unauthenticated.len() >= MAX_UNAUTHENTICATED {
                self.unauthenticated.pop_front();
            }
            self.unauthenticated.extend(UnauthenticatedPeer::new(socket)?);
        }
        let mut place = 0;
        while let Some(peer) = self.unauthenticated.get_mut(place) {
            match peer.advance(&self.key) {
                Handshake::Incomplete => place += 1,
                Handshake::Proven => return Ok(self.unauthenticated.remove(place).map(|peer| peer.socket)),
                Handshake::Failed => drop(self.unauthenticated.remove(place)),
            }
        }
        Ok(None)
    }
}

/// Ready when a peer connects, for [`wait`](crate::wait()): [`Listener::accept`] may still have to wait for the proof.
impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Sends a few bytes, for which the empty buffer of a new socket always has space; `false`: the peer is gone.
fn send_now(socket: &OwnedFd, bytes: &[u8]) -> bool {
    send(socket, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL).is_ok_and(|sent| sent == bytes.len())
}

impl UnauthenticatedPeer {
    /// `None`: the peer is gone already.
    fn new(socket: OwnedFd) -> Result<Option<Self>, NetworkError> {
        let challenge = Challenge::new().map_err(SystemError::during("no random numbers can be had"))?;
        let is_there = send_now(&socket, &challenge.greeting());
        let peer =
            Self { socket, challenge, claim: [0; CLAIM_BYTES], received: 0, until: Instant::now() + HANDSHAKE_TIMEOUT };
        Ok(is_there.then_some(peer))
    }

    fn advance(&mut self, key: &Key) -> Handshake {
        while self.received < CLAIM_BYTES {
            match recv(&self.socket, &mut self.claim[self.received..], RecvFlags::DONTWAIT) {
                Ok((_, 0)) => return Handshake::Failed,
                Ok((_, count)) => self.received += count,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Handshake::Incomplete,
                Err(_) => return Handshake::Failed,
            }
        }
        let (is_proven, verdict) = self.challenge.judge(key, &self.claim);
        if send_now(&self.socket, &verdict) && is_proven { Handshake::Proven } else { Handshake::Failed }
    }
}

impl Connection {
    /// Connects to a [`Listener`] at `address`, on this machine or another; `timeout` is for all of it.
    ///
    /// # Errors
    /// [`NetworkError::WrongKey`] where the other side has another key; [`NetworkError::Connect`] where the address cannot be reached, does
    /// not answer in time, or speaks another protocol.
    pub fn connect(address: &Address, key: &Key, timeout: Duration) -> Result<Self, NetworkError> {
        let reason = |error| {
            let address = address.to_string();
            let reason = match error {
                AuthenticationError::Refused(Refusal::WrongKey) => return NetworkError::WrongKey { address },
                AuthenticationError::Refused(Refusal::Full) => "it has its maximum number of connections".to_owned(),
                AuthenticationError::Refused(Refusal::OtherProtocol) => {
                    "what listens there is no listener of this library".to_owned()
                }
                AuthenticationError::Unreachable(error) => error.to_string(),
            };
            NetworkError::Connect { address, reason }
        };
        let stream = AuthenticatedStream::connect(address, &key.for_connections(), timeout).map_err(reason)?;
        Self::on(stream.into_socket().map_err(SystemError::during("a connection cannot be used"))?)
    }

    /// A connection on an authenticated socket.
    fn on(socket: OwnedFd) -> Result<Self, NetworkError> {
        let unusable = |error: Errno| SystemError::during("a connection cannot be used")(error.into());
        rustix::io::ioctl_fionbio(&socket, false).map_err(unusable)?;
        Ok(Self::from(socket))
    }
}
