//! What a field's text means: what was opened as long as nobody touched it, nothing when it is empty, else what it says.

use super::{Field, FieldError};
use crate::session::notices::sentence;
use fanlane_core::job::amount::{parse_size, size_text};

/// A typed text beside the value that it was opened with.
pub(super) struct Typed<'a, T> {
    /// The field.
    pub field: Field,
    /// The text.
    pub text: &'a str,
    /// The value that was opened.
    pub opened: Option<&'a T>,
    /// The text that stands for the value that was opened.
    pub shown: Option<String>,
}

impl<'a, T: Clone> Typed<'a, T> {
    pub(super) fn new(field: Field, text: &'a str, opened: Option<&'a T>, show: impl FnOnce(&T) -> String) -> Self {
        Self { field, text, opened, shown: opened.map(show) }
    }

    /// The value; a text that cannot be read is reported. What the text cannot say exactly, such as a number with more
    /// digits than are typed, stays as it was while the text does.
    pub(super) fn read(self, errors: &mut Vec<FieldError>, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        if self.shown.as_deref() == Some(self.text) {
            return self.opened.cloned();
        }
        let typed = self.text.trim();
        if typed.is_empty() {
            return None;
        }
        match parse(typed) {
            Ok(value) => Some(value),
            Err(message) => {
                errors.push(FieldError { field: self.field, message });
                None
            }
        }
    }
}

impl<'a> Typed<'a, u64> {
    /// A number of bytes, as it is typed: `500M`.
    pub(super) fn size(field: Field, text: &'a str, opened: Option<&'a u64>) -> Self {
        Self::new(field, text, opened, |bytes| size_text(*bytes))
    }

    /// The number of bytes; a text that cannot be read is reported.
    pub(super) fn read_size(self, errors: &mut Vec<FieldError>) -> Option<u64> {
        self.read(errors, |text| parse_size(text).map_err(|error| refused(text, &error)))
    }
}

/// The message about a text that was refused, from words such as `expected seconds`.
pub(super) fn refused(typed: &str, reason: &str) -> String {
    sentence(&format!("{typed:?}: {reason}"))
}

/// A whole number, or what is expected.
pub(super) fn whole<T: std::str::FromStr>(typed: &str, example: &str) -> Result<T, String> {
    typed.parse().map_err(|_| format!("{typed:?} is no count: type a whole number such as {example}, or nothing."))
}
