//! Many streams of bytes over one, in both directions: the lanes of all workers of a host over the one connection to it.
//!
//! Each lane is a channel. What comes on the local end of a channel goes to the other side in pieces, and no more of it than the
//! other side has said that there is room for: one lane that is not read holds up no other. Messages about the channels, which
//! are few, travel between the pieces.

mod channel;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::net::RecvFlags;
use serde::Serialize;

use fanlane_os::frame::ReadBuffer;
use fanlane_os::waker::Waker;

use channel::Channel;

/// How much of a channel may be on its way or wait at the other side, in bytes.
const WINDOW_BYTES: usize = 1 << 20;
/// The largest piece of a channel's stream, in bytes.
const PIECE_BYTES: usize = 64 << 10;
/// No more is taken from channels while this much waits for the connection.
const MAX_OUTGOING_BYTES: usize = 1 << 20;
/// The largest message, in bytes.
const MAX_MESSAGE_BYTES: usize = 64 << 20;
/// How often the owner looks at the time.
const TICK_INTERVAL: Duration = Duration::from_millis(250);

const HEADER_BYTES: usize = 9;

/// What a piece of the connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    /// Bytes of a channel.
    Bytes = 0,
    /// There is room for so many bytes more.
    Room = 1,
    /// The channel's stream has ended.
    End = 2,
    /// A message to the owner.
    Message = 3,
}

impl Piece {
    fn of_byte(byte: u8) -> io::Result<Self> {
        [Self::Bytes, Self::Room, Self::End, Self::Message]
            .into_iter()
            .find(|piece| *piece as u8 == byte)
            .ok_or_else(|| ErrorKind::InvalidData.into())
    }
}

fn write_piece(out: &mut Vec<u8>, piece: Piece, channel: u32, bytes: &[u8]) {
    out.push(piece as u8);
    out.extend_from_slice(&channel.to_le_bytes());
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(bytes);
}

/// What other threads ask of a connection.
#[derive(Debug)]
pub struct MuxHandle {
    asked: Mutex<Asked>,
    waker: Waker,
}

#[derive(Debug, Default)]
struct Asked {
    /// Messages as pieces.
    messages: Vec<u8>,
    attached: Vec<(u32, UnixStream)>,
    /// Nothing is taken any more.
    ended: bool,
}

impl MuxHandle {
    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a message to the other side's owner.
    ///
    /// # Errors
    /// When the connection has ended, or the message cannot be encoded.
    pub fn send<M: Serialize>(&self, message: &M) -> io::Result<()> {
        self.ask(None, message)
    }

    /// Makes `stream` the local end of a channel, and sends the message that opens it at the other side.
    ///
    /// # Errors
    /// As [`MuxHandle::send`].
    pub fn open<M: Serialize>(&self, channel: u32, stream: UnixStream, message: &M) -> io::Result<()> {
        self.ask(Some((channel, stream)), message)
    }

    fn ask<M: Serialize>(&self, channel: Option<(u32, UnixStream)>, message: &M) -> io::Result<()> {
        let bytes = postcard::to_stdvec(message).map_err(io::Error::other)?;
        if bytes.len() > MAX_MESSAGE_BYTES {
            return Err(io::Error::other("the message is too large for the connection"));
        }
        {
            let mut asked = self.asked();
            if asked.ended {
                return Err(ErrorKind::BrokenPipe.into());
            }
            asked.attached.extend(channel);
            write_piece(&mut asked.messages, Piece::Message, 0, &bytes);
        }
        self.waker.wake();
        Ok(())
    }

    /// Makes `stream` the local end of a channel that the other side has opened.
    pub fn attach(&self, channel: u32, stream: UnixStream) {
        {
            let mut asked = self.asked();
            if asked.ended {
                return;
            }
            asked.attached.push((channel, stream));
        }
        self.waker.wake();
    }

    /// Ends the connection.
    pub fn end(&self) {
        self.asked().ended = true;
        self.waker.wake();
    }
}

