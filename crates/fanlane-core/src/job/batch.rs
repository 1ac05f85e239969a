//! A job expanded over its inputs: a numbered list of tasks, each made on demand.
//!
//! Inputs are read once, when the batch is opened; after that nothing here can fail. A batch is shared between threads.
//! One input can be left open: then tasks are appended while others run, and those that are there never change.

mod blocks;
mod bound_files;
mod command_environment;
mod cuts;
mod error;
mod feed;
mod filled;
mod folder;
mod layout;
mod line;
mod pack;
mod part;
mod ranking;

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bstr::{BStr, BString};

use super::dependencies::{self, Dependencies};
use super::inputs::Source;
use super::inputs::feeder::Feeder;
use super::order::TaskOrder;
use super::parameter::fill::{self, FillError, ParameterValues};
use super::pipe::Blocks;
use super::python::keyword_names;
use super::resource_request::{MAX_SIZED, RequestError, RequestTemplates, TaskRequests};
use super::template::{CommandLine, TaskPlace};
use super::{Job, TaskKind, TaskTemplate};
use crate::job::TaskId;
use bound_files::BoundFiles;
use command_environment::CommandEnvironment;
pub use command_environment::EnvironmentPart;
pub use error::BatchError;
pub(crate) use feed::Growth;
pub use feed::{BatchFeed, FeedError};
use filled::FilledJob;
use folder::find_working_dir;
use layout::{Layout, RowRules, StdinReading};
use line::values_into;
pub use pack::PackError;
pub use ranking::OrderError;

/// A job whose inputs are read and whose template is bound to them.
#[derive(Debug)]
pub struct Batch {
    job: Job,
    /// The job as it was given; `None` where that is `job`.
    given: Option<Box<Job>>,
    parameters: ParameterValues,
    working_dir: PathBuf,
    layout: Arc<Layout>,
    columns: Vec<String>,
    /// The names by which the values of a task are given to a function.
    keywords: Option<Vec<Option<String>>>,
    /// `None` for kinds of task that are given the values themselves.
    command: Option<Arc<CommandLine>>,
    /// `None` where a command gets nothing but its line.
    command_environment: Option<Arc<CommandEnvironment>>,
    tagstring: Option<Arc<CommandLine>>,
    /// `None` where tasks have no files of their own on other hosts.
    files: Option<Arc<BoundFiles>>,
    /// Number of tasks of the whole batch; of one that grows, those that were there when it was opened.
    total: u64,
    /// The places of these tasks in the whole batch; `None`: all of them.
    picked: Option<Box<[u64]>>,
    /// These are the remaining tasks of the whole, with their dependencies among each other.
    is_rest: bool,
    order: TaskOrder,
    dependencies: Dependencies,
    /// The requests of each task, where they differ.
    requests: Option<Arc<TaskRequests>>,
    /// The blocks that tasks read, where a stream is cut.
    blocks: Option<Blocks>,
}

impl Batch {
    /// Reads the job's inputs. The job's working folder is looked up in `folder`, relative inputs in the working folder.
    /// `stdin` is read, to its end, only if an input asks for it.
    ///
    /// # Errors
    /// When an input, the template or the working folder cannot be used; see [`BatchError`].
    pub fn open(job: &Job, folder: &Path, stdin: &mut dyn Read) -> Result<Self, BatchError> {
        Self::open_with(job, folder, StdinReading::Whole(stdin)).map(|(batch, _)| batch)
    }

    /// Also returns the feeder of the input that was left open, and the rules for its rows.
    fn open_with(
        job: &Job,
        folder: &Path,
        reading: StdinReading<'_>,
    ) -> Result<(Self, Option<(Feeder, RowRules)>), BatchError> {
        if let Some(obstacle) = job.task.obstacle() {
            return Err(BatchError::CannotRun(obstacle));
        }
        let filled = FilledJob::of(job)?;
        let working_dir = find_working_dir(&filled.job, folder)?;
        fill::check_paths(job, &working_dir).map_err(FillError::from)?;
        let (mut layout, feeder) = Layout::open(&filled.job, &working_dir, reading)?;
        cuts::cut(&filled, &mut layout)?;
        Self::bind(filled, working_dir, layout, feeder)
    }

