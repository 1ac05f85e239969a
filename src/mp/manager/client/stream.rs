//! How a client comes by a connection: it connects, and both sides prove that they have the key.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};

use crate::mp::manager::address::Address;
use crate::mp::manager::failure::ManagerError;
use crate::mp::manager::handshake::{CLAIM_BYTES, Claim, GREETING_BYTES, Refusal, VERDICT_BYTES, random_bytes};
use crate::mp::manager::key::Key;
use crate::mp::manager::server::set_keepalive;

/// A socket to whoever listens at an address.
#[derive(Debug)]
pub(in crate::mp) enum AuthenticatedStream {
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
    /// Connects to `address`, proves that this side has the key, and has the other side prove the same.
    ///
    /// # Errors
    /// When it cannot be reached in time, has another key, or has no room.
    pub(in crate::mp) fn connect(address: &Address, key: &Key, timeout: Duration) -> Result<Self, ManagerError> {
        let unreachable = |source| ManagerError::Unreachable { address: address.to_string(), source };
        let stream = Self::open(address, timeout).map_err(unreachable)?;
        let until = Instant::now() + timeout;
        let mut greeting = [0; GREETING_BYTES];
        stream.read_exact(&mut greeting, until).map_err(unreachable)?;
        let refused = |refusal| match refusal {
            Refusal::NotAManager => ManagerError::NotAManager(address.to_string()),
            Refusal::Full => ManagerError::TooManyConnections(address.to_string()),
            Refusal::WrongKey => ManagerError::WrongKey(address.to_string()),
        };
        let claim = Claim::answer(&greeting, random_bytes().map_err(unreachable)?).map_err(refused)?;
        let bytes: [u8; CLAIM_BYTES] = claim.bytes(key);
        stream.write_all(&bytes).map_err(unreachable)?;
        let mut verdict = [0; VERDICT_BYTES];
        stream.read_exact(&mut verdict, until).map_err(unreachable)?;
        claim.check(key, &verdict).map_err(refused)?;
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

    /// The socket, without any of the deadlines of this module.
    pub(in crate::mp) fn into_socket(self) -> io::Result<OwnedFd> {
        self.set_read_timeout(None)?;
        Ok(on_stream!(self, stream => stream.into()))
    }

    pub(super) fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        on_stream!(self, stream => stream.set_read_timeout(timeout))
    }

    pub(super) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match on_stream!(self, stream => (&mut &*stream).read(buffer)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    /// What has come already; `None` where nothing has.
    pub(super) fn look(&self, buffer: &mut [u8]) -> Option<io::Result<usize>> {
        match on_stream!(self, stream => recv(stream, buffer, RecvFlags::DONTWAIT)) {
            Ok((count, _)) => Some(Ok(count)),
            Err(Errno::AGAIN | Errno::INTR) => None,
            Err(error) => Some(Err(error.into())),
        }
    }

    pub(super) fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        on_stream!(self, stream => (&mut &*stream).write_all(bytes))
    }

    pub(super) fn shut_down(&self) {
        // One that is broken already needs no more.
        let _ = on_stream!(self, stream => stream.shutdown(std::net::Shutdown::Both));
    }
}

/// A server whose queue of knocking clients is full is knocked at again: the system does not wait for it by itself.
fn connect_unix(path: &Path, timeout: Duration) -> io::Result<UnixStream> {
    const BETWEEN: Duration = Duration::from_millis(5);
    let until = Instant::now() + timeout;
    loop {
        match UnixStream::connect(path) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && Instant::now() < until => {
                std::thread::sleep(BETWEEN);
            }
            other => return other,
        }
    }
}
