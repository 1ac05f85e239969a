//! Records for the tests of the reports.

use bstr::BString;

use super::Tasks;
use fanlane_core::event::{AttemptRecord, Captured, Outcome, Output, TaskId, WorkerId};

/// A task that is done and printed nothing.
pub fn done(task: u64) -> AttemptRecord {
    AttemptRecord {
        start_ns: 10_000_000,
        wall_ns: 120_000_000,
        cpu_ns: 110_000_000,
        max_rss_bytes: 1234,
        ..AttemptRecord::new(TaskId(task), 1, WorkerId(1), Outcome::Done)
    }
}

/// A task that is done and printed something.
pub fn printed(task: u64, stdout: &str, stderr: &str) -> AttemptRecord {
    let whole = |text: &str| Captured { head: text.into(), ..Captured::default() };
    let output = Output { stdout: whole(stdout), stderr: whole(stderr), leaky: false };
    AttemptRecord { output: Some(Box::new(output)), ..done(task) }
}

/// A task with another end.
pub fn ended(task: u64, outcome: Outcome) -> AttemptRecord {
    AttemptRecord { outcome, ..done(task) }
}

/// Tasks that are called by their numbers.
pub struct NamedTasks;

impl Tasks for NamedTasks {
    fn number(&self, task: TaskId) -> u64 {
        task.number()
    }

    fn describe(&self, task: TaskId, _slot: u32) -> String {
        format!("command {}", task.number())
    }

    fn command_line(&self, task: TaskId, slot: u32) -> BString {
        self.describe(task, slot).into()
    }

    fn input(&self, task: TaskId) -> Vec<BString> {
        vec![BString::from(format!("input {}", task.number())), BString::from(b"\xff".as_slice())]
    }

    fn kind(&self) -> fanlane_core::job::TaskKind {
        fanlane_core::job::TaskKind::Command
    }
}
