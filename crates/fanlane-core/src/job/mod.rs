//! What work is: a [`Job`] (one task template, its inputs, its options) and what a job expands to.
//!
//! A job is plain data that RON files hold. [`Batch`] is a job expanded over its inputs, lazily: a task's command line
//! is made when it is asked for. Nothing here starts a process or reads a clock.

pub mod amount;
pub mod batch;
mod call_value;
pub mod control;
pub mod dependencies;
pub mod duration;
pub mod escapes;
pub mod field;
pub mod file;
mod id;
pub mod import;
pub mod inputs;
mod kind;
pub mod limits;
pub mod lossless;
pub mod order;
pub mod parameter;
pub mod pipe;
pub mod python;
pub mod quote;
pub mod remote_files;
pub mod resource_request;
pub mod retry_wait;
pub mod shared_objects;
pub mod shell;
pub mod suggestion;
pub mod template;
mod worker_count;
pub mod workload;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use batch::Batch;
pub use call_value::CallValue;
pub use control::Control;
pub use file::JobFileError;
pub(crate) use file::options as file_options;
pub use id::TaskId;
pub use inputs::Input;
pub use kind::{KindTraits, TaskKind};
pub use order::Order;
pub use parameter::{Parameter, ParameterKind};
pub use pipe::Pipe;
pub use python::PythonSpec;
pub use remote_files::RemoteFiles;
pub use shared_objects::SharedSpec;
pub use shell::Shell;
pub use template::Template;
pub use worker_count::WorkerCount;
pub use workload::WorkloadSpec;

/// The newest version of the job file format that this build reads and the one it writes.
pub const JOB_VERSION: u32 = 1;

