//! Values on their way into memory: as they are, or cut into columns, with or without a header.

use bstr::ByteSlice;
use regex::bytes::{Regex, RegexBuilder};

use super::fault::{ColumnCount, refuse_nul};
use super::source::Texts;
use super::{InputError, Source};

/// How values become rows.
#[derive(Debug, Default)]
pub(super) struct Shape {
    separator: Option<Regex>,
    header: bool,
    trim: bool,
}

impl Shape {
    pub(super) fn new(separator: Option<&str>, header: bool, trim: bool) -> Result<Self, InputError> {
        Ok(Self { separator: separator.map(compile).transpose()?, header, trim })
    }
}

/// Bytes count, as in GNU parallel; a class of characters beyond ASCII needs them to be characters.
fn compile(pattern: &str) -> Result<Regex, InputError> {
    let bad = |reason: String| InputError::BadSeparator { pattern: pattern.to_owned(), reason };
    let of_bytes = RegexBuilder::new(pattern).unicode(false).build();
    let compiled = of_bytes.or_else(|_| Regex::new(pattern)).map_err(|error| {
        // The library draws the place below the expression, over several lines.
        bad(error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned())
    })?;
    if compiled.is_match(b"") {
        return Err(bad("it also matches where nothing stands; write for example + in place of *".to_owned()));
    }
    Ok(compiled)
}

/// Rows as they are gathered. Each value is written right behind the others and cut there.
#[derive(Debug)]
pub(super) struct Table {
    shape: Shape,
    texts: Texts,
    names: Option<Vec<String>>,
    /// Columns of the first value, once it is there.
    width: Option<usize>,
    values: u64,
    ends: Vec<usize>,
}

impl Table {
    pub(super) fn new(shape: Shape) -> Self {
        Self { shape, texts: Texts::default(), names: None, width: None, values: 0, ends: Vec::new() }
    }

    /// Adds a value that `write` appends to the buffer, unless it says that there is none. `what` a value is called in
    /// messages: `line`.
    pub(super) fn push(
        &mut self,
        origin: &str,
        what: &str,
        write: impl FnOnce(&mut Vec<u8>) -> Result<bool, InputError>,
    ) -> Result<bool, InputError> {
        let start = self.texts.bytes().len();
        if !write(self.texts.bytes())? {
            return Ok(false);
        }
        self.values += 1;
        let number = self.values;
        let place = || format!("{what} {number}");
        refuse_nul(&self.texts.bytes()[start..], origin, place)?;
        let is_header = self.shape.header && self.names.is_none();
        if self.shape.separator.is_none() && !self.shape.trim && !is_header {
            let end = self.texts.bytes().len();
            self.texts.end(end);
            return Ok(true);
        }
        self.cut(start);
        let found = self.ends.len();
        let expected = *self.width.get_or_insert(found);
        if found != expected {
            return Err(InputError::RaggedColumns {
                origin: origin.to_owned(),
                place: place(),
                found: ColumnCount(found),
                expected: ColumnCount(expected),
            });
        }
        if is_header {
            self.names = Some(self.take_names(start, origin)?);
        } else {
            self.ends.iter().for_each(|end| self.texts.end(*end));
        }
        Ok(true)
    }

    /// Moves the columns of the value at `start` together, and notes where each ends.
    fn cut(&mut self, start: usize) {
        self.ends.clear();
        let bytes = self.texts.bytes();
        let cut = self.shape.separator.iter().flat_map(|separator| separator.find_iter(&bytes[start..]));
        let gaps: Vec<_> = cut.map(|gap| start + gap.start()..start + gap.end()).collect();
        let mut end = start;
        let mut from = start;
        for gap in gaps.into_iter().chain(std::iter::once(bytes.len()..bytes.len())) {
            let mut column = from..gap.start;
            if self.shape.trim {
                let blanks = |blank: &&u8| blank.is_ascii_whitespace();
                column.start += bytes[column.clone()].iter().take_while(blanks).count();
                column.end -= bytes[column.clone()].iter().rev().take_while(blanks).count();
            }
            let length = column.len();
            bytes.copy_within(column, end);
            end += length;
            from = gap.end;
            self.ends.push(end);
        }
        bytes.truncate(end);
    }

    fn take_names(&mut self, start: usize, origin: &str) -> Result<Vec<String>, InputError> {
        let bytes = self.texts.bytes();
        let mut from = start;
        let mut names = Vec::with_capacity(self.ends.len());
        for (index, end) in self.ends.iter().enumerate() {
            let name = bytes[from..*end].to_str();
            let bad = |_| InputError::ColumnNotUnicode { origin: origin.to_owned(), column: index + 1 };
            names.push(name.map_err(bad)?.to_owned());
            from = *end;
        }
        bytes.truncate(start);
        Ok(names)
    }

    /// A name for each column, as far as they are known.
    pub(super) fn names(&self, origin: &str) -> Result<Vec<String>, InputError> {
        if self.shape.header && self.names.is_none() {
            return Err(InputError::NoNames { origin: origin.to_owned() });
        }
        Ok(self.names.clone().unwrap_or_else(|| vec![String::new(); self.width.unwrap_or(1)]))
    }

    /// The only row, with the ends of its columns; for a caller that keeps rows elsewhere.
    pub(super) fn row(&self) -> Option<(&[u8], &[usize])> {
        self.texts.all()
    }

    /// Drops all rows, also a refused one.
    pub(super) fn forget(&mut self) {
        self.texts.clear();
    }

    pub(super) fn finish(self, origin: &str) -> Result<Source, InputError> {
        let names = self.names(origin)?;
        Ok(Source::named(self.texts.shrink(), names))
    }
}
