//! From bytes to the rows of a [`RowStream`]: the side that appends. Each value is checked here as it arrives.

use std::io::{self, BufRead};
use std::sync::Arc;

use bstr::ByteSlice;

use super::columns::{Shape, Table};
use super::encoding::{Decoded, Decoder, Encoding};
use super::read::{LineEnds, Record, Records, read_record, too_long};
use super::stream::RowStream;
use super::{Input, InputError, STDIN, Source, ValueRules, no_separator};

/// Appends rows to a stream.
#[derive(Debug)]
pub struct Feeder {
    stream: Arc<RowStream>,
    table: Table,
    separator: Vec<u8>,
    encoding: Encoding,
    /// Number of values that are left out from here on.
    skip: u64,
    /// The value before which they end.
    until: Option<Vec<u8>>,
    /// That value has come.
    is_over: bool,
    decoder: Decoder,
    ends: LineEnds,
    /// Rows in the stream, published or not.
    rows: u64,
    bytes: u64,
    /// The beginning of a value whose end has not arrived yet.
    partial: Vec<u8>,
    /// The row that determined the number of columns, until the rules for it are known.
    first: Option<FirstRow>,
}

/// A row and the ends of its columns.
type FirstRow = (Box<[u8]>, Box<[usize]>);

/// Why no further row can be appended.
#[derive(Debug)]
pub enum Refusal {
    /// The value, or what it was read from, cannot be used.
    Input(InputError),
    /// The value is no whole number, but a template pads it as one.
    NotANumber {
        /// The number of the row, from 1.
        row: u64,
        /// The value.
        value: Vec<u8>,
        /// Where the template asks for it, in characters from 1.
        column: usize,
    },
    /// All runs of the batch have ended.
    NoReader,
}

impl From<InputError> for Refusal {
    fn from(error: InputError) -> Self {
        Self::Input(error)
    }
}

impl Feeder {
    /// Opens an input that reads standard input, leaving it open. Of `head` no more is read than it takes to know the
    /// columns: nothing for plain lines, the first value otherwise.
    pub(super) fn open(input: &Input, head: &mut dyn BufRead, rules: ValueRules) -> Result<(Source, Self), InputError> {
        let (from, shape) = match input {
            Input::Columns { from, separator, header, trim } => {
                (&**from, Some(Shape::new(separator.as_deref(), *header, *trim)?))
            }
            plain => (plain, None),
        };
        let (records, _) = from.as_records().ok_or(InputError::NoColumns)?;
        if records.separator.is_empty() {
            return Err(no_separator());
        }
        let knows_columns = shape.is_none();
        let mut feeder = Self {
            stream: Arc::new(RowStream::new(1)),
            table: Table::new(shape.unwrap_or_default(), rules),
            separator: records.separator.to_vec(),
            encoding: records.encoding,
            skip: records.skip,
            until: records.until.map(<[u8]>::to_vec),
            is_over: false,
            decoder: records.decoder(),
            ends: LineEnds::default(),
            rows: 0,
            bytes: 0,
            partial: Vec::new(),
            first: None,
        };
        if !knows_columns {
            feeder.read_first(head)?;
        }
        let names = feeder.table.names(STDIN)?;
        feeder.stream = Arc::new(RowStream::new(names.len()));
        feeder.first = feeder.table.row().map(|(bytes, ends)| (bytes.into(), ends.into()));
        feeder.table.forget();
        Ok((Source::growing(Arc::clone(&feeder.stream), names), feeder))
    }

    /// Keeps the row that determined the number of columns.
    pub(crate) fn begin(&mut self, check: &mut Check<'_>) -> Result<(), Refusal> {
        if let Some((bytes, ends)) = self.first.take() {
            check(0, &bytes, &ends)?;
            self.stream.put(0, &bytes, &ends);
            (self.rows, self.bytes) = (1, bytes.len() as u64);
            self.stream.publish(1);
        }
        Ok(())
    }

