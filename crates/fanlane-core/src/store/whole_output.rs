//! The whole of a stream of a task: what its record holds, or the file that it went to when it was too long for memory. Such
//! a stream is copied or encoded piece by piece, never held.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use serde::{Serialize, Serializer};

use super::results_table::{formula_guarded, text_of};
use crate::event::{AttemptRecord, Spill, StreamName};

/// How much of a file is read at once, in bytes.
const PIECE_BYTES: usize = 64 << 10;

/// A stream of a task.
#[derive(Debug)]
pub enum WholeOutput<'a> {
    /// In memory, with a note in place of what was dropped, if anything was.
    Held(Cow<'a, [u8]>),
    /// In a file.
    Spilled(SpilledText),
}

/// A text in a file, written out as often as that is asked for once.
#[derive(Debug)]
pub struct SpilledText {
    file: File,
    /// Why it could not be read to its end.
    fault: RefCell<Option<io::Error>>,
}

impl<'a> WholeOutput<'a> {
    /// A stream of a task; `spill_folder` is where the run keeps streams that are too long for memory.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn of(record: &'a AttemptRecord, stream: StreamName, spill_folder: Option<&Path>) -> io::Result<Self> {
        let spilled = record.output.as_ref().is_some_and(|output| output.stream(stream).spill == Spill::Kept);
        match spill_folder.filter(|_| spilled) {
            Some(folder) => {
                let file = File::open(folder.join(record.spill_name(stream)))?;
                Ok(Self::Spilled(SpilledText { file, fault: RefCell::new(None) }))
            }
            None => Ok(Self::Held(text_of(record, stream))),
        }
    }

    /// A stream of a task of an earlier run, whose results are kept in the folder `results`, if they are. What is not whole
    /// there is taken from the record.
    pub fn of_earlier(record: &'a AttemptRecord, stream: StreamName, results: Option<&Path>) -> Self {
        let held = || Self::Held(text_of(record, stream));
        let kept = record.output.as_ref().map(|output| output.stream(stream));
        let Some((results, kept)) = results.zip(kept).filter(|(_, kept)| kept.dropped_bytes > 0) else { return held() };
        let bytes = (kept.head.len() + kept.tail.len()) as u64 + kept.dropped_bytes;
        let file = File::open(results.join(stream.name()));
        match file.ok().filter(|file| file.metadata().is_ok_and(|metadata| metadata.len() == bytes)) {
            Some(file) => Self::Spilled(SpilledText { file, fault: RefCell::new(None) }),
            None => held(),
        }
    }

    /// Whether nothing of it is missing.
    pub fn is_whole(&self, record: &AttemptRecord, stream: StreamName) -> bool {
        let dropped = || record.output.as_ref().is_some_and(|output| output.stream(stream).dropped_bytes > 0);
        matches!(self, Self::Spilled(_)) || !dropped()
    }

    /// Why the text that was written or serialized ends early, if it does.
    ///
    /// # Errors
    /// The error that reading it met.
    pub fn check_read(&self) -> io::Result<()> {
        match self {
            Self::Spilled(text) => text.fault.borrow_mut().take().map_or(Ok(()), Err),
            Self::Held(_) => Ok(()),
        }
    }
}

