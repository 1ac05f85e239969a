//! How the inputs of an imported command line are read: what ends a value, what parts its columns, what names them.

use crate::job::Input;

/// How inputs are read.
#[derive(Default)]
pub(super) struct Reading {
    /// What stands at the end of each value of a file, where it is no line end.
    pub(super) separator: Option<String>,
    /// What stands between two columns.
    pub(super) columns: Option<String>,
    /// The first value names the columns.
    pub(super) header: bool,
}

impl Reading {
    /// The input, read so.
    pub(super) fn of(&self, input: Input) -> Input {
        let input = match (&self.separator, input) {
            (Some(separator), Input::Stdin) => Input::Records { file: None, separator: separator.clone() },
            (Some(separator), Input::Lines(file)) => Input::Records { file: Some(file), separator: separator.clone() },
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

/// A delimiter as parallel reads it: one character, perhaps written with a backslash.
pub(super) fn delimiter(text: &str) -> String {
    match text {
        "\\n" => "\n".to_owned(),
        "\\t" => "\t".to_owned(),
        "\\0" => "\0".to_owned(),
        _ => text.to_owned(),
    }
}
