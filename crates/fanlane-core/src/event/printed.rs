//! What a running task prints, told while it runs to those who asked for it. It is not kept: the record of the attempt has
//! the output.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{StreamName, TaskId, WorkerId};
use crate::job::lossless;

/// Maximum length of the latest line of a lane, in bytes.
pub const MAX_LATEST_LINE_BYTES: usize = 512;

/// A piece of the output of a running attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Printed {
    /// The task.
    pub task: TaskId,
    /// Which try, from 1.
    pub attempt: u32,
    /// The worker that runs it.
    pub worker: WorkerId,
    /// The stream that it was printed on.
    pub stream: StreamName,
    /// How many bytes of the stream come before this piece. Pieces of a stream come in order; where one does not begin at
    /// the end of the one before, the bytes between were skipped, or come again.
    pub offset: u64,
    /// The piece.
    #[serde(with = "lossless::bytes")]
    pub bytes: Box<[u8]>,
}

impl Printed {
    /// The number of bytes of the stream up to the end of this piece.
    pub const fn end(&self) -> u64 {
        self.offset + self.bytes.len() as u64
    }

    /// What of the piece comes after the first `printed` bytes of its stream, and how many bytes are missing before it.
    pub fn after(&self, printed: u64) -> (u64, &[u8]) {
        let known = printed.saturating_sub(self.offset).min(self.bytes.len() as u64);
        (self.offset.saturating_sub(printed), &self.bytes[known as usize..])
    }

    /// The same with nothing but its latest line.
    #[must_use]
    pub fn latest_line(&self) -> Self {
        let line = latest_line(&self.bytes);
        Self { offset: self.offset + line.start as u64, bytes: self.bytes[line].into(), ..*self }
    }
}

/// The place of the latest line in what was printed, at most [`MAX_LATEST_LINE_BYTES`] of it: the last one that has more than
/// white space, complete or not. A carriage return begins a line anew, as on a terminal.
pub fn latest_line(printed: &[u8]) -> Range<usize> {
    let end = printed.trim_ascii_end().len();
    let start = printed[..end].iter().rposition(|byte| matches!(byte, b'\n' | b'\r')).map_or(0, |place| place + 1);
    start..end.min(start + MAX_LATEST_LINE_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_line_is_the_last_with_something_in_it() {
        let cases: [(&str, &str); 8] = [
            ("", ""),
            (" \n\n", ""),
            ("one", "one"),
            ("one\ntwo\n", "two"),
            ("one\ntw", "tw"),
            ("10 %\r20 %\r", "20 %"),
            ("one\r\ntwo\r\n \r\n", "two"),
            ("one\n  two", "  two"),
        ];
        for (printed, line) in cases {
            assert_eq!(&printed[latest_line(printed.as_bytes())], line, "{printed:?}");
        }
        let long = [b'x'; 3 * MAX_LATEST_LINE_BYTES];
        assert_eq!(latest_line(&long), 0..MAX_LATEST_LINE_BYTES);
    }

    #[test]
    fn a_piece_says_what_is_new_in_it_and_what_is_missing_before_it() {
        let (task, worker, stream) = (TaskId(1), WorkerId(2), StreamName::Stderr);
        let piece = Printed { task, attempt: 1, worker, stream, offset: 10, bytes: (*b"a\nbcd").into() };
        let cases: [(u64, (u64, &[u8])); 5] =
            [(0, (10, b"a\nbcd")), (10, (0, b"a\nbcd")), (12, (0, b"bcd")), (15, (0, b"")), (99, (0, b""))];
        for (printed, expected) in cases {
            assert_eq!(piece.after(printed), expected, "{printed}");
        }
        let line = piece.latest_line();
        assert_eq!((line.offset, &*line.bytes, line.end()), (12, &b"bcd"[..], piece.end()));
    }
}
