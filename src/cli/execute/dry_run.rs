//! `--dry-run`: the command lines of a batch.

use std::io::{self, Write};

use crate::cli::report::Tasks;
use fanlane_core::event::TaskId;
use fanlane_core::job::Batch;
use fanlane_core::job::quote::quote_for;

/// Writes the command line or the call of each task, a line each, in the order in which tasks start, as a word that is quoted
/// `quotes` times.
///
/// # Errors
/// When `out` cannot be written.
pub fn write_command_lines(batch: &Batch, quotes: u8, out: &mut dyn Write) -> io::Result<()> {
    let mut line = Vec::new();
    for task in (0..batch.len()).map(|place| batch.order().task_at(place)) {
        write_line(batch, task, &mut line);
        for _ in 0..quotes {
            let mut quoted = Vec::with_capacity(line.len() + 2);
            quote_for(batch.job().shell.quoting(), &line, &mut quoted);
            line = quoted;
        }
        line.push(b'\n');
        out.write_all(&line)?;
    }
    out.flush()
}

/// Replaces `line` by the command line or the call of a task.
pub fn write_line(batch: &Batch, task: TaskId, line: &mut Vec<u8>) {
    line.clear();
    match batch.job().task.callee() {
        None => batch.line_into(task, 1, line),
        Some(_) => line.extend_from_slice(batch.describe(task, 1).as_bytes()),
    }
}
