//! Where the values of a job come from: [`Input`] as a job file writes it, and [`Source`], an input that was read.
//!
//! How several inputs combine is not decided here but in the [`batch`](crate::job::batch).

mod columns;
mod csv;
mod encoding;
mod fault;
pub(crate) mod feeder;
mod json;
mod read;
mod row_bound;
mod source;
pub(crate) mod stream;
mod value;
mod walk;

use std::io;
use std::path::{Path, PathBuf};

use bstr::BString;
use serde::{Deserialize, Serialize};

pub use encoding::Encoding;
pub use fault::{FieldCount, InputError};
pub use source::Source;
pub use value::ValueRules;

use super::lossless;
use columns::{Shape, Table};
use encoding::{Decoded, Decoder};
use read::Records;

/// Where one value of each task comes from, or several named ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Input {
    /// Whole numbers from the first to the last, both included, as `seq` counts: none if the first is the larger one.
    Range(i64, i64),
    /// As [`Input::Range`], with ends that are texts, so that they can hold parameters: `("1", "{@last}")`.
    Numbers(String, String),
    /// The texts themselves.
    List(Vec<String>),
    /// The lines of a file, without their line ends: CR LF where the first line has it. Bytes are kept as they are, but a
    /// byte order mark is left out, and UTF-16 is read where one says so; an empty line is an empty value; the last line may
    /// lack its end.
    Lines(#[serde(with = "lossless::path")] PathBuf),
    /// The names of files and folders that match a pattern, sorted by their bytes: `*`, `?` and `[a-z]` within a name,
    /// `**` for any folders, a slash at the end for folders only. A name with a leading dot is matched only by a name
    /// with a leading dot. No match is an error, and so is a folder that cannot be read.
    Glob(String),
    /// The rows of a CSV file, whose first row names the columns: each task gets one value per column. Comma, semicolon,
    /// tab and | are recognised as separators, also by a first line such as `sep=;`.
    Csv(#[serde(with = "lossless::path")] PathBuf),
    /// The lines of standard input; as [`Input::Lines`].
    Stdin,

    /// The elements of an array in a JSON file, or one element a line (JSON lines): texts, numbers and truth values, or
    /// objects of these, all with the same keys, which name the columns in the order of the first object.
    Json(#[serde(with = "lossless::path")] PathBuf),
    /// A table as of [`Input::Csv`] or [`Input::Json`] that standard input brings, or of which not everything can be
    /// recognised.
    Table {
        /// The file; `None`: standard input.
        #[serde(default, skip_serializing_if = "Option::is_none", with = "lossless::path_option")]
        file: Option<PathBuf>,
        /// What the table is written in.
        format: TableFormat,
        /// What separates the columns of CSV, an ASCII character; `None`: it is recognised.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        separator: Option<char>,
        /// How it is encoded.
        #[serde(default, skip_serializing_if = "Encoding::is_default")]
        encoding: Encoding,
    },
    /// The pieces of a file, or of standard input, that end with a separator other than a line end, such as `"\0"`. The
    /// last may lack it.
    Records {
        /// The file; `None`: standard input.
        #[serde(default, skip_serializing_if = "Option::is_none", with = "lossless::path_option")]
        file: Option<PathBuf>,
        /// What stands at the end of each piece; one byte or more.
        separator: String,
        /// How it is encoded.
        #[serde(default, skip_serializing_if = "Encoding::is_default")]
        encoding: Encoding,
        /// Number of pieces at the beginning that are left out.
        #[serde(default, skip_serializing_if = "is_zero")]
        skip: u64,
        /// The first piece of this text, and all behind it, are left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<String>,
    },
    /// Values of another input cut into columns.
    Columns {
        /// The other input: any but `Csv`, `Json`, `Table`, `Range`, `Numbers`, `Columns` and `Linked`.
        from: Box<Input>,
        /// A regular expression of what stands between two columns; `None`: each value is one column.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        separator: Option<String>,
        /// The first value holds the columns' names.
        #[serde(default, skip_serializing_if = "is_false")]
        header: bool,
        /// Blanks at both ends of a column are left out.
        #[serde(default, skip_serializing_if = "is_false")]
        trim: bool,
    },
    /// Several inputs walked side by side, ending with the shortest.
    Linked(Vec<Input>),
    /// Texts of any bytes, as they come from a command line: `["a", b"caf\xe9"]`.
    Bytes(#[serde(with = "lossless::texts")] Vec<BString>),
}

/// What a table is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TableFormat {
    /// Rows of values between separators; the first row names the columns.
    #[serde(rename = "csv")]
    Csv,
    /// An array, or one element a line.
    #[serde(rename = "json")]
    Json,
}

impl TableFormat {
    /// The format of a file by the ending of its name, and the separator where that says it.
    pub fn of_path(path: &Path) -> Option<(Self, Option<char>)> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" => Some((Self::Csv, None)),
            "tsv" => Some((Self::Csv, Some('\t'))),
            "json" | "jsonl" | "ndjson" => Some((Self::Json, None)),
            _ => None,
        }
    }
}

