//! Exit statuses.

use std::process::ExitCode;

use fanlane_core::model::Progress;
use fanlane_os::interrupts;

/// How a command ended, as its exit status says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// All tasks are done, or the goal of a halt is reached, and all that was promised was delivered.
    AllDone,
    /// Some tasks are not done, or something that was promised was not delivered.
    SomeFailed,
    /// Bad usage or a bad job; nothing was run.
    NothingRun,
    /// A job was imported, but parts of its source could not be carried over.
    NotAllImported,
    /// Ended by a signal.
    Interrupted,
    /// The exit status of the command that it ran.
    OfCommand(u8),
}

impl Status {
    /// The status of a run after `signals` interrupts; `delivered`: all that it was to print and to keep was.
    pub fn of_run(progress: &Progress, signals: u32, delivered: bool) -> Self {
        match &progress.summary {
            Some(summary) if progress.gave_up && summary.counts.total() == summary.counts.cancelled => Self::NothingRun,
            Some(summary) if signals > 0 && summary.stopped => Self::Interrupted,
            Some(_) if delivered && progress.has_reached_goal() => Self::AllDone,
            Some(_) | None => Self::SomeFailed,
        }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(match status {
            Status::AllDone => 0,
            Status::SomeFailed => 1,
            Status::NothingRun => 2,
            Status::NotAllImported => 3,
            Status::Interrupted => interrupts::INTERRUPTED,
            Status::OfCommand(code) => code,
        })
    }
}
