//! Where a run pauses: before a task by its number, or before each task whose command line has a text.

use std::str::FromStr;

use anyhow::{Context, Result, bail, ensure};

use super::dry_run::write_line;
use fanlane_core::event::TaskId;
use fanlane_core::job::Batch;
use fanlane_core::model::format::{count, plural};
use fanlane_core::model::search::Needle;

/// Maximum number of tasks that a text gives a breakpoint.
const MAX_MATCHES: usize = 1_000;

/// Before which tasks a run pauses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BreakBefore {
    /// The task with this number, from 1.
    Number(u64),
    /// Each task whose command line or call has this text.
    Text(String),
}

impl FromStr for BreakBefore {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected the number of a task, from 1, or a text of command lines";
        match text.parse() {
            Ok(0) => Err(EXPECTED),
            Ok(number) => Ok(Self::Number(number)),
            Err(_) if text.trim().is_empty() => Err(EXPECTED),
            Err(_) => Ok(Self::Text(text.to_owned())),
        }
    }
}

/// The tasks before which a run of this batch pauses.
///
/// # Errors
/// When no task has a number or a text, or too many have it.
pub fn find(batch: &Batch, wanted: &[BreakBefore]) -> Result<Vec<TaskId>> {
    let mut tasks = Vec::new();
    for wanted in wanted {
        match wanted {
            BreakBefore::Number(number) => tasks.push(with_number(batch, *number)?),
            BreakBefore::Text(text) => tasks.extend(with_text(batch, text)?),
        }
    }
    Ok(tasks)
}

/// The numbers that stand for the same in a batch whose inputs are read later.
///
/// # Errors
/// When a text is among them.
pub fn only_numbers(wanted: &[BreakBefore]) -> Result<Vec<u64>> {
    let number = |wanted: &BreakBefore| match wanted {
        BreakBefore::Number(number) => Ok(*number),
        BreakBefore::Text(text) => {
            bail!("--break-before '{text}': the inputs are read when the job starts, so give the number of a task")
        }
    };
    wanted.iter().map(number).collect()
}

fn with_number(batch: &Batch, number: u64) -> Result<TaskId> {
    batch.with_number(number).with_context(|| match batch.is_part() {
        true => format!("--break-before {number}: this task is not among those that are to be run"),
        false => format!("--break-before {number}: the batch has {}", plural(batch.len(), "task")),
    })
}

fn with_text(batch: &Batch, text: &str) -> Result<Vec<TaskId>> {
    let needle = Needle::new(text);
    let mut line = Vec::new();
    let has_text = |task: &TaskId| {
        write_line(batch, *task, &mut line);
        needle.as_ref().is_some_and(|needle| needle.is_in(&line))
    };
    let tasks: Vec<TaskId> = (0..batch.len()).map(TaskId).filter(has_text).collect();
    let found = tasks.len();
    ensure!(found > 0, "--break-before '{text}': no command line of {} has this text", plural(batch.len(), "task"));
    ensure!(
        found <= MAX_MATCHES,
        "--break-before '{text}': {} tasks have this text, at most {} can have a breakpoint; give more of the line",
        count(found as u64),
        count(MAX_MATCHES as u64)
    );
    Ok(tasks)
}