impl SpilledText {
    /// Hands the text on piece by piece.
    ///
    /// # Errors
    /// Those of reading and of `take`.
    pub fn each_piece(&self, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            match (&self.file).read(&mut piece) {
                Ok(0) => return Ok(()),
                Ok(count) => take(&piece[..count])?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// As [`SpilledText::each_piece`], from the byte at `offset` on.
    ///
    /// # Errors
    /// Those of reading and of `take`.
    pub fn each_piece_from(&self, offset: u64, take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        (&self.file).seek(SeekFrom::Start(offset))?;
        self.each_piece(take)
    }

    /// Writes it as a quoted cell of a CSV file that no spreadsheet takes for a formula.
    ///
    /// # Errors
    /// Those of reading and of `out`.
    pub fn write_cell(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(b"\"")?;
        let mut begun = false;
        self.each_piece(|piece| {
            let guarded;
            let mut piece = piece;
            if !std::mem::replace(&mut begun, true) {
                guarded = formula_guarded(piece);
                piece = &guarded;
            }
            for (place, run) in piece.split(|byte| *byte == b'"').enumerate() {
                if place > 0 {
                    out.write_all(b"\"\"")?;
                }
                out.write_all(run)?;
            }
            Ok(())
        })?;
        out.write_all(b"\"")
    }
}

/// Bytes that are no UTF-8 become U+FFFD. An error of the file never fails the formatting, which a serializer does not
/// expect: it is kept for [`WholeOutput::check_read`].
impl fmt::Display for SpilledText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut held: Vec<u8> = Vec::new();
        let mut written = Ok(());
        let read = self.each_piece(|piece| {
            held.extend_from_slice(piece);
            // The beginning of a character at the end waits for the rest of it.
            let whole = held.len() - incomplete_bytes(&held);
            written = f.write_str(&String::from_utf8_lossy(&held[..whole]));
            held.drain(..whole);
            if written.is_ok() { Ok(()) } else { Err(io::ErrorKind::Other.into()) }
        });
        written?;
        if let Err(error) = read {
            *self.fault.borrow_mut() = Some(error);
        }
        f.write_str(&String::from_utf8_lossy(&held))
    }
}

impl Serialize for WholeOutput<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Held(text) => serializer.serialize_str(&String::from_utf8_lossy(text)),
            Self::Spilled(text) => serializer.collect_str(text),
        }
    }
}

/// Number of bytes at the end that begin a character and do not finish it.
fn incomplete_bytes(bytes: &[u8]) -> usize {
    let tail = &bytes[bytes.len().saturating_sub(3)..];
    let begins = tail.iter().rposition(|byte| byte & 0xc0 != 0x80);
    begins.map_or(0, |at| match str::from_utf8(&tail[at..]) {
        Err(error) if error.error_len().is_none() => tail.len() - at,
        _ => 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spilled(content: &[u8]) -> SpilledText {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(content).expect("written");
        io::Seek::rewind(&mut file).expect("rewound");
        SpilledText { file, fault: RefCell::new(None) }
    }

    #[test]
    fn a_long_text_is_encoded_as_a_short_one_is() {
        let mut long = "é\"\u{1}\\".repeat(PIECE_BYTES / 3).into_bytes();
        long.push(b'\xc3');
        let expected = serde_json::to_string(&String::from_utf8_lossy(&long)).expect("JSON");
        let written = serde_json::to_string(&WholeOutput::Spilled(spilled(&long))).expect("JSON");
        assert!(written == expected, "the texts differ");
        let mut cell = Vec::new();
        spilled(b"=a\"b\n").write_cell(&mut cell).expect("written");
        assert_eq!(cell, b"\"'=a\"\"b\n\"");
    }

    #[test]
    fn a_text_that_cannot_be_read_is_told_after_it_was_written() {
        let folder = SpilledText { file: File::open("/").expect("a folder"), fault: RefCell::new(None) };
        let whole = WholeOutput::Spilled(folder);
        assert_eq!(serde_json::to_string(&whole).expect("JSON"), "\"\"");
        assert!(whole.check_read().is_err());
    }

    #[test]
    fn characters_are_not_cut_apart() {
        for (bytes, incomplete) in [
            (&b"a"[..], 0),
            (b"", 0),
            (b"\xc3", 1),
            (b"\xe2\x82", 2),
            (b"a\xf0\x9f\x98", 3),
            (b"\xc3\xa9", 0),
            (b"\xff", 0),
        ] {
            assert_eq!(incomplete_bytes(bytes), incomplete, "{bytes:?}");
        }
    }
}
