//! Reading the inputs that are values one after the other: lists, lines and other records, names of files.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use bstr::ByteSlice;

use super::columns::Table;
use super::encoding::{Decoded, Decoder, Encoding};
use super::{InputError, Source, walk};

/// Maximum size of a row of a table, or of a value that is no argument of a command, in bytes. More than that is no row but
/// a file that has none, such as a device.
pub const MAX_ROW_BYTES: usize = 16 << 20;

/// Number of bytes of a file that are read at once.
const BUFFER_BYTES: usize = 1 << 16;

/// The end of records, and how they are encoded.
#[derive(Clone, Copy)]
pub(super) struct Records<'a> {
    pub separator: &'a [u8],
    pub encoding: Encoding,
    /// Number of records at the beginning that are left out.
    pub skip: u64,
    /// The record before which they end.
    pub until: Option<&'a [u8]>,
}

impl Records<'_> {
    /// Lines.
    pub(super) const LINES: Records<'static> =
        Records { separator: b"\n", encoding: Encoding::Utf8, skip: 0, until: None };

    /// What a record is called in messages.
    pub(super) fn word(self) -> &'static str {
        if self.separator == b"\n" { "line" } else { "record" }
    }

    /// A decoder for them. Behind NUL bytes there is no text with a byte order mark.
    pub(super) fn decoder(self) -> Decoder {
        Decoder::new(if self.separator.contains(&0) { Encoding::Bytes } else { self.encoding })
    }
}

pub(super) fn open_file(path: &Path) -> Result<BufReader<File>, InputError> {
    let unreadable = |source| InputError::Unreadable { origin: path.display().to_string(), source };
    Ok(BufReader::with_capacity(BUFFER_BYTES, File::open(path).map_err(unreadable)?))
}

pub(super) fn list<'a>(values: impl Iterator<Item = &'a [u8]>, mut table: Table) -> Result<Source, InputError> {
    for value in values {
        table.push("the list", "value", |bytes| {
            bytes.extend_from_slice(value);
            Ok(true)
        })?;
    }
    table.finish("the list")
}

/// The pieces that end with the separator, which the last may lack. They are read right into the table.
pub(super) fn records(
    reader: &mut dyn BufRead,
    records: Records<'_>,
    origin: &str,
    mut table: Table,
) -> Result<Source, InputError> {
    let mut decoder = records.decoder();
    let mut reader = Decoded::new(&mut decoder, reader);
    let mut ends = LineEnds::default();
    let max = table.max_record_bytes();
    let mut skipped = Vec::new();
    for number in 1..=records.skip {
        skipped.clear();
        let read = read_record(&mut reader, records.separator, max, &mut skipped);
        match read.map_err(|source| InputError::Unreadable { origin: origin.to_owned(), source })? {
            Record::Whole => ends.trim(records, number, &mut skipped, 0),
            Record::End => break,
            Record::TooLong => return Err(too_long(origin, records, number, max)),
        }
        table.skip();
    }
    loop {
        let number = table.values() + 1;
        let is_there = table.push(origin, records.word(), |bytes| {
            let start = bytes.len();
            match read_record(&mut reader, records.separator, max, bytes) {
                Ok(Record::Whole) => {
                    ends.trim(records, number, bytes, start);
                    let is_end = records.until == Some(&bytes[start..]);
                    if is_end {
                        bytes.truncate(start);
                    }
                    Ok(!is_end)
                }
                Ok(Record::End) => Ok(false),
                Ok(Record::TooLong) => Err(too_long(origin, records, number, max)),
                Err(source) => Err(InputError::Unreadable { origin: origin.to_owned(), source }),
            }
        })?;
        if !is_there {
            return table.finish(origin);
        }
    }
}

pub(super) fn too_long(origin: &str, records: Records<'_>, number: u64, max_bytes: usize) -> InputError {
    InputError::TooLong { origin: origin.to_owned(), place: format!("{} {number}", records.word()), max_bytes }
}

/// Line ends of other systems: where the first line ends with CR LF, no CR before a line end belongs to the line.
#[derive(Debug, Default)]
pub(super) struct LineEnds {
    is_crlf: bool,
}

impl LineEnds {
    /// Takes the CR off the line that begins at `start`.
    pub(super) fn trim(&mut self, records: Records<'_>, number: u64, bytes: &mut Vec<u8>, start: usize) {
        let has_cr = records.separator == b"\n" && bytes[start..].ends_with(b"\r");
        if number == 1 {
            self.is_crlf = has_cr;
        }
        if has_cr && self.is_crlf {
            bytes.pop();
        }
    }
}

/// What was read of a record.
pub(super) enum Record {
    /// All of it, without its separator.
    Whole,
    /// Nothing: the records have ended.
    End,
    /// More than the maximum size.
    TooLong,
}

/// Reads one record. Not much more than `max` bytes are read of one that is too long.
pub(super) fn read_record(
    reader: &mut (impl BufRead + ?Sized),
    separator: &[u8],
    max: usize,
    bytes: &mut Vec<u8>,
) -> io::Result<Record> {
    let last = *separator.last().expect("an empty separator was refused");
    let start = bytes.len();
    loop {
        let buffer = match reader.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            buffer => buffer?,
        };
        if buffer.is_empty() {
            return Ok(if bytes.len() > start { Record::Whole } else { Record::End });
        }
        let length = buffer.find_byte(last).map_or(buffer.len(), |at| at + 1);
        bytes.extend_from_slice(&buffer[..length]);
        reader.consume(length);
        if bytes[start..].ends_with(separator) {
            bytes.truncate(bytes.len() - separator.len());
            return Ok(Record::Whole);
        }
        if bytes.len() - start > max + separator.len() {
            return Ok(Record::TooLong);
        }
    }
}

pub(super) fn glob(pattern: &str, folder: &Path, mut table: Table) -> Result<Source, InputError> {
    let names = walk::matches(pattern, folder)?;
    if names.is_empty() {
        return Err(InputError::NoMatch { pattern: pattern.to_owned(), folder: folder.to_owned() });
    }
    for name in &names {
        table.push(pattern, "match", |bytes| {
            bytes.extend_from_slice(name);
            Ok(true)
        })?;
    }
    table.finish(pattern)
}
