//! The socket that clients connect to: a Unix socket in a folder that only this user can enter, or a TCP port.

use std::fs;
use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::net::{SocketFlags, accept_with, sockopt};

use super::address::Address;
use fanlane_os::socket;

/// Why a socket cannot listen.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BindError {
    /// Other users can enter the folder of the socket.
    #[error(
        "the folder {0} of the socket is open to other users; give the socket a folder of its own (mkdir -m 700 FOLDER)"
    )]
    Exposed(PathBuf),
    /// The error of the system.
    #[error(transparent)]
    System(#[from] io::Error),
}

/// A listening socket; the file of a Unix socket is removed with it.
#[derive(Debug)]
pub(crate) struct ListeningSocket {
    socket: OwnedFd,
    address: Address,
    path: Option<PathBuf>,
}

impl ListeningSocket {
    pub(crate) fn bind(address: &Address) -> Result<Self, BindError> {
        match address {
            Address::Unix(path) => {
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
                make_private(folder.unwrap_or(Path::new(".")))?;
                remove_stale(path)?;
                let listener = socket::through_short_path(path, |path| UnixListener::bind(path))?;
                fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
                listener.set_nonblocking(true)?;
                Ok(Self { socket: listener.into(), address: address.clone(), path: Some(path.clone()) })
            }
            Address::Tcp(place) => {
                let listener = TcpListener::bind(place)?;
                listener.set_nonblocking(true)?;
                let port = listener.local_addr()?.port();
                let host = place.rsplit_once(':').map_or(place.as_str(), |(host, _)| host);
                Ok(Self { socket: listener.into(), address: Address::Tcp(format!("{host}:{port}")), path: None })
            }
        }
    }

    pub(crate) const fn address(&self) -> &Address {
        &self.address
    }

    /// The next connection, if one has come. A Unix peer of another user is sent away.
    pub(crate) fn accept(&self) -> io::Result<Option<OwnedFd>> {
        loop {
            match accept_with(&self.socket, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK) {
                Ok(stream) if self.path.is_some() => {
                    let peer = sockopt::socket_peercred(&stream)?;
                    if peer.uid == rustix::process::geteuid() {
                        return Ok(Some(stream));
                    }
                }
                Ok(stream) => {
                    // Without this option the connection is slower, but works.
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

/// Has the system notice within 30 seconds that the other machine is gone.
pub(super) fn set_keepalive(stream: &impl AsFd) {
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
            // It may have been removed already.
            let _ = fs::remove_file(path);
        }
    }
}

/// Makes the folder where it is missing; refuses one that other users can enter.
fn make_private(folder: &Path) -> Result<(), BindError> {
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error.into()),
    }
    let found = fs::metadata(folder)?;
    let is_ours = found.uid() == rustix::process::geteuid().as_raw() && found.mode() & 0o077 == 0;
    if is_ours { Ok(()) } else { Err(BindError::Exposed(folder.to_owned())) }
}

/// Removes the socket that a killed server has left; that of a live server stays.
fn remove_stale(path: &Path) -> io::Result<()> {
    match socket::through_short_path(path, |path| UnixStream::connect(path)) {
        Ok(_) => {
            Err(io::Error::new(io::ErrorKind::AddrInUse, "another manager or listener is there; use another path"))
        }
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}
