//! A batch as the reports see it, and its command lines for `--dry-run`.

use std::io::{self, Write};

use bstr::{BString, ByteSlice};

use super::report::Tasks;
use crate::event::TaskId;
use crate::job::{Batch, TaskTemplate};

impl Tasks for Batch {
    fn describe(&self, task: TaskId) -> String {
        let mut line = Vec::new();
        self.line_into(task, &mut line);
        match &self.job().task {
            TaskTemplate::Command(_) => line.to_str_lossy().into_owned(),
            TaskTemplate::Workload(spec) => format!("{}({})", spec.name, line.to_str_lossy()),
        }
    }

    fn input(&self, task: TaskId) -> Vec<BString> {
        self.values(task).into_iter().map(std::borrow::Cow::into_owned).collect()
    }

    fn are_calls(&self) -> bool {
        matches!(self.job().task, TaskTemplate::Workload(_))
    }
}

/// Writes what each task would run, a line each, in the order in which they begin.
///
/// # Errors
/// When `out` cannot be written.
pub fn write_command_lines(batch: &Batch, out: &mut dyn Write) -> io::Result<()> {
    let mut line = Vec::new();
    for task in (0..batch.len()).map(|place| batch.order().task_at(place)) {
        line.clear();
        match &batch.job().task {
            TaskTemplate::Command(_) => batch.line_into(task, &mut line),
            TaskTemplate::Workload(_) => line.extend_from_slice(batch.describe(task).as_bytes()),
        }
        line.push(b'\n');
        out.write_all(&line)?;
    }
    out.flush()
}
