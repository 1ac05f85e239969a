//! The record of a run: its events as JSON lines. Each event that ends an attempt is preceded by the description of its
//! task, so that a record can be read without its job. `docs/record.md` describes the format.
//!
//! A record may be torn anywhere: [`read`] returns what is whole and reports what is not.

use std::io::{self, BufRead, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::output_target;
use crate::event::{AttemptRecord, Event, EventKind, TaskEvent};
use crate::job::TaskKind;
use crate::job::lossless::Bytes;
use crate::model::Earlier;

/// The version of the format that is written, and the newest that is read.
pub const RECORD_VERSION: u32 = 1;

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordHeader {
    /// [`RECORD_VERSION`].
    pub fanlane_record: u32,
    /// The kind of the tasks; stored as `calls`.
    #[serde(rename = "calls", with = "calls")]
    pub kind: TaskKind,
    /// A name for each value of a task.
    pub columns: Vec<String>,
    /// The tasks that the run left out because earlier ones had ended them.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub earlier: Earlier,
}

/// A kind in the form that the format has had since its first version: whether it is a call of a workload, or not and a
/// command. Kinds that came later are stored by their names.
mod calls {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::job::TaskKind;

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Stored {
        IsCall(bool),
        Name(String),
    }

    pub(super) fn serialize<S: Serializer>(kind: &TaskKind, serializer: S) -> Result<S::Ok, S::Error> {
        match kind {
            TaskKind::Command => Stored::IsCall(false),
            TaskKind::Workload => Stored::IsCall(true),
            TaskKind::Python => Stored::Name(kind.traits().name.to_owned()),
        }
        .serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TaskKind, D::Error> {
        match Stored::deserialize(deserializer)? {
            Stored::IsCall(false) => Ok(TaskKind::Command),
            Stored::IsCall(true) => Ok(TaskKind::Workload),
            Stored::Name(name) => TaskKind::ALL
                .iter()
                .copied()
                .find(|kind| kind.traits().name == name)
                .ok_or_else(|| D::Error::custom(format!("unknown kind of task '{name}'"))),
        }
    }
}

fn is_nothing(earlier: &Earlier) -> bool {
    *earlier == Earlier::default()
}

/// The description of a task: its input and what it ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskWords {
    /// The task's number in events, counted from 1.
    pub task: u64,
    /// Its number in the whole batch, where that differs because only a part of the batch was run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// Its values.
    pub input: Vec<Bytes>,
    /// Its command line, or its workload and argument.
    pub command: Bytes,
    /// The folder with its complete output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub results: Option<Bytes>,
}

impl TaskWords {
    /// The task's number in the whole batch.
    pub fn number(&self) -> u64 {
        self.number.unwrap_or(self.task)
    }
}

#[derive(Serialize, Deserialize)]
struct TasksLine<T> {
    tasks: T,
}

/// Appends the line that describes the tasks of the next line.
///
/// # Errors
/// Those of the format.
pub(super) fn write_tasks(out: &mut Vec<u8>, tasks: &[TaskWords]) -> io::Result<()> {
    write_line(out, &TasksLine { tasks })
}

/// Appends the line of an event.
///
/// # Errors
/// Those of the format.
pub(super) fn write_event(out: &mut Vec<u8>, event: &Event) -> io::Result<()> {
    write_line(out, event)
}

fn write_line(out: &mut Vec<u8>, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.push(b'\n');
    Ok(())
}

/// One line of a record.
#[derive(Clone, Debug, PartialEq)]
pub enum RecordLine {
    /// The first line.
    Header(RecordHeader),
    /// The description of the tasks of the next line.
    Tasks(Vec<TaskWords>),
    /// An event.
    Event(Event),
}

/// A record cannot be read further.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// An error of the system.
    #[error("line {line}: {source}")]
    Unreadable {
        /// Which line, from 1.
        line: u64,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// It is not a record.
    #[error("this is no record of a run, which would begin with {{\"fanlane_record\":1; make one with --record FILE")]
    NoRecord,
    /// It was written by a newer build.
    #[error("this record is of version {found}; this Fanlane reads up to {RECORD_VERSION}")]
    Newer {
        /// Its version.
        found: u32,
    },
    /// A line is not a line of a record, for example because its writer died.
    #[error("line {line} is torn or damaged: {reason}")]
    Damaged {
        /// Which line, from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
}

/// A record that is being written.
pub struct RecordWriter {
    out: Box<dyn Write + Send>,
    lines: Vec<u8>,
}

impl RecordWriter {
    /// Creates or overwrites the file `path`.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn create(path: &Path, header: &RecordHeader) -> io::Result<Self> {
        Self::to_writer(Box::new(output_target::create(path)?), header)
    }

    /// Records elsewhere than to a file.
    ///
    /// # Errors
    /// When the header cannot be written.
    pub fn to_writer(out: Box<dyn Write + Send>, header: &RecordHeader) -> io::Result<Self> {
        let mut recorder = Self { out, lines: Vec::new() };
        write_line(&mut recorder.lines, header)?;
        recorder.write()?;
        Ok(recorder)
    }

    /// Adds an event, in one write; `words` describes the task of an attempt that has ended.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn add(&mut self, event: &Event, words: impl Fn(&AttemptRecord) -> TaskWords) -> io::Result<()> {
        if event.kind.is_momentary() {
            return Ok(());
        }
        let ended = match &event.kind {
            EventKind::Task(TaskEvent::Finished(records)) => records,
            EventKind::Task(TaskEvent::Retried(record)) => std::slice::from_ref(record),
            _ => &[],
        };
        if !ended.is_empty() {
            write_tasks(&mut self.lines, &ended.iter().map(words).collect::<Vec<_>>())?;
        }
        write_event(&mut self.lines, event)?;
        self.write()
    }

    fn write(&mut self) -> io::Result<()> {
        self.out.write_all(&self.lines)?;
        self.lines.clear();
        self.lines.shrink_to(1 << 20);
        self.out.flush()
    }
}