    /// Binds the job's templates to inputs that were read.
    fn bind(
        filled: FilledJob<'_>,
        working_dir: PathBuf,
        layout: Layout,
        feeder: Option<Feeder>,
    ) -> Result<(Self, Option<(Feeder, RowRules)>), BatchError> {
        let FilledJob { given, job, parameters, template } = filled;
        let columns = layout.columns()?;
        // A block on standard input is no value of a command line.
        let named: &[String] = if job.reads_blocks() { &[] } else { &columns };
        let command = template.map(|template| template.bind(named)).transpose()?;
        let command_environment = CommandEnvironment::bind(&job, &parameters, named)?;
        let tagstring = command_environment::bind_tagstring(&job, &parameters, named)?;
        let files = BoundFiles::bind(&job, &parameters, named)?;
        let blocks = blocks::of(&job, &working_dir)?;
        let bound =
            command.iter().chain(command_environment.iter().flat_map(CommandEnvironment::templates)).chain(&tagstring);
        let bound = bound.chain(files.iter().flat_map(BoundFiles::templates));
        let numbers: Vec<_> = bound.flat_map(CommandLine::numbers).collect();
        for number in &numbers {
            layout.check_numbers(number)?;
        }
        let open_end = feeder.map(|feeder| (feeder, layout.rules(numbers.iter().copied())));
        let request_templates = RequestTemplates::bind(&job.control, &parameters, &columns)?;
        let columns = layout.cut_columns(columns);
        let total = layout.len();
        let keywords = job.max_args.is_none_or(|rows| rows == 1).then(|| keyword_names(&columns)).flatten();
        let mut batch = Self {
            job: job.as_ref().clone(),
            given: (!parameters.is_empty()).then(|| Box::new(given.clone())),
            parameters,
            working_dir,
            layout: Arc::new(layout),
            columns,
            keywords,
            command: command.map(Arc::new),
            command_environment: command_environment.map(Arc::new),
            tagstring: tagstring.map(Arc::new),
            files: files.map(Arc::new),
            total,
            picked: None,
            is_rest: false,
            order: TaskOrder::default(),
            dependencies: Dependencies::new(),
            requests: None,
            blocks,
        };
        batch.order = ranking::order_of(&batch, &job.order)?;
        if let Some(templates) = request_templates {
            let tasks = batch.len();
            if tasks > MAX_SIZED {
                return Err(RequestError::TooManyTasks { tasks }.into());
            }
            let rows = (0..tasks).map(|task| (TaskId(task).number(), batch.layout.row(task)));
            let requests = templates.resolve(rows, tasks)?;
            if let Some(workers) = job.workers {
                requests.check_pool(workers, |task| task.number())?;
            }
            batch.requests = Some(Arc::new(requests));
        }
        if let Some(after) = &job.control.after {
            batch.dependencies = dependencies::resolve(&batch, after)?;
        }
        Ok((batch, open_end))
    }

    /// A task's number as people see it and as `{#}` gives it: from 1, and in a part of a batch the number that the
    /// task has in the whole.
    ///
    /// # Panics
    /// When there is no such task.
    pub fn number(&self, task: TaskId) -> u64 {
        TaskId(self.place_of(task)).number()
    }

    /// A task in a lane, as templates ask for it.
    fn place(&self, task: TaskId, slot: u32) -> TaskPlace {
        TaskPlace { number: self.number(task), slot, total: self.total }
    }

    /// Where a task stands in the whole.
    fn place_of(&self, task: TaskId) -> u64 {
        self.picked.as_ref().map_or(task.0, |picked| picked[task.0 as usize])
    }

    /// Which tasks wait for which.
    pub const fn dependencies(&self) -> &Dependencies {
        &self.dependencies
    }

    /// Whether these are only some of the tasks of a batch.
    pub const fn is_part(&self) -> bool {
        self.picked.is_some()
    }

    /// How many tasks there are; so far, where the batch [grows](Batch::open_growing).
    pub fn len(&self) -> u64 {
        self.picked.as_ref().map_or_else(|| self.layout.len(), |picked| picked.len() as u64)
    }

    /// Whether there is no task, as with an empty file of lines.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// In which order the tasks begin.
    pub const fn order(&self) -> &TaskOrder {
        &self.order
    }

    /// The requests of each task, where they differ from task to task.
    pub const fn requests(&self) -> Option<&Arc<TaskRequests>> {
        self.requests.as_ref()
    }

