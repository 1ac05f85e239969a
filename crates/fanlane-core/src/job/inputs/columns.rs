//! Values on their way into memory: as they are, or cut into columns, with or without a header.

use regex::bytes::{Regex, RegexBuilder};

use super::fault::{ColumnCount, column_names};
use super::read::MAX_ROW_BYTES;
use super::source::Texts;
use super::value::ValueRules;
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
    // A separator such as | has a meaning in an expression, and is meant as it is.
    let escaped = regex::escape(pattern);
    let as_it_is = || format!("; for the text {pattern} itself write '{escaped}'");
    let compiled = of_bytes.or_else(|_| Regex::new(pattern)).map_err(|error| {
        // The library draws the place below the expression, over several lines.
        let reason = error.to_string();
        bad(reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned() + &as_it_is())
    })?;
    if compiled.is_match(b"") {
        let is_sign = !pattern.chars().any(char::is_alphanumeric) && !pattern.contains('*') && escaped != pattern;
        let instead = if is_sign { as_it_is() } else { "; write for example + in place of *".to_owned() };
        return Err(bad(format!("it also matches where nothing stands{instead}")));
    }
    Ok(compiled)
}

/// Rows as they are gathered. Each value is written right behind the others and cut there.
#[derive(Debug)]
pub(super) struct Table {
    shape: Shape,
    rules: ValueRules,
    texts: Texts,
    names: Option<Vec<String>>,
    /// Columns of the first value, once it is there.
    width: Option<usize>,
    values: u64,
    ends: Vec<usize>,
}

impl Table {
    pub(super) fn new(shape: Shape, rules: ValueRules) -> Self {
        Self { shape, rules, texts: Texts::default(), names: None, width: None, values: 0, ends: Vec::new() }
    }

    /// Number of values that were added, including a header.
    pub(super) const fn values(&self) -> u64 {
        self.values
    }

    /// Counts a value that is left out.
    pub(super) const fn skip(&mut self) {
        self.values += 1;
    }

    /// Maximum size of what is read as one value.
    pub(super) const fn max_record_bytes(&self) -> usize {
        if self.shape.separator.is_some() { MAX_ROW_BYTES } else { self.rules.max_bytes }
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
        let whole = ValueRules { max_bytes: self.max_record_bytes(), ..self.rules };
        whole.check(&self.texts.bytes()[start..], origin, place)?;
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
            let mut from = start;
            for (index, end) in self.ends.iter().enumerate() {
                let value = &self.texts.bytes()[from..*end];
                self.rules.check(value, origin, || format!("{}, column {}", place(), index + 1))?;
                self.texts.end(*end);
                from = *end;
            }
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
        let starts = std::iter::once(start).chain(self.ends.iter().copied());
        let names = column_names(starts.zip(&self.ends).map(|(from, end)| &bytes[from..*end]), origin)?;
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