/// Reads a record line by line, until its end or its first error.
pub fn read(mut input: impl BufRead) -> impl Iterator<Item = Result<RecordLine, RecordError>> {
    let mut line = 0;
    let mut over = false;
    let mut text = Vec::new();
    std::iter::from_fn(move || {
        if over {
            return None;
        }
        line += 1;
        text.clear();
        let result = match input.read_until(b'\n', &mut text) {
            Ok(0) if line == 1 => Err(RecordError::NoRecord),
            Ok(0) => return None,
            Ok(_) => parse(&text, line),
            Err(source) => Err(RecordError::Unreadable { line, source }),
        };
        over = result.is_err();
        Some(result)
    })
}

fn parse(text: &[u8], line: u64) -> Result<RecordLine, RecordError> {
    if line == 1 {
        let header: RecordHeader = serde_json::from_slice(text).map_err(|_| RecordError::NoRecord)?;
        if header.fanlane_record > RECORD_VERSION {
            return Err(RecordError::Newer { found: header.fanlane_record });
        }
        return Ok(RecordLine::Header(header));
    }
    let damaged = |reason: String| RecordError::Damaged { line, reason };
    if !text.ends_with(b"\n") {
        return Err(damaged("it has no end".to_owned()));
    }
    parse_behind_header(text).map_err(|error| damaged(error.to_string()))
}

fn parse_behind_header(text: &[u8]) -> serde_json::Result<RecordLine> {
    if text.starts_with(b"{\"tasks\":") {
        return Ok(RecordLine::Tasks(serde_json::from_slice::<TasksLine<_>>(text)?.tasks));
    }
    serde_json::from_slice(text).map(RecordLine::Event)
}

/// A line after the header; `None` for one that this build does not know.
pub(super) fn parse_line(text: &[u8]) -> Option<RecordLine> {
    parse_behind_header(text).ok()
}

#[cfg(test)]
mod tests;
