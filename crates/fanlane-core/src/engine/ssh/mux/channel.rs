//! A channel of a connection: its local end, what waits for that, and how much either side takes.

use std::io;
use std::os::unix::net::UnixStream;

use rustix::net::{SendFlags, Shutdown};

use super::{Piece, WINDOW_BYTES, write_piece};

#[derive(Debug)]
pub(super) struct Channel {
    pub(super) stream: UnixStream,
    /// What has come for it and is not written yet; [`WINDOW_BYTES`] at the most.
    pub(super) waiting: Vec<u8>,
    /// How much the other side takes.
    pub(super) room: usize,
    /// How much was written of which the other side has not heard.
    pub(super) written: usize,
    /// The end of the local stream was sent.
    pub(super) is_read: bool,
    /// The other side sends no more.
    pub(super) is_ended: bool,
    /// What comes for it is dropped: the local end is closed.
    pub(super) is_deaf: bool,
}

impl Channel {
    /// One of which nothing was sent yet.
    pub(super) const fn new(stream: UnixStream) -> Self {
        Self {
            stream,
            waiting: Vec::new(),
            room: WINDOW_BYTES,
            written: 0,
            is_read: false,
            is_ended: false,
            is_deaf: false,
        }
    }

    /// Takes in bytes of the other side.
    pub(super) fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.waiting.len() + bytes.len() > WINDOW_BYTES {
            return Err(io::Error::other("the other side sends more than there is room for"));
        }
        self.waiting.extend_from_slice(bytes);
        self.write();
        Ok(())
    }

    /// Writes what waits as far as there is room, and passes on the end behind it.
    pub(super) fn write(&mut self) {
        let mut sent = 0;
        while sent < self.waiting.len() && !self.is_deaf {
            let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
            match rustix::net::send(&self.stream, &self.waiting[sent..], flags) {
                Ok(count) => sent += count,
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => break,
                Err(_) => self.is_deaf = true,
            }
        }
        if self.is_deaf {
            sent = self.waiting.len();
        }
        self.waiting.drain(..sent);
        self.written += sent;
        if self.is_ended && self.waiting.is_empty() {
            let _ = rustix::net::shutdown(&self.stream, Shutdown::Write);
        }
    }

    /// Says that there is room again, in few messages.
    pub(super) fn grant(&mut self, number: u32, outgoing: &mut Vec<u8>) {
        if self.written >= WINDOW_BYTES / 4 {
            write_piece(outgoing, Piece::Room, number, &(self.written as u32).to_le_bytes());
            self.written = 0;
        }
    }

    /// Both directions have ended.
    pub(super) const fn is_over(&self) -> bool {
        self.is_read && self.is_ended && self.waiting.is_empty()
    }
}
