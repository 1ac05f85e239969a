//! Pairs of connected sockets, and the passing of descriptors through them.

use std::io::{self, IoSlice, IoSliceMut, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
};

/// Two connected stream sockets; neither is inherited by a program that is started later.
///
/// # Errors
/// When the system has no descriptors left.
pub fn pair() -> io::Result<(UnixStream, UnixStream)> {
    UnixStream::pair()
}

/// A stream that can also be read without waiting.
pub trait ReadAtOnce: Read {
    /// Reads what is there.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] where there is nothing, whatever the stream itself would do.
    fn read_at_once(&mut self, buffer: &mut [u8]) -> io::Result<usize>;
}

impl ReadAtOnce for &UnixStream {
    fn read_at_once(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::net::recv(*self, buffer, RecvFlags::DONTWAIT)?.1)
    }
}

/// Reads as [`ReadAtOnce::read_at_once`] does.
#[derive(Debug)]
pub struct AtOnce<'a, S>(pub &'a mut S);

impl<S: ReadAtOnce> Read for AtOnce<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read_at_once(buffer)
    }
}

/// Descriptors that go with two numbers.
const MOST_NUMBERED: usize = 2;

/// Sends two numbers together with at most two descriptors through `control`.
///
/// # Errors
/// When the other side is gone.
pub fn send_numbered(control: &UnixStream, numbers: [u32; 2], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&numbers[0].to_le_bytes());
    bytes[4..].copy_from_slice(&numbers[1].to_le_bytes());
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_NUMBERED))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let pushed = ancillary.push(SendAncillaryMessage::ScmRights(descriptors));
    debug_assert!(pushed, "the space was made for as many");
    let sent = rustix::net::sendmsg(control, &[IoSlice::new(&bytes)], &mut ancillary, SendFlags::NOSIGNAL)?;
    if sent == bytes.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
}

/// The numbers that [`send_numbered`] sent, and the descriptors; fewer where this process has none left for them.
pub type Received = ([u32; 2], Vec<OwnedFd>);

/// Receives what [`send_numbered`] sent; `None` once the other side has closed `control`.
///
/// # Errors
/// When the connection fails or carries something else.
pub fn receive_numbered(control: &UnixStream) -> io::Result<Option<Received>> {
    let mut bytes = [0; 8];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_NUMBERED))];
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
    Ok(Some(([number(0), number(4)], descriptors)))
}

/// Descriptors that may come or go with one piece of a stream.
pub const MOST_DESCRIPTORS: usize = 64;

/// Reads once into `buffer`; descriptors that came with the bytes are added to `descriptors`. 0 at the end.
///
/// # Errors
/// What the system says.
pub fn receive_with_descriptors(
    socket: impl AsFd,
    buffer: &mut [u8],
    flags: RecvFlags,
    descriptors: &mut impl Extend<OwnedFd>,
) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
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

/// Sends `parts`, one behind the other, as far as there is room, and `descriptors` with the first of the bytes; says how
/// many bytes went.
///
/// # Errors
/// What the system says; [`io::ErrorKind::InvalidInput`] for more than [`MOST_DESCRIPTORS`].
pub fn send_with_descriptors(
    socket: impl AsFd,
    parts: &[IoSlice<'_>],
    flags: SendFlags,
    descriptors: &[Arc<OwnedFd>],
) -> io::Result<usize> {
    let borrowed: Vec<BorrowedFd<'_>> = descriptors.iter().map(|one| one.as_fd()).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
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
        send_numbered(&here, [7, u32::MAX], &[passed.as_fd(), null.as_fd()]).unwrap();
        drop(passed);
        let (numbers, mut descriptors) = receive_numbered(&there).unwrap().unwrap();
        assert_eq!((numbers, descriptors.len()), ([7, u32::MAX], 2));
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
