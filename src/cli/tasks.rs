//! A batch as the reports see it, and its command lines for `--dry-run`.

use std::io::{self, Write};

use bstr::{BString, ByteSlice};

use super::report::Tasks;
use crate::event::TaskId;
use crate::job::{Batch, TaskKind};
use crate::store::record::command_into;

impl Tasks for Batch {
    fn number(&self, task: TaskId) -> u64 {
        Self::number(self, task)
    }

    fn describe(&self, task: TaskId, slot: u32) -> String {
        let mut line = Vec::new();
        self.line_into(task, slot, &mut line);
        match self.job().task.callee() {
            None => line.to_str_lossy().into_owned(),
            Some(callee) => format!("{callee}({})", line.to_str_lossy()),
        }
    }

    fn command_line(&self, task: TaskId, slot: u32) -> BString {
        let mut line = Vec::new();
        command_into(self, task, slot, &mut line);
        line.into()
    }

    fn tag(&self, task: TaskId, slot: u32) -> Option<BString> {
        Self::tag(self, task, slot)
    }

    fn input(&self, task: TaskId) -> Vec<BString> {
        self.values(task).into_iter().map(std::borrow::Cow::into_owned).collect()
    }

    fn kind(&self) -> TaskKind {
        Self::kind(self)
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
        match batch.job().task.callee() {
            None => batch.line_into(task, 1, &mut line),
            Some(_) => line.extend_from_slice(batch.describe(task, 1).as_bytes()),
        }
        line.push(b'\n');
        out.write_all(&line)?;
    }
    out.flush()
}
