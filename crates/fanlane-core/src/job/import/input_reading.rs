//! How the inputs of an imported command line are read: what ends a value, what parts its columns, what names them.

use crate::job::{Input, escapes};

/// How inputs are read.
#[derive(Default)]
pub(super) struct InputReading {
    /// What stands at the end of each value of a file, where it is no line end.
    pub(super) separator: Option<String>,
    /// What stands between two columns.
    pub(super) columns: Option<String>,
    /// The first value names the columns.
    pub(super) header: bool,
}

impl InputReading {
    /// The input, read so.
    pub(super) fn of(&self, input: Input) -> Input {
        let input = match (&self.separator, input) {
            (Some(separator), Input::Stdin) => Input::records(None, separator.clone()),
            (Some(separator), Input::Lines(file)) => Input::records(Some(file), separator.clone()),
            (_, input) => input,
        };
        let has_columns = self.columns.is_some() || self.header;
        match input {
            Input::Linked(inputs) => Input::Linked(inputs.into_iter().map(|input| self.of(input)).collect()),
            Input::Range(..) => input,
            input if has_columns => Input::Columns {
                from: Box::new(input),
                separator: self.columns.clone(),
                header: self.header,
                // As parallel does unless it is told otherwise.
                trim: self.columns.is_some(),
            },
            input => input,
        }
    }
}

/// A text as parallel reads it: with escapes; one with an escape that is not known stands for itself.
pub(super) fn unescaped(text: &str) -> String {
    escapes::unescape(text).unwrap_or_else(|_| text.to_owned())
}