    fn records(&self) -> Records<'_> {
        Records { separator: &self.separator, encoding: self.encoding, skip: 0, until: None }
    }

    /// Whether a value is left out, because it is one of the first, or the end has come.
    fn leaves_out(&mut self, value: &[u8]) -> bool {
        if self.skip > 0 {
            self.skip -= 1;
            self.table.skip();
            return true;
        }
        self.is_over |= self.until.as_deref() == Some(value);
        self.is_over
    }

    fn read_first(&mut self, head: &mut dyn BufRead) -> Result<(), InputError> {
        let max = self.table.max_record_bytes();
        loop {
            let mut value = Vec::new();
            let mut reader = Decoded::new(&mut self.decoder, head);
            match read_record(&mut reader, &self.separator, max, &mut value).map_err(unreadable)? {
                Record::Whole => self.trim(&mut value),
                Record::End => return Ok(()),
                Record::TooLong => return Err(too_long(STDIN, self.records(), self.table.values() + 1, max)),
            }
            if !self.leaves_out(&value) {
                return self.push_to_table(&value);
            }
            if self.is_over {
                return Ok(());
            }
        }
    }

    /// Takes what belongs to the line end off a value that was read.
    fn trim(&mut self, value: &mut Vec<u8>) {
        let records = Records { separator: &self.separator, encoding: self.encoding, skip: 0, until: None };
        self.ends.trim(records, self.table.values() + 1, value, 0);
    }

    fn push_to_table(&mut self, value: &[u8]) -> Result<(), InputError> {
        let word = self.records().word();
        let pushed = self.table.push(STDIN, word, |bytes| {
            bytes.extend_from_slice(value);
            Ok(true)
        });
        pushed.map(drop)
    }

    /// Makes a row of a value, unless it is a header. A refused value leaves nothing behind.
    fn add(&mut self, value: &[u8], check: &mut Check<'_>) -> Result<(), Refusal> {
        if self.leaves_out(value) {
            return Ok(());
        }
        let added = self.push_to_table(value).map_err(Refusal::Input).and_then(|()| match self.table.row() {
            Some((bytes, ends)) => check(self.rows, bytes, ends),
            None => Ok(()),
        });
        if added.is_ok() {
            self.keep_row();
        }
        self.table.forget();
        added
    }

    /// Puts the row that the table holds into the stream.
    fn keep_row(&mut self) {
        if let Some((bytes, ends)) = self.table.row() {
            self.stream.put(self.rows, bytes, ends);
            self.rows += 1;
            self.bytes += bytes.len() as u64;
        }
    }

    /// Appends one value; waits while too many rows are waiting.
    pub(crate) fn push(&mut self, value: &[u8], check: &mut Check<'_>) -> Result<(), Refusal> {
        self.add(value, check)?;
        self.publish()
    }

    /// Appends values that are there already, however many are waiting.
    pub(crate) fn push_all<'a>(
        &mut self,
        values: impl IntoIterator<Item = &'a [u8]>,
        check: &mut Check<'_>,
    ) -> Result<(), Refusal> {
        let added = values.into_iter().try_for_each(|value| self.add(value, check));
        self.stream.publish(self.rows);
        added
    }

    /// Appends all values of a reader; what has arrived is published before the next read blocks.
    pub(crate) fn read_from(&mut self, reader: &mut dyn BufRead, check: &mut Check<'_>) -> Result<(), Refusal> {
        let mut decoder = std::mem::take(&mut self.decoder);
        let read = self.read_decoded(&mut Decoded::new(&mut decoder, reader), check);
        self.decoder = decoder;
        read
    }

    fn read_decoded(&mut self, reader: &mut dyn BufRead, check: &mut Check<'_>) -> Result<(), Refusal> {
        let max = self.table.max_record_bytes();
        let last = *self.separator.last().expect("an empty separator was refused");
        while !self.is_over {
            let buffer = match reader.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(unreadable(error).into()),
            };
            if buffer.is_empty() {
                if self.partial.is_empty() {
                    return Ok(());
                }
                let mut value = std::mem::take(&mut self.partial);
                self.trim(&mut value);
                return self.push(&value, check);
            }
            let length = buffer.len();
            let mut rest = buffer;
            let mut value = std::mem::take(&mut self.partial);
            let mut added = Ok(());
            while let Some(at) = rest.find_byte(last) {
                value.extend_from_slice(&rest[..=at]);
                rest = &rest[at + 1..];
                if value.ends_with(&self.separator) {
                    value.truncate(value.len() - self.separator.len());
                    self.trim(&mut value);
                    added = self.add(&value, check);
                    value.clear();
                    if added.is_err() {
                        break;
                    }
                }
            }
            value.extend_from_slice(rest);
            if added.is_ok() && !self.is_over && value.len() > max + self.separator.len() {
                added = Err(too_long(STDIN, self.records(), self.table.values() + 1, max).into());
            }
            self.partial = value;
            reader.consume(length);
            // The values before a bad one are good.
            added.and(self.publish())?;
        }
        Ok(())
    }

    fn publish(&self) -> Result<(), Refusal> {
        self.stream.publish(self.rows);
        let mean_bytes = self.bytes.checked_div(self.rows).unwrap_or(0);
        if self.stream.wait_for_room(self.rows, mean_bytes) { Ok(()) } else { Err(Refusal::NoReader) }
    }

    /// Whether all runs of the batch have ended.
    pub(crate) fn is_forsaken(&self) -> bool {
        self.stream.is_forsaken()
    }

    /// Ends the rows; `fault` says why, if the end is not the source's.
    pub(crate) fn close(&self, fault: Option<String>) {
        self.stream.close(fault);
    }
}

/// Checks a row, given its number from 0 and the ends of its columns, before it is kept.
pub(crate) type Check<'a> = dyn FnMut(u64, &[u8], &[usize]) -> Result<(), Refusal> + 'a;

fn unreadable(source: io::Error) -> InputError {
    InputError::Unreadable { origin: STDIN.to_owned(), source }
}
