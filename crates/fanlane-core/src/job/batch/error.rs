//! Why a batch cannot be made from its job, in words for the author of the job.

use std::path::PathBuf;

use bstr::BString;

use super::OrderError;
use crate::job::dependencies::DependencyError;
use crate::job::field::{self, Field};
use crate::job::inputs::InputError;
use crate::job::resource_request::RequestError;
use crate::job::template::TemplateError;

/// A batch that cannot be made from its job. Nothing has run.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// An input cannot be used.
    #[error("input {number}: {error}")]
    Input {
        /// Which one, from 1.
        number: usize,
        /// Why.
        #[source]
        error: InputError,
    },
    /// Standard input can be read only once.
    #[error("input {number}: standard input is already read by input {first}; give one of them another source")]
    StdinTwice {
        /// The second one, from 1.
        number: usize,
        /// The first one, from 1.
        first: usize,
    },
    /// Two columns have the same name.
    #[error("two columns are called '{name}'; rename one, so that {{{name}}} says which is meant")]
    ColumnTwice {
        /// Their name.
        name: String,
    },
    /// The product of the inputs has more tasks than can be counted.
    #[error("the inputs combine to more tasks than can be counted; link them or make them shorter")]
    TooManyTasks,
    /// A batch that was asked to grow while it runs, but has to be known whole first.
    #[error("this batch cannot grow while it runs: {reason}")]
    CannotGrow {
        /// Why.
        reason: &'static str,
    },
    /// Tasks wait for others in a way that cannot be kept.
    #[error(transparent)]
    Dependencies(#[from] DependencyError),
    /// The tasks cannot be put in the order that is asked for.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// A task takes what it cannot be given.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The command line cannot be used.
    #[error("the command line cannot be used: {0}")]
    Template(#[from] TemplateError),
    /// The text for a variable, for standard input or before lines of output cannot be used.
    #[error("{name} cannot be used: {error}")]
    CommandEnvironment {
        /// The field that holds the text.
        field: &'static Field,
        /// The text's name: `the variable A`, `stdin`.
        name: String,
        /// Why.
        #[source]
        error: TemplateError,
    },
    /// A value that is to be padded as a number is none.
    #[error("input {number}: value {row} is '{value}', but column {column} of the template pads a whole number")]
    NotANumber {
        /// Which input, from 1.
        number: usize,
        /// Which of its values or rows, from 1.
        row: u64,
        /// The value.
        value: BString,
        /// Where the template asks for it, in characters from 1.
        column: usize,
    },
    /// The job's working folder is not there.
    #[error("the working folder {path} cannot be used: {reason}")]
    WorkingDir {
        /// Its path.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl BatchError {
    /// The field of the job that it is about.
    pub const fn field(&self) -> &'static Field {
        match self {
            Self::Input { .. }
            | Self::StdinTwice { .. }
            | Self::ColumnTwice { .. }
            | Self::TooManyTasks
            | Self::CannotGrow { .. }
            | Self::NotANumber { .. } => &field::INPUTS,
            Self::Dependencies(_) => &field::AFTER,
            Self::Order(_) => &field::ORDER,
            Self::Request(error) => error.field(),
            Self::Template(_) => &field::TASK,
            Self::CommandEnvironment { field, .. } => field,
            Self::WorkingDir { .. } => &field::WORKING_DIR,
        }
    }
}
