//! The open job as it is edited: text as it was typed, checked into a [`Job`] whenever it changes.
//!
//! Most fields of a job are one text each, which the table of fields writes and reads. What is more than a line of text has
//! a form of its own here. What no form can show (an input of another kind) is kept as it is, so that opening and saving a
//! job loses nothing.

mod dependencies;
mod environment;
mod lines;
mod order;
mod parameters;

use std::collections::BTreeMap;

use fanlane_core::job::field::{self, Field, FieldProblem};
use fanlane_core::job::{
    Input, JOB_VERSION, Job, Mode, Parameter, PythonSpec, SharedSpec, TaskKind, TaskTemplate, Transport, WorkloadSpec,
};

pub use dependencies::DependenciesDraft;
pub use environment::EnvironmentDraft;
pub use order::OrderDraft;
pub use parameters::ParameterDraft;

use super::input_draft::InputDraft;
use crate::session::notices::sentence;

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The field.
    pub field: &'static Field,
    /// Which of the inputs it is about, counted from 0; `None`: the field as a whole.
    pub input: Option<usize>,
    /// Which of the parameters it is about, by its name.
    pub parameter: Option<String>,
    /// What is wrong and what is expected.
    pub message: String,
}

impl FieldError {
    /// An error about the whole field; the message becomes a sentence.
    pub(super) fn new(field: &'static Field, message: &str) -> Self {
        Self { field, input: None, parameter: None, message: sentence(message) }
    }

    /// An error about one of the inputs, counted from 0.
    pub(super) fn of_input(place: usize, message: &str) -> Self {
        Self { input: Some(place), ..Self::new(&field::INPUTS, message) }
    }
}

impl From<FieldProblem> for FieldError {
    fn from(problem: FieldProblem) -> Self {
        Self::new(problem.field, &problem.message)
    }
}

/// The fields with a form of their own in the draft.
static FORMS: [&Field; 15] = [
    &field::VERSION,
    &field::NAME,
    &field::DESCRIPTION,
    &field::TASK,
    &field::PARAMETERS,
    &field::VALUES,
    &field::INPUTS,
    &field::LINKED,
    &field::MODE,
    &field::WORKERS,
    &field::TRANSPORT,
    &field::AFTER,
    &field::ENVIRONMENT,
    &field::SHARED,
    &field::ORDER,
];

/// The open job as it is edited.
#[derive(Clone, Debug, PartialEq)]
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
    /// The Python function.
    pub python: PythonSpec,
    /// The parameters.
    pub parameters: Vec<ParameterDraft>,
    /// The values that are not the parameters' defaults, by their names.
    pub values: BTreeMap<String, String>,
    /// The inputs.
    pub inputs: Vec<InputDraft>,
    /// Inputs are walked side by side.
    pub linked: bool,
    /// How the batch is run.
    pub mode: Mode,
    /// The pool's size; `None`: the number of logical cores.
    pub workers: Option<u32>,
    /// How large results of calls come from their workers; of no meaning for commands.
    pub transport: Transport,
    /// Which tasks wait for which others.
    pub dependencies: DependenciesDraft,
    /// The variables of the environment.
    pub environment: EnvironmentDraft,
    /// The objects that tasks share, one a line: `seen = Set`.
    pub shared: String,
    /// The order in which tasks start.
    pub order: OrderDraft,
    /// The job as it was opened, for what has no form here.
    pub opened: Job,
    /// The other fields as typed, by their keys.
    texts: BTreeMap<&'static str, String>,
}

impl Default for JobDraft {
    fn default() -> Self {
        Self::from_job(&Job::default())
    }
}

impl JobDraft {
    /// Neither a command nor an input stands in it yet.
    pub fn is_blank(&self) -> bool {
        self.kind == TaskKind::Command && self.command.trim().is_empty() && self.inputs.is_empty()
    }

    /// A job made ready to be edited.
    pub fn from_job(job: &Job) -> Self {
        let (command, workload) = match &job.task {
            TaskTemplate::Command(line) => (line.clone(), WorkloadSpec::named("cube")),
            TaskTemplate::Workload(spec) => (String::new(), spec.clone()),
            TaskTemplate::Python(_) => (String::new(), WorkloadSpec::named("cube")),
        };
        Self {
            name: job.name.clone(),
            description: job.description.clone(),
            kind: job.task.kind(),
            python: match &job.task {
                TaskTemplate::Python(spec) => spec.clone(),
                TaskTemplate::Command(_) | TaskTemplate::Workload(_) => PythonSpec::default(),
            },
            command,
            workload,
            parameters: job.parameters.iter().map(ParameterDraft::from_parameter).collect(),
            values: job.values.clone(),
            inputs: job.inputs.iter().map(InputDraft::from_input).collect(),
            linked: job.linked,
            mode: job.mode,
            workers: job.workers,
            transport: job.transport,
            dependencies: DependenciesDraft::from_after(job.control.after.as_ref()),
            environment: EnvironmentDraft::from_variables(&job.environment),
            shared: shared_lines(job),
            order: OrderDraft::from_order(&job.order),
            opened: Job { inputs: Vec::new(), ..job.clone() },
            texts: text_fields().map(|field| (field.key, field.get(job))).collect(),
        }
    }

