//! A pipe between processes: values or plain bytes, message by message, and the descriptors inside them.
//!
//! Nothing is read ahead, so a connection can be handed to another process at any moment without losing a message.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::net::sockopt::{set_socket_send_buffer_size, socket_domain};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{RecvError, SendError, SystemError};
use crate::wait::wait;
use fanlane_os::fd_passing::{self, Passed};

/// Maximum number of descriptors in one message.
const MAX_DESCRIPTORS: usize = 250;

/// A message's length in the lower seven bytes, its descriptors' count in the highest.
const HEADER_BYTES: usize = 8;

/// Bytes in transit before a sender waits; the system may allow less.
const SEND_BUFFER_BYTES: usize = 1 << 20;

/// Makes a pipe: two connected ends, each of which sends and receives.
///
/// ```
/// let (here, there) = fanlane_mp::pipe()?;
/// here.send(&("cube", 3))?;
/// let (name, number): (String, i32) = there.recv()?;
/// assert_eq!((name.as_str(), number), ("cube", 3));
/// # Ok::<(), fanlane_mp::Error>(())
/// ```
///
/// # Errors
/// When the system has no descriptors left.
pub fn pipe() -> Result<(Connection, Connection), SystemError> {
    let (here, there) = UnixStream::pair().map_err(SystemError::during("a pipe cannot be made"))?;
    widen(&here);
    widen(&there);
    Ok((Connection::from(here), Connection::from(there)))
}

/// Allows more bytes in transit. A smaller buffer is only slower.
pub(crate) fn widen(socket: impl AsFd) {
    let _ = set_socket_send_buffer_size(socket, SEND_BUFFER_BYTES);
}

