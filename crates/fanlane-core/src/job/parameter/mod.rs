//! Parameters of a job: what changes from run to run, each with a name, a type and help, so that a job can be run from a
//! form. `{@name}` stands for the value of a parameter; `@` keeps it apart from the columns of the inputs.
//!
//! A parameter is declared in the job with its default; [`Job::values`](super::Job::values) has what was chosen instead.
//! [`fill`] puts the values in.

mod error;
pub(super) mod fill;
mod kind;
mod typed;

use std::collections::BTreeMap;
use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::Job;
use super::field::{self, Field};
use super::{is_default, suggestion};
pub use error::ParameterError;
pub(super) use kind::Inserted;
pub use kind::ParameterKind;
pub(super) use typed::map as values_map;

/// What a person chooses before a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// Its name: letters, digits, `_` and `-`. `{@name}` stands for its value.
    pub name: String,
    /// What it is called in the form; empty: its name.
    #[serde(default, skip_serializing_if = "is_default")]
    pub label: String,
    /// What it is for, in a sentence.
    #[serde(default, skip_serializing_if = "is_default")]
    pub help: String,
    /// Which values it takes.
    #[serde(default, skip_serializing_if = "is_default", rename = "type")]
    pub kind: ParameterKind,
    /// Its value where none is given; empty: none.
    #[serde(default, skip_serializing_if = "is_default", deserialize_with = "typed::text")]
    pub default: String,
    /// Nothing runs without a value.
    #[serde(default, skip_serializing_if = "is_default")]
    pub required: bool,
    /// The key of a field of the job that gets the value, such as `timeout_secs`; empty: none. A value that the job or a
    /// flag has for that field comes first.
    #[serde(default, skip_serializing_if = "is_default")]
    pub sets: String,
}

/// The fields that a parameter can set. Fields with texts hold `{@name}` instead.
pub static SETTABLE: [&Field; 16] = [
    &field::TIMEOUT_SECS,
    &field::RETRIES,
    &field::MAX_ROWS,
    &field::MAX_CHARS,
    &field::SPREAD,
    &field::SAMPLE,
    &field::SAMPLE_SEED,
    &field::HALT,
    &field::DELAY_SECS,
    &field::RETRY_WAIT,
    &field::MEMFREE_BYTES,
    &field::LOAD_LIMIT,
    &field::NICE,
    &field::LIMIT_MEMORY_BYTES,
    &field::LIMIT_CPU_SECS,
    &field::LIMIT_OUTPUT_BYTES,
];

impl Job {
    /// A field was given apart, perhaps as its default: no parameter sets it.
    pub fn fix(&mut self, field: &Field) {
        self.parameters.iter_mut().filter(|parameter| parameter.sets == field.key).for_each(|its| its.sets.clear());
    }
}

impl Parameter {
    /// What it is called in the form.
    pub fn title(&self) -> &str {
        if self.label.is_empty() { &self.name } else { &self.label }
    }

    /// Its value: the one that was chosen, or else its default; empty: none.
    pub fn value<'a>(&'a self, values: &'a BTreeMap<String, String>) -> &'a str {
        values.get(&self.name).filter(|value| !value.is_empty()).unwrap_or(&self.default)
    }

    /// Why `value` cannot be its value, without a look at files.
    ///
    /// # Errors
    /// [`ParameterError::Missing`] and [`ParameterError::Value`].
    pub fn check(&self, value: &str) -> Result<(), ParameterError> {
        self.inserted(value).map(drop)
    }

    /// What `value` puts in, or why it cannot be its value.
    pub(super) fn inserted(&self, value: &str) -> Result<Inserted, ParameterError> {
        let (name, takes) = (|| self.name.clone(), || self.kind.takes());
        if value.is_empty() && self.required {
            return Err(ParameterError::Missing { name: name(), takes: takes() });
        }
        let refused = || ParameterError::Value { name: name(), value: value.to_owned(), takes: takes() };
        self.kind.inserted(value).ok_or_else(refused)
    }

    /// What is wrong with the declaration.
    fn problem(&self) -> Option<String> {
        let Self { name, label, kind, default, sets, .. } = self;
        if !is_name(name) {
            return Some(format!(
                "'{name}' is no name of a parameter; write letters, digits, _ and -, with a letter first"
            ));
        }
        if label.contains(['\n', '\r', '\0']) {
            return Some(format!("{name}: the label must be a single line of text"));
        }
        if let Some(problem) = kind.problem() {
            return Some(format!("{name}: {problem}"));
        }
        if !default.is_empty() && kind.inserted(default).is_none() {
            return Some(format!("{name}: the default '{default}' is none of its values; it takes {}", kind.takes()));
        }
        let is_settable = |sets: &str| SETTABLE.iter().any(|field| field.key == sets);
        if !sets.is_empty() && !is_settable(sets) {
            let keys: Vec<&str> = SETTABLE.iter().map(|field| field.key).collect();
            let meant = suggestion::nearest(sets, keys.iter().copied());
            let meant =
                meant.map_or_else(|| format!("it can set {}", keys.join(", ")), |key| format!("did you mean '{key}'?"));
            return Some(format!("{name}: no parameter can set '{sets}'; {meant}"));
        }
        None
    }
}

/// What is wrong with the declarations.
pub(super) fn problem(parameters: &[Parameter]) -> Option<String> {
    let mut seen = HashSet::new();
    let mut set = HashSet::new();
    parameters.iter().find_map(|parameter| {
        let Parameter { name, sets, .. } = parameter;
        parameter.problem().or_else(|| {
            if !seen.insert(name) {
                return Some(format!("two parameters are called '{name}'; rename one"));
            }
            let is_set_twice = !sets.is_empty() && !set.insert(sets);
            is_set_twice.then(|| format!("{name}: another parameter sets '{sets}' already; remove one of the two"))
        })
    })
}

/// What is wrong with the values that were chosen; whether any is missing is asked when the job is run.
pub(super) fn problem_of_values(parameters: &[Parameter], values: &BTreeMap<String, String>) -> Option<ParameterError> {
    values.iter().find_map(|(name, value)| {
        let Some(parameter) = parameters.iter().find(|parameter| parameter.name == *name) else {
            return Some(ParameterError::unknown(name, parameters.iter().map(|parameter| parameter.name.as_str())));
        };
        if value.is_empty() { None } else { parameter.check(value).err() }
    })
}

pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_alphabetic() || letter == '_')
        && text.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '-'))
}

#[cfg(test)]
mod tests;
