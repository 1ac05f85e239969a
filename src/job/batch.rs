//! A job expanded over its inputs: a numbered list of tasks, each made when it is asked for.
//!
//! Inputs are read once, when the batch is opened; after that nothing here can fail. A batch is shared between threads.

use std::borrow::Cow;
use std::io::Read;
use std::path::{Path, PathBuf};

use bstr::{BStr, BString};

use super::dependencies::{self, Dependencies, DependencyError};
use super::inputs::{Input, InputError, Source};
use super::template::{CommandLine, Digits, Template, TemplateError, Values};
use super::{Job, TaskTemplate};
use crate::event::TaskId;

/// A job whose inputs are read and whose template is bound to them.
#[derive(Debug)]
pub struct Batch {
    job: Job,
    working_dir: PathBuf,
    sources: Vec<Source>,
    /// Where each value of a task comes from.
    slots: Vec<Slot>,
    columns: Vec<String>,
    len: u64,
    /// `None` for a workload, which is given the values themselves.
    command: Option<CommandLine>,
    dependencies: Dependencies,
}

/// A batch that cannot be made from its job. Nothing has run.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// An input cannot be used.
    #[error("input {number}: {error}")]
    Input {
        /// Which one, from 1.
        number: usize,
        /// Why.
        #[source]
        error: InputError,
    },
    /// Standard input can be read only once.
    #[error("input {number}: standard input is already read by input {first}; give one of them another source")]
    StdinTwice {
        /// The second one, from 1.
        number: usize,
        /// The first one, from 1.
        first: usize,
    },
    /// Two columns have the same name.
    #[error("two columns are called '{name}'; rename one, so that {{{name}}} says which is meant")]
    ColumnTwice {
        /// Their name.
        name: String,
    },
    /// The product of the inputs has more tasks than can be counted.
    #[error("the inputs combine to more tasks than can be counted; link them or make them shorter")]
    TooManyTasks,
    /// Tasks wait for others in a way that cannot be kept.
    #[error(transparent)]
    Dependencies(#[from] DependencyError),
    /// The command line cannot be used.
    #[error("the command line cannot be used: {0}")]
    Template(#[from] TemplateError),
    /// The job's working folder is not there.
    #[error("the working folder {path} cannot be used: {reason}")]
    WorkingDir {
        /// Its path.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// Which value of which row of which source.
#[derive(Clone, Copy, Debug)]
struct Slot {
    source: usize,
    column: usize,
    /// How many tasks in succession have the same row.
    stride: u64,
    /// After how many rows the source begins anew.
    rows: u64,
}

impl Batch {
    /// Reads the job's inputs. The job's working folder is looked up in `folder`, relative inputs in the working folder.
    /// `stdin` is read, to its end, only if an input asks for it.
    ///
    /// # Errors
    /// When an input, the template or the working folder cannot be used; see [`BatchError`].
    pub fn open(job: &Job, folder: &Path, stdin: &mut dyn Read) -> Result<Self, BatchError> {
        let template = match &job.task {
            TaskTemplate::Command(line) => Some(Template::parse(line)?),
            TaskTemplate::Workload(_) => None,
        };
        let working_dir = find_working_dir(job, folder)?;
        let sources = open_sources(job, &working_dir, stdin)?;
        let columns = name_columns(&sources)?;
        let command = template.map(|template| template.bind(&columns)).transpose()?;
        let len = if job.linked { linked_len(&sources) } else { product_len(&sources)? };
        let slots = place_slots(&sources, job.linked);
        let dependencies = Dependencies::new();
        let mut batch = Self { job: job.clone(), working_dir, sources, slots, columns, len, command, dependencies };
        if let Some(after) = &job.control.after {
            batch.dependencies = dependencies::resolve(&batch, after)?;
        }
        Ok(batch)
    }

    /// Which tasks wait for which.
    pub const fn dependencies(&self) -> &Dependencies {
        &self.dependencies
    }

    /// How many tasks there are.
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is no task, as with an empty file of lines.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The job this was made from.
    pub const fn job(&self) -> &Job {
        &self.job
    }

    /// Where commands run; absolute.
    pub fn working_dir(&self) -> &Path {
        &self.working_dir
    }

    /// A name for each value of a task: its column's, or its position from 1.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The values of a task, one for each column.
    ///
    /// # Panics
    /// When there is no such task.
    pub fn values(&self, task: TaskId) -> Vec<Cow<'_, BStr>> {
        let row = self.row(task);
        self.slots
            .iter()
            .map(|slot| self.sources[slot.source].owned_or_held(slot.row_of(row.task), slot.column))
            .collect()
    }

    /// Appends what a worker is to do: the command line, or for a workload the values with a space between them.
    ///
    /// # Panics
    /// When there is no such task.
    pub fn payload_into(&self, task: TaskId, out: &mut Vec<u8>) {
        let row = self.row(task);
        if let Some(command) = &self.command {
            command.expand_into(task.number(), &row, out);
            return;
        }
        let mut digits = Digits::new();
        for index in 0..self.slots.len() {
            if index > 0 {
                out.push(b' ');
            }
            out.extend_from_slice(row.value(index, &mut digits));
        }
    }

    /// What a worker is to do; see [`Batch::payload_into`].
    ///
    /// # Panics
    /// When there is no such task.
    pub fn payload(&self, task: TaskId) -> BString {
        let mut out = Vec::new();
        self.payload_into(task, &mut out);
        out.into()
    }

    fn row(&self, task: TaskId) -> Row<'_> {
        assert!(task.0 < self.len, "task {} of {}", task.number(), self.len);
        Row { batch: self, task: task.0 }
    }
}

/// The values of one task, as its template asks for them.
struct Row<'a> {
    batch: &'a Batch,
    task: u64,
}

