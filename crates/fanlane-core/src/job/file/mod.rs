//! Job files: RON text to a [`Job`] and back. A file is taken as a whole or refused with the place of its first fault.
//!
//! Where job files lie, and how they are saved so that none is ever half-written, is the [`store`](crate::store)'s.

mod explain;
mod locate;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use ron::extensions::Extensions;
use ron::ser::PrettyConfig;
use serde::de::DeserializeOwned;

use super::field::Field;
use super::{Input, JOB_VERSION, Job};
use locate::{place_at, value_start, word_at_start};

/// Maximum size of a job file, in bytes: 16 MiB. Longer lists of inputs belong into a file of lines.
pub const MAX_FILE_BYTES: u64 = 16 << 20;

/// Maximum nesting of values. A job needs six levels; each level costs the reader some stack.
const MAX_DEPTH: usize = 48;

/// A line and a column of a text, both from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextPosition {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// A job file that cannot be used.
#[derive(Debug)]
pub struct JobFileError {
    /// The file; `None` for a text that came from elsewhere.
    pub path: Option<PathBuf>,
    /// Where the fault is; `None` if it is about the whole.
    pub place: Option<TextPosition>,
    /// The field that it is about, if the text could be read as a job.
    pub field: Option<&'static Field>,
    /// What is wrong and what is expected.
    pub message: String,
    source: Option<io::Error>,
}

impl std::fmt::Display for JobFileError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.path, self.place) {
            (Some(path), Some(place)) => write!(f, "{}:{}:{}: ", path.display(), place.line, place.column)?,
            (Some(path), None) => write!(f, "{}: ", path.display())?,
            (None, Some(place)) => write!(f, "line {}, column {}: ", place.line, place.column)?,
            (None, None) => {}
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for JobFileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}

impl JobFileError {
    fn new(place: Option<TextPosition>, message: impl Into<String>) -> Self {
        Self { path: None, place, field: None, message: message.into(), source: None }
    }

    /// For what is found among job files but is none, and must not be opened: a pipe would wait for ever.
    pub(crate) fn not_a_file(path: &Path) -> Self {
        Self { path: Some(path.to_owned()), ..Self::new(None, "this is not a file; remove it from the folder") }
    }

    fn of_system(what: &str, source: io::Error) -> Self {
        Self { source: Some(source), ..Self::new(None, what) }
    }
}

impl Job {
    /// Reads a job from RON text. `Some(4)` and `4` are the same. A byte order mark in front is
    /// skipped.
    ///
    /// # Errors
    /// At the first fault: of the text, of a type, or of a value as [`Job::check`] finds it.
    pub fn parse(text: &str) -> Result<Self, JobFileError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if text.len() as u64 > MAX_FILE_BYTES {
            return Err(too_large());
        }
        refuse_newer_version(text)?;
        let job: Self = parse_value(text)?;
        match job.check().into_iter().next() {
            None => Ok(job),
            Some(problem) => {
                let place = value_start(text, problem.field.key).map(|start| place_at(text, start));
                Err(JobFileError { field: Some(problem.field), ..JobFileError::new(place, problem.to_string()) })
            }
        }
    }

    /// Reads a job file; see [`Job::parse`]. Not more than [`MAX_FILE_BYTES`] are read.
    ///
    /// # Errors
    /// As [`Job::parse`], and when the file cannot be read or is too large. The message begins with the path.
    pub fn load(path: &Path) -> Result<Self, JobFileError> {
        read_text(path)
            .and_then(|text| Self::parse(&text))
            .map_err(|error| JobFileError { path: Some(path.to_owned()), ..error })
    }

    /// The job as RON text that [`Job::parse`] reads back as the same job. Fields with their default value are left out.
    ///
    /// # Errors
    /// When a path is not Unicode, which RON text cannot hold.
    pub fn to_ron(&self) -> Result<String, JobFileError> {
        let config = PrettyConfig::new().struct_names(true).compact_arrays(true);
        let text = options().to_string_pretty(self, config);
        text.map(|text| text + "\n")
            .map_err(|error| JobFileError::new(None, format!("the job cannot be written as text: {error}")))
    }

    /// What to call the job, on one line: its name, or what its tasks do.
    pub fn display_name(&self) -> &str {
        if self.name.is_empty() { self.task.title() } else { &self.name }
    }
}

impl Input {
    /// The input as a job file writes it, on one line; for what no file can hold, words that say so.
    pub fn to_ron(&self) -> String {
        options().to_string(self).unwrap_or_else(|error| format!("an input that no job file can hold ({error})"))
    }
}

/// Reads another value as jobs are read, with the same words about faults of the text.
fn parse_value<T: DeserializeOwned>(text: &str) -> Result<T, JobFileError> {
    options().from_str(text).map_err(|error| {
        let (place, message) = explain::explain(&error, text);
        JobFileError::new(Some(place), message)
    })
}

/// Reads a file with another value, as [`Job::load`] reads a job.
///
/// # Errors
/// As [`Job::load`].
pub(crate) fn load_value<T: DeserializeOwned>(path: &Path) -> Result<T, JobFileError> {
    let parse = |text: String| parse_value(text.strip_prefix('\u{feff}').unwrap_or(&text));
    read_text(path).and_then(parse).map_err(|error| JobFileError { path: Some(path.to_owned()), ..error })
}

/// How job files are read and written.
pub(crate) fn options() -> ron::Options {
    ron::Options::default()
        .with_default_extension(Extensions::IMPLICIT_SOME | Extensions::UNWRAP_VARIANT_NEWTYPES)
        .with_recursion_limit(MAX_DEPTH)
}

fn read_text(path: &Path) -> Result<String, JobFileError> {
    let unreadable = |source: io::Error| JobFileError::of_system(&format!("cannot be read: {source}"), source);
    let file = File::open(path).map_err(unreadable)?;
    if file.metadata().map_err(unreadable)?.len() > MAX_FILE_BYTES {
        return Err(too_large());
    }
    // A pipe or a device has no length, and a file may grow while it is read.
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(too_large());
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let text = str::from_utf8(valid).expect("the part before the first fault is valid");
        JobFileError::new(Some(place_at(text, text.len())), "this is not UTF-8 text; save the file as UTF-8")
    })
}

fn too_large() -> JobFileError {
    JobFileError::new(
        None,
        format!(
            "larger than {} MiB, so this is no job file; put long lists into a file and name it with Lines(\"…\")",
            MAX_FILE_BYTES >> 20
        ),
    )
}

/// A newer file may hold anything, so its version is looked at before all else.
fn refuse_newer_version(text: &str) -> Result<(), JobFileError> {
    let Some(start) = value_start(text, "version") else { return Ok(()) };
    // What is no number is for the reader to refuse.
    let Ok(version) = word_at_start(&text[start..]).parse::<u64>() else { return Ok(()) };
    if version <= u64::from(JOB_VERSION) {
        return Ok(());
    }
    Err(JobFileError::new(
        Some(place_at(text, start)),
        format!("this file is version {version}; this Fanlane reads up to {JOB_VERSION}"),
    ))
}

#[cfg(test)]
mod tests;
