//! An input that was read: rows of values, held so that a million of them cost little more than their bytes.

use std::borrow::Cow;
use std::sync::Arc;

use bstr::BStr;
use serde::{Deserialize, Serialize};

use super::InputError;
use super::stream::RowStream;
use crate::job::template::{Digits, WrittenAs};

/// The rows of an input. Each row has [`columns`](Source::columns) values.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Source(Rows);

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Rows {
    /// A range of numbers, made on demand.
    Range { first: i64, len: u64 },
    /// One buffer with all values, row after row, and where each ends.
    Texts { texts: Texts, names: Vec<String>, types: Option<JsonTypes> },
    /// Rows that arrive while they are read, which cannot be serialized.
    #[serde(skip)]
    Growing { stream: Arc<RowStream>, names: Vec<String> },
}

impl Source {
    pub(super) fn range(first: i64, last: i64) -> Result<Self, InputError> {
        let len = if last < first { 0 } else { i128::from(last) - i128::from(first) + 1 };
        let len = u64::try_from(len).map_err(|_| InputError::RangeTooLong { first, last })?;
        Ok(Self(Rows::Range { first, len }))
    }

    /// One column for each name, of which some may be empty; `texts` holds whole rows.
    pub(super) fn named(texts: Texts, names: Vec<String>) -> Self {
        debug_assert!(texts.len().is_multiple_of(names.len()), "rows are whole");
        Self(Rows::Texts { texts, names, types: None })
    }

    /// The same for values of JSON that keep their types.
    pub(super) fn typed(texts: Texts, names: Vec<String>, types: JsonTypes) -> Self {
        debug_assert!(texts.len().is_multiple_of(names.len()), "rows are whole");
        Self(Rows::Texts { texts, names, types: Some(types) })
    }

    /// Whether its values have types.
    pub const fn is_typed(&self) -> bool {
        matches!(self.0, Rows::Texts { types: Some(_), .. })
    }

    /// What is known of the type of a value.
    pub fn written_as(&self, row: u64, column: usize) -> WrittenAs {
        match &self.0 {
            Rows::Texts { names, types: Some(types), .. } if types.is_text(place_of(row, column, names)) => {
                WrittenAs::JsonText
            }
            Rows::Texts { types: Some(_), .. } => WrittenAs::Json,
            _ => WrittenAs::Text,
        }
    }

    /// One column for each name.
    pub(super) fn growing(stream: Arc<RowStream>, names: Vec<String>) -> Self {
        debug_assert_eq!(stream.columns(), names.len(), "a name for each column");
        Self(Rows::Growing { stream, names })
    }

    /// The rows that arrive while they are read; `None` where all are read.
    pub(crate) const fn stream(&self) -> Option<&Arc<RowStream>> {
        match &self.0 {
            Rows::Growing { stream, .. } => Some(stream),
            Rows::Range { .. } | Rows::Texts { .. } => None,
        }
    }

    /// Number of rows; of an input that grows, so far.
    pub fn len(&self) -> u64 {
        match &self.0 {
            Rows::Range { len, .. } => *len,
            Rows::Texts { texts, .. } => (texts.len() / self.columns()) as u64,
            Rows::Growing { stream, .. } => stream.extent().len,
        }
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a deserialized source is consistent.
    pub(crate) fn is_whole(&self) -> bool {
        match &self.0 {
            Rows::Range { .. } => true,
            Rows::Texts { texts, names, .. } => {
                let ends_rise = texts.ends.is_sorted() && texts.ends.last().copied().unwrap_or(0) == texts.bytes.len();
                ends_rise && texts.len().is_multiple_of(names.len().max(1))
            }
            Rows::Growing { .. } => false,
        }
    }

    /// Whether all values are whole numbers, made on demand.
    pub const fn is_range(&self) -> bool {
        matches!(self.0, Rows::Range { .. })
    }

    /// Number of values in a row, at least 1.
    pub fn columns(&self) -> usize {
        self.names().len().max(1)
    }

    /// The columns' names; empty if they have none.
    pub fn names(&self) -> &[String] {
        match &self.0 {
            Rows::Range { .. } => &[],
            Rows::Texts { names, .. } | Rows::Growing { names, .. } => names,
        }
    }

    /// One value: borrowed, or a number made for the caller.
    ///
    /// # Panics
    /// When there is no such row or column.
    pub fn owned_or_held(&self, row: u64, column: usize) -> Cow<'_, BStr> {
        match self.held(row, column) {
            Some(value) => Cow::Borrowed(value),
            None => Cow::Owned(self.value(row, column, &mut Digits::new()).to_owned()),
        }
    }

