//! Command templates: parsed once, bound to the columns of a job's inputs once, expanded for every task.
//!
//! The replacement strings are GNU parallel's: `{}` `{.}` `{/}` `{//}` `{/.}` for all values of a task, the same with a
//! position (`{1}`, `{2/.}`, `{-1}` from the end) or a column's name (`{photo}`, `{photo/.}`) in front of the form, and
//! `{#}` for the task's number. Each value is [quoted](crate::job::quote) for the shell after its form is taken. Braces
//! around anything else are text, so that `awk '{print $1}'` needs no escape.
//!
//! Where this is stricter than parallel, it is so because a mistake would run wrong commands: a position that no input
//! gives is an error instead of nothing, as are `{0}`, Perl expressions (`{= … =}`) and `{%}`, the worker's slot, which is not
//! known when a command line is made.

mod expand;
mod form;
mod parse;

pub use expand::{CommandLine, Digits, Values};
use form::Form;

/// A command line with replacement strings, parsed but not yet bound to columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    pieces: Vec<Piece>,
}

/// A stretch of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    /// Goes into the command line as it is.
    Text(String),
    /// `{#}`.
    Number,
    /// Every value of the task, with blanks between them: `{}`, `{/.}`.
    All(Form),
    /// One value by its position, 1 for the first, -1 for the last: `{2}`, `{2/.}`.
    At { position: i64, form: Form, column: usize },
    /// Braces around something else: a column's name, or text if no column is called so.
    Braced(String),
}

/// A template that cannot be used. Columns count characters from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// There is nothing to run.
    #[error("the command line is empty; write the command to run, for example 'echo {{}}'")]
    Empty,
    /// A NUL byte, which no argument of a process can hold.
    #[error("column {column}: a NUL character cannot be part of a command line; remove it")]
    Nul {
        /// Where it stands.
        column: usize,
    },
    /// `{= … =}`.
    #[error("column {column}: Perl expressions {{= … =}} are not supported; put the computation into the command")]
    Perl {
        /// Where it begins.
        column: usize,
    },
    /// `{%}`.
    #[error("column {column}: the slot {{%}} is not supported; {{#}} gives the task's number")]
    Slot {
        /// Where it stands.
        column: usize,
    },
    /// `{0}`.
    #[error("column {column}: values are counted from 1, so there is no {{0}}; write {{1}} for the first")]
    Zero {
        /// Where it stands.
        column: usize,
    },
    /// A position beyond what the inputs give.
    #[error(
        "column {column}: {{{position}}} asks for a value that is not there; the inputs give {} for each task",
        ValueCount(*.given)
    )]
    NoSuchValue {
        /// Where it stands.
        column: usize,
        /// The position that was asked for.
        position: i64,
        /// How many values each task has.
        given: usize,
    },
}

impl TemplateError {
    /// Where in the template the fault is, in characters from 1; `None` if it is about the whole.
    pub const fn column(&self) -> Option<usize> {
        match self {
            Self::Empty => None,
            Self::Nul { column }
            | Self::Perl { column }
            | Self::Slot { column }
            | Self::Zero { column }
            | Self::NoSuchValue { column, .. } => Some(*column),
        }
    }
}

/// `no value`, `1 value`, `3 values`.
struct ValueCount(usize);

impl std::fmt::Display for ValueCount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            0 => f.write_str("no value"),
            1 => f.write_str("1 value"),
            count => write!(f, "{count} values"),
        }
    }
}

impl Template {
    /// Parses a command line.
    ///
    /// # Errors
    /// When it is blank or holds what cannot be replaced; see [`TemplateError`].
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        parse::parse(text).map(|pieces| Self { pieces })
    }

    /// Looks the names and positions up in `columns`, which has one name for each value of a task.
    ///
    /// A position wins over a column whose name is that number, and a column's whole name over a shorter name with a
    /// form. A template without any replacement string gets all values appended, as in GNU parallel.
    ///
    /// # Errors
    /// [`TemplateError::NoSuchValue`].
    pub fn bind(&self, columns: &[String]) -> Result<CommandLine, TemplateError> {
        expand::bind(&self.pieces, columns)
    }
}

#[cfg(test)]
mod tests;
