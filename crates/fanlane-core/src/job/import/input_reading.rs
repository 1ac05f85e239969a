//! How an imported command line reads its inputs: what ends a value, separates its columns and names them.

use crate::job::{Input, escapes};

/// How inputs are read.
#[derive(Default)]
pub(super) struct InputReading {
    /// What ends each value of a file, if it is not a line end.
    pub(super) separator: Option<String>,
    /// The separator of columns.
    pub(super) columns: Option<String>,
    /// The first value names the columns.
    pub(super) header: bool,
}

impl InputReading {
    /// The input, read in this way.
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

/// A text with escapes, as parallel reads it; one with an unknown escape is taken literally.
pub(super) fn unescaped(text: &str) -> String {
    escapes::unescape(text).unwrap_or_else(|_| text.to_owned())
}
