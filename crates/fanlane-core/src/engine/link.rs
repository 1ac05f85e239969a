//! What connects the engine with a lane of a worker: a stream of bytes, and the fast ways that only some links have.
//!
//! A link between processes of one machine passes descriptors, so that large results can lie in shared memory, and has
//! mailboxes beside it. Without these all goes through the stream.

use std::fmt::Debug;
use std::io::{self, Read};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use rustix::net::{RecvFlags, SendFlags};

use fanlane_os::mailbox::Mailbox;
use fanlane_os::socket::{self, ReadAtOnce};

/// One end of a lane's link.
#[derive(Debug)]
pub struct Link {
    /// The bytes of both directions.
    pub stream: Arc<dyn LinkStream>,
    /// Mailboxes of the two directions, the one to the worker first, if there are some.
    pub mailboxes: [Option<Mailbox>; 2],
}

/// The stream of a link. It is read by one thread at a time, and written by one.
pub trait LinkStream: Debug + Send + Sync {
    /// Reads what has come; 0 at the end. Descriptors that came with it are added to `descriptors`; a reader without a
    /// place for them expects none.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when nothing has come: at once where `wait` is false, otherwise after the time that
    /// [`LinkStream::set_read_timeout`] has set. Other errors of the system.
    fn receive(&self, buffer: &mut [u8], wait: bool, descriptors: Option<&mut Vec<OwnedFd>>) -> io::Result<usize>;

    /// Sends the beginning of `bytes`, and returns how much was sent. `descriptors` go with the first byte; there are none
    /// unless the link passes them.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when there is no room and `wait` is false. Other errors of the system.
    fn send(&self, bytes: &[u8], wait: bool, descriptors: &[Arc<OwnedFd>]) -> io::Result<usize>;

    /// Sets how long reading waits; `None`: until something comes.
    ///
    /// # Errors
    /// When the system refuses.
    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()>;

    /// Ends both directions; what was sent before still arrives.
    fn close(&self);

    /// What becomes readable when something comes.
    fn descriptor(&self) -> BorrowedFd<'_>;

    /// Whether descriptors can be sent along.
    fn passes_descriptors(&self) -> bool;
}

impl LinkStream for UnixStream {
    fn receive(&self, buffer: &mut [u8], wait: bool, descriptors: Option<&mut Vec<OwnedFd>>) -> io::Result<usize> {
        let flags = if wait { RecvFlags::empty() } else { RecvFlags::DONTWAIT };
        match descriptors {
            Some(descriptors) => socket::receive_with_descriptors(self, buffer, flags, descriptors),
            None => Ok(rustix::net::recv(self, buffer, flags)?.1),
        }
    }

    fn send(&self, bytes: &[u8], wait: bool, descriptors: &[Arc<OwnedFd>]) -> io::Result<usize> {
        let flags = if wait { SendFlags::NOSIGNAL } else { SendFlags::NOSIGNAL | SendFlags::DONTWAIT };
        if descriptors.is_empty() {
            return Ok(rustix::net::send(self, bytes, flags)?);
        }
        socket::send_with_descriptors(self, &[io::IoSlice::new(bytes)], flags, descriptors)
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        Self::set_read_timeout(self, timeout)
    }

    fn close(&self) {
        let _ = self.shutdown(Shutdown::Both);
    }

    fn descriptor(&self) -> BorrowedFd<'_> {
        self.as_fd()
    }

    fn passes_descriptors(&self) -> bool {
        true
    }
}

impl dyn LinkStream {
    /// Sends all of `bytes`, and waits for room.
    ///
    /// # Errors
    /// As [`LinkStream::send`].
    pub fn send_all(&self, mut bytes: &[u8], descriptors: &[Arc<OwnedFd>]) -> io::Result<()> {
        let mut descriptors = descriptors;
        while !bytes.is_empty() {
            match self.send(bytes, true, descriptors) {
                Ok(sent) => {
                    bytes = &bytes[sent..];
                    descriptors = &[];
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// The stream of a link as a reader of frames, without descriptors.
#[derive(Debug)]
pub struct Bytes<'a>(pub &'a dyn LinkStream);

impl Read for Bytes<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.receive(buffer, true, None)
    }
}

impl ReadAtOnce for Bytes<'_> {
    fn read_at_once(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.receive(buffer, false, None)
    }
}
