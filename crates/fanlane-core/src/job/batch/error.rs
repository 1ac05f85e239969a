//! Faults of a job or its inputs, because of which there is no batch, in words for the author of the job.

use std::path::PathBuf;

use bstr::BString;

use super::OrderError;
use crate::job::dependencies::DependencyError;
use crate::job::field::{self, Field};
use crate::job::inputs::InputError;
use crate::job::parameter::fill::FillError;
use crate::job::resource_request::RequestError;
use crate::job::template::TemplateError;

/// A batch that cannot be made from its job. Nothing has run.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// An input cannot be used.
    #[error("input {number}: {error}")]
    Input {
        /// Its number, from 1.
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
    /// A row makes a command that is too long by itself.
    #[error(
        "row {row} of the inputs alone makes a command of {bytes} bytes, and {limit} is the maximum {}",
        if *is_of_system { "of the system; shorten the value or the command" } else { "that max_chars sets; shorten the value or allow more" }
    )]
    RowTooLong {
        /// The number of the row, from 1.
        row: u64,
        /// The length of the command, with the ends of its words.
        bytes: u64,
        /// The maximum.
        limit: u64,
        /// The maximum is that of the system.
        is_of_system: bool,
    },
    /// A stream that is cut can be cut only while its tasks run.
    #[error("the job cannot be run here: {0}")]
    Stream(&'static str),
    /// A batch that cannot grow while it runs, because it has to be complete first.
    #[error("this batch cannot grow while it runs: {reason}")]
    CannotGrow {
        /// Why.
        reason: &'static str,
    },
    /// The job tells of a run that cannot be run again.
    #[error("{0}")]
    CannotRun(String),
    /// A value of a parameter cannot be used.
    #[error(transparent)]
    Parameter(#[from] FillError),
    /// The dependencies between tasks cannot be fulfilled.
    #[error(transparent)]
    Dependencies(#[from] DependencyError),
    /// The tasks cannot be put in the order that is asked for.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// A task requests resources that it cannot get.
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
    /// A value that a template pads as a number is not a number.
    #[error("input {number}: value {row} is '{value}', but column {column} of the template pads a whole number")]
    NotANumber {
        /// The number of the input, from 1.
        number: usize,
        /// The number of its value or row, from 1.
        row: u64,
        /// The value.
        value: BString,
        /// Where the template asks for it, in characters from 1.
        column: usize,
    },
    /// The working folder of the job does not exist.
    #[error("the working folder {path} cannot be used: {reason}")]
    WorkingDir {
        /// Its path.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl BatchError {
    /// The field of the job with the fault.
    pub const fn field(&self) -> &'static Field {
        match self {
            Self::Input { .. }
            | Self::StdinTwice { .. }
            | Self::ColumnTwice { .. }
            | Self::TooManyTasks
            | Self::RowTooLong { .. }
            | Self::CannotGrow { .. }
            | Self::NotANumber { .. } => &field::INPUTS,
            Self::CannotRun(_) => &field::TASK,
            Self::Stream(_) => &field::PIPE,
            Self::Parameter(error) => error.field,
            Self::Dependencies(_) => &field::AFTER,
            Self::Order(_) => &field::ORDER,
            Self::Request(error) => error.field(),
            Self::Template(_) => &field::TASK,
            Self::CommandEnvironment { field, .. } => field,
            Self::WorkingDir { .. } => &field::WORKING_DIR,
        }
    }
}
