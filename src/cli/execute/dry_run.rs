//! `--dry-run`: the command lines of a batch.

use std::io::{self, Write};

use crate::cli::report::Tasks;
use fanlane_core::event::TaskId;
use fanlane_core::job::Batch;

/// Writes the command line or the call of each task, a line each, in the order in which tasks start.
///
/// # Errors
/// When `out` cannot be written.
pub fn write_command_lines(batch: &Batch, out: &mut dyn Write) -> io::Result<()> {
    let mut line = Vec::new();
    for task in (0..batch.len()).map(|place| batch.order().task_at(place)) {
        write_line(batch, task, &mut line);
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
