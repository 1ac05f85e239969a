//! Pairs of connected sockets, reads without waiting, and descriptors sent through sockets.

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
};

use crate::descriptors;

/// Two connected stream sockets; a program that is started later inherits neither.
///
/// # Errors
/// When no descriptors are left.
pub fn pair() -> io::Result<(UnixStream, UnixStream)> {
    UnixStream::pair()
}

/// Maximum length of a socket's path, in bytes: 108 with the final zero byte.
const MAX_PATH_BYTES: usize = 107;

/// Whether the system takes this path for a socket.
pub fn is_short(path: &Path) -> bool {
    path.as_os_str().len() <= MAX_PATH_BYTES
}

/// Calls `open` with a path of the socket at `path` that the system takes: itself, or one through a descriptor of its folder.
///
/// # Errors
/// When the folder cannot be opened; those of `open`.
pub fn through_short_path<T>(path: &Path, open: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return open(path) };
    if is_short(path) {
        return open(path);
    }
    let folder = File::open(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })?;
    open(&descriptors::path_of(&folder).join(name))
}

/// A stream that can also be read without waiting.
pub trait ReadAtOnce: Read {
    /// Reads the bytes that have arrived.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] where there are none, whether or not the stream itself blocks.
    fn read_at_once(&mut self, buffer: &mut [u8]) -> io::Result<usize>;
}

impl ReadAtOnce for &UnixStream {
    fn read_at_once(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::net::recv(*self, buffer, RecvFlags::DONTWAIT)?.1)
    }
}

/// A stream whose `read` is [`ReadAtOnce::read_at_once`].
#[derive(Debug)]
pub struct AtOnce<'a, S>(pub &'a mut S);

impl<S: ReadAtOnce> Read for AtOnce<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read_at_once(buffer)
    }
}

/// Maximum number of descriptors sent with numbers.
const MAX_NUMBERED: usize = 2;
const NUMBERED_BYTES: usize = 12;

/// Sends three numbers together with at most two descriptors through `control`.
///
/// # Errors
/// When the other end is closed.
pub fn send_numbered(control: &UnixStream, numbers: [u32; 3], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut bytes = [0; NUMBERED_BYTES];
    for (place, number) in bytes.chunks_exact_mut(4).zip(numbers) {
        place.copy_from_slice(&number.to_le_bytes());
    }
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_NUMBERED))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let pushed = descriptors.is_empty() || ancillary.push(SendAncillaryMessage::ScmRights(descriptors));
    debug_assert!(pushed, "the buffer has room for them");
    let sent = rustix::net::sendmsg(control, &[IoSlice::new(&bytes)], &mut ancillary, SendFlags::NOSIGNAL)?;
    if sent == bytes.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
}

/// The numbers and descriptors sent by [`send_numbered`]; fewer descriptors if this process has reached its limit.
pub type Received = ([u32; 3], Vec<OwnedFd>);

/// Receives what [`send_numbered`] sent; `None` once the other end of `control` is closed.
///
/// # Errors
/// When the connection fails or the message is of another form.
pub fn receive_numbered(control: &UnixStream) -> io::Result<Option<Received>> {
    let mut bytes = [0; NUMBERED_BYTES];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_NUMBERED))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received = loop {
        let mut parts = [IoSliceMut::new(&mut bytes)];
        match rustix::net::recvmsg(control, &mut parts, &mut ancillary, RecvFlags::CMSG_CLOEXEC | RecvFlags::WAITALL) {
            Err(rustix::io::Errno::INTR) => {}
            other => break other?.bytes,
        }
    };
    if received == 0 {
        return Ok(None);
    }
    let mut descriptors = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(arrived) = message {
            descriptors.extend(arrived);
        }
    }
    if received != bytes.len() {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let number = |from: usize| u32::from_le_bytes(std::array::from_fn(|place| bytes[from + place]));
    Ok(Some(([number(0), number(4), number(8)], descriptors)))
}

/// Maximum number of descriptors sent with one piece of a stream.
pub const MAX_DESCRIPTORS: usize = 64;

/// Reads once into `buffer` and adds descriptors that came with the bytes to `descriptors`. Gives the number of bytes, 0 at
/// the end of the stream.
///
/// # Errors
/// Those of `recvmsg`.
pub fn receive_with_descriptors(
    socket: impl AsFd,
    buffer: &mut [u8],
    flags: RecvFlags,
    descriptors: &mut impl Extend<OwnedFd>,
) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    loop {
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let mut parts = [IoSliceMut::new(buffer)];
        match rustix::net::recvmsg(&socket, &mut parts, &mut ancillary, flags | RecvFlags::CMSG_CLOEXEC) {
            Ok(message) => {
                for one in ancillary.drain() {
                    if let RecvAncillaryMessage::ScmRights(arrived) = one {
                        descriptors.extend(arrived);
                    }
                }
                return Ok(message.bytes);
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Sends `parts`, one after the other, as far as there is room, and `descriptors` with the first byte. Gives the number of
/// bytes sent.
///
/// # Errors
/// Those of `sendmsg`; [`io::ErrorKind::InvalidInput`] for more than [`MAX_DESCRIPTORS`].
pub fn send_with_descriptors(
    socket: impl AsFd,
    parts: &[IoSlice<'_>],
    flags: SendFlags,
    descriptors: &[Arc<OwnedFd>],
) -> io::Result<usize> {
    let borrowed: Vec<BorrowedFd<'_>> = descriptors.iter().map(|one| one.as_fd()).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    loop {
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !borrowed.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(&borrowed)) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        match rustix::net::sendmsg(&socket, parts, &mut ancillary, flags | SendFlags::NOSIGNAL) {
            Err(rustix::io::Errno::INTR) => {}
            sent => return Ok(sent?),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    #[test]
    fn a_socket_travels_through_another() {
        let (here, there) = pair().unwrap();
        let (mut mine, passed) = pair().unwrap();
        let null = std::fs::File::open("/dev/null").unwrap();
        send_numbered(&here, [7, u32::MAX, 1], &[passed.as_fd(), null.as_fd()]).unwrap();
        drop(passed);
        let (numbers, mut descriptors) = receive_numbered(&there).unwrap().unwrap();
        assert_eq!((numbers, descriptors.len()), ([7, u32::MAX, 1], 2));
        send_numbered(&here, [0, 1, 2], &[]).unwrap();
        assert!(matches!(receive_numbered(&there), Ok(Some(([0, 1, 2], none))) if none.is_empty()));
        let mut theirs = UnixStream::from(descriptors.swap_remove(0));
        theirs.write_all(b"hello").unwrap();
        drop(theirs);
        let mut text = String::new();
        mine.read_to_string(&mut text).unwrap();
        assert_eq!(text, "hello");
        drop(here);
        assert!(receive_numbered(&there).unwrap().is_none());
    }
}
