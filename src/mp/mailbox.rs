//! A shortcut past a socket: a short message is handed over in shared memory to one who is looking for it just then, which
//! asks nothing of the system. To anybody else it goes through the socket, which wakes them.
//!
//! There is one mailbox for each direction, and one sender and one receiver at it at a time. The receiver opens it while it
//! looks. The sender counts in it what goes through the socket, so that messages keep their order whichever way they
//! take, and one who looks here is sent to the socket when something comes there. Whoever does not look in here, such as
//! one who died, is noticed at the socket as ever.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::mp::memory::{AtomicU64, Segment};
use crate::mp::spin_wait::{self, SpinWait};

/// What one mailbox takes of the memory.
const MAILBOX_BYTES: usize = 1984;
/// What a mailbox for each direction takes.
pub const PAIR_BYTES: usize = 2 * MAILBOX_BYTES;

const STATE_AT: usize = 0;
const SENT_AT: usize = 8;
const BODY_AT: usize = 16;
/// The longest message that is handed over.
const MOST_BYTES: usize = MAILBOX_BYTES - BODY_AT;

// The state. A message in it is its length above the lowest bits, and above that how much went through the socket before.
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
    /// How much went, or came, through the socket, in whatever both ends count; the count goes around.
    through_socket: u32,
}

/// A mailbox for each direction, in [`PAIR_BYTES`] of memory from `at` on, a multiple of eight, which were zero once.
pub fn pair(segment: &Arc<Segment>, at: usize) -> [Mailbox; 2] {
    [at, at + MAILBOX_BYTES].map(|at| Mailbox { segment: Arc::clone(segment), at, through_socket: 0 })
}

/// The same in the whole of `segment`, if there is one.
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

    /// For the sender: hands over the message that `parts` are, if it is short and looked for just now.
    pub fn try_send(&self, parts: [&[u8]; 2]) -> bool {
        let len = (parts[0].len() + parts[1].len()) as u64;
        if len > MOST_BYTES as u64 || self.state().load(Ordering::Acquire) != OPEN {
            return false;
        }
        self.segment.store(self.at + BODY_AT, parts[0]);
        self.segment.store(self.at + BODY_AT + parts[0].len(), parts[1]);
        let full = u64::from(self.through_socket) << BEFORE_SHIFT | len << LENGTH_SHIFT | FULL;
        self.state().compare_exchange(OPEN, full, Ordering::Release, Ordering::Relaxed).is_ok()
    }

    /// For the sender: so much is going to be sent through the socket.
    pub fn note_sent(&mut self, amount: u32) {
        self.through_socket = self.through_socket.wrapping_add(amount);
        // Counted before one who looks is sent away, and seen by one who begins to look afterwards.
        self.sent().store(u64::from(self.through_socket), Ordering::SeqCst);
        let _ = self.state().compare_exchange(OPEN, CLOSED, Ordering::SeqCst, Ordering::SeqCst);
    }

    /// For the receiver: so much came through the socket.
    pub const fn note_received(&mut self, amount: u32) {
        self.through_socket = self.through_socket.wrapping_add(amount);
    }

    /// For the receiver: whether all that went through the socket before a message, as [`Mailbox::look`] said, has come.
    pub const fn is_next(&self, before: u32) -> bool {
        self.missing(before) == 0
    }

    /// For the receiver: how much of that is still to come. What is behind it in the socket was sent after the message.
    pub const fn missing(&self, before: u32) -> u32 {
        before.wrapping_sub(self.through_socket)
    }

    /// For the receiver, who has read the socket empty: looks for a message for a while, as far as that has paid. Puts it
    /// into `body` and says how much went through the socket before it; `None` where the socket is to be read.
    pub fn look(&self, spin_wait: &mut SpinWait, body: &mut Vec<u8>) -> Option<u32> {
        if self.open() {
            let look = || spin_wait::turn(|| (self.state().load(Ordering::Relaxed) != OPEN).then_some(()));
            // On another processor the answer may take less than a turn at this one.
            let _ = look().or_else(|| spin_wait.poll(look));
        }
        self.close(body)
    }

    /// Says also whether nothing is in the socket so far.
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
        body.resize(len.min(MOST_BYTES), 0);
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
    fn a_message_is_handed_to_one_who_looks_and_is_in_its_place_among_those_that_go_through_the_socket() {
        let (mut sender, mut receiver) = both_ends();
        let mut body = Vec::new();
        // Counts go around.
        (sender.through_socket, receiver.through_socket) = (u32::MAX - 2, u32::MAX - 2);
        for len in [0, 1, 7, 8, 100, MOST_BYTES] {
            let message: Vec<u8> = (0..len).map(|place| place as u8 ^ 0x5a).collect();
            let (first, rest) = message.split_at(len / 3);
            assert!(!sender.try_send([first, rest]), "nobody looks");
            sender.note_sent(1);
            assert!(!receiver.open(), "one is in the socket");
            assert!(sender.try_send([first, rest]));
            assert!(!sender.try_send([b"", b"the one before is not taken yet"]));
            sender.note_sent(1);
            let before = receiver.close(&mut body).unwrap();
            assert_eq!(body, message);
            assert!(!receiver.is_next(before), "one came through the socket before it");
            receiver.note_received(1);
            assert!(receiver.is_next(before));
            receiver.note_received(1);
        }
    }

    #[test]
    fn who_looks_is_sent_to_the_socket_when_something_comes_there() {
        let (mut sender, receiver) = both_ends();
        assert!(receiver.open());
        sender.note_sent(1);
        assert_eq!(receiver.state().load(Ordering::SeqCst), CLOSED);
        assert!(!sender.try_send([&[0; MOST_BYTES], b"it is too long besides"]));
        assert_eq!(receiver.look(&mut SpinWait::default(), &mut Vec::new()), None);
    }
}
