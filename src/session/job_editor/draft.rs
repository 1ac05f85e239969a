//! The open job as a person edits it: text as it was typed, checked into a [`Job`] whenever it changes.
//!
//! A field that cannot be read says so in a message of its own; what a field cannot show (an input of another kind)
//! is kept as it is, so that opening and saving a job loses nothing.

mod command_environment;
mod control;
mod limits;
mod order;
mod shared;
mod typed;

use std::path::PathBuf;

use fanlane_core::job::duration;
use fanlane_core::job::field::{self as job_field, FieldProblem};
use fanlane_core::job::{Control, Input, JOB_VERSION, Job, Mode, TaskKind, TaskTemplate, Transport, WorkloadSpec};

pub use command_environment::CommandEnvironmentDraft;
pub use control::ControlDraft;
pub use limits::LimitsDraft;
pub use order::OrderDraft;
pub use shared::SharedDraft;
use typed::Typed;

use super::input_draft::InputDraft;
use crate::session::notices::sentence;

/// A field that a message belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// The job's name.
    Name,
    /// The command line or the workload.
    Task,
    /// One of the inputs, counted from 0.
    Input(usize),
    /// The inputs together: what they expand to.
    Inputs,
    /// The pool's size.
    Workers,
    /// The time that an attempt may take.
    Timeout,
    /// How often a failed task is tried again.
    Retries,
    /// Where commands run.
    WorkingDir,
    /// When the run ends early.
    Halt,
    /// The time between two starts.
    Delay,
    /// The wait before a retry.
    RetryWait,
    /// The share of the median that a task may take.
    TimeoutPercent,
    /// The memory that must be free.
    MemFree,
    /// The machine's largest load.
    Load,
    /// How far tasks stand back.
    Nice,
    /// After how long a silent worker is asked for a sign of life.
    Heartbeat,
    /// The most memory of each process of a task.
    LimitMemory,
    /// The most CPU time of each process of a task.
    LimitCpu,
    /// The most that a task may print.
    LimitOutput,
    /// How many places of the pool a task takes.
    Slots,
    /// What there is only so many of.
    Resources,
    /// How many of these a task needs.
    Needs,
    /// Which tasks wait for which others.
    After,
    /// The variables of the tasks' environment.
    Environment,
    /// The text for standard input.
    Stdin,
    /// The file for standard input.
    StdinFile,
    /// What stands before each line of output.
    Tagstring,
    /// How many rows of the inputs go into a task.
    MaxArgs,
    /// By what values tasks are put in order.
    Order,
    /// What the mixed order depends on.
    Seed,
    /// How many rows are chosen.
    Sample,
    /// What the choice depends on.
    SampleSeed,
    /// The objects that tasks share.
    Shared,
    /// The memory that the objects may take.
    SharedMemory,
    /// How large results come from their workers.
    Transport,
}

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The field.
    pub field: Field,
    /// What is wrong and what is expected.
    pub message: String,
}

/// The open job as it is edited.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JobDraft {
    /// The job's name.
    pub name: String,
    /// The job's description.
    pub description: String,
    /// The kind of the task; the texts of the other kinds are kept meanwhile.
    pub kind: TaskKind,
    /// The command line.
    pub command: String,
    /// The workload.
    pub workload: WorkloadSpec,
    /// The inputs.
    pub inputs: Vec<InputDraft>,
    /// Inputs are walked side by side.
    pub linked: bool,
    /// How the batch is run.
    pub mode: Mode,
    /// The pool's size; `None`: the number of logical cores.
    pub workers: Option<u32>,
    /// The time that an attempt may take, in seconds; empty: for ever.
    pub timeout: String,
    /// How often a failed task is tried again; empty: never.
    pub retries: String,
    /// Where commands run; empty: the job file's folder, or the current one.
    pub working_dir: String,
    /// When the run ends early, waits or holds back.
    pub control: ControlDraft,
    /// What a task may take at the most.
    pub limits: LimitsDraft,
    /// What a command gets besides its line.
    pub command_environment: CommandEnvironmentDraft,
    /// How rows become tasks, and their order.
    pub order: OrderDraft,
    /// The objects that tasks share.
    pub shared: SharedDraft,
    /// How large results of calls come from their workers; of no meaning for commands.
    pub transport: Transport,
    /// The job as it was opened, for what has no field here.
    pub opened: Job,
}

impl JobDraft {
    /// A job made ready to be edited.
    pub fn from_job(job: &Job) -> Self {
        let (command, workload) = match &job.task {
            TaskTemplate::Command(line) => (line.clone(), WorkloadSpec::named("cube")),
            TaskTemplate::Workload(spec) => (String::new(), spec.clone()),
        };
        Self {
            name: job.name.clone(),
            description: job.description.clone(),
            kind: job.task.kind(),
            command,
            workload,
            inputs: job.inputs.iter().map(InputDraft::from_input).collect(),
            linked: job.linked,
            mode: job.mode,
            workers: job.workers,
            timeout: job.timeout_secs.map_or_else(String::new, |secs| secs.to_string()),
            retries: if job.retries == 0 { String::new() } else { job.retries.to_string() },
            control: ControlDraft::from_control(&job.control),
            limits: LimitsDraft::from_limits(&job.control.limits),
            command_environment: CommandEnvironmentDraft::from_job(job),
            order: OrderDraft::from_job(job),
            shared: SharedDraft::from_job(job),
            transport: job.transport,
            working_dir: job.working_dir.as_ref().map_or_else(String::new, |dir| dir.display().to_string()),
            opened: Job { inputs: Vec::new(), ..job.clone() },
        }
    }