    /// One value; a number is written into `digits`.
    ///
    /// # Panics
    /// When there is no such row or column.
    pub fn value<'a>(&'a self, row: u64, column: usize, digits: &'a mut Digits) -> &'a BStr {
        if let Some(value) = self.held(row, column) {
            return value;
        }
        let Rows::Range { first, len } = self.0 else { unreachable!("all other values are held") };
        assert!(row < len && column == 0, "row {row} of {len}, column {column} of 1");
        // Both ends are 64-bit numbers, so what lies between them is one too.
        BStr::new(digits.format(first.wrapping_add_unsigned(row)))
    }

    fn held(&self, row: u64, column: usize) -> Option<&BStr> {
        match &self.0 {
            Rows::Range { .. } => None,
            Rows::Texts { texts, names, .. } => Some(BStr::new(texts.get(place_of(row, column, names)))),
            Rows::Growing { stream, .. } => Some(BStr::new(stream.value(row, column))),
        }
    }
}

/// The place of a value among all of a table.
fn place_of(row: u64, column: usize, names: &[String]) -> usize {
    let row = usize::try_from(row).expect("rows that are held in memory are counted in usize");
    row * names.len().max(1) + column
}

/// Which values of JSON are texts there, a bit each.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct JsonTypes {
    texts: Vec<u64>,
    count: usize,
}

impl JsonTypes {
    pub(super) fn push(&mut self, is_text: bool) {
        if self.count.is_multiple_of(64) {
            self.texts.push(0);
        }
        self.texts[self.count / 64] |= u64::from(is_text) << (self.count % 64);
        self.count += 1;
    }

    fn is_text(&self, place: usize) -> bool {
        self.texts.get(place / 64).is_some_and(|bits| bits >> (place % 64) & 1 == 1)
    }
}

/// Many byte strings in one buffer.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Texts {
    #[serde(with = "serde_bytes")]
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Texts {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len());
    }

    /// Where the next text begins; what is written behind it becomes one with [`Texts::end`].
    pub(super) const fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Ends a text at this byte.
    pub(super) fn end(&mut self, at: usize) {
        self.ends.push(at);
    }

    pub(super) fn get(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.bytes[start..self.ends[index]]
    }

    /// All texts in one, with their ends; `None` where there is none.
    pub(super) fn all(&self) -> Option<(&[u8], &[usize])> {
        (!self.ends.is_empty()).then_some((&self.bytes, &self.ends))
    }

    /// Drops all texts, also an unfinished one.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    pub(super) fn shrink(mut self) -> Self {
        self.bytes.shrink_to_fit();
        self.ends.shrink_to_fit();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A million queued tasks stay small: a value costs its own bytes and where it ends.
    #[test]
    fn texts_cost_little_more_than_their_bytes() {
        let mut texts = Texts::default();
        for number in 0..10_000 {
            texts.push(format!("{number:05}").as_bytes());
        }
        let texts = texts.shrink();
        assert_eq!(texts.get(9_999), b"09999");
        let held_bytes = texts.bytes.capacity() + texts.ends.capacity() * size_of::<usize>();
        assert!(held_bytes <= 10_000 * (5 + 8), "{held_bytes}");
    }
}