    /// This batch with the longest tasks first, by the known durations in seconds; tasks of unknown duration begin before
    /// all others.
    ///
    /// # Errors
    /// [`OrderError::TooMany`].
    pub fn longest_first(mut self, secs: &HashMap<TaskId, f64>) -> Result<Self, OrderError> {
        self.order = ranking::longest_first(&self, secs)?;
        Ok(self)
    }

    /// Where commands run; absolute.
    pub fn working_dir(&self) -> &Path {
        &self.working_dir
    }

    /// A name for each value of a task: its column's, or its position from 1.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The names by which the values of a task are given to a function; `None` where all are given by their places, as those
    /// of several rows are.
    pub fn keyword_names(&self) -> Option<&[Option<String>]> {
        self.keywords.as_deref()
    }

    /// Whether an input gives values of JSON with their types.
    pub fn has_types(&self) -> bool {
        self.layout.has_types()
    }

    /// Number of values of a task; `None` where it depends on the task.
    pub fn values_per_task(&self) -> Option<usize> {
        match self.job.max_args {
            _ if self.job.max_chars.is_some() => None,
            None | Some(1) => Some(if self.job.inputs.is_empty() { 0 } else { self.columns.len() }),
            Some(0) => Some(0),
            Some(_) => None,
        }
    }

    /// The values of a task, one for each column; only the last task may have fewer.
    ///
    /// # Panics
    /// When there is no such task.
    pub fn values(&self, task: TaskId) -> Vec<Cow<'_, BStr>> {
        self.layout.row(self.place_of(task)).values()
    }

    /// Appends the payload of a task for a worker, in the lane `slot` (1 for the first): a command line, the words of one with NUL
    /// bytes between them where the job wants no shell, for a workload the values with a space between them, or
    /// for a Python function its arguments as JSON. A job
    /// that gives its tasks variables or a standard input gets these behind it, each part with its length in front. In front of all
    /// stand the files of a task on another host, if the job has some: their length, and [`TaskFiles`](super::remote_files::TaskFiles) as postcard writes it.
    ///
    /// # Panics
    /// When there is no such task.
    pub fn payload_into(&self, task: TaskId, slot: u32, out: &mut Vec<u8>) {
        self.payload_with(task, slot, &[], out);
    }

    /// As [`Batch::payload_into`], for an attempt that is told which items of the resources it has: a text for each of the
    /// variables that [`Control::variables_of_attempt`](super::Control::variables_of_attempt) names.
    pub(crate) fn payload_with(&self, task: TaskId, slot: u32, shares: &[String], out: &mut Vec<u8>) {
        let place = self.place_of(task);
        self.layout.take(place);
        if let (Some(blocks), Some(command)) = (&self.blocks, &self.command) {
            return self.block_payload(blocks, command, task, slot, shares, out);
        }
        let row = self.layout.row(place);
        let place = self.place(task, slot);
        if let Some(files) = &self.files {
            files.expand_into(place, &row, out);
        }
        match (&self.command, &self.command_environment) {
            (Some(command), None) => command.expand_into(place, &row, out),
            (Some(command), Some(command_environment)) => {
                command_environment.expand_into(command, place, &row, shares, out)
            }
            (None, _) => match &self.job.task {
                TaskTemplate::Python(spec) => spec.arguments_into(&row, out),
                TaskTemplate::Command(_) | TaskTemplate::Workload(_) => values_into(&row, out),
            },
        }
    }

    /// The environment of a task's command, as if it ran in the first lane; nothing for a call.
    ///
    /// # Panics
    /// When there is no such task.
    pub fn command_environment_of(&self, task: TaskId) -> Vec<(EnvironmentPart, BString)> {
        let Some(command_environment) = self.command_environment.as_ref().filter(|_| self.command.is_some()) else {
            return Vec::new();
        };
        let row = self.layout.row(self.place_of(task));
        command_environment.parts(&self.job, self.place(task, 1), &row)
    }

    /// The payload of a task; see [`Batch::payload_into`].
    ///
    /// # Panics
    /// When there is no such task.
    pub fn payload(&self, task: TaskId, slot: u32) -> BString {
        let mut out = Vec::new();
        self.payload_into(task, slot, &mut out);
        out.into()
    }

    /// The kind of the tasks.
    pub const fn kind(&self) -> TaskKind {
        self.job.task.kind()
    }

    /// Whether a task's command line depends on the lane that it runs in.
    pub fn uses_slot(&self) -> bool {
        self.command.as_ref().is_some_and(|command| command.uses_slot())
    }
}

#[cfg(test)]
mod tests;
