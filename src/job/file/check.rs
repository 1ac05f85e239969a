//! What the types of a job cannot say about its values: ranges, and that its task can be run at all.

use std::collections::BTreeMap;
use std::fmt;

use crate::job::control::MAX_SECS;
use crate::job::template::Template;
use crate::job::{Input, JOB_VERSION, Job, MAX_ARGS, MAX_WORKERS, TaskTemplate, Transport};

/// A field of a job, so that a message can stand beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobField {
    /// [`Job::version`].
    Version,
    /// [`Job::name`].
    Name,
    /// [`Job::task`].
    Task,
    /// [`Job::inputs`].
    Inputs,
    /// [`Job::workers`].
    Workers,
    /// [`Job::timeout_secs`].
    Timeout,
    /// [`Job::retries`].
    Retries,
    /// [`Job::working_dir`].
    WorkingDir,
    /// [`Job::control`].
    Control,

    /// [`Job::environment`].
    Environment,
    /// [`Job::stdin`].
    Stdin,
    /// [`Job::stdin_file`].
    StdinFile,
    /// [`Job::tagstring`].
    Tagstring,
    /// [`Job::max_args`].
    MaxArgs,
    /// [`Job::shared`].
    Shared,
    /// [`Job::transport`].
    Transport,
}

impl JobField {
    /// The field's name in job files.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Version => "version",
            Self::Name => "name",
            Self::Task => "task",
            Self::Inputs => "inputs",
            Self::Workers => "workers",
            Self::Timeout => "timeout_secs",
            Self::Retries => "retries",
            Self::WorkingDir => "working_dir",
            Self::Control => "control",

            Self::Environment => "environment",
            Self::Stdin => "stdin",
            Self::StdinFile => "stdin_file",
            Self::Tagstring => "tagstring",
            Self::MaxArgs => "max_args",
            Self::Shared => "shared",
            Self::Transport => "transport",
        }
    }
}

/// A value that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobProblem {
    /// The field that holds it.
    pub field: JobField,
    /// What is wrong and what is expected, to stand behind the field's name.
    pub message: String,
}

impl fmt::Display for JobProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field.key(), self.message)
    }
}

impl Job {
    /// Everything that is wrong with the job's values, in the order of the fields; empty if it can be run.
    ///
    /// Nothing outside the job is looked at: whether its files are there shows when its
    /// [`Batch`](crate::job::Batch) is opened.
    pub fn check(&self) -> Vec<JobProblem> {
        let mut problems = Vec::new();
        let mut report = |field, message| problems.push(JobProblem { field, message });
        if !(1..=JOB_VERSION).contains(&self.version) {
            report(JobField::Version, format!("it is {}, expected 1 to {JOB_VERSION}", self.version));
        }
        if self.name.contains(['\0', '\n', '\r']) {
            report(JobField::Name, "it must be a single line of text".to_owned());
        }
        if let Some(message) = task_problem(&self.task, self.shell) {
            report(JobField::Task, message);
        }
        if let Some(message) = inputs_problem(&self.inputs) {
            report(JobField::Inputs, message);
        }
        if let Some(workers) = self.workers
            && !(1..=MAX_WORKERS).contains(&workers)
        {
            report(JobField::Workers, format!("it is {workers}, expected 1 to {MAX_WORKERS}"));
        }
        if let Some(timeout_secs) = self.timeout_secs
            && !(timeout_secs > 0.0 && timeout_secs <= MAX_SECS)
        {
            report(JobField::Timeout, format!("it is {timeout_secs}, expected seconds above 0 and up to {MAX_SECS}"));
        }
        if self.working_dir.as_ref().is_some_and(|path| path.as_os_str().is_empty()) {
            report(JobField::WorkingDir, "it is empty; leave it out for the job file's own folder".to_owned());
        }
        if let Some(message) = environment_problem(&self.environment) {
            report(JobField::Environment, message);
        }
        for (field, template) in [
            (JobField::Stdin, &self.stdin),
            (JobField::StdinFile, &self.stdin_file),
            (JobField::Tagstring, &self.tagstring),
        ] {
            if let Some(Err(error)) = template.as_deref().map(Template::parse_text) {
                report(field, error.to_string());
            }
        }
        if self.stdin_file.as_ref().is_some_and(String::is_empty) {
            report(JobField::StdinFile, "it is empty; leave it out for no standard input".to_owned());
        }
        if let Some(max_args) = self.max_args
            && max_args > MAX_ARGS
        {
            report(JobField::MaxArgs, format!("it is {max_args}, expected 0 to {MAX_ARGS}"));
        }
        if self.control.after.is_some() && self.max_args.is_some_and(|rows| rows != 1) {
            let message = "tasks that wait for others by name are of one row each; remove it, or 'after' in control";
            report(JobField::MaxArgs, message.to_owned());
        }
        if self.stdin.is_some() && self.stdin_file.is_some() {
            report(JobField::StdinFile, "there is a text for standard input already (stdin); remove one".to_owned());
        }
        if let Some(message) = super::super::shared::problem(&self.shared) {
            report(JobField::Shared, message);
        }
        if matches!(self.task, TaskTemplate::Command(_)) && self.transport != Transport::Pipe {
            let message = "what a command prints comes through its pipes, and what is over 1 MiB through files; shared \
                           memory is for results of calls; remove it";
            report(JobField::Transport, message.to_owned());
        }
        if matches!(self.task, TaskTemplate::Workload(_)) && !self.control.limits.is_none() {
            let message = "limits: a call shares its worker's process, so only commands can have limits; remove them";
            report(JobField::Control, message.to_owned());
        }
        for (key, message) in self.control.problems(self.workers.unwrap_or(MAX_WORKERS)) {
            report(JobField::Control, format!("{key}: {message}"));
        }
        problems
    }
}

fn task_problem(task: &TaskTemplate, shell: bool) -> Option<String> {
    match task {
        TaskTemplate::Command(line) if shell => Template::parse(line).err().map(|error| error.to_string()),
        TaskTemplate::Command(line) => Template::parse_words(line).err().map(|error| error.to_string()),
        TaskTemplate::Workload(workload) => workload.check().err().map(|error| error.to_string()),
    }
}

/// How the engine marks its processes; a task that changed these would not be found again.
const OWN_VARIABLES: &str = "FANLANE_";

fn environment_problem(environment: &BTreeMap<String, String>) -> Option<String> {
    environment.iter().find_map(|(name, text)| {
        if name.is_empty() || name.contains(['=', '\0']) {
            return Some(format!("'{name}' is no name of a variable; write letters, digits and _"));
        }
        if name.starts_with(OWN_VARIABLES) {
            return Some(format!("{name}: names that begin with {OWN_VARIABLES} are Fanlane's own; choose another"));
        }
        Template::parse_text(text).err().map(|error| format!("{name}: {error}"))
    })
}

fn inputs_problem(inputs: &[Input]) -> Option<String> {
    if inputs.iter().filter(|input| input.reads_stdin()).count() > 1 {
        return Some("standard input can be read only once; give the other input another source".to_owned());
    }
    inputs.iter().enumerate().find_map(|(index, input)| {
        let gap = |problem: &str| if problem.starts_with(':') { "" } else { " " };
        input.problem().map(|problem| format!("input {}{}{problem}", index + 1, gap(&problem)))
    })
}