/// What to run: one task template, its inputs and its options; saved as a preset in RON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// Version of the job file format, 1 to [`JOB_VERSION`].
    pub version: u32,
    /// Name of the job in lists and titles.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What the job is for, in one or two sentences.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// What each task does.
    pub task: TaskTemplate,
    /// What is chosen before a run: `{@name}` stands for the value of a parameter.
    #[serde(default, skip_serializing_if = "is_default")]
    pub parameters: Vec<Parameter>,
    /// The values of parameters that are not their defaults, by their names.
    #[serde(default, skip_serializing_if = "is_default", deserialize_with = "parameter::values_map")]
    pub values: BTreeMap<String, String>,
    /// Where the values come from; several combine as a product, or linked. Empty: one task without a value.
    pub inputs: Vec<Input>,
    /// Several inputs are walked side by side, ending with the shortest, instead of as a product.
    #[serde(default, skip_serializing_if = "is_default")]
    pub linked: bool,
    /// How the batch is run.
    #[serde(default, skip_serializing_if = "is_default")]
    pub mode: Mode,
    /// Size of the pool, 1 to [`MAX_WORKERS`]; `None`: the number of logical cores.
    #[serde(default, skip_serializing_if = "is_default")]
    pub workers: Option<u32>,
    /// Maximum time of one attempt, in seconds (> 0); `None`: no limit.
    #[serde(default, skip_serializing_if = "is_default")]
    pub timeout_secs: Option<f64>,
    /// Maximum number of further tries of a failed task.
    #[serde(default, skip_serializing_if = "is_default")]
    pub retries: u32,
    /// Where commands run and relative inputs are looked up; `None`: the job file's folder, or the current one.
    #[serde(default, skip_serializing_if = "is_default", with = "lossless::path_option")]
    pub working_dir: Option<PathBuf>,
    /// Control of the run: when it ends early, waits or holds back.
    #[serde(default, skip_serializing_if = "is_default")]
    pub control: Control,

    /// The shell that runs the command line; `/bin/sh` where none is named.
    #[serde(default, skip_serializing_if = "is_default")]
    pub shell: Shell,
    /// Variables that each task gets in its environment, by their names; the values are templates.
    #[serde(default, skip_serializing_if = "is_default")]
    pub environment: BTreeMap<String, String>,
    /// A template of the text that a command reads from its standard input; `None`: nothing.
    #[serde(default, skip_serializing_if = "is_default")]
    pub stdin: Option<String>,
    /// A template of the path of the file that a command reads from its standard input, in the working folder.
    #[serde(default, skip_serializing_if = "is_default")]
    pub stdin_file: Option<String>,
    /// A stream, or a file, that is cut into blocks of whole records, of which each task reads one; `None`: nothing is cut.
    #[serde(default, skip_serializing_if = "is_default")]
    pub pipe: Option<Pipe>,
    /// Files of tasks on other hosts.
    #[serde(default, skip_serializing_if = "is_default")]
    pub remote_files: RemoteFiles,
    /// A template of what the terminal shows before each line of a task's output, with a tab behind it; `None`: nothing.
    #[serde(default, skip_serializing_if = "is_default")]
    pub tagstring: Option<String>,
    /// How many rows of the inputs go into one task, at most [`MAX_ARGS`]; 0: one row, but none of its values.
    #[serde(default, skip_serializing_if = "is_default")]
    pub max_args: Option<u32>,
    /// Maximum length of a command in bytes: a task gets as many rows as fit into it, at most [`max_args`](Self::max_args) of
    /// them; `None`: the number of rows alone decides.
    #[serde(default, skip_serializing_if = "is_default")]
    pub max_chars: Option<u64>,
    /// Number of tasks between which the rows are shared out that the last task alone would have; `None`: they stay together.
    #[serde(default, skip_serializing_if = "is_default")]
    pub spread: Option<u32>,
    /// In a task of several values a word with `{}` in it is written once for each of them, instead of once with all of them.
    #[serde(default, skip_serializing_if = "is_default")]
    pub repeat_words: bool,
    /// In which order tasks begin.
    #[serde(default, skip_serializing_if = "is_default")]
    pub order: Order,
    /// Number of rows of the inputs to take, chosen at random and kept in their order; `None`: all.
    #[serde(default, skip_serializing_if = "is_default")]
    pub sample: Option<u64>,
    /// Seed of the choice of the sample.
    #[serde(default, skip_serializing_if = "is_default")]
    pub sample_seed: u64,
    /// Objects that all tasks share while the run goes on, by their names.
    #[serde(default, skip_serializing_if = "is_default")]
    pub shared: BTreeMap<String, SharedSpec>,
    /// Maximum memory of the values of these objects together, in bytes; `None`: 1 GiB.
    #[serde(default, skip_serializing_if = "is_default")]
    pub shared_bytes: Option<u64>,
    /// How large results of calls come from their workers; for commands it is always [`Transport::Pipe`].
    #[serde(default, skip_serializing_if = "is_default")]
    pub transport: Transport,
}

impl Job {
    /// The job where nothing depends on the folder that it is read from: its commands run, and its relative inputs are looked
    /// up, below `folder`, which is absolute.
    #[must_use]
    pub fn anchored(self, folder: &Path) -> Self {
        let working_dir = self.working_dir.as_deref().map_or_else(|| folder.to_owned(), |dir| folder.join(dir));
        Self { working_dir: Some(working_dir), ..self }
    }

    /// Whether an input is read from standard input.
    pub fn reads_stdin(&self) -> bool {
        self.inputs.iter().any(Input::reads_stdin) || self.pipe.as_ref().is_some_and(Pipe::is_stream)
    }

    /// Number of inputs that its tasks have values of: blocks of a stream are one.
    pub(crate) fn input_count(&self) -> usize {
        self.inputs.len().max(usize::from(self.pipe.is_some()))
    }

    /// Whether tasks read a block from their standard input.
    pub(crate) fn reads_blocks(&self) -> bool {
        self.pipe.as_ref().is_some_and(|pipe| !pipe.as_file)
    }

