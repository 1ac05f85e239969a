//! Where the values of a job come from: [`Input`] as a job file writes it, and [`Source`], an input that was read.
//!
//! How several inputs combine is not decided here but in the [`batch`](crate::job::batch).

mod columns;
mod fault;
pub(crate) mod feeder;
mod json;
mod read;
mod source;
pub(crate) mod stream;
mod walk;

use std::io;
use std::path::{Path, PathBuf};

use bstr::BString;
use serde::{Deserialize, Serialize};

pub use fault::{FieldCount, InputError};
pub use source::Source;

use super::lossless;
use columns::{Shape, Table};

/// Where one value of each task comes from, or several named ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Input {
    /// Whole numbers from the first to the last, both included, as `seq` counts: none if the first is the larger one.
    Range(i64, i64),
    /// The texts themselves.
    List(Vec<String>),
    /// The lines of a file, without their line ends. Bytes are kept as they are; a `\r` belongs to the line, as in GNU
    /// parallel; an empty line is an empty value; the last line may lack its end.
    Lines(#[serde(with = "lossless::path")] PathBuf),
    /// The names of files and folders that match a pattern, sorted by their bytes: `*`, `?` and `[a-z]` within a name,
    /// `**` for any folders, a slash at the end for folders only. A name with a leading dot is matched only by a name
    /// with a leading dot. No match is an error, and so is a folder that cannot be read.
    Glob(String),
    /// The rows of a CSV file, whose first row names the columns: each task gets one value per column.
    Csv(#[serde(with = "lossless::path")] PathBuf),
    /// The lines of standard input; as [`Input::Lines`].
    Stdin,

    /// The elements of an array in a JSON file: texts, numbers and truth values, or objects of these, all with the same
    /// keys, which name the columns in the order of the first object.
    Json(#[serde(with = "lossless::path")] PathBuf),
    /// The pieces of a file, or of standard input, that end with a separator other than a line end, such as `"\0"`. The
    /// last may lack it.
    Records {
        /// The file; `None`: standard input.
        #[serde(default, skip_serializing_if = "Option::is_none", with = "lossless::path_option")]
        file: Option<PathBuf>,
        /// What stands at the end of each piece; one byte or more.
        separator: String,
    },
    /// Values of another input cut into columns.
    Columns {
        /// The other input: any but `Csv`, `Json`, `Range`, `Columns` and `Linked`.
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
    pub fn open(&self, folder: &Path, stdin: &mut dyn io::Read) -> Result<Vec<Source>, InputError> {
        let source = match self {
            Self::Linked(inputs) => {
                let opened = inputs.iter().map(|input| input.open(folder, stdin));
                return Ok(opened.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect());
            }
            Self::Range(first, last) => Source::range(*first, *last)?,
            Self::Csv(path) => read::csv(&folder.join(path))?,
            Self::Json(path) => json::read(&folder.join(path))?,
            Self::Columns { from, separator, header, trim } => {
                from.fill(Table::new(Shape::new(separator.as_deref(), *header, *trim)?), folder, stdin)?
            }
            _ => self.fill(Table::new(Shape::default()), folder, stdin)?,
        };
        Ok(vec![source])
    }

    /// Opens an input that [reads standard input](Input::reads_stdin) by itself, as one whose rows come later. Of `head`
    /// only what says its columns is read.
    ///
    /// # Errors
    /// As [`Input::open`], for what is known by then.
    pub(crate) fn open_growing(&self, head: &mut dyn io::BufRead) -> Result<(Source, feeder::Feeder), InputError> {
        feeder::Feeder::open(self, head)
    }

    /// Puts the values into a table.
    fn fill(&self, table: Table, folder: &Path, stdin: &mut dyn io::Read) -> Result<Source, InputError> {
        match self {
            Self::List(values) => read::list(values.iter().map(String::as_bytes), table),
            Self::Bytes(values) => read::list(values.iter().map(|value| value.as_slice()), table),
            Self::Lines(path) => read::records_of_file(&folder.join(path), b"\n", table),
            Self::Glob(pattern) => read::glob(pattern, folder, table),
            Self::Stdin => read::records(io::BufReader::new(stdin), b"\n", "standard input", table),
            Self::Records { file: Some(path), separator } => {
                read::records_of_file(&folder.join(path), separator.as_bytes(), table)
            }
            Self::Records { file: None, separator } => {
                read::records(io::BufReader::new(stdin), separator.as_bytes(), "standard input", table)
            }
            Self::Range(..) | Self::Csv(_) | Self::Json(_) | Self::Columns { .. } | Self::Linked(_) => {
                Err(InputError::NoColumns)
            }
        }
    }

    /// Whether standard input is read, which can be done only once.
    pub fn reads_stdin(&self) -> bool {
        match self {
            Self::Stdin | Self::Records { file: None, .. } => true,
            Self::Columns { from, .. } => from.reads_stdin(),
            Self::Linked(inputs) => inputs.iter().any(Self::reads_stdin),
            _ => false,
        }
    }

    /// What is wrong with the input as it is written, before anything is read.
    pub fn problem(&self) -> Option<String> {
        match self {
            Self::Lines(path) | Self::Csv(path) | Self::Json(path) | Self::Records { file: Some(path), .. }
                if path.as_os_str().is_empty() =>
            {
                Some("has no file name".to_owned())
            }
            Self::Glob(pattern) if pattern.is_empty() => Some("has no pattern".to_owned()),
            Self::Records { separator, .. } if separator.is_empty() => {
                Some("has an empty separator; write what stands at the end of each piece".to_owned())
            }
            Self::Columns { from, separator, .. } => from.problem().or_else(|| {
                if matches!(
                    **from,
                    Self::Range(..) | Self::Csv(_) | Self::Json(_) | Self::Columns { .. } | Self::Linked(_)
                ) {
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

#[cfg(test)]
mod tests;
