//! Where clients knock: a Unix socket in a folder that only this user can enter, or a TCP port.

use std::fs;
use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::net::{SocketFlags, accept_with, sockopt};

use super::ServeError;
use crate::mp::manager::address::Address;

/// A listening socket; a Unix one is removed with it.
#[derive(Debug)]
pub(in crate::mp) struct ListeningSocket {
    socket: OwnedFd,
    address: Address,
    path: Option<PathBuf>,
}

impl ListeningSocket {
    pub(in crate::mp) fn bind(address: &Address) -> Result<Self, ServeError> {
        let cannot = |source| ServeError::Listen { address: address.to_string(), source };
        match address {
            Address::Unix(path) => {
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
                make_private(folder.unwrap_or(Path::new(".")), cannot)?;
                remove_stale(path).map_err(cannot)?;
                let listener = UnixListener::bind(path).map_err(cannot)?;
                fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(cannot)?;
                listener.set_nonblocking(true).map_err(cannot)?;
                Ok(Self { socket: listener.into(), address: address.clone(), path: Some(path.clone()) })
            }
            Address::Tcp(place) => {
                let listener = TcpListener::bind(place).map_err(cannot)?;
                listener.set_nonblocking(true).map_err(cannot)?;
                let port = listener.local_addr().map_err(cannot)?.port();
                let host = place.rsplit_once(':').map_or(place.as_str(), |(host, _)| host);
                Ok(Self { socket: listener.into(), address: Address::Tcp(format!("{host}:{port}")), path: None })
            }
        }
    }

    pub(in crate::mp) const fn address(&self) -> &Address {
        &self.address
    }

    /// The next client; `None` when none knocks. Whoever comes as another user is sent away.
    pub(in crate::mp) fn accept(&self) -> io::Result<Option<OwnedFd>> {
        loop {
            match accept_with(&self.socket, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK) {
                Ok(stream) if self.path.is_some() => {
                    let peer = sockopt::socket_peercred(&stream)?;
                    if peer.uid == rustix::process::geteuid() {
                        return Ok(Some(stream));
                    }
                }
                Ok(stream) => {
                    // What cannot be set is a loss of speed or of watchfulness, not of the connection.
                    let _ = sockopt::set_tcp_nodelay(&stream, true);
                    set_keepalive(&stream);
                    return Ok(Some(stream));
                }
                Err(rustix::io::Errno::AGAIN) => return Ok(None),
                Err(rustix::io::Errno::INTR | rustix::io::Errno::CONNABORTED) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Has the system notice within half a minute that the other machine is gone.
pub(in crate::mp::manager) fn set_keepalive(stream: &impl AsFd) {
    use std::time::Duration;
    let _ = sockopt::set_socket_keepalive(stream, true);
    let _ = sockopt::set_tcp_keepidle(stream, Duration::from_secs(10));
    let _ = sockopt::set_tcp_keepintvl(stream, Duration::from_secs(5));
    let _ = sockopt::set_tcp_keepcnt(stream, 4);
}

impl AsFd for ListeningSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Drop for ListeningSocket {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // Whoever removed it meanwhile has done our work.
            let _ = fs::remove_file(path);
        }
    }
}

/// A folder that is not there is made; one that others can enter is refused.
fn make_private(folder: &Path, cannot: impl Fn(io::Error) -> ServeError) -> Result<(), ServeError> {
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(cannot(error)),
    }
    let found = fs::metadata(folder).map_err(cannot)?;
    let is_ours = found.uid() == rustix::process::geteuid().as_raw() && found.mode() & 0o077 == 0;
    if is_ours { Ok(()) } else { Err(ServeError::Exposed(folder.to_owned())) }
}

/// Removes the socket of a server that was killed; that of one that lives stays.
fn remove_stale(path: &Path) -> io::Result<()> {
    match UnixStream::connect(path) {
        Ok(_) => {
            Err(io::Error::new(io::ErrorKind::AddrInUse, "another manager or listener is there; take another path"))
        }
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}
