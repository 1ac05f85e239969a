//! Streams that are too long for a record: what became of the whole of one, and how its file is called. Who makes the
//! folder for such files, and who takes them out of it, is not decided here.

use serde::{Deserialize, Serialize};

use super::{AttemptRecord, Captured, Output, TaskId};

/// What became of the whole of a stream that was longer than its limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Spill {
    /// Nobody had asked for it, or nothing was dropped.
    #[default]
    None,
    /// It lies in the run's spill folder, in the file that [`AttemptRecord::spill_name`] names, until its taker has
    /// taken it or the run's owner removes the folder.
    Kept,
    /// It could not be written; the text says why.
    Failed(Box<str>),
}

/// One of the two streams that a command prints to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StreamName {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl StreamName {
    /// Both, in the order of their descriptors.
    pub const BOTH: [Self; 2] = [Self::Stdout, Self::Stderr];

    /// The word for it in file names and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

impl Output {
    /// One of the streams.
    pub const fn stream(&self, name: StreamName) -> &Captured {
        match name {
            StreamName::Stdout => &self.stdout,
            StreamName::Stderr => &self.stderr,
        }
    }
}

/// The file name of the whole of a stream in the run's spill folder.
pub fn spill_name(task: TaskId, attempt: u32, stream: StreamName) -> String {
    format!("{}.{attempt}.{}", task.number(), stream.name())
}

impl AttemptRecord {
    /// The file name of the whole of a stream in the run's spill folder.
    pub fn spill_name(&self, stream: StreamName) -> String {
        spill_name(self.task, self.attempt, stream)
    }
}
