//! A mailbox beside a socket: a receiver that is polling it gets a short message through shared memory, without a system
//! call. Otherwise the message goes through the socket, which wakes the receiver.
//!
//! There is one mailbox for each direction, with one sender and one receiver at a time. The receiver opens it while it polls.
//! The sender counts in it the messages that go through the socket, so that all keep their order ([`crate::multipath`]), and
//! closes it when one goes there, so that the polling receiver turns to the socket. The death of a receiver, which
//! leaves its mailbox unread, is noticed at the socket.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::shared_memory::{AtomicU64, Segment};
use crate::spin_wait::{self, SpinWait};

/// Size of one mailbox in shared memory.
const MAILBOX_BYTES: usize = 1984;
/// Size of a mailbox for each direction.
pub const PAIR_BYTES: usize = 2 * MAILBOX_BYTES;

const STATE_AT: usize = 0;
const SENT_AT: usize = 8;
const BODY_AT: usize = 16;
/// Maximum length of a message.
const MAX_MESSAGE_BYTES: usize = MAILBOX_BYTES - BODY_AT;

// The state. With a message it holds its length above the lowest bits, and above that how many went through the socket before.
const CLOSED: u64 = 0;
const OPEN: u64 = 1;
const FULL: u64 = 2;
const LENGTH_SHIFT: u32 = 2;
const BEFORE_SHIFT: u32 = 32;

/// One end of a mailbox.
#[derive(Debug)]
pub struct Mailbox {
    segment: Arc<Segment>,
    at: usize,
    /// How many messages were sent, or received, through the socket; the count wraps around.
    through_socket: u32,
}

/// A mailbox for each direction, in [`PAIR_BYTES`] of memory at offset `at`, a multiple of eight, that were zero at first.
pub fn pair(segment: &Arc<Segment>, at: usize) -> [Mailbox; 2] {
    [at, at + MAILBOX_BYTES].map(|at| Mailbox { segment: Arc::clone(segment), at, through_socket: 0 })
}

/// As [`pair`] at the beginning of `segment`, if there is one.
pub fn pair_in(segment: Option<&Arc<Segment>>) -> [Option<Mailbox>; 2] {
    segment.map_or([None, None], |segment| pair(segment, 0).map(Some))
}

impl Mailbox {
    fn state(&self) -> &AtomicU64 {
        self.segment.word(self.at + STATE_AT)
    }

    fn sent(&self) -> &AtomicU64 {
        self.segment.word(self.at + SENT_AT)
    }

    /// For the sender: puts in the message that consists of `parts`, if it is short and the receiver is polling. Gives whether
    /// it did.
    #[inline]
    pub fn try_send(&self, parts: [&[u8]; 2]) -> bool {
        let len = (parts[0].len() + parts[1].len()) as u64;
        if len > MAX_MESSAGE_BYTES as u64 || self.state().load(Ordering::Acquire) != OPEN {
            return false;
        }
        self.segment.store(self.at + BODY_AT, parts[0]);
        self.segment.store(self.at + BODY_AT + parts[0].len(), parts[1]);
        let full = u64::from(self.through_socket) << BEFORE_SHIFT | len << LENGTH_SHIFT | FULL;
        self.state().compare_exchange(OPEN, full, Ordering::Release, Ordering::Relaxed).is_ok()
    }

    /// For the sender: a message is about to be sent through the socket.
    #[inline]
    pub fn note_sent(&mut self) {
        self.through_socket = self.through_socket.wrapping_add(1);
        // Counted before a polling receiver is sent to the socket, and visible to one that begins to poll afterwards.
        self.sent().store(u64::from(self.through_socket), Ordering::SeqCst);
        let _ = self.state().compare_exchange(OPEN, CLOSED, Ordering::SeqCst, Ordering::SeqCst);
    }

    /// For the receiver: a message was received through the socket.
    #[inline]
    pub const fn note_received(&mut self) {
        self.through_socket = self.through_socket.wrapping_add(1);
    }

    /// For the receiver: whether everything sent through the socket before a message, as given by [`Mailbox::poll`], was
    /// received.
    #[inline]
    pub const fn is_next(&self, before: u32) -> bool {
        before == self.through_socket
    }

    /// For a receiver that has read the socket empty: polls for a message for a while, if that has succeeded lately. Puts it
    /// into `body` and gives how many were sent through the socket before it; `None` when the socket is to be read.
    #[inline]
    pub fn poll(&self, spin_wait: &mut SpinWait, body: &mut Vec<u8>) -> Option<u32> {
        if self.open() {
            let poll = || spin_wait::burst(|| (self.state().load(Ordering::Relaxed) != OPEN).then_some(()));
            // The answer of another processor may take less than one burst.
            let _ = poll().or_else(|| spin_wait.poll(poll));
        }
        self.close(body)
    }

    /// Gives whether nothing is in the socket so far.
    fn open(&self) -> bool {
        self.state().store(OPEN, Ordering::SeqCst);
        self.sent().load(Ordering::SeqCst) == u64::from(self.through_socket)
    }

    fn close(&self, body: &mut Vec<u8>) -> Option<u32> {
        let state = self.state().swap(CLOSED, Ordering::AcqRel);
        if state & FULL == 0 {
            return None;
        }
        let len = (state as u32 >> LENGTH_SHIFT) as usize;
        body.clear();
        body.resize(len.min(MAX_MESSAGE_BYTES), 0);
        self.segment.load(self.at + BODY_AT, body);
        Some((state >> BEFORE_SHIFT) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both_ends() -> (Mailbox, Mailbox) {
        let segment = Arc::new(Segment::create("test", PAIR_BYTES).unwrap());
        let [[sender, _], [receiver, _]] = [pair(&segment, 0), pair(&segment, 0)];
        (sender, receiver)
    }

    #[test]
    fn a_message_goes_to_a_polling_receiver_and_keeps_its_order_among_those_through_the_socket() {
        let (mut sender, mut receiver) = both_ends();
        let mut body = Vec::new();
        // Counts wrap around.
        (sender.through_socket, receiver.through_socket) = (u32::MAX - 2, u32::MAX - 2);
        for len in [0, 1, 7, 8, 100, MAX_MESSAGE_BYTES] {
            let message: Vec<u8> = (0..len).map(|place| place as u8 ^ 0x5a).collect();
            let (first, rest) = message.split_at(len / 3);
            assert!(!sender.try_send([first, rest]), "the receiver does not poll");
            sender.note_sent();
            assert!(!receiver.open(), "one is in the socket");
            assert!(sender.try_send([first, rest]));
            assert!(!sender.try_send([b"", b"the one before is not taken yet"]));
            sender.note_sent();
            let before = receiver.close(&mut body).unwrap();
            assert_eq!(body, message);
            assert!(!receiver.is_next(before), "one came through the socket before it");
            receiver.note_received();
            assert!(receiver.is_next(before));
            receiver.note_received();
        }
    }

    #[test]
    fn a_polling_receiver_is_sent_to_the_socket_when_something_comes_there() {
        let (mut sender, receiver) = both_ends();
        assert!(receiver.open());
        sender.note_sent();
        assert_eq!(receiver.state().load(Ordering::SeqCst), CLOSED);
        assert!(!sender.try_send([&[0; MAX_MESSAGE_BYTES], b"it is too long besides"]));
        assert_eq!(receiver.poll(&mut SpinWait::default(), &mut Vec::new()), None);
    }
}