/// Makes a pipe of one direction: the end that receives, and the end that sends.
///
/// ```
/// let (receiver, sender) = fanlane_mp::one_way_pipe()?;
/// sender.send_bytes(b"hello")?;
/// assert_eq!(receiver.recv_bytes()?, b"hello");
/// assert!(receiver.send_bytes(b"no").is_err());
/// # Ok::<(), fanlane_mp::Error>(())
/// ```
///
/// # Errors
/// When the system has no descriptors left.
pub fn one_way_pipe() -> Result<(Connection, Connection), SystemError> {
    let (receiver, sender) = pipe()?;
    rustix::net::shutdown(&receiver.socket, rustix::net::Shutdown::Write)
        .map_err(|error| SystemError::during("a pipe cannot be given its direction")(error.into()))?;
    let receiver = Connection { direction: Direction::Receive, ..receiver };
    let sender = Connection { direction: Direction::Send, ..sender };
    Ok((receiver, sender))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Direction {
    Both,
    Receive,
    Send,
}

/// One end of a pipe. A clone is the same end. It is closed when the last copy of it, in whichever process, is dropped;
/// the other end then notices. It can be an argument of a process, and can be sent through another connection.
///
/// Threads may use it at the same time. Of several processes only one should receive and one send at a time.
///
/// ```
/// use fanlane_mp::{Connection, Error, RecvError, SendError, one_way_pipe, pipe};
///
/// let (here, there) = pipe()?;
/// let (receiver, sender) = one_way_pipe()?;
/// assert!(receiver.is_readable() && !receiver.is_writable() && sender.is_writable() && !sender.is_readable());
/// // A connection through a connection.
/// here.send(&sender)?;
/// there.recv::<Connection>()?.send_bytes(b"hello")?;
///
/// let mut buffer = [0; 3];
/// // Where the buffer is too short, the message is in the error.
/// match receiver.recv_bytes_into(&mut buffer) {
///     Err(RecvError::BufferTooShort { message }) => assert_eq!(message, b"hello"),
///     other => panic!("{other:?}"),
/// }
/// sender.send_bytes(b"hi")?;
/// assert!(receiver.poll(None)?);
/// let len = receiver.recv_bytes_into(&mut buffer)?;
/// assert_eq!(&buffer[..len], b"hi");
/// assert!(matches!(receiver.send(&1), Err(SendError::Direction)));
/// drop(sender);
/// assert!(matches!(receiver.recv_bytes(), Err(RecvError::Closed)));
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Connection {
    socket: Arc<OwnedFd>,
    direction: Direction,
    outgoing: Arc<Mutex<Vec<u8>>>,
    incoming: Arc<Mutex<Vec<u8>>>,
}

impl From<UnixStream> for Connection {
    fn from(socket: UnixStream) -> Self {
        Self::from(OwnedFd::from(socket))
    }
}

/// On a connected stream socket that waits.
impl From<OwnedFd> for Connection {
    fn from(socket: OwnedFd) -> Self {
        Self {
            socket: Arc::new(socket),
            direction: Direction::Both,
            outgoing: Arc::default(),
            incoming: Arc::default(),
        }
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Connection {
    /// Whether this end can receive.
    pub fn is_readable(&self) -> bool {
        self.direction != Direction::Send
    }

    /// Whether this end can send.
    pub fn is_writable(&self) -> bool {
        self.direction != Direction::Receive
    }

    /// Sends a value. It may hold connections, queues, locks and shared memory.
    ///
    /// # Errors
    /// [`SendError::Closed`], [`SendError::Encode`], [`SendError::Direction`], [`SendError::System`].
    pub fn send<T: Serialize + ?Sized>(&self, value: &T) -> Result<(), SendError> {
        let mut buffer = self.outgoing.lock().unwrap_or_else(PoisonError::into_inner);
        buffer.clear();
        let (encoded, descriptors) = fd_passing::with_descriptors(|| fd_passing::encode(value, &mut buffer));
        encoded?;
        self.send_message(&buffer, &descriptors)
    }

    /// Receives a value of the type that was sent; waits for it. Values are not marked with their types, so another type
    /// is an error only where the bytes make no sense for it.
    ///
    /// # Errors
    /// [`RecvError::Closed`] when the other end is closed and everything was received, [`RecvError::Decode`] for another
    /// kind of value, [`RecvError::Direction`], [`RecvError::System`].
    pub fn recv<T: DeserializeOwned>(&self) -> Result<T, RecvError> {
        let mut buffer = self.incoming.lock().unwrap_or_else(PoisonError::into_inner);
        let (len, descriptors) = self.recv_header()?;
        self.recv_body(&mut buffer, len)?;
        Ok(fd_passing::with_arrived(descriptors, || fd_passing::decode(&buffer))?)
    }

    /// Sends bytes as one message.
    ///
    /// # Errors
    /// As [`Connection::send`].
    pub fn send_bytes(&self, bytes: &[u8]) -> Result<(), SendError> {
        let _turn = self.outgoing.lock().unwrap_or_else(PoisonError::into_inner);
        self.send_message(bytes, &[])
    }

    /// Receives a message of bytes; waits for it.
    ///
    /// # Errors
    /// As [`Connection::recv`].
    pub fn recv_bytes(&self) -> Result<Vec<u8>, RecvError> {
        let _turn = self.incoming.lock().unwrap_or_else(PoisonError::into_inner);
        let (len, _) = self.recv_header()?;
        let mut message = Vec::new();
        self.recv_body(&mut message, len)?;
        Ok(message)
    }

    /// Receives a message into `buffer`; gives its length. Waits for it.
    ///
    /// # Errors
    /// [`RecvError::BufferTooShort`] with the message, where it is longer; else as [`Connection::recv`].
    pub fn recv_bytes_into(&self, buffer: &mut [u8]) -> Result<usize, RecvError> {
        let _turn = self.incoming.lock().unwrap_or_else(PoisonError::into_inner);
        let (len, _) = self.recv_header()?;
        match buffer.get_mut(..len) {
            Some(place) => self.recv_exactly(place).map(|()| len),
            None => {
                let mut message = Vec::new();
                self.recv_body(&mut message, len)?;
                Err(RecvError::BufferTooShort { message })
            }
        }
    }

    /// Whether something can be received, or the other end is closed; waits for that for at most `timeout`, without limit where
    /// it is `None`.
    ///
    /// # Errors
    /// [`RecvError::Direction`], [`RecvError::System`].
    pub fn poll(&self, timeout: Option<Duration>) -> Result<bool, RecvError> {
        if !self.is_readable() {
            return Err(RecvError::Direction);
        }
        Ok(!wait(&[self], timeout)?.is_empty())
    }

    /// Its socket, for another protocol.
    pub(crate) fn into_socket(self) -> Arc<OwnedFd> {
        self.socket
    }

    /// Sends what was encoded with its descriptors as one message.
    pub(crate) fn send_parts(&self, body: &[u8], descriptors: &[Arc<OwnedFd>]) -> Result<(), SendError> {
        let _turn = self.outgoing.lock().unwrap_or_else(PoisonError::into_inner);
        self.send_message(body, descriptors)
    }

    /// Receives a message that is not decoded yet, with its descriptors.
    pub(crate) fn recv_parts(&self) -> Result<(Vec<u8>, Vec<OwnedFd>), RecvError> {
        let _turn = self.incoming.lock().unwrap_or_else(PoisonError::into_inner);
        let (len, descriptors) = self.recv_header()?;
        let mut body = Vec::new();
        self.recv_body(&mut body, len)?;
        Ok((body, descriptors))
    }

    fn send_message(&self, body: &[u8], descriptors: &[Arc<OwnedFd>]) -> Result<(), SendError> {
        if !self.is_writable() {
            return Err(SendError::Direction);
        }
        if descriptors.len() > MAX_DESCRIPTORS {
            let reason = format!("it holds {} descriptors, over the limit of {MAX_DESCRIPTORS}", descriptors.len());
            return Err(SendError::Encode(reason));
        }
        if !descriptors.is_empty() && socket_domain(&self.socket) != Ok(AddressFamily::UNIX) {
            return Err(SendError::Encode("it holds what cannot go over a network".to_owned()));
        }
        let header = (body.len() as u64 | (descriptors.len() as u64) << 56).to_le_bytes();
        let borrowed: Vec<BorrowedFd<'_>> = descriptors.iter().map(|one| one.as_fd()).collect();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
        let mut sent = 0;
        while sent < HEADER_BYTES + body.len() {
            let mut ancillary = SendAncillaryBuffer::new(&mut space);
            if sent == 0 && !borrowed.is_empty() {
                let pushed = ancillary.push(SendAncillaryMessage::ScmRights(&borrowed));
                debug_assert!(pushed, "the space is for the maximum number");
            }
            let parts = [
                IoSlice::new(&header[sent.min(HEADER_BYTES)..]),
                IoSlice::new(&body[sent.saturating_sub(HEADER_BYTES)..]),
            ];
            match rustix::net::sendmsg(&self.socket, &parts, &mut ancillary, SendFlags::NOSIGNAL) {
                Ok(count) => sent += count,
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::PIPE | rustix::io::Errno::CONNRESET) => return Err(SendError::Closed),
                Err(error) => return Err(SystemError::during("a message cannot be sent")(error.into()).into()),
            }
        }
        Ok(())
    }

    fn recv_header(&self) -> Result<(usize, Vec<OwnedFd>), RecvError> {
        if !self.is_readable() {
            return Err(RecvError::Direction);
        }
        let mut header = [0; HEADER_BYTES];
        let mut descriptors = Vec::new();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
        let mut received = 0;
        while received < HEADER_BYTES {
            let mut ancillary = RecvAncillaryBuffer::new(&mut space);
            let mut parts = [IoSliceMut::new(&mut header[received..])];
            match rustix::net::recvmsg(&self.socket, &mut parts, &mut ancillary, RecvFlags::CMSG_CLOEXEC) {
                Ok(message) if message.bytes == 0 && received == 0 => return Err(RecvError::Closed),
                Ok(message) if message.bytes == 0 => return Err(torn()),
                Ok(message) => {
                    received += message.bytes;
                    for message in ancillary.drain() {
                        if let RecvAncillaryMessage::ScmRights(arrived) = message {
                            descriptors.extend(arrived);
                        }
                    }
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::CONNRESET) => return Err(RecvError::Closed),
                Err(error) => return Err(SystemError::during("a message cannot be received")(error.into()).into()),
            }
        }
        let header = u64::from_le_bytes(header);
        let len = usize::try_from(header & !(0xff << 56)).expect("a length fits into an address");
        if descriptors.len() as u64 != header >> 56 {
            return Err(RecvError::Decode(
                "its descriptors did not arrive: this process may have too many open".to_owned(),
            ));
        }
        Ok((len, descriptors))
    }

    fn recv_body(&self, buffer: &mut Vec<u8>, len: usize) -> Result<(), RecvError> {
        buffer.clear();
        buffer
            .try_reserve_exact(len)
            .map_err(|_| RecvError::Decode(format!("there is no memory for its {len} bytes")))?;
        buffer.resize(len, 0);
        self.recv_exactly(buffer)
    }

    fn recv_exactly(&self, mut rest: &mut [u8]) -> Result<(), RecvError> {
        while !rest.is_empty() {
            match rustix::net::recv(&self.socket, &mut *rest, RecvFlags::empty()) {
                Ok((_, 0)) => return Err(torn()),
                Ok((_, count)) => rest = &mut rest[count..],
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(SystemError::during("a message cannot be received")(error.into()).into()),
            }
        }
        Ok(())
    }
}

fn torn() -> RecvError {
    let source = io::Error::new(io::ErrorKind::UnexpectedEof, "the other end was closed inside a message");
    SystemError::during("a message cannot be received")(source).into()
}

impl Serialize for Connection {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (Passed(Arc::clone(&self.socket)), self.direction).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Connection {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (passed, direction) = <(Passed, Direction)>::deserialize(deserializer)?;
        Ok(Self { socket: passed.0, direction, outgoing: Arc::default(), incoming: Arc::default() })
    }
}
