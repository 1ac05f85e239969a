//! One connection as the server sees it: bytes that have come, bytes that wait to leave, and how far its client is
//! trusted. It never waits.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};

use crate::mp::manager::dynamic_value::DynamicValue;
use crate::mp::manager::handshake::{CLAIM_BYTES, Challenge};
use crate::mp::manager::wire::Inbox;

/// How far a connection is.
pub(super) enum Stage {
    /// Nothing that it sends is decoded.
    Unauthenticated {
        challenge: Challenge,
        claim: Vec<u8>,
    },
    Authenticated,
}

/// A connection.
pub(super) struct ServerConnection {
    stream: OwnedFd,
    pub stage: Stage,
    pub inbox: Inbox,
    out: Vec<u8>,
    sent: usize,
    /// It has asked and was not answered.
    pub is_waiting: bool,
    /// What it was given last, in case that does not arrive.
    pub taken: Option<(u64, DynamicValue)>,
    /// It is closed as soon as all has been sent.
    pub ends: bool,
    /// What its descriptor is watched for.
    pub watched: super::poll::Watched,
}

/// What reading came to.
pub(super) enum Received {
    /// So many bytes.
    Bytes(usize),
    /// Nothing for now.
    Nothing,
    /// The end; `true` if the other side left without reading all that was sent to it.
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
                // The system says so when a socket is closed that still holds what was sent to it.
                Err(error) => return Received::End { unread: error == Errno::CONNRESET },
            }
        }
    }

    /// Where what is to be sent goes.
    pub(super) const fn out(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    pub(super) const fn has_unsent(&self) -> bool {
        self.sent < self.out.len()
    }

    /// Sends what can be sent without waiting; `false` if the other side is gone.
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
