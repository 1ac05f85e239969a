//! A task of a recorded run, by the words that were recorded of it.

use bstr::BString;

use super::Tasks;
use fanlane_core::event::TaskId;
use fanlane_core::job::TaskKind;
use fanlane_core::store::record::TaskWords;

/// One task, whatever task it is asked about.
pub struct RecordedTask {
    /// What was recorded of it.
    pub words: TaskWords,
    /// The kind of the run's tasks.
    pub kind: TaskKind,
}

impl Tasks for RecordedTask {
    fn number(&self, _task: TaskId) -> u64 {
        self.words.number()
    }

    fn describe(&self, _task: TaskId, _slot: u32) -> String {
        String::from_utf8_lossy(&self.words.command.0).into_owned()
    }

    fn command_line(&self, _task: TaskId, _slot: u32) -> BString {
        self.words.command.0.clone().into()
    }

    fn input(&self, _task: TaskId) -> Vec<BString> {
        self.words.input.iter().map(|value| value.0.clone().into()).collect()
    }

    fn kind(&self) -> TaskKind {
        self.kind
    }
}
