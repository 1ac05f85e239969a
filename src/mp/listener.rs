//! Connections between programs that have not started each other: one listens at an address, others connect, and both
//! sides prove that they have the key before anything is decoded. Objects that many share are a
//! [`manager`](crate::mp::manager)'s, not this one's.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};

use crate::mp::clock::deadline_after;
use crate::mp::connection::Connection;
use crate::mp::error::Error;
use crate::mp::manager::handshake::{CLAIM_BYTES, Challenge};
use crate::mp::manager::{Address, AuthenticatedStream, Key, ListeningSocket, ManagerError, ServeError};
use crate::mp::wait::wait;

/// Who connects has so long to prove that it has the key.
const PATIENCE: Duration = Duration::from_secs(10);
/// So many may be at it. One more sends the one away that has taken longest, so that strangers keep nobody out.
const MOST_STRANGERS: usize = 64;

/// Where connections come in: a Unix socket of this user alone, or a TCP port. Whoever has not the key is sent away
/// without a word to the program. The socket goes with this value.
///
/// What travels is not encrypted. Over TCP, connections, queues, locks and shared memory cannot be sent.
///
/// ```
/// use fanlane::mp::manager::{Address, Key};
/// use fanlane::mp::{Connection, Listener};
/// use std::time::Duration;
///
/// let key = Key::random()?;
/// // Port 0: any that is free.
/// let mut listener = Listener::bind(&Address::Tcp("127.0.0.1:0".into()), key.clone())?;
/// let address = listener.address().clone();
/// // Elsewhere, most likely on another machine:
/// let client = std::thread::spawn(move || -> Result<u64, fanlane::mp::Error> {
///     let there = Connection::connect(&address, &key, Duration::from_secs(10))?;
///     there.send(&("square", 12_u64))?;
///     there.recv()
/// });
/// let here = listener.accept()?;
/// let (_what, number): (String, u64) = here.recv()?;
/// here.send(&(number * number))?;
/// assert_eq!(client.join().expect("it does not panic")?, 144);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Listener {
    knocks: ListeningSocket,
    key: Key,
    /// In the order in which they came.
    strangers: VecDeque<Stranger>,
}

/// One who has not proven itself.
#[derive(Debug)]
struct Stranger {
    socket: OwnedFd,
    challenge: Challenge,
    claim: [u8; CLAIM_BYTES],
    received: usize,
    until: Instant,
}

/// What is known of a stranger.
enum Heard {
    Nothing,
    Proof,
    Nonsense,
}

impl Listener {
    /// Listens at `address`. The folder of a Unix socket is made where it is not there, for this user alone.
    ///
    /// # Errors
    /// [`Error::Listen`] where the address is taken, cannot be had, or its folder is open to other users.
    pub fn bind(address: &Address, key: Key) -> Result<Self, Error> {
        let reason = |error| match error {
            ServeError::Listen { source, .. } => source.to_string(),
            other => other.to_string(),
        };
        let knocks = ListeningSocket::bind(address)
            .map_err(|error| Error::Listen { address: address.to_string(), reason: reason(error) })?;
        Ok(Self { knocks, key: key.for_connections(), strangers: VecDeque::new() })
    }

    /// Where it listens: with the port that was found, where any was asked for.
    pub const fn address(&self) -> &Address {
        self.knocks.address()
    }

    /// The next connection whose other end has the key; waits for one.
    ///
    /// # Errors
    /// [`Error::Io`] when the system refuses, for example because it has no descriptors left.
    pub fn accept(&mut self) -> Result<Connection, Error> {
        self.accept_until(None)
    }

    /// The same; waits at most so long.
    ///
    /// # Errors
    /// Also [`Error::TimedOut`].
    pub fn accept_timeout(&mut self, timeout: Duration) -> Result<Connection, Error> {
        self.accept_until(deadline_after(timeout))
    }

