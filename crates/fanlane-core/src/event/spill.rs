//! Streams that are too long for a record: where the complete stream is, and the name of its file. Making the folder
//! for such files and taking them out of it are done elsewhere.

use serde::{Deserialize, Serialize};

use super::{AttemptRecord, Captured, Output, TaskId};

/// Where the complete content of a stream is that was longer than its limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Spill {
    /// It was not requested, or nothing was dropped.
    #[default]
    None,
    /// In the run's spill folder, in the file named by [`AttemptRecord::spill_name`], until it is moved elsewhere or
    /// the run's owner removes the folder.
    Kept,
    /// It could not be written; the text says why.
    Failed(Box<str>),
}

/// One of the two output streams of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum StreamName {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl StreamName {
    /// Both, in the order of their descriptors.
    pub const BOTH: [Self; 2] = [Self::Stdout, Self::Stderr];

    /// Its name in file names and messages.
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
