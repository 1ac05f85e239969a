//! One connection as the server sees it: received bytes, bytes to send, and whether its peer has proven the key. It
//! never waits.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};

use crate::authentication::handshake::{CLAIM_BYTES, Challenge};
use crate::manager::dynamic_value::DynamicValue;
use crate::manager::wire::Inbox;

/// Whether the peer of a connection has proven the key.
pub(super) enum Stage {
    /// It has not: nothing that it sends is decoded.
    Unauthenticated {
        challenge: Challenge,
        claim: Vec<u8>,
    },
    Authenticated,
}

/// A connection of the server.
pub(super) struct ServerConnection {
    stream: OwnedFd,
    pub stage: Stage,
    pub inbox: Inbox,
    out: Vec<u8>,
    sent: usize,
    /// A request of it has no answer yet.
    pub is_waiting: bool,
    /// The value that it was given last and its object, in case the value does not arrive.
    pub taken: Option<(u64, DynamicValue)>,
    /// It is closed as soon as everything has been sent.
    pub ends: bool,
    /// What the poller watches it for.
    pub watched: super::poll::Watched,
}

/// The result of a read.
pub(super) enum Received {
    /// This number of bytes was received.
    Bytes(usize),
    /// Nothing is there yet.
    Nothing,
    /// The connection has ended; `unread`: the peer left before it had read everything sent to it.
    End { unread: bool },
}

impl ServerConnection {
    pub(super) fn new(stream: OwnedFd, limit: usize, watched: super::poll::Watched) -> io::Result<Self> {
        let challenge = Challenge::new()?;
        let out = challenge.greeting().to_vec();
        Ok(Self {
            stream,
            stage: Stage::Unauthenticated { challenge, claim: Vec::with_capacity(CLAIM_BYTES) },
            inbox: Inbox::new(limit),
            out,
            sent: 0,
            is_waiting: false,
            taken: None,
            ends: false,
            watched,
        })
    }

    pub(super) const fn is_unauthenticated(&self) -> bool {
        matches!(self.stage, Stage::Unauthenticated { .. })
    }

    pub(super) fn read(&self, buffer: &mut [u8]) -> Received {
        loop {
            match recv(&self.stream, &mut *buffer, RecvFlags::DONTWAIT) {
                Ok((0, _)) => return Received::End { unread: false },
                Ok((count, _)) => return Received::Bytes(count),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Received::Nothing,
                // The system reports this when the peer closes a socket that still holds received bytes.
                Err(error) => return Received::End { unread: error == Errno::CONNRESET },
            }
        }
    }

    /// The buffer of bytes to send.
    pub(super) const fn out(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    pub(super) const fn has_unsent(&self) -> bool {
        self.sent < self.out.len()
    }

    /// Sends what can be sent without waiting; `false`: the peer is gone.
    pub(super) fn flush(&mut self) -> bool {
        const KEEP_BYTES: usize = 64 << 10;
        while self.has_unsent() {
            match send(&self.stream, &self.out[self.sent..], SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
                Ok(count) => self.sent += count,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return true,
                Err(_) => return false,
            }
        }
        self.sent = 0;
        self.out.clear();
        self.out.shrink_to(KEEP_BYTES);
        true
    }
}

impl AsFd for ServerConnection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}