    fn accept_until(&mut self, deadline: Option<Instant>) -> Result<Connection, Error> {
        loop {
            if let Some(socket) = self.look()? {
                return Connection::on(socket);
            }
            let now = Instant::now();
            if deadline.is_some_and(|deadline| now >= deadline) {
                return Err(Error::TimedOut);
            }
            self.strangers.retain(|stranger| now < stranger.until);
            let next = self.strangers.front().map(|stranger| stranger.until).into_iter().chain(deadline).min();
            let mut things: Vec<&dyn AsFd> = vec![&self.knocks];
            things.extend(self.strangers.iter().map(|stranger| &stranger.socket as &dyn AsFd));
            wait(&things, next.map(|next| next.saturating_duration_since(now)))?;
        }
    }

    /// Lets in who knocks and hears what strangers say, without waiting; the first that proves itself.
    fn look(&mut self) -> Result<Option<OwnedFd>, Error> {
        for _ in 0..MOST_STRANGERS {
            let knocked = self.knocks.accept().map_err(Error::io("a connection cannot be accepted"))?;
            let Some(socket) = knocked else { break };
            if self.strangers.len() >= MOST_STRANGERS {
                self.strangers.pop_front();
            }
            self.strangers.extend(Stranger::greet(socket)?);
        }
        let mut place = 0;
        while let Some(stranger) = self.strangers.get_mut(place) {
            match stranger.hear(&self.key) {
                Heard::Nothing => place += 1,
                Heard::Proof => return Ok(self.strangers.remove(place).map(|stranger| stranger.socket)),
                Heard::Nonsense => drop(self.strangers.remove(place)),
            }
        }
        Ok(None)
    }
}

/// Ready when somebody knocks, for [`wait`](crate::mp::wait()): [`Listener::accept`] may still have to wait for the proof.
impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.knocks.as_fd()
    }
}

/// Sends a few bytes that the empty buffer of a new socket always has room for; `false` where nobody is there.
fn say(socket: &OwnedFd, bytes: &[u8]) -> bool {
    send(socket, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL).is_ok_and(|sent| sent == bytes.len())
}

impl Stranger {
    /// `None` for one that is gone already.
    fn greet(socket: OwnedFd) -> Result<Option<Self>, Error> {
        let challenge = Challenge::new().map_err(Error::io("no random numbers can be had"))?;
        let is_there = say(&socket, &challenge.greeting());
        let stranger =
            Self { socket, challenge, claim: [0; CLAIM_BYTES], received: 0, until: Instant::now() + PATIENCE };
        Ok(is_there.then_some(stranger))
    }

    fn hear(&mut self, key: &Key) -> Heard {
        while self.received < CLAIM_BYTES {
            match recv(&self.socket, &mut self.claim[self.received..], RecvFlags::DONTWAIT) {
                Ok((_, 0)) => return Heard::Nonsense,
                Ok((_, count)) => self.received += count,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Heard::Nothing,
                Err(_) => return Heard::Nonsense,
            }
        }
        let (is_proven, verdict) = self.challenge.judge(key, &self.claim);
        if say(&self.socket, &verdict) && is_proven { Heard::Proof } else { Heard::Nonsense }
    }
}

impl Connection {
    /// Connects to a [`Listener`] at `address`, on this machine or another; `timeout` is for all of it.
    ///
    /// # Errors
    /// [`Error::WrongKey`] where the other side has another key; [`Error::Connect`] where nobody is there, it does not
    /// answer in time, or it is something else.
    pub fn connect(address: &Address, key: &Key, timeout: Duration) -> Result<Self, Error> {
        let reason = |error| match error {
            ManagerError::WrongKey(address) => Error::WrongKey { address },
            ManagerError::Unreachable { address, source } => Error::Connect { address, reason: source.to_string() },
            ManagerError::NotAManager(address) => {
                Error::Connect { address, reason: "what listens there is no listener of this library".to_owned() }
            }
            other => Error::Connect { address: address.to_string(), reason: other.to_string() },
        };
        let stream = AuthenticatedStream::connect(address, &key.for_connections(), timeout).map_err(reason)?;
        Self::on(stream.into_socket().map_err(Error::io("a connection cannot be used"))?)
    }

    /// On a socket that was let in.
    fn on(socket: OwnedFd) -> Result<Self, Error> {
        let unusable = |error: Errno| Error::io("a connection cannot be used")(error.into());
        rustix::io::ioctl_fionbio(&socket, false).map_err(unusable)?;
        Ok(Self::from(socket))
    }
}