/// What the owner of a connection does.
pub trait MuxOwner {
    /// Takes in a message of the other side's owner.
    ///
    /// # Errors
    /// For what has no meaning; it ends the connection.
    fn take(&mut self, message: &[u8]) -> io::Result<()>;

    /// Time has passed; `silence` is how long nothing has come from the other side.
    ///
    /// # Errors
    /// The reason for which the connection is to end.
    fn look(&mut self, silence: Duration) -> io::Result<()>;
}

/// A connection that carries channels.
#[derive(Debug)]
pub struct Mux {
    reader: OwnedFd,
    writer: OwnedFd,
    handle: Arc<MuxHandle>,
    channels: BTreeMap<u32, Channel>,
    incoming: ReadBuffer,
    outgoing: Vec<u8>,
    heard: Instant,
}

impl Mux {
    /// A connection that is read from `reader` and written to `writer`.
    ///
    /// # Errors
    /// When the system has no descriptor left.
    pub fn new(reader: OwnedFd, writer: OwnedFd) -> io::Result<Self> {
        for descriptor in [&reader, &writer] {
            let flags = rustix::fs::fcntl_getfl(descriptor)?;
            rustix::fs::fcntl_setfl(descriptor, flags | OFlags::NONBLOCK)?;
        }
        Ok(Self {
            reader,
            writer,
            handle: Arc::new(MuxHandle { asked: Mutex::default(), waker: Waker::new()? }),
            channels: BTreeMap::new(),
            incoming: ReadBuffer::default(),
            outgoing: Vec::new(),
            heard: Instant::now(),
        })
    }

    /// What other threads reach it by.
    pub fn handle(&self) -> Arc<MuxHandle> {
        Arc::clone(&self.handle)
    }

    /// Carries bytes and messages until the connection ends. All channels are closed then.
    ///
    /// # Errors
    /// Why it has ended, unless one of the two sides has closed it.
    pub fn run(mut self, owner: &mut dyn MuxOwner) -> io::Result<()> {
        let carried = self.carry(owner);
        let mut asked = self.handle.asked();
        asked.ended = true;
        asked.attached.clear();
        drop(asked);
        carried
    }

    fn carry(&mut self, owner: &mut dyn MuxOwner) -> io::Result<()> {
        let mut look_at = Instant::now() + TICK_INTERVAL;
        loop {
            if !self.take_asked() {
                return Ok(());
            }
            self.write_out()?;
            let ready = self.wait()?;
            if ready.reader && !self.read_in(owner)? {
                return Ok(());
            }
            for channel in ready.channels {
                self.serve(channel);
            }
            self.channels.retain(|_, channel| !channel.is_over());
            self.write_out()?;
            if Instant::now() >= look_at {
                look_at = Instant::now() + TICK_INTERVAL;
                owner.look(self.heard.elapsed())?;
            }
        }
    }

    /// Takes in what other threads ask; false when that is the end.
    fn take_asked(&mut self) -> bool {
        self.handle.waker.reset();
        let mut asked = self.handle.asked();
        for (number, stream) in asked.attached.drain(..) {
            self.channels.insert(number, Channel::new(stream));
        }
        self.outgoing.append(&mut asked.messages);
        !asked.ended
    }