    /// The job that the fields say.
    ///
    /// # Errors
    /// Everything that is wrong, field by field.
    pub fn to_job(&self) -> Result<Job, Vec<FieldError>> {
        let mut errors = Vec::new();
        let mut inputs: Vec<Input> = Vec::with_capacity(self.inputs.len());
        for (place, draft) in self.inputs.iter().enumerate() {
            match draft.to_input() {
                Ok(input) => inputs.push(input),
                Err(message) => errors.push(FieldError { field: Field::Input(place), message }),
            }
        }
        let opened = &self.opened;
        let timeout = Typed::new(Field::Timeout, &self.timeout, opened.timeout_secs.as_ref(), f64::to_string);
        let folder = Some(&self.working_dir).filter(|typed| !typed.is_empty());
        let mut job = Job {
            version: JOB_VERSION,
            name: if self.name == opened.name { self.name.clone() } else { self.name.trim().to_owned() },
            description: self.description.clone(),
            task: self.task(),
            inputs,
            linked: self.linked,
            mode: self.mode,
            workers: self.workers,
            timeout_secs: timeout.read(&mut errors, timeout_secs),
            retries: self.retries(&mut errors),
            // The choice stays while one looks around among commands, which have none.
            transport: if self.kind.traits().returns_value { self.transport } else { Transport::Pipe },
            control: Control {
                limits: self.limits.to_limits(&opened.control.limits, &mut errors),
                ..self.control.to_control(&opened.control, &mut errors)
            },
            working_dir: match &opened.working_dir {
                // It may have bytes that are no text.
                Some(dir) if dir.display().to_string() == self.working_dir => Some(dir.clone()),
                _ => folder.map(PathBuf::from),
            },
            ..opened.clone()
        };
        self.command_environment.merge_into(&mut job, opened, &mut errors);
        self.order.merge_into(&mut job, opened, &mut errors);
        self.shared.merge_into(&mut job, opened, &mut errors);
        for problem in job.check() {
            let error = problem_of_field(&problem);
            // What could not be read has been told already.
            if errors.iter().all(|known| known.field != error.field) {
                errors.push(error);
            }
        }
        if errors.is_empty() { Ok(job) } else { Err(errors) }
    }

    fn task(&self) -> TaskTemplate {
        match self.kind {
            TaskKind::Command => TaskTemplate::Command(self.command.clone()),
            TaskKind::Workload => TaskTemplate::Workload(self.workload.clone()),
        }
    }

    fn retries(&self, errors: &mut Vec<FieldError>) -> u32 {
        let typed = self.retries.trim();
        if typed.is_empty() {
            return 0;
        }
        typed.parse().unwrap_or_else(|_| {
            let message = format!("{typed:?} is no count: type a whole number such as 2, or nothing for none.");
            errors.push(FieldError { field: Field::Retries, message });
            0
        })
    }
}

fn timeout_secs(typed: &str) -> Result<f64, String> {
    duration::parse(typed).map(|time| time.secs).map_err(|_| {
        format!("{typed:?} is no time: type seconds above 0, such as 2.5, or 90s or 2m; nothing for no limit.")
    })
}

/// The message of a problem, at its field.
pub(super) fn problem_of_field(problem: &FieldProblem) -> FieldError {
    FieldError { field: field_of(problem.field), message: sentence(&problem.message) }
}

/// The field of the draft that shows this field of a job.
pub(super) fn field_of(field: &job_field::Field) -> Field {
    match field.key {
        "task" => Field::Task,
        "workers" => Field::Workers,
        "timeout_secs" => Field::Timeout,
        "retries" => Field::Retries,
        "working_dir" => Field::WorkingDir,
        "name" => Field::Name,
        "environment" => Field::Environment,
        "stdin" => Field::Stdin,
        "stdin_file" => Field::StdinFile,
        "tagstring" => Field::Tagstring,
        "max_args" => Field::MaxArgs,
        "shared" => Field::Shared,
        "transport" => Field::Transport,
        "control.limits.memory_bytes" => Field::LimitMemory,
        "control.limits.cpu_secs" => Field::LimitCpu,
        "control.limits.output_bytes" => Field::LimitOutput,
        "control.halt" => Field::Halt,
        "control.delay_secs" => Field::Delay,
        "control.retry_wait" => Field::RetryWait,
        "control.timeout_percent" => Field::TimeoutPercent,
        "control.memfree_bytes" => Field::MemFree,
        "control.load_limit" => Field::Load,
        "control.nice" => Field::Nice,
        "control.heartbeat_secs" => Field::Heartbeat,
        "control.slots" => Field::Slots,
        "control.resources" => Field::Resources,
        "control.needs" => Field::Needs,
        "control.after" => Field::After,
        "order" => Field::Order,
        "sample" => Field::Sample,
        "sample_seed" => Field::SampleSeed,
        "shared_bytes" => Field::SharedMemory,
        _ => Field::Inputs,
    }
}
