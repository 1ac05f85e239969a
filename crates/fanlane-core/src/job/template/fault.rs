//! Faults of templates, in words for their author.

use crate::job::parameter::ParameterError;

/// Why a template cannot be used. Columns are counted in characters, from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// It is empty.
    #[error("the command line is empty; write the command to run, for example 'echo {{}}'")]
    Empty,
    /// A NUL byte, which no argument of a process can hold.
    #[error("column {column}: a NUL character cannot be part of a command line; remove it")]
    Nul {
        /// Its column.
        column: usize,
    },
    /// `{= … =}` with what is not known.
    #[error(
        "column {column}: {reason}; {{= … =}} takes s/…/…/, tr/…/…/ and what docs/from-gnu-parallel.md lists, not Perl; put other \
         computations into the command"
    )]
    Expression {
        /// The column at which it begins.
        column: usize,
        /// What is not known.
        reason: String,
    },
    /// `{0}`.
    #[error("column {column}: values are counted from 1, so there is no {{0}}; write {{1}} for the first")]
    Zero {
        /// Its column.
        column: usize,
    },
    /// `{1 }`.
    #[error("column {column}: {{{found}}} has a blank in it; write {{{meant}}}")]
    Blank {
        /// Its column.
        column: usize,
        /// The text between the braces.
        found: String,
        /// What was meant.
        meant: String,
    },
    /// `{#:x}`.
    #[error(
        "column {column}: {{{found}}} has no format that is known; write for example {{{name}:%04d}} for zeros or \
         {{{name}:%4d}} for blanks in front of a number of 4 digits"
    )]
    Format {
        /// Its column.
        column: usize,
        /// The text between the braces.
        found: String,
        /// The text before the colon.
        name: String,
    },
    /// A quote without its end.
    #[error("column {column}: the quote {quote} that begins here is not closed; close it, or write \\{quote}")]
    OpenQuote {
        /// The column at which it begins.
        column: usize,
        /// The quote.
        quote: char,
    },
    /// A backslash as the last character.
    #[error("column {column}: there is nothing behind the backslash; remove it, or write \\\\")]
    LoneBackslash {
        /// Its column.
        column: usize,
    },
    /// `'' x` without a shell.
    #[error("column {column}: the first word is empty, so there is no program to start; write its name")]
    EmptyProgram {
        /// Its column.
        column: usize,
    },
    /// A name that is not that of a column, where columns have names.
    #[error(
        "column {column}: {{{found}}} is no column of the inputs; {}{}; a text in braces that is no column is written \
         with a quote in it: '{{'{found}}}",
        meant.as_ref().map(|name| format!("did you mean {{{name}}}? ")).unwrap_or_default(),
        ColumnNames(names)
    )]
    NoSuchColumn {
        /// Its column.
        column: usize,
        /// The text between the braces.
        found: String,
        /// The name that was probably meant.
        meant: Option<String>,
        /// The names of all columns.
        names: Vec<String>,
    },
    /// A name that no parameter of the job has.
    #[error("column {column}: {error}")]
    Parameter {
        /// Its column.
        column: usize,
        /// What is wrong with the name.
        #[source]
        error: Box<ParameterError>,
    },
    /// A parameter stands where a shell would not take its value as one word.
    #[error(
        "column {column}: a value of a parameter is one quoted word, and within {within} the shell would read it, and could run it; \
         put it outside, or hand it on as a variable: x={{@NAME}}; … \"$x\""
    )]
    NotAWord {
        /// Its column.
        column: usize,
        /// What it stands in.
        within: &'static str,
    },
    /// A value of a parameter that is padded as a number and is none.
    #[error("column {column}: '{value}' is to be padded, and is no whole number; remove the format")]
    NotWhole {
        /// Its column.
        column: usize,
        /// The value.
        value: String,
    },
    /// A position beyond what the inputs give.
    #[error(
        "column {column}: {{{position}}} asks for a value that is not there; the inputs give {} for each task",
        ValueCount(*.given)
    )]
    NoSuchValue {
        /// Its column.
        column: usize,
        /// The position that was asked for.
        position: i64,
        /// Number of values in a task.
        given: usize,
    },
}

impl TemplateError {
    /// Where in the template the fault is, in characters from 1; `None` if it is about the whole.
    pub const fn column(&self) -> Option<usize> {
        match self {
            Self::Empty => None,
            Self::Nul { column }
            | Self::Expression { column, .. }
            | Self::Zero { column }
            | Self::Blank { column, .. }
            | Self::Format { column, .. }
            | Self::OpenQuote { column, .. }
            | Self::LoneBackslash { column }
            | Self::EmptyProgram { column }
            | Self::NoSuchColumn { column, .. }
            | Self::Parameter { column, .. }
            | Self::NotAWord { column, .. }
            | Self::NotWhole { column, .. }
            | Self::NoSuchValue { column, .. } => Some(*column),
        }
    }
}

/// The names of columns, not more than a line of them.
struct ColumnNames<'a>(&'a [String]);

impl std::fmt::Display for ColumnNames<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const MAX_NAMES: usize = 20;
        let shown: Vec<String> = self.0.iter().take(MAX_NAMES).map(|name| format!("{{{name}}}")).collect();
        write!(f, "the columns are {}", shown.join(" "))?;
        match self.0.len().saturating_sub(MAX_NAMES) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
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
