//! Faults of values of parameters, in words for a person who fills in the form.

use std::path::PathBuf;

use crate::job::suggestion;

/// Why the values of a job's parameters cannot be used. Nothing has run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParameterError {
    /// A value is required and not given.
    #[error("the parameter {name} has no value; it takes {takes}")]
    Missing {
        /// Its name.
        name: String,
        /// Which values it takes.
        takes: String,
    },
    /// The value is none that it takes.
    #[error("the parameter {name} cannot be '{value}'; it takes {takes}")]
    Value {
        /// Its name.
        name: String,
        /// The value.
        value: String,
        /// Which values it takes.
        takes: String,
    },
    /// A file or folder that has to be there is not.
    #[error("the parameter {name} is '{value}', and {path} is no {expected}")]
    NotThere {
        /// Its name.
        name: String,
        /// The value.
        value: String,
        /// Where it was looked for.
        path: PathBuf,
        /// `file` or `folder`.
        expected: &'static str,
    },
    /// A name that no parameter has.
    #[error("'{name}' is no parameter of this job; {hint}")]
    Unknown {
        /// The name.
        name: String,
        /// The name that was probably meant, or all of them.
        hint: String,
    },
    /// The field that a parameter sets refuses the value.
    #[error("the parameter {name} sets {field}, which cannot be '{value}': {reason}")]
    Field {
        /// Its name.
        name: String,
        /// The field's key.
        field: &'static str,
        /// The value.
        value: String,
        /// Why.
        reason: String,
    },
}

impl ParameterError {
    /// The name of the parameter that it is about; `None` for a name that no parameter has.
    pub fn parameter(&self) -> Option<&str> {
        match self {
            Self::Missing { name, .. }
            | Self::Value { name, .. }
            | Self::NotThere { name, .. }
            | Self::Field { name, .. } => Some(name),
            Self::Unknown { .. } => None,
        }
    }

    /// A name that is not among those of the parameters.
    pub(in crate::job) fn unknown<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Self {
        Self::Unknown { name: name.to_owned(), hint: hint(name, names) }
    }
}

/// The name that was probably meant, or all names.
fn hint<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    match suggestion::nearest(name, names.iter().copied()) {
        _ if names.is_empty() => "it has none".to_owned(),
        Some(meant) => format!("did you mean '{meant}'?"),
        None => format!("the parameters are {}", names.join(", ")),
    }
}