impl Values for Row<'_> {
    fn count(&self) -> usize {
        self.batch.slots.len()
    }

    fn value<'a>(&'a self, index: usize, digits: &'a mut Digits) -> &'a [u8] {
        let slot = &self.batch.slots[index];
        self.batch.sources[slot.source].value(slot.row_of(self.task), slot.column, digits)
    }
}

impl Slot {
    const fn row_of(&self, task: u64) -> u64 {
        // The two divisions are most of what a small task costs, and the fastest input needs only one.
        let step = if self.stride == 1 { task } else { task / self.stride };
        if step < self.rows { step } else { step % self.rows }
    }
}

fn find_working_dir(job: &Job, folder: &Path) -> Result<PathBuf, BatchError> {
    let path = match &job.working_dir {
        Some(path) => folder.join(path),
        None => folder.to_owned(),
    };
    let refuse = |path: &Path, reason: String| BatchError::WorkingDir { path: path.to_owned(), reason };
    // The empty path is how `Path::parent` says the current folder.
    let path = if path.as_os_str().is_empty() { PathBuf::from(".") } else { path };
    let path = std::path::absolute(&path).map_err(|error| refuse(&path, error.to_string()))?;
    if job.working_dir.is_some() {
        let found = std::fs::metadata(&path).map_err(|error| refuse(&path, error.to_string()))?;
        if !found.is_dir() {
            return Err(refuse(&path, "it is not a folder".to_owned()));
        }
    }
    Ok(path)
}

fn open_sources(job: &Job, working_dir: &Path, stdin: &mut dyn Read) -> Result<Vec<Source>, BatchError> {
    let mut sources = Vec::with_capacity(job.inputs.len());
    let mut stdin_reader = None;
    for (index, input) in job.inputs.iter().enumerate() {
        let number = index + 1;
        if *input == Input::Stdin
            && let Some(first) = stdin_reader.replace(number)
        {
            return Err(BatchError::StdinTwice { number, first });
        }
        sources.push(input.open(working_dir, stdin).map_err(|error| BatchError::Input { number, error })?);
    }
    Ok(sources)
}

fn name_columns(sources: &[Source]) -> Result<Vec<String>, BatchError> {
    let mut columns: Vec<String> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for source in sources {
        for column in 0..source.columns() {
            let name = source.names().get(column).filter(|name| !name.is_empty());
            if let Some(name) = name
                && !seen.insert(name.clone())
            {
                return Err(BatchError::ColumnTwice { name: name.clone() });
            }
            columns.push(name.cloned().unwrap_or_else(|| (columns.len() + 1).to_string()));
        }
    }
    Ok(columns)
}

/// The last source varies fastest. No source at all is one task without a value.
fn product_len(sources: &[Source]) -> Result<u64, BatchError> {
    if sources.iter().any(Source::is_empty) {
        return Ok(0);
    }
    sources.iter().try_fold(1_u64, |len, source| len.checked_mul(source.len())).ok_or(BatchError::TooManyTasks)
}

fn linked_len(sources: &[Source]) -> u64 {
    sources.iter().map(Source::len).min().unwrap_or(1)
}

fn place_slots(sources: &[Source], linked: bool) -> Vec<Slot> {
    let mut slots = Vec::new();
    let mut stride = 1_u64;
    for (index, source) in sources.iter().enumerate().rev() {
        let rows = source.len();
        for column in (0..source.columns()).rev() {
            slots.push(Slot { source: index, column, stride: if linked { 1 } else { stride }, rows });
        }
        // Where this wraps there is no task, so nobody asks.
        stride = stride.wrapping_mul(rows);
    }
    slots.reverse();
    slots
}

#[cfg(test)]
mod tests;
