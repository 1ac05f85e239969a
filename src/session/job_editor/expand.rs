//! A job expanded for the preview: how many tasks there are, and the first of them as text.

use std::path::Path;
use std::sync::Arc;

use bstr::ByteSlice;

use fanlane_core::event::TaskId;
use fanlane_core::job::batch::{BatchError, EnvironmentPart, OrderError};
use fanlane_core::job::quote::quote_into;
use fanlane_core::job::{Batch, Input, Job, field};
use fanlane_core::store::history::{KnownDurations, longest_first};

use super::draft::FieldError;

/// How many tasks the preview shows.
const SHOWN: u64 = 200;
/// How many bytes of a command line are made into text.
const TEXT_BYTES: usize = 2048;

/// What a job expands to.
#[derive(Debug)]
pub struct Expanded {
    /// The tasks.
    pub batch: Arc<Batch>,
    /// How many there are.
    pub tasks: u64,
    /// The first to begin, as [`task_text`] writes them.
    pub first: Vec<String>,
    /// What stands beside each of these.
    pub beside: Vec<Beside>,
    /// Of how many tasks the history knows how long they take, where the order goes by it.
    pub known: Option<KnownDurations>,
}

/// What the preview says of a task besides what it does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// The task's number, from 1.
    pub number: u64,
    /// Its standard input as a shell has it: `< file`, or the text behind `<<<`; empty: nothing.
    pub stdin: String,
    /// Its variables, with blanks between them: `NAME=VALUE`, quoted as for a shell.
    pub variables: String,
}

/// Reads the inputs of a job whose relative paths start in `folder`. The history, which an order may go by, lies in the
/// folder `history`.
///
/// # Errors
/// The field that is wrong, with what is wrong.
pub fn expand(job: &Job, folder: &Path, history: Option<&Path>) -> Result<Expanded, FieldError> {
    if let Some(place) = job.inputs.iter().position(Input::reads_stdin) {
        let message = "A window has no standard input: choose another kind, or run the job from a terminal.";
        return Err(FieldError::of_input(place, message));
    }
    // A window has no standard input.
    let batch = Batch::open(job, folder, &mut std::io::empty()).map_err(|error| {
        let field = error.field();
        let message = error.to_string();
        let message = without_field(&message, field.key);
        match &error {
            BatchError::Input { number, .. }
            | BatchError::NotANumber { number, .. }
            | BatchError::StdinTwice { number, .. } => FieldError::of_input(number - 1, message),
            BatchError::Parameter(fault) => {
                FieldError { parameter: fault.error.parameter().map(str::to_owned), ..FieldError::new(field, message) }
            }
            _ => FieldError::new(field, message),
        }
    })?;
    let too_many =
        |error: OrderError| FieldError::new(&field::ORDER, without_field(&error.to_string(), field::ORDER.key));
    let (batch, known) = longest_first(batch, history).map_err(too_many)?;
    let order = batch.order();
    let shown: Vec<TaskId> = (0..batch.len().min(SHOWN)).map(|place| order.task_at(place)).collect();
    let first = shown.iter().map(|task| task_text(&batch, *task)).collect();
    let beside = shown.iter().map(|task| beside(&batch, *task)).collect();
    Ok(Expanded { tasks: batch.len(), batch: Arc::new(batch), first, beside, known })
}

/// A message without the name of its field, where it stands beside that.
fn without_field<'a>(message: &'a str, key: &str) -> &'a str {
    message.strip_prefix(key).and_then(|message| message.strip_prefix(": ")).unwrap_or(message)
}

fn beside(batch: &Batch, task: TaskId) -> Beside {
    let mut beside = Beside { number: batch.number(task), ..Beside::default() };
    for (part, text) in batch.command_environment_of(task) {
        let mut quoted = Vec::new();
        quote_into(&text[..text.len().min(TEXT_BYTES)], &mut quoted);
        let quoted = quoted.to_str_lossy();
        match part {
            EnvironmentPart::Variable(name) => beside.variables += &format!("{name}={quoted} "),
            EnvironmentPart::Stdin => beside.stdin = format!("<<< {quoted}"),
            EnvironmentPart::StdinFile => beside.stdin = format!("< {quoted}"),
        }
    }
    beside
}

/// What a task does, as one line of text: its command line, or the workload with its argument. What cannot be shown is
/// replaced, and what is very long is cut.
pub fn task_text(batch: &Batch, task: TaskId) -> String {
    if task.0 >= batch.len() {
        return String::new();
    }
    let mut bytes = Vec::new();
    batch.command_into(task, 1, &mut bytes);
    let cut = bytes.len() > TEXT_BYTES;
    bytes.truncate(TEXT_BYTES);
    let mut text = bytes.to_str_lossy().into_owned();
    if cut {
        text.push('…');
    }
    text
}

/// What differs from task to task: the values of its inputs with blanks between them, cut as [`task_text`] is.
pub fn task_inputs(batch: &Batch, task: TaskId) -> String {
    if task.0 >= batch.len() {
        return String::new();
    }
    let mut text = String::new();
    for value in batch.values(task) {
        if text.len() > TEXT_BYTES {
            break;
        }
        if !text.is_empty() {
            text.push(' ');
        }
        text += &value[..value.len().min(TEXT_BYTES)].to_str_lossy();
    }
    text
}