    fn wait(&self) -> io::Result<Ready> {
        let takes_more = self.outgoing.len() < MAX_OUTGOING_BYTES;
        let mut polled = vec![
            PollFd::new(&self.reader, PollFlags::IN),
            PollFd::new(&self.handle.waker, PollFlags::IN),
            PollFd::new(&self.writer, if self.outgoing.is_empty() { PollFlags::empty() } else { PollFlags::OUT }),
        ];
        let mut numbers = Vec::with_capacity(self.channels.len());
        for (number, channel) in &self.channels {
            let mut wanted = PollFlags::empty();
            if takes_more && channel.room > 0 && !channel.is_read {
                wanted |= PollFlags::IN;
            }
            if !channel.waiting.is_empty() {
                wanted |= PollFlags::OUT;
            }
            if !wanted.is_empty() {
                numbers.push(*number);
                polled.push(PollFd::from_borrowed_fd(channel.stream.as_fd(), wanted));
            }
        }
        let timeout = Timespec { tv_sec: 0, tv_nsec: i64::from(TICK_INTERVAL.subsec_nanos()) };
        match poll(&mut polled, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let is_ready = |place: usize| !polled[place].revents().is_empty();
        let channels = numbers.iter().enumerate().filter(|(place, _)| is_ready(place + 3)).map(|(_, number)| *number);
        Ok(Ready { reader: is_ready(0), channels: channels.collect() })
    }

    /// Writes what waits for the connection as far as there is room.
    fn write_out(&mut self) -> io::Result<()> {
        let mut sent = 0;
        while sent < self.outgoing.len() {
            match rustix::io::write(&self.writer, &self.outgoing[sent..]) {
                Ok(count) => sent += count,
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => break,
                Err(error) => return Err(error.into()),
            }
        }
        self.outgoing.drain(..sent);
        Ok(())
    }

    /// Reads once from the connection and takes in what is whole; false at its end.
    fn read_in(&mut self, owner: &mut dyn MuxOwner) -> io::Result<bool> {
        let reader = &self.reader;
        let count = match self.incoming.fill(|room| Ok(rustix::io::read(reader, room)?)) {
            Ok(count) => count,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => return Ok(true),
            Err(error) => return Err(error),
        };
        if count == 0 {
            return Ok(false);
        }
        self.heard = Instant::now();
        while let Some((header, _)) = self.incoming.unread().split_first_chunk::<HEADER_BYTES>() {
            let piece = Piece::of_byte(header[0])?;
            let number = |from: usize| u32::from_le_bytes(std::array::from_fn(|place| header[from + place]));
            let (channel, length) = (number(1), number(5) as usize);
            if length > MAX_MESSAGE_BYTES {
                return Err(ErrorKind::InvalidData.into());
            }
            let whole = HEADER_BYTES + length;
            if self.incoming.unread().len() < whole {
                self.incoming.reserve(whole);
                break;
            }
            let bytes = &self.incoming.take(whole)[HEADER_BYTES..];
            match (piece, self.channels.get_mut(&channel)) {
                (Piece::Message, _) => owner.take(bytes)?,
                (Piece::Bytes, Some(open)) => {
                    open.take(bytes)?;
                    open.grant(channel, &mut self.outgoing);
                }
                (Piece::Room, Some(open)) => {
                    let more = bytes.first_chunk().map_or(0, |more| u32::from_le_bytes(*more));
                    open.room = open.room.saturating_add(more as usize);
                }
                (Piece::End, Some(open)) => {
                    open.is_ended = true;
                    open.write();
                }
                // What was on its way to a channel that is closed.
                (Piece::Bytes | Piece::Room | Piece::End, None) => {}
            }
            // A message may have asked for a channel of which the next piece is.
            if piece == Piece::Message && !self.take_asked() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads from and writes to the local end of a channel.
    fn serve(&mut self, number: u32) {
        let Some(channel) = self.channels.get_mut(&number) else { return };
        channel.write();
        channel.grant(number, &mut self.outgoing);
        if channel.is_read || channel.room == 0 {
            return;
        }
        let mut buffer = [0; PIECE_BYTES];
        let most = PIECE_BYTES.min(channel.room);
        match rustix::net::recv(&channel.stream, &mut buffer[..most], RecvFlags::DONTWAIT) {
            Ok((_, count)) if count > 0 => {
                channel.room -= count;
                write_piece(&mut self.outgoing, Piece::Bytes, number, &buffer[..count]);
            }
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
            // The end, or a failure that is one.
            Ok(_) | Err(_) => {
                channel.is_read = true;
                write_piece(&mut self.outgoing, Piece::End, number, &[]);
            }
        }
    }
}

/// What can be read or written without waiting.
struct Ready {
    reader: bool,
    channels: Vec<u32>,
}
