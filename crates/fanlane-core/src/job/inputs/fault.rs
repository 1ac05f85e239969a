//! What can be wrong with an input, in words that name the file, the row and the column.

use std::io;
use std::path::PathBuf;

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
    /// An end of a range that is not a whole number.
    #[error("'{text}' is no whole number; write one such as 100, or a parameter that is one, such as {{@last}}")]
    NotWhole {
        /// The end.
        text: String,
    },
    /// A value holds a NUL byte.
    #[error(
        "{origin}, {place}: the value holds a NUL byte, which no command can be given; {}",
        if place.starts_with("line ") {
            "if NUL bytes end the values, as those of find -print0, read them with -0 (--null), in a job file as Records \
             with the separator \"\\0\"; if the text is UTF-16, with --encoding utf-16"
        } else {
            "remove it"
        }
    )]
    Nul {
        /// The path, `standard input` or `the list`.
        origin: String,
        /// The number of the line, row or value, from 1.
        place: String,
    },
    /// A value, or a row, that is too long.
    #[error(
        "{origin}, {place}: it is longer than {max_bytes} bytes, {}",
        if *max_bytes > super::value::MAX_ARGUMENT_BYTES {
            "the most that a row may have; write long texts to files, and their names into the inputs"
        } else {
            "the most that an argument of a command can have; write long texts to files, and their names into the inputs"
        }
    )]
    TooLong {
        /// The path, `standard input` or `the list`.
        origin: String,
        /// The number of the line, row or value, from 1.
        place: String,
        /// Its maximum size.
        max_bytes: usize,
    },
    /// A value of a table that is not UTF-8.
    #[error(
        "{origin}, {place}: it is not UTF-8; give the encoding of the file: --encoding windows-1252 (or latin-1, utf-16, \
         bytes), or encoding in a Table of a job file"
    )]
    NotUnicode {
        /// The path, `standard input` or `the list`.
        origin: String,
        /// Which row, and which column.
        place: String,
    },
    /// Two columns of one table have the same name.
    #[error(
        "{origin}: columns {first} and {second} are both called '{name}'; rename one, so that {{{name}}} says which is meant"
    )]
    ColumnTwice {
        /// The path, `standard input` or `the list`.
        origin: String,
        /// Their name.
        name: String,
        /// The first of them, from 1.
        first: usize,
        /// The second, from 1.
        second: usize,
    },
    /// A cell of a CSV file that begins with a quotation mark and does not end.
    #[error(
        "{origin}, row {row} (line {line}): the quotation mark of a cell is not closed, so that all lines behind it belong to it"
    )]
    OpenQuote {
        /// The path.
        origin: String,
        /// Which row, 1 for the header.
        row: u64,
        /// The line it begins in.
        line: u64,
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
    #[error(
        "{origin}, row {row} (line {line}): it has {found}, but the header names {expected}; columns are separated by {}",
        SeparatorName(*separator)
    )]
    RaggedRow {
        /// The path.
        origin: String,
        /// Which row, 1 for the header.
        row: u64,
        /// The line it begins in.
        line: u64,
        /// Fields in the row.
        found: FieldCount,
        /// Columns in the header.
        expected: FieldCount,
        /// What separates columns.
        separator: char,
    },
    /// A CSV header that is not Unicode.
    #[error(
        "{origin}: the name of column {column} is not valid UTF-8; give the encoding of the file: --encoding windows-1252 (or \
         latin-1, utf-16), or encoding in a Table of a job file"
    )]
    ColumnNotUnicode {
        /// The path.
        origin: String,
        /// The number of the column, from 1.
        column: usize,
    },
    /// Values with different numbers of columns.
    #[error("{origin}, {place}: it has {found}, but the first has {expected}; make them the same")]
    RaggedColumns {
        /// The path, `standard input` or `the list`.
        origin: String,
        /// The number of the line, row or value, from 1.
        place: String,
        /// Columns found.
        found: ColumnCount,
        /// Columns of the first.
        expected: ColumnCount,
    },
    /// A header is expected, but there is no value.
    #[error("{origin} is empty, but its first value must name the columns")]
    NoNames {
        /// The path, `standard input` or `the list`.
        origin: String,
    },
    /// A regular expression that is not valid.
    #[error("the column separator '{pattern}' is not valid: {reason}")]
    BadSeparator {
        /// The expression.
        pattern: String,
        /// What is wrong.
        reason: String,
    },
    /// Columns of an input that has columns already, or that cannot have any.
    #[error("only lines, records, lists and names of files can be cut into columns")]
    NoColumns,
    /// A file that is not JSON.
    #[error("{origin}, line {line}, column {column}: this is not JSON as it is expected: {reason}")]
    BadJson {
        /// The path.
        origin: String,
        /// The line.
        line: usize,
        /// The column.
        column: usize,
        /// What is wrong.
        reason: String,
    },
    /// A JSON element that cannot be a value.
    #[error("{origin}, {place}: {reason}")]
    BadElement {
        /// The path.
        origin: String,
        /// Which element, counted from 1, and which key.
        place: String,
        /// What is wrong and what is expected.
        reason: String,
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

/// The names of a table's columns, from its first row; an empty one is none.
pub(super) fn column_names<'a>(
    fields: impl Iterator<Item = &'a [u8]>,
    origin: &str,
) -> Result<Vec<String>, InputError> {
    let mut names: Vec<String> = Vec::new();
    for (index, field) in fields.enumerate() {
        let bad = |_| InputError::ColumnNotUnicode { origin: origin.to_owned(), column: index + 1 };
        let name = str::from_utf8(field).map_err(bad)?.to_owned();
        if let Some(first) = names.iter().position(|known| !name.is_empty() && *known == name) {
            return Err(InputError::ColumnTwice {
                origin: origin.to_owned(),
                name,
                first: first + 1,
                second: index + 1,
            });
        }
        names.push(name);
    }
    Ok(names)
}

/// What separates columns, in words.
struct SeparatorName(char);

impl std::fmt::Display for SeparatorName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            '\t' => f.write_str("a tab"),
            other => write!(f, "'{other}'"),
        }
    }
}

/// A number of CSV fields, displayed with its noun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldCount(pub u64);

impl std::fmt::Display for FieldCount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} field{}", self.0, if self.0 == 1 { "" } else { "s" })
    }
}

/// A number of columns, displayed with its noun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColumnCount(pub usize);

impl std::fmt::Display for ColumnCount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} column{}", self.0, if self.0 == 1 { "" } else { "s" })
    }
}