    /// Whether the field is one text, rather than a form of its own.
    pub fn is_text(field: &Field) -> bool {
        !FORMS.contains(&field)
    }

    /// What is typed for a field that is one text; empty for any other.
    pub fn text(&self, field: &Field) -> &str {
        self.texts.get(field.key).map_or("", String::as_str)
    }

    /// What is typed for a field that is one text.
    pub fn text_mut(&mut self, field: &Field) -> &mut String {
        self.texts.entry(field.key).or_default()
    }

    /// How much the field asks for: 0 for nothing; a list counts its lines, anything else is 1.
    pub fn filled(&self, field: &Field) -> usize {
        let is_filled = match field.key {
            key if key == field::PARAMETERS.key => return self.parameters.len(),
            key if key == field::AFTER.key => self.dependencies != DependenciesDraft::default(),
            key if key == field::ENVIRONMENT.key => self.environment != EnvironmentDraft::default(),
            key if key == field::SHARED.key => {
                return self.shared.lines().filter(|line| !line.trim().is_empty()).count();
            }
            key if key == field::ORDER.key => self.order.shuffled || !self.order.by_values.is_empty(),
            _ => !self.text(field).is_empty(),
        };
        usize::from(is_filled)
    }

    /// The job that the fields say.
    ///
    /// # Errors
    /// Everything that is wrong, field by field.
    pub fn to_job(&self) -> Result<Job, Vec<FieldError>> {
        let mut errors = Vec::new();
        let opened = &self.opened;
        let mut inputs: Vec<Input> = Vec::with_capacity(self.inputs.len());
        for (place, draft) in self.inputs.iter().enumerate() {
            match draft.to_input() {
                Ok(input) => inputs.push(input),
                Err(message) => errors.push(FieldError::of_input(place, &message)),
            }
        }
        let mut job = Job {
            version: JOB_VERSION,
            name: if self.name == opened.name { self.name.clone() } else { self.name.trim().to_owned() },
            description: self.description.clone(),
            task: self.task(),
            inputs,
            linked: self.linked,
            mode: self.mode,
            workers: self.workers,
            // The choice stays while one looks around among commands, which have none.
            transport: if self.kind.traits().returns_value { self.transport } else { Transport::Pipe },
            ..opened.clone()
        };
        let mut told = |field, message: String| errors.push(FieldError::new(field, &message));
        match parameters::to_parameters(&self.parameters, &opened.parameters) {
            Ok(parameters) => job.parameters = parameters,
            Err(message) => told(&field::PARAMETERS, message),
        }
        // What was chosen for a parameter that is gone means nothing.
        let is_there = |name: &String| self.parameters.iter().any(|parameter| parameter.name.trim() == name);
        let values = self.values.iter().filter(|(name, value)| is_there(name) && !value.is_empty());
        job.values = values.map(|(name, value)| (name.clone(), value.clone())).collect();
        match self.dependencies.to_after(opened.control.after.as_ref()) {
            Ok(after) => job.control.after = after,
            Err(message) => told(&field::AFTER, message),
        }
        match self.environment.to_variables() {
            Ok(variables) => job.environment = variables,
            Err(message) => told(&field::ENVIRONMENT, message),
        }
        if self.shared != shared_lines(opened) {
            let example = "NAME = KIND, such as seen = Set or count = Value(0)";
            match lines::read(&self.shared, example, |kind| kind.trim().parse::<SharedSpec>()) {
                Ok(shared) => job.shared = shared,
                Err(message) => told(&field::SHARED, message),
            }
        }
        match self.order.to_order(&opened.order) {
            Ok(order) => job.order = order,
            Err(message) => told(&field::ORDER, message),
        }
        for field in text_fields() {
            // What the text cannot say exactly, such as bytes of a path that are no text, stays as it was while the text
            // does.
            let text = self.text(field);
            if text != field.get(opened)
                && let Err(problem) = field.set(&mut job, text)
            {
                errors.push(problem.into());
            }
        }
        for problem in job.check() {
            // What could not be read has been told already.
            if errors.iter().all(|known| known.field != problem.field) {
                errors.push(problem.into());
            }
        }
        if errors.is_empty() { Ok(job) } else { Err(errors) }
    }

    /// The parameters of the form, as far as they can be read.
    pub fn form(&self) -> Vec<Parameter> {
        self.parameters.iter().filter_map(|parameter| parameter.to_parameter().ok()).collect()
    }

    fn task(&self) -> TaskTemplate {
        match self.kind {
            TaskKind::Command => TaskTemplate::Command(self.command.clone()),
            TaskKind::Workload => TaskTemplate::Workload(self.workload.clone()),
            TaskKind::Python => TaskTemplate::Python(self.python.clone()),
        }
    }
}

fn text_fields() -> impl Iterator<Item = &'static Field> {
    field::fields().filter(|field| JobDraft::is_text(field))
}

fn shared_lines(job: &Job) -> String {
    job.shared.iter().map(|(name, spec)| format!("{name} = {spec}\n")).collect()
}
