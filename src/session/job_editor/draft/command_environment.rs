//! What a command gets besides its line, as typed: its environment and its standard input.

use std::collections::BTreeMap;

use fanlane_core::job::{Job, escapes};

use super::{Field, FieldError};

/// What a command gets besides its line, as it is typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandEnvironmentDraft {
    /// The command line is run by a shell.
    pub shell: bool,
    /// Variables, one a line: `NAME=VALUE`.
    pub environment: String,
    /// Variables with line breaks in them, which cannot be typed as lines and are kept as they are.
    pub kept: BTreeMap<String, String>,
    /// The text for standard input; empty: nothing.
    pub stdin: String,
    /// The file for standard input; empty: nothing.
    pub stdin_file: String,
    /// What stands before each line of output, with escapes; empty: nothing.
    pub tagstring: String,
}

impl Default for CommandEnvironmentDraft {
    fn default() -> Self {
        Self::from_job(&Job::default())
    }
}

impl CommandEnvironmentDraft {
    pub(super) fn from_job(job: &Job) -> Self {
        let (kept, typed): (BTreeMap<_, _>, BTreeMap<_, _>) =
            job.environment.clone().into_iter().partition(|(name, value)| {
                [name, value].into_iter().any(|text| text.contains(['\n', '\r'])) || name.trim() != name
            });
        Self {
            shell: job.shell,
            environment: typed.iter().map(|(name, value)| format!("{name}={value}\n")).collect(),
            kept,
            stdin: job.stdin.clone().unwrap_or_default(),
            stdin_file: job.stdin_file.clone().unwrap_or_default(),
            tagstring: escapes::escaped(job.tagstring.as_deref().unwrap_or_default()),
        }
    }

    /// How many of the fields ask for something.
    pub fn filled(&self) -> usize {
        let has_variables = !self.environment.trim().is_empty() || !self.kept.is_empty();
        [!self.shell, has_variables, !self.stdin.is_empty(), !self.stdin_file.is_empty(), !self.tagstring.is_empty()]
            .into_iter()
            .filter(|asks| *asks)
            .count()
    }

    /// Puts what the fields say into the job.
    pub(super) fn merge_into(&self, job: &mut Job, opened: &Job, errors: &mut Vec<FieldError>) {
        job.shell = self.shell;
        job.environment = self.variables(errors);
        // Not trimmed: a text's line end is part of it, and so may be a blank in a file's name.
        let text = |typed: &str, opened: &Option<String>| match opened {
            Some(text) if text == typed => Some(text.clone()),
            _ => (!typed.is_empty()).then(|| typed.to_owned()),
        };
        job.stdin = text(&self.stdin, &opened.stdin);
        job.stdin_file = text(&self.stdin_file, &opened.stdin_file);
        match escapes::unescape(&self.tagstring) {
            Ok(tagstring) => job.tagstring = text(&tagstring, &opened.tagstring),
            Err(message) => {
                let message = format!("{message}.");
                errors.push(FieldError { field: Field::Tagstring, message });
            }
        }
    }

    fn variables(&self, errors: &mut Vec<FieldError>) -> BTreeMap<String, String> {
        let mut found = self.kept.clone();
        for line in self.environment.lines().filter(|line| !line.trim().is_empty()) {
            let message = match line.split_once('=') {
                None => format!("{line:?} has no value: type NAME=VALUE."),
                Some((name, value)) => match found.insert(name.trim().to_owned(), value.to_owned()) {
                    None => continue,
                    Some(_) => format!("{:?} is there twice: remove one of the two.", name.trim()),
                },
            };
            errors.push(FieldError { field: Field::Environment, message });
        }
        found
    }
}
