//! Frames between a pool and its worker, with descriptors. Whoever sends also receives meanwhile, so two that send at
//! once never wait for each other.

use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
};

use crate::mp::connection::widen;

/// Descriptors in one frame.
pub const MOST_DESCRIPTORS: usize = 64;

const HEADER_BYTES: usize = 8;
const READ_BYTES: usize = 64 << 10;
/// A buffer that was larger is let go when it is empty.
const KEPT_BYTES: usize = 4 << 20;

/// One end.
#[derive(Debug)]
pub struct Wire {
    socket: Arc<OwnedFd>,
    buffer: Vec<u8>,
    begin: usize,
    end: usize,
    descriptors: VecDeque<OwnedFd>,
}

/// A frame that has arrived.
#[derive(Debug)]
pub struct Frame<'a> {
    /// Its bytes.
    pub body: &'a [u8],
    /// Its descriptors.
    pub descriptors: Vec<OwnedFd>,
}

impl Wire {
    /// On a connected socket.
    pub fn new(socket: Arc<OwnedFd>) -> Self {
        widen(&socket);
        Self { socket, buffer: Vec::new(), begin: 0, end: 0, descriptors: VecDeque::new() }
    }

    /// The next frame; waits for it. `None` when the other end is closed.
    pub fn receive(&mut self) -> io::Result<Option<Frame<'_>>> {
        let len = loop {
            let arrived = &self.buffer[self.begin..self.end];
            if let Some((header, rest)) = arrived.split_first_chunk::<HEADER_BYTES>() {
                let len = length_of(*header)?;
                if rest.len() >= len {
                    break len;
                }
                self.reserve(HEADER_BYTES + len);
            }
            if !self.fill(RecvFlags::empty())? {
                return Ok(None);
            }
        };
        let start = self.begin + HEADER_BYTES;
        let count = usize::from(self.buffer[start - 1]).min(self.descriptors.len());
        self.begin = start + len;
        let descriptors = self.descriptors.drain(..count).collect();
        Ok(Some(Frame { body: &self.buffer[start..start + len], descriptors }))
    }

    /// Makes room for so many bytes from where the unread ones begin.
    fn reserve(&mut self, bytes: usize) {
        if self.begin == self.end {
            (self.begin, self.end) = (0, 0);
            if self.buffer.len() > KEPT_BYTES && bytes < KEPT_BYTES {
                self.buffer = Vec::new();
            }
        }
        if self.buffer.len() - self.begin < bytes {
            self.buffer.copy_within(self.begin..self.end, 0);
            (self.begin, self.end) = (0, self.end - self.begin);
            if self.buffer.len() < bytes {
                self.buffer.resize(bytes.max(READ_BYTES), 0);
            }
        }
    }

    /// Reads once; `false` at the end.
    fn fill(&mut self, flags: RecvFlags) -> io::Result<bool> {
        if self.buffer.len() - self.end < READ_BYTES / 2 {
            self.reserve(self.end - self.begin + READ_BYTES);
        }
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
        loop {
            let mut ancillary = RecvAncillaryBuffer::new(&mut space);
            let mut parts = [IoSliceMut::new(&mut self.buffer[self.end..])];
            match rustix::net::recvmsg(&self.socket, &mut parts, &mut ancillary, flags | RecvFlags::CMSG_CLOEXEC) {
                Ok(message) => {
                    self.end += message.bytes;
                    for message in ancillary.drain() {
                        if let RecvAncillaryMessage::ScmRights(arrived) = message {
                            self.descriptors.extend(arrived);
                        }
                    }
                    return Ok(message.bytes > 0);
                }
                Err(Errno::INTR) => {}
                Err(Errno::CONNRESET) => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Sends `parts` as one frame, and takes in what arrives while there is no room.
    pub fn send(&mut self, parts: [&[u8]; 2], descriptors: &[Arc<OwnedFd>]) -> io::Result<()> {
        let len = parts[0].len() + parts[1].len();
        let header = (len as u64 | (descriptors.len() as u64) << 56).to_le_bytes();
        let borrowed: Vec<BorrowedFd<'_>> = descriptors.iter().map(|one| one.as_fd()).collect();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
        let mut sent = 0;
        while sent < HEADER_BYTES + len {
            let mut ancillary = SendAncillaryBuffer::new(&mut space);
            if sent == 0 && !borrowed.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(&borrowed)) {
                return Err(io::ErrorKind::InvalidInput.into());
            }
            let second = HEADER_BYTES + parts[0].len();
            let slices = [
                IoSlice::new(&header[sent.min(HEADER_BYTES)..]),
                IoSlice::new(&parts[0][sent.saturating_sub(HEADER_BYTES).min(parts[0].len())..]),
                IoSlice::new(&parts[1][sent.saturating_sub(second)..]),
            ];
            match rustix::net::sendmsg(&self.socket, &slices, &mut ancillary, SendFlags::NOSIGNAL | SendFlags::DONTWAIT)
            {
                Ok(count) => sent += count,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => self.wait_for_room()?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn wait_for_room(&mut self) -> io::Result<()> {
        let socket = Arc::clone(&self.socket);
        let mut polled = [PollFd::new(&*socket, PollFlags::IN | PollFlags::OUT)];
        match poll(&mut polled, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        if polled[0].revents().contains(PollFlags::IN) {
            match self.fill(RecvFlags::DONTWAIT) {
                Ok(true) => {}
                Ok(false) => return Err(io::ErrorKind::BrokenPipe.into()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl AsFd for Wire {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn length_of(header: [u8; HEADER_BYTES]) -> io::Result<usize> {
    usize::try_from(u64::from_le_bytes(header) & !(0xff << 56)).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mp::socket;

    #[test]
    fn two_that_send_much_at_once_do_not_wait_for_each_other() {
        let (here, there) = socket::pair().unwrap();
        let [mut here, mut there] = [here, there].map(|socket| Wire::new(Arc::new(socket.into())));
        let large = vec![7; 8 << 20];
        let file = Arc::new(OwnedFd::from(std::fs::File::open("/dev/null").unwrap()));
        std::thread::scope(|scope| {
            for wire in [&mut here, &mut there] {
                scope.spawn(|| {
                    wire.send([b"a", &large], &[Arc::clone(&file)]).unwrap();
                    wire.send([b"", b"end"], &[]).unwrap();
                    let frame = wire.receive().unwrap().unwrap();
                    assert!(frame.body.len() == large.len() + 1 && frame.descriptors.len() == 1);
                    let frame = wire.receive().unwrap().unwrap();
                    assert!(frame.body == b"end" && frame.descriptors.is_empty());
                });
            }
        });
        drop(here);
        assert!(there.receive().unwrap().is_none());
    }
}