/// The origin of values in messages.
const STDIN: &str = "standard input";

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
const fn is_zero(value: &u64) -> bool {
    *value == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

impl Input {
    /// Reads the input. A relative path or pattern is looked up in `folder`; `stdin` is only read by an input that
    /// [reads it](Input::reads_stdin). One source, but for [`Input::Linked`], which has as many as its members.
    ///
    /// # Errors
    /// When something cannot be read or does not have the form that it must have; the message names it.
    pub fn open(&self, folder: &Path, stdin: &mut dyn io::Read, rules: ValueRules) -> Result<Vec<Source>, InputError> {
        let table = |shape| Table::new(shape, rules);
        let source = match self {
            Self::Linked(inputs) => {
                let opened = inputs.iter().map(|input| input.open(folder, stdin, rules));
                return Ok(opened.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect());
            }
            Self::Range(first, last) => Source::range(*first, *last)?,
            Self::Numbers(first, last) => Source::range(whole(first)?, whole(last)?)?,
            Self::Columns { from, separator, header, trim } => {
                from.fill(table(Shape::new(separator.as_deref(), *header, *trim)?), folder, stdin)?
            }
            _ => match self.table() {
                Some(layout) => layout.open(folder, stdin, rules)?,
                None => self.fill(table(Shape::default()), folder, stdin)?,
            },
        };
        Ok(vec![source])
    }

    /// The pieces of a file, or of standard input, that end with `separator`; see [`Input::Records`].
    pub fn records(file: Option<PathBuf>, separator: impl Into<String>) -> Self {
        Self::Records { file, separator: separator.into(), encoding: Encoding::default(), skip: 0, until: None }
    }

    /// Whether it is looked up in a folder that it does not name.
    pub(crate) fn is_relative(&self) -> bool {
        match self {
            Self::Lines(path) | Self::Csv(path) | Self::Json(path) => path.is_relative(),
            Self::Records { file, .. } | Self::Table { file, .. } => file.as_deref().is_some_and(Path::is_relative),
            Self::Glob(pattern) => !pattern.starts_with('/'),
            Self::Columns { from, .. } => from.is_relative(),
            Self::Linked(inputs) => inputs.iter().any(Self::is_relative),
            Self::Range(..) | Self::Numbers(..) | Self::List(_) | Self::Bytes(_) | Self::Stdin => false,
        }
    }

    /// Whether the input is a table, whose rows can span lines.
    pub(crate) fn is_table(&self) -> bool {
        self.table().is_some()
    }

    /// The table that the input is, if it is one.
    fn table(&self) -> Option<TableLayout<'_>> {
        let of =
            |file, format| TableLayout { file: Some(file), format, separator: None, encoding: Encoding::default() };
        match self {
            Self::Csv(path) => Some(of(path, TableFormat::Csv)),
            Self::Json(path) => Some(of(path, TableFormat::Json)),
            Self::Table { file, format, separator, encoding } => {
                Some(TableLayout { file: file.as_deref(), format: *format, separator: *separator, encoding: *encoding })
            }
            _ => None,
        }
    }

    /// How the records of an input that consists of records are read, and of which file; `None`: standard input.
    fn as_records(&self) -> Option<(Records<'_>, Option<&Path>)> {
        match self {
            Self::Lines(path) => Some((Records::LINES, Some(path))),
            Self::Stdin => Some((Records::LINES, None)),
            Self::Records { file, separator, encoding, skip, until } => {
                let until = until.as_ref().map(String::as_bytes);
                let records = Records { separator: separator.as_bytes(), encoding: *encoding, skip: *skip, until };
                Some((records, file.as_deref()))
            }
            _ => None,
        }
    }

    /// Opens an input that [reads standard input](Input::reads_stdin) by itself, as one whose rows come later. Of `head`
    /// only what says its columns is read.
    ///
    /// # Errors
    /// As [`Input::open`], for what is known by then.
    pub(crate) fn open_growing(
        &self,
        head: &mut dyn io::BufRead,
        rules: ValueRules,
    ) -> Result<(Source, feeder::Feeder), InputError> {
        feeder::Feeder::open(self, head, rules)
    }

    /// Puts the values into a table.
    fn fill(&self, table: Table, folder: &Path, stdin: &mut dyn io::Read) -> Result<Source, InputError> {
        match self {
            Self::List(values) => read::list(values.iter().map(String::as_bytes), table),
            Self::Bytes(values) => read::list(values.iter().map(|value| value.as_slice()), table),
            Self::Glob(pattern) => read::glob(pattern, folder, table),
            _ => {
                let (records, file) = self.as_records().ok_or(InputError::NoColumns)?;
                if records.separator.is_empty() {
                    return Err(no_separator());
                }
                with_reader(file, folder, stdin, |reader, origin| read::records(reader, records, origin, table))
            }
        }
    }

    /// Whether standard input is read, which can be done only once.
    pub fn reads_stdin(&self) -> bool {
        match self {
            Self::Stdin | Self::Records { file: None, .. } | Self::Table { file: None, .. } => true,
            Self::Columns { from, .. } => from.reads_stdin(),
            Self::Linked(inputs) => inputs.iter().any(Self::reads_stdin),
            _ => false,
        }
    }

    /// Whether its values cannot be cut into columns, though it is no table.
    const fn has_no_columns(&self) -> bool {
        matches!(self, Self::Range(..) | Self::Numbers(..) | Self::Columns { .. } | Self::Linked(_))
    }

    /// What is wrong with the input as it is written, before anything is read.
    pub fn problem(&self) -> Option<String> {
        match self {
            Self::Lines(path)
            | Self::Csv(path)
            | Self::Json(path)
            | Self::Records { file: Some(path), .. }
            | Self::Table { file: Some(path), .. }
                if path.as_os_str().is_empty() =>
            {
                Some("has no file name".to_owned())
            }
            Self::Glob(pattern) if pattern.is_empty() => Some("has no pattern".to_owned()),
            Self::Records { separator, .. } if separator.is_empty() => {
                Some("has an empty separator; write what stands at the end of each piece".to_owned())
            }
            Self::Table { separator: Some(separator), format, .. } => {
                if *format == TableFormat::Json {
                    Some("is JSON, which has no separator; remove it".to_owned())
                } else if !separator.is_ascii() || matches!(separator, '"' | '\n' | '\r' | '\0') {
                    Some(format!(
                        "cannot be separated by {separator:?}; write one ASCII character such as ';' or '\\t'"
                    ))
                } else {
                    None
                }
            }
            Self::Columns { from, separator, .. } => from.problem().or_else(|| {
                if from.table().is_some() || from.has_no_columns() {
                    return Some(format!(": {}", InputError::NoColumns));
                }
                Shape::new(separator.as_deref(), false, false).err().map(|error| format!(": {error}"))
            }),
            Self::Linked(inputs) if inputs.is_empty() => Some("links nothing; write the inputs in its list".to_owned()),
            Self::Linked(inputs) => inputs.iter().find_map(|input| match input {
                Self::Linked(_) => Some("links a Linked; write its inputs into one list".to_owned()),
                other => other.problem(),
            }),
            _ => None,
        }
    }
}

