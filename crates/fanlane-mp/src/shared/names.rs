//! Names of shared memory, which are gone when their owner ends.
//!
//! A name is a socket in the abstract namespace on which a thread of the owner hands out the memory's descriptor to
//! processes of the same user. The system removes such a name when the owner ends, however it ends; a file in
//! `/dev/shm` would stay.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::sync::Arc;
use std::thread::JoinHandle;

use rustix::net::sockopt::socket_peercred;

use crate::connection::Connection;
use crate::error::SharedMemoryError;
use fanlane_os::fd_passing::Passed;

/// Maximum length of a name, in bytes.
const MAX_NAME_BYTES: usize = 64;

/// A name under which a descriptor can be opened, as long as this value lives.
#[derive(Debug)]
pub struct Published {
    listener: UnixListener,
    thread: Option<JoinHandle<()>>,
}

fn address(name: &str) -> Result<SocketAddr, SharedMemoryError> {
    if name.is_empty() || name.len() > MAX_NAME_BYTES {
        return Err(fault(name, format!("a name has 1 to {MAX_NAME_BYTES} bytes")));
    }
    let user = rustix::process::getuid().as_raw();
    let address = SocketAddr::from_abstract_name(format!("fanlane-mp/{user}/{name}"));
    address.map_err(|error| fault(name, error.to_string()))
}

fn fault(name: &str, reason: String) -> SharedMemoryError {
    SharedMemoryError::Name { name: name.to_owned(), reason }
}

/// Whether a process of the same user is at the other end.
fn is_ours(stream: &UnixStream) -> bool {
    socket_peercred(stream).is_ok_and(|peer| peer.uid == rustix::process::getuid())
}

/// Gives a descriptor a name.
pub fn publish(name: &str, descriptor: &Arc<OwnedFd>) -> Result<Published, SharedMemoryError> {
    let listener = UnixListener::bind_addr(&address(name)?).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => fault(name, "this name is taken: choose another, or open it".to_owned()),
        _ => fault(name, error.to_string()),
    })?;
    let answering = listener.try_clone().map_err(|error| fault(name, error.to_string()))?;
    let passed = Passed(Arc::clone(descriptor));
    let answer = move || {
        // It ends when the listener is shut down.
        while let Ok((stream, _)) = answering.accept() {
            if is_ours(&stream) {
                // A client that has disconnected needs no answer.
                let _ = Connection::from(stream).send(&passed);
            }
        }
    };
    let thread = std::thread::Builder::new().name("shared memory's name".to_owned()).spawn(answer);
    let thread = thread.map_err(|error| fault(name, error.to_string()))?;
    Ok(Published { listener, thread: Some(thread) })
}

/// The descriptor of that name.
pub fn look_up(name: &str) -> Result<OwnedFd, SharedMemoryError> {
    let stream = UnixStream::connect_addr(&address(name)?).map_err(|error| match error.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => {
            fault(name, "no process has it: its owner has ended or has unlinked it".to_owned())
        }
        _ => fault(name, error.to_string()),
    })?;
    if !is_ours(&stream) {
        return Err(fault(name, "it belongs to another user".to_owned()));
    }
    let passed: Passed = Connection::from(stream).recv().map_err(|error| fault(name, error.to_string()))?;
    Arc::into_inner(passed.0).ok_or_else(|| fault(name, "its descriptor is held twice".to_owned()))
}

impl Drop for Published {
    fn drop(&mut self) {
        let _ = rustix::net::shutdown(self.listener.as_fd(), rustix::net::Shutdown::Both);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
