//! The open job as a person edits it: text as it was typed, checked into a [`Job`] whenever it changes.
//!
//! A field that cannot be read says so in a message of its own; what a field cannot show (an input of another kind)
//! is kept as it is, so that opening and saving a job loses nothing.

use std::path::PathBuf;

use crate::job::file::JobField;
use crate::job::{Control, Input, JOB_VERSION, Job, Mode, TaskTemplate, WorkloadSpec};

use super::expand::sentence;
use super::input_draft::InputDraft;

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
}

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The field.
    pub field: Field,
    /// What is wrong and what is expected.
    pub message: String,
}

/// Which kind of task the job has. The other kind's text is kept while one looks around.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TaskKind {
    /// A command line for the shell.
    #[default]
    Command,
    /// A call of a built-in workload.
    Workload,
}

/// The open job as it is edited.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JobDraft {
    /// The job's name.
    pub name: String,
    /// The job's description.
    pub description: String,
    /// Which of the two below is meant.
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
    pub control: Control,
}

impl JobDraft {
    /// A job made ready to be edited.
    pub fn from_job(job: &Job) -> Self {
        let (kind, command, workload) = match &job.task {
            TaskTemplate::Command(line) => (TaskKind::Command, line.clone(), WorkloadSpec::named("cube")),
            TaskTemplate::Workload(spec) => (TaskKind::Workload, String::new(), spec.clone()),
        };
        Self {
            name: job.name.clone(),
            description: job.description.clone(),
            kind,
            command,
            workload,
            inputs: job.inputs.iter().map(InputDraft::from_input).collect(),
            linked: job.linked,
            mode: job.mode,
            workers: job.workers,
            timeout: job.timeout_secs.map_or_else(String::new, |secs| secs.to_string()),
            retries: if job.retries == 0 { String::new() } else { job.retries.to_string() },
            control: job.control.clone(),
            working_dir: job.working_dir.as_ref().map_or_else(String::new, |dir| dir.display().to_string()),
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
        let timeout_secs = self.timeout_secs(&mut errors);
        let retries = self.retries(&mut errors);
        let job = Job {
            version: JOB_VERSION,
            name: self.name.trim().to_owned(),
            description: self.description.clone(),
            task: self.task(),
            inputs,
            linked: self.linked,
            mode: self.mode,
            workers: self.workers,
            timeout_secs,
            retries,
            control: self.control.clone(),
            working_dir: (!self.working_dir.is_empty()).then(|| PathBuf::from(&self.working_dir)),
        };
        for problem in job.check() {
            let field = match problem.field {
                JobField::Task => Field::Task,
                JobField::Workers => Field::Workers,
                JobField::Timeout => Field::Timeout,
                JobField::Retries => Field::Retries,
                JobField::WorkingDir => Field::WorkingDir,
                JobField::Name => Field::Name,
                JobField::Version | JobField::Control | JobField::Inputs => Field::Inputs,
            };
            errors.push(FieldError { field, message: sentence(&problem.message) });
        }
        if errors.is_empty() { Ok(job) } else { Err(errors) }
    }

    fn task(&self) -> TaskTemplate {
        match self.kind {
            TaskKind::Command => TaskTemplate::Command(self.command.clone()),
            TaskKind::Workload => TaskTemplate::Workload(self.workload.clone()),
        }
    }

    fn timeout_secs(&self, errors: &mut Vec<FieldError>) -> Option<f64> {
        let typed = self.timeout.trim();
        if typed.is_empty() {
            return None;
        }
        let secs = typed.parse::<f64>().ok().filter(|secs| secs.is_finite() && *secs > 0.0);
        if secs.is_none() {
            let message = format!("{typed:?} is no time: type seconds above 0, such as 2.5, or nothing for no limit.");
            errors.push(FieldError { field: Field::Timeout, message });
        }
        secs
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
