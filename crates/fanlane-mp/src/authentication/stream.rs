//! Connects to a manager or listener; both sides prove that they have the key.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};

use super::address::Address;
use super::handshake::{CLAIM_BYTES, Claim, GREETING_BYTES, Refusal, VERDICT_BYTES};
use super::key::{Key, random_bytes};
use super::listening_socket::set_keepalive;
use fanlane_os::socket;

/// Why there is no authenticated connection.
#[derive(Debug)]
pub(crate) enum AuthenticationError {
    /// The address cannot be reached, or its peer does not answer in time.
    Unreachable(io::Error),
    /// The peer was reached and the handshake failed.
    Refused(Refusal),
}

impl From<io::Error> for AuthenticationError {
    fn from(error: io::Error) -> Self {
        Self::Unreachable(error)
    }
}

impl From<Refusal> for AuthenticationError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// A socket whose peer has proven the key.
#[derive(Debug)]
pub(crate) enum AuthenticatedStream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

macro_rules! on_stream {
    ($stream:expr, $inner:ident => $action:expr) => {
        match $stream {
            AuthenticatedStream::Unix($inner) => $action,
            AuthenticatedStream::Tcp($inner) => $action,
        }
    };
}

impl AuthenticatedStream {
    /// Connects to `address` and proves the key, as the other side does.
    ///
    /// # Errors
    /// When it cannot be reached in time, has another key, or has its maximum number of connections.
    pub(crate) fn connect(address: &Address, key: &Key, timeout: Duration) -> Result<Self, AuthenticationError> {
        let stream = Self::open(address, timeout)?;
        let until = Instant::now() + timeout;
        let mut greeting = [0; GREETING_BYTES];
        stream.read_exact(&mut greeting, until)?;
        let claim = Claim::answer(&greeting, random_bytes()?)?;
        let bytes: [u8; CLAIM_BYTES] = claim.bytes(key);
        stream.write_all(&bytes)?;
        let mut verdict = [0; VERDICT_BYTES];
        stream.read_exact(&mut verdict, until)?;
        claim.check(key, &verdict)?;
        Ok(stream)
    }

    fn open(address: &Address, timeout: Duration) -> io::Result<Self> {
        match address {
            Address::Unix(path) => connect_unix(path, timeout).map(Self::Unix),
            Address::Tcp(place) => {
                let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
                for place in place.to_socket_addrs()? {
                    match TcpStream::connect_timeout(&place, timeout) {
                        Ok(stream) => {
                            stream.set_nodelay(true)?;
                            set_keepalive(&stream);
                            return Ok(Self::Tcp(stream));
                        }
                        Err(error) => last = error,
                    }
                }
                Err(last)
            }
        }
    }

    /// Reads all of `bytes` until the deadline, however slowly they come.
    fn read_exact(&self, bytes: &mut [u8], until: Instant) -> io::Result<()> {
        let mut filled = 0;
        while filled < bytes.len() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "it does not answer"));
            }
            self.set_read_timeout(Some(left))?;
            match self.read(&mut bytes[filled..]) {
                Ok(0) => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it has closed the connection")),
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The socket, without a timeout.
    pub(crate) fn into_socket(self) -> io::Result<OwnedFd> {
        self.set_read_timeout(None)?;
        Ok(on_stream!(self, stream => stream.into()))
    }

    pub(crate) fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        on_stream!(self, stream => stream.set_read_timeout(timeout))
    }

    pub(crate) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match on_stream!(self, stream => (&mut &*stream).read(buffer)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    /// Reads without waiting; `None` where nothing has come.
    pub(crate) fn try_read(&self, buffer: &mut [u8]) -> Option<io::Result<usize>> {
        match on_stream!(self, stream => recv(stream, buffer, RecvFlags::DONTWAIT)) {
            Ok((count, _)) => Some(Ok(count)),
            Err(Errno::AGAIN | Errno::INTR) => None,
            Err(error) => Some(Err(error.into())),
        }
    }

    pub(crate) fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        on_stream!(self, stream => (&mut &*stream).write_all(bytes))
    }

    pub(crate) fn shut_down(&self) {
        // The socket may be broken already.
        let _ = on_stream!(self, stream => stream.shutdown(std::net::Shutdown::Both));
    }
}

/// Connects to a Unix socket. While the server's queue of new connections is full it tries again: the system itself does
/// not wait for that.
fn connect_unix(path: &Path, timeout: Duration) -> io::Result<UnixStream> {
    const RETRY_INTERVAL: Duration = Duration::from_millis(5);
    let until = Instant::now() + timeout;
    loop {
        match socket::through_short_path(path, |path| UnixStream::connect(path)) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && Instant::now() < until => {
                std::thread::sleep(RETRY_INTERVAL);
            }
            other => return other,
        }
    }
}
