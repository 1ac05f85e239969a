//! Where the values of a job come from: [`Input`] as a job file writes it, and [`Source`], an input that was read.
//!
//! How several inputs combine is not decided here but in the [`batch`](crate::job::batch).

mod read;
mod source;
mod walk;

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use source::Source;

/// Where one value of each task comes from, or several named ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Input {
    /// Whole numbers from the first to the last, both included, as `seq` counts: none if the first is the larger one.
    Range(i64, i64),
    /// The texts themselves.
    List(Vec<String>),
    /// The lines of a file, without their line ends. Bytes are kept as they are; a `\r` belongs to the line, as in GNU
    /// parallel; an empty line is an empty value; the last line may lack its end.
    Lines(PathBuf),
    /// The names of files and folders that match a pattern, sorted by their bytes: `*`, `?` and `[a-z]` within a name,
    /// `**` for any folders, a slash at the end for folders only. A name with a leading dot is matched only by a name
    /// with a leading dot. No match is an error, and so is a folder that cannot be read.
    Glob(String),
    /// The rows of a CSV file, whose first row names the columns: each task gets one value per column.
    Csv(PathBuf),
    /// The lines of standard input, read to its end; as [`Input::Lines`].
    Stdin,
}

impl Input {
    /// Reads the input. A relative path or pattern is looked up in `folder`; `stdin` is only read by [`Input::Stdin`].
    ///
    /// # Errors
    /// When something cannot be read or does not have the form that it must have; the message names it.
    pub fn open(&self, folder: &Path, stdin: &mut dyn io::Read) -> Result<Source, InputError> {
        match self {
            Self::Range(first, last) => Source::range(*first, *last),
            Self::List(values) => read::list(values),
            Self::Lines(path) => read::lines_of_file(&folder.join(path)),
            Self::Glob(pattern) => read::glob(pattern, folder),
            Self::Csv(path) => read::csv(&folder.join(path)),
            Self::Stdin => read::lines(io::BufReader::new(stdin), "standard input"),
        }
    }
}

/// An input that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// A file, or standard input, cannot be read.
    #[error("{origin} cannot be read: {source}")]
    Unreadable {
        /// The path, or `standard input`.
        origin: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A value holds a NUL byte.
    #[error("{origin}, {place}: the value holds a NUL byte, which no command can be given; remove it")]
    Nul {
        /// The path, `standard input` or `the list`.
        origin: String,
        /// Which line, row or value, counted from 1.
        place: String,
    },
    /// A pattern that is not well formed.
    #[error("the pattern '{pattern}' is not valid at column {column}: {reason}")]
    BadPattern {
        /// The pattern.
        pattern: String,
        /// Where, in characters from 1.
        column: usize,
        /// What is wrong there.
        reason: &'static str,
    },
    /// A pattern that nothing matches.
    #[error("no file matches the pattern '{pattern}' in {folder}; check the pattern and the working folder")]
    NoMatch {
        /// The pattern.
        pattern: String,
        /// Where it was looked up.
        folder: PathBuf,
    },
    /// A CSV file without a header row.
    #[error("{origin} has no header row; its first row must name the columns")]
    NoHeader {
        /// The path.
        origin: String,
    },
    /// A CSV file with a row of another length than the header's.
    #[error("{origin}, row {row} (line {line}): it has {found}, but the header names {expected}")]
    RaggedRow {
        /// The path.
        origin: String,
        /// Which row, 1 for the header.
        row: u64,
        /// The line it begins in.
        line: u64,
        /// Fields in the row.
        found: Fields,
        /// Columns in the header.
        expected: Fields,
    },
    /// A CSV header that is not Unicode.
    #[error("{origin}: the name of column {column} is not valid UTF-8; rename it")]
    ColumnNotUnicode {
        /// The path.
        origin: String,
        /// Which column, from 1.
        column: usize,
    },
    /// A range of more numbers than can be counted.
    #[error("Range({first}, {last}) has more values than can be counted; make it shorter")]
    RangeTooLong {
        /// Its first number.
        first: i64,
        /// Its last number.
        last: i64,
    },
}

/// A count of CSV fields, as people say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fields(pub u64);

impl std::fmt::Display for Fields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} field{}", self.0, if self.0 == 1 { "" } else { "s" })
    }
}

#[cfg(test)]
mod tests;