/// How a table is read, and of which file; `None`: standard input.
struct TableLayout<'a> {
    file: Option<&'a Path>,
    format: TableFormat,
    separator: Option<char>,
    encoding: Encoding,
}

impl TableLayout<'_> {
    fn open(&self, folder: &Path, stdin: &mut dyn io::Read, rules: ValueRules) -> Result<Source, InputError> {
        with_reader(self.file, folder, stdin, |reader, origin| {
            let mut decoder = Decoder::new(self.encoding);
            let mut reader = Decoded::new(&mut decoder, reader);
            let rules = rules.of_table(self.encoding);
            let separator = self.separator.map(|separator| separator as u8);
            match self.format {
                TableFormat::Csv => csv::read(&mut reader, separator, origin, rules),
                TableFormat::Json => json::read(&mut reader, origin, rules),
            }
        })
    }
}

/// Reads a file below `folder`, or standard input.
fn with_reader<T>(
    file: Option<&Path>,
    folder: &Path,
    stdin: &mut dyn io::Read,
    read: impl FnOnce(&mut dyn io::BufRead, &str) -> Result<T, InputError>,
) -> Result<T, InputError> {
    match file {
        None => read(&mut io::BufReader::new(stdin), STDIN),
        Some(path) => {
            let path = folder.join(path);
            read(&mut read::open_file(&path)?, &path.display().to_string())
        }
    }
}

fn whole(text: &str) -> Result<i64, InputError> {
    text.trim().parse().map_err(|_| InputError::NotWhole { text: text.to_owned() })
}

fn no_separator() -> InputError {
    InputError::BadSeparator { pattern: String::new(), reason: "it is empty".to_owned() }
}

#[cfg(test)]
mod foreign_tests;
#[cfg(test)]
mod tests;