    /// Whether a template asks for the number of tasks, so that all of them have to be known.
    pub fn asks_for_total(&self) -> bool {
        let command = match &self.task {
            TaskTemplate::Command(command) => Some(command),
            _ => None,
        };
        let files = &self.remote_files;
        let files = files.transfer.iter().chain(&files.returned).chain(&files.workdir);
        let texts = self.environment.values().chain(&self.stdin).chain(&self.stdin_file).chain(&self.tagstring);
        let texts = texts.chain(files);
        command.into_iter().chain(texts).any(|text| {
            text.contains("{=") && ["total_jobs()", "padded_seq()"].iter().any(|function| text.contains(function))
        })
    }

    /// Whether an input is looked up in the folder that the job is read from.
    pub fn has_relative_inputs(&self) -> bool {
        let of_pipe = self.pipe.as_ref().and_then(|pipe| pipe.file.as_deref()).is_some_and(Path::is_relative);
        self.working_dir.as_deref().is_none_or(Path::is_relative)
            && (of_pipe || self.inputs.iter().any(Input::is_relative))
    }
}

impl Default for Job {
    /// A job whose command line is still to be written.
    fn default() -> Self {
        Self {
            version: JOB_VERSION,
            name: String::new(),
            description: String::new(),
            task: TaskTemplate::Command(String::new()),
            parameters: Vec::new(),
            values: BTreeMap::new(),
            inputs: Vec::new(),
            linked: false,
            mode: Mode::default(),
            workers: None,
            timeout_secs: None,
            retries: 0,
            working_dir: None,
            control: Control::default(),
            shell: Shell::Sh,
            environment: BTreeMap::new(),
            stdin: None,
            stdin_file: None,
            pipe: None,
            remote_files: RemoteFiles::default(),
            tagstring: None,
            max_args: None,
            max_chars: None,
            spread: None,
            repeat_words: false,
            order: Order::AsGiven,
            sample: None,
            sample_seed: 0,
            shared: BTreeMap::new(),
            shared_bytes: None,
            transport: Transport::Pipe,
        }
    }
}

/// Maximum number of rows of the inputs in one task.
pub const MAX_ARGS: u32 = 10_000;

/// Length of a command, in bytes, up to which `--xargs` and the like fill it: as xargs does, and the most that a command line
/// for a shell can have.
pub const DEFAULT_MAX_CHARS: u64 = 128 << 10;

/// Maximum size of a pool.
pub const MAX_WORKERS: u32 = 1024;

/// What each task of a job does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum TaskTemplate {
    /// A command line for the shell, with replacement strings.
    Command(String),
    /// A call of a built-in workload; its argument is the input.
    Workload(WorkloadSpec),
    /// A call of a Python function; its arguments are the values of the input.
    Python(PythonSpec),
}

/// How a batch is run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Mode {
    /// One process, one task at a time.
    #[serde(rename = "one")]
    One,
    /// One process, N threads.
    #[serde(rename = "threads")]
    Threads,
    /// N processes.
    #[default]
    #[serde(rename = "pool")]
    Pool,
}

impl Mode {
    /// All modes, in the order in which they are listed.
    pub const ALL: [Self; 3] = [Self::One, Self::Threads, Self::Pool];

    /// The word for this mode in flags, files and the window.
    pub const fn name(self) -> &'static str {
        match self {
            Self::One => "one",
            Self::Threads => "threads",
            Self::Pool => "pool",
        }
    }
}

impl std::fmt::Display for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// How large results of calls, texts and bytes, come from their workers. Small ones come through the pipe anyway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Transport {
    /// Through the worker's socket, copied by the system.
    #[default]
    #[serde(rename = "pipe")]
    Pipe,
    /// In memory that the worker shares with the engine, and uses again.
    #[serde(rename = "shared_memory")]
    SharedMemory,
}

impl Transport {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Self; 2] = [Self::Pipe, Self::SharedMemory];

    /// The words for it in the window and in sentences.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Pipe => "pipe",
            Self::SharedMemory => "shared memory",
        }
    }

    /// The other one.
    pub const fn other(self) -> Self {
        match self {
            Self::Pipe => Self::SharedMemory,
            Self::SharedMemory => Self::Pipe,
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
