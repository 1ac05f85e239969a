//! A bound on what is read for one row, for readers that would read an endless row into memory.

use std::cell::Cell;
use std::io::{self, Read};

use super::read::MAX_ROW_BYTES;

/// Number of bytes since the beginning of a row, and number of quotation marks since the beginning of the text.
#[derive(Debug, Default)]
pub(super) struct RowBound {
    bytes: Cell<usize>,
    quotes: Cell<u64>,
}

/// A reader that fails once a row is too long.
pub(super) struct Bounded<'a, R> {
    bound: &'a RowBound,
    reader: R,
}

/// The row is too long.
#[derive(Debug, thiserror::Error)]
#[error("the row is too long")]
struct TooLong;

impl RowBound {
    pub(super) const fn around<R: Read>(&self, reader: R) -> Bounded<'_, R> {
        Bounded { bound: self, reader }
    }

    pub(super) fn begin_row(&self) {
        self.bytes.set(0);
    }

    /// Whether the number of quotation marks says that one was not closed.
    pub(super) fn has_open_quote(&self) -> bool {
        self.quotes.get() % 2 == 1
    }
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = loop {
            match self.reader.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                length => break length?,
            }
        };
        let quotes = buffer[..length].iter().filter(|byte| **byte == b'"').count();
        self.bound.quotes.set(self.bound.quotes.get() + quotes as u64);
        self.bound.bytes.set(self.bound.bytes.get() + length);
        if self.bound.bytes.get() > MAX_ROW_BYTES { Err(io::Error::other(TooLong)) } else { Ok(length) }
    }
}

/// Whether a fault of reading is that a row was too long.
pub(super) fn is_row_bound(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<TooLong>())
}
