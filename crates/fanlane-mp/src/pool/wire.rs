//! Frames between a pool and its worker, with descriptors. An end that sends also receives meanwhile, so two that send at
//! once never wait for each other. Short frames without descriptors go through the mailbox while the other end polls.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags};

use crate::connection::widen;
use fanlane_os::frame::ReadBuffer;
use fanlane_os::mailbox::Mailbox;
use fanlane_os::multipath::{MultipathReader, MultipathSender};
pub use fanlane_os::socket::MAX_DESCRIPTORS;
use fanlane_os::socket::{receive_with_descriptors, send_with_descriptors};

const HEADER_BYTES: usize = 8;

/// One end.
#[derive(Debug)]
pub struct Wire {
    socket: Arc<OwnedFd>,
    buffer: ReadBuffer,
    descriptors: VecDeque<OwnedFd>,
    outgoing: MultipathSender,
    incoming: MultipathReader,
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
    /// On a connected socket, with a mailbox for each direction.
    pub fn new(socket: Arc<OwnedFd>, outgoing: Mailbox, incoming: Mailbox) -> Self {
        widen(&socket);
        Self {
            socket,
            buffer: ReadBuffer::default(),
            descriptors: VecDeque::new(),
            outgoing: MultipathSender::new(Some(outgoing)),
            incoming: MultipathReader::new(Some(incoming)),
        }
    }

    /// The next frame; waits for it. `None` when the other end is closed.
    pub fn receive(&mut self) -> io::Result<Option<Frame<'_>>> {
        self.next_frame(false)
    }

    /// The same where it is expected soon: polls for a while before it sleeps, if that has succeeded lately.
    pub fn receive_soon(&mut self) -> io::Result<Option<Frame<'_>>> {
        self.next_frame(true)
    }

    fn next_frame(&mut self, polls: bool) -> io::Result<Option<Frame<'_>>> {
        let len = loop {
            if polls && self.buffer.unread().is_empty() {
                let _: Option<()> = self.incoming.poll(|| None);
            }
            if self.incoming.is_mail_next() {
                return Ok(Some(Frame { body: self.incoming.take_mail(), descriptors: Vec::new() }));
            }
            if let Some((header, rest)) = self.buffer.unread().split_first_chunk::<HEADER_BYTES>() {
                let len = length_of(*header)?;
                if rest.len() >= len {
                    break len;
                }
                self.buffer.reserve(HEADER_BYTES + len);
            }
            if !self.fill(RecvFlags::empty())? {
                return Ok(None);
            }
        };
        self.incoming.note_taken();
        let frame = self.buffer.take(HEADER_BYTES + len);
        let count = usize::from(frame[HEADER_BYTES - 1]).min(self.descriptors.len());
        let descriptors = self.descriptors.drain(..count).collect();
        Ok(Some(Frame { body: &frame[HEADER_BYTES..], descriptors }))
    }

    /// Reads once; `false` at the end.
    fn fill(&mut self, flags: RecvFlags) -> io::Result<bool> {
        let Self { socket, buffer, descriptors, .. } = self;
        match buffer.fill(|room| receive_with_descriptors(&**socket, room, flags, descriptors)) {
            Ok(count) => Ok(count > 0),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Sends `parts` as one frame, and reads what arrives while there is no room.
    pub fn send(&mut self, parts: [&[u8]; 2], descriptors: &[Arc<OwnedFd>]) -> io::Result<()> {
        if self.outgoing.try_mail(parts, descriptors.is_empty()) {
            return Ok(());
        }
        let len = parts[0].len() + parts[1].len();
        let header = (len as u64 | (descriptors.len() as u64) << 56).to_le_bytes();
        let mut sent = 0;
        while sent < HEADER_BYTES + len {
            let second = HEADER_BYTES + parts[0].len();
            let slices = [
                IoSlice::new(&header[sent.min(HEADER_BYTES)..]),
                IoSlice::new(&parts[0][sent.saturating_sub(HEADER_BYTES).min(parts[0].len())..]),
                IoSlice::new(&parts[1][sent.saturating_sub(second)..]),
            ];
            let with = if sent == 0 { descriptors } else { &[] };
            match send_with_descriptors(&self.socket, &slices, SendFlags::DONTWAIT, with) {
                Ok(count) => sent += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.wait_for_room()?,
                Err(error) => return Err(error),
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
    use super::super::cursor::Cursor;
    use super::*;
    use fanlane_os::socket;

    fn both_ends() -> [Wire; 2] {
        let (here, there) = socket::pair().unwrap();
        let cursor = Cursor::create().unwrap();
        let [[to, from], [to_again, from_again]] = [cursor.mailboxes(), cursor.mailboxes()];
        [Wire::new(Arc::new(here.into()), to, from), Wire::new(Arc::new(there.into()), from_again, to_again)]
    }

    #[test]
    fn frames_keep_their_order_whichever_way_they_take() {
        const FRAMES: usize = 20_000;
        let [mut here, mut there] = both_ends();
        let body_of = |number: usize| vec![number as u8; if number.is_multiple_of(7) { 3_000 } else { number % 100 }];
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for number in 0..FRAMES {
                    here.send([&number.to_le_bytes(), &body_of(number)], &[]).unwrap();
                    // An answer to some, so that the other end polls sometimes before there is anything.
                    if number.is_multiple_of(3) {
                        assert_eq!(here.receive_soon().unwrap().unwrap().body, number.to_le_bytes());
                    }
                }
            });
            for number in 0..FRAMES {
                let frame = if number.is_multiple_of(5) { there.receive() } else { there.receive_soon() };
                let body = frame.unwrap().unwrap().body.to_vec();
                assert!(body[..8] == number.to_le_bytes() && body[8..] == body_of(number), "{number}");
                if number.is_multiple_of(3) {
                    there.send([b"", &number.to_le_bytes()], &[]).unwrap();
                }
            }
        });
        drop(here);
        assert!(there.receive_soon().unwrap().is_none());
    }

    #[test]
    fn two_that_send_much_at_once_do_not_wait_for_each_other() {
        let [mut here, mut there] = both_ends();
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
