//! A batch as reports see it.

use bstr::{BString, ByteSlice};

use super::Tasks;
use fanlane_core::event::TaskId;
use fanlane_core::job::{Batch, TaskKind};

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
        self.command_into(task, slot, &mut line);
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
