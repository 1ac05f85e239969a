//! Bounded capture of a stream: its head and its tail, with the count of what was dropped between.

use crate::event::Captured;

/// Takes in a stream piece by piece and never holds more than its limit.
#[derive(Debug)]
pub struct Capture {
    head: Vec<u8>,
    head_limit: usize,
    /// The newest bytes beyond the head, as a ring once it is full.
    tail: Vec<u8>,
    tail_limit: usize,
    tail_start: usize,
    total_bytes: u64,
}

impl Capture {
    /// Keeps at most `limit_bytes`, half of it for the head.
    pub const fn new(limit_bytes: usize) -> Self {
        let tail_limit = limit_bytes / 2;
        Self {
            head: Vec::new(),
            head_limit: limit_bytes - tail_limit,
            tail: Vec::new(),
            tail_limit,
            tail_start: 0,
            total_bytes: 0,
        }
    }

    /// Takes in the next piece.
    pub fn push(&mut self, mut piece: &[u8]) {
        self.total_bytes += piece.len() as u64;
        let room = self.head_limit - self.head.len();
        let (to_head, rest) = piece.split_at(room.min(piece.len()));
        self.head.extend_from_slice(to_head);
        piece = rest;
        if piece.len() >= self.tail_limit {
            self.tail.clear();
            self.tail.extend_from_slice(&piece[piece.len() - self.tail_limit..]);
            self.tail_start = 0;
            return;
        }
        let room = self.tail_limit - self.tail.len();
        let (to_end, over) = piece.split_at(room.min(piece.len()));
        self.tail.extend_from_slice(to_end);
        for part in over.chunks(self.tail_limit.max(1)) {
            let until_wrap = self.tail_limit - self.tail_start;
            let (first, second) = part.split_at(until_wrap.min(part.len()));
            self.tail[self.tail_start..self.tail_start + first.len()].copy_from_slice(first);
            self.tail[..second.len()].copy_from_slice(second);
            self.tail_start = (self.tail_start + part.len()) % self.tail_limit;
        }
    }

    /// Nothing has come.
    pub const fn is_empty(&self) -> bool {
        self.total_bytes == 0
    }

    /// What was kept.
    pub fn finish(mut self) -> Captured {
        self.tail.rotate_left(self.tail_start);
        let kept = (self.head.len() + self.tail.len()) as u64;
        let dropped_bytes = self.total_bytes - kept;
        if dropped_bytes == 0 {
            self.head.append(&mut self.tail);
        }
        Captured { head: self.head, dropped_bytes, tail: self.tail }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn capture(limit: usize, pieces: &[Vec<u8>]) -> Captured {
        let mut capture = Capture::new(limit);
        for piece in pieces {
            capture.push(piece);
        }
        capture.finish()
    }

    proptest! {
        #[test]
        fn head_and_tail_are_those_of_the_whole(
            limit in 0_usize..40,
            pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..30), 0..12),
        ) {
            let whole = pieces.concat();
            let captured = capture(limit, &pieces);
            if whole.len() <= limit {
                prop_assert_eq!(captured, Captured { head: whole, dropped_bytes: 0, tail: Vec::new() });
            } else {
                let tail = limit / 2;
                let head = limit - tail;
                prop_assert_eq!(&captured.head[..], &whole[..head]);
                prop_assert_eq!(&captured.tail[..], &whole[whole.len() - tail..]);
                prop_assert_eq!(captured.dropped_bytes, (whole.len() - limit) as u64);
            }
        }
    }
}
