//! The environment of a command: variables, and a text or a file as standard input.

use bstr::BString;

use crate::job::field;
use crate::job::parameter::fill::ParameterValues;
use crate::job::template::{CommandLine, TaskPlace, Template, Values};
use crate::job::{Job, TaskId};

use super::{Batch, BatchError};

/// A part of the environment of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnvironmentPart {
    /// A variable of its environment, by its name.
    Variable(String),
    /// A text as its standard input.
    Stdin,
    /// A file as its standard input, by its path.
    StdinFile,
}

/// The parts of a payload behind the command line: the job's variables by name, the variables that say which resources
/// an attempt has, and standard input.
#[derive(Debug)]
pub(super) struct CommandEnvironment {
    /// The bound templates: variables, then standard input.
    templates: Vec<CommandLine>,
    /// Number of variables.
    variables: usize,
    /// Number of variables that say which resources an attempt has.
    shares: usize,
}

/// The template of what stands before each line that a task prints; an empty one is none, as in GNU parallel.
pub(super) fn bind_tagstring(
    job: &Job,
    parameters: &ParameterValues,
    columns: &[String],
) -> Result<Option<CommandLine>, BatchError> {
    let bound = job
        .tagstring
        .as_deref()
        .filter(|text| !text.is_empty())
        .map(|text| Template::parse_text(text)?.filled(parameters)?.bind(columns))
        .transpose();
    bound.map_err(|error| BatchError::CommandEnvironment {
        field: &field::TAGSTRING,
        name: "tagstring".to_owned(),
        error,
    })
}

impl Batch {
    /// Appends what stands before each line that a task prints, without the tab behind it; `None` where the job wants
    /// nothing there. The task runs, or ran, in the lane `slot`, 1 for the first.
    ///
    /// # Panics
    /// When there is no such task.
    pub fn tag(&self, task: TaskId, slot: u32) -> Option<BString> {
        let tagstring = self.tagstring.as_ref()?;
        let mut tag = Vec::new();
        let row = self.layout.row(self.place_of(task));
        tagstring.expand_into(self.place(task, slot), &row, &mut tag);
        Some(tag.into())
    }
}

impl CommandEnvironment {
    /// `None` where the job asks for nothing of the kind.
    pub(super) fn bind(
        job: &Job,
        parameters: &ParameterValues,
        columns: &[String],
    ) -> Result<Option<Self>, BatchError> {
        let variable = |(name, text)| (&field::ENVIRONMENT, format!("the variable {name}"), text);
        let variables = job.environment.iter().map(variable);
        let stdin = job.stdin.iter().map(|text| (&field::STDIN, "stdin".to_owned(), text));
        let file = job.stdin_file.iter().map(|text| (&field::STDIN_FILE, "stdin_file".to_owned(), text));
        let mut templates = Vec::new();
        for (field, name, text) in variables.chain(stdin).chain(file) {
            let bound = Template::parse_text(text).and_then(|template| template.filled(parameters)?.bind(columns));
            templates.push(bound.map_err(|error| BatchError::CommandEnvironment { field, name, error })?);
        }
        let (variables, shares) = (job.environment.len(), job.control.variables_of_attempt().len());
        let asks = !templates.is_empty() || shares > 0 || job.reads_blocks();
        Ok(asks.then_some(Self { templates, variables, shares }))
    }

    pub(super) fn templates(&self) -> &[CommandLine] {
        &self.templates
    }

    /// Each part with its text; `job` is the job that they were bound for.
    pub(super) fn parts<V: Values + ?Sized>(
        &self,
        job: &Job,
        place: TaskPlace,
        values: &V,
    ) -> Vec<(EnvironmentPart, BString)> {
        let variables = job.environment.keys().cloned().map(EnvironmentPart::Variable);
        let stdin = job.stdin.iter().map(|_| EnvironmentPart::Stdin);
        let file = job.stdin_file.iter().map(|_| EnvironmentPart::StdinFile);
        let named = variables.chain(stdin).chain(file).zip(&self.templates);
        named
            .map(|(part, text)| {
                let mut bytes = Vec::new();
                text.expand_into(place, values, &mut bytes);
                (part, bytes.into())
            })
            .collect()
    }

    /// Appends the command line and all the texts, each behind its length in bytes. Shares that are not given are empty.
    pub(super) fn expand_into<V: Values + ?Sized>(
        &self,
        command: &CommandLine,
        place: TaskPlace,
        values: &V,
        shares: &[String],
        out: &mut Vec<u8>,
    ) {
        let (variables, stdin) = self.templates.split_at(self.variables);
        let expand = |templates: &mut dyn Iterator<Item = &CommandLine>, out: &mut Vec<u8>| {
            for template in templates {
                part_into(out, |out| template.expand_into(place, values, out));
            }
        };
        expand(&mut std::iter::once(command).chain(variables), out);
        for place in 0..self.shares {
            part_into(out, |out| out.extend_from_slice(shares.get(place).map_or("", String::as_str).as_bytes()));
        }
        expand(&mut stdin.iter(), out);
    }
}

pub(super) fn part_into(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.extend_from_slice(&[0; 4]);
    write(out);
    let length = u32::try_from(out.len() - at - 4).expect("a task's texts are shorter than 4 GiB");
    out[at..at + 4].copy_from_slice(&length.to_le_bytes());
}
