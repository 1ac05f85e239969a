//! How tasks end: the exact outcome, and the five classes that are counted.

use serde::{Deserialize, Serialize};

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// A command that exited with 0, or a call that returned.
    Done,
    /// A command that exited with another code.
    Exited {
        /// The exit code, 1 to 255.
        code: i32,
    },
    /// A command that was ended by a signal that Fanlane did not send.
    Signalled {
        /// The signal's number.
        signal: i32,
    },
    /// The command could not be started; the text says which and why.
    CannotStart(Box<str>),
    /// A call returned an error or panicked; the text is its message.
    CallFailed(Box<str>),
    /// It was ended because it ran longer than its timeout.
    TimedOut,
    /// It was cancelled, before or while it ran.
    Cancelled,
    /// Its worker died while running it; the text says how.
    Lost(Box<str>),
    /// A command that exited with 0, but part of what it printed could not be kept; the text says how much and why.
    OutputLost(Box<str>),
}

impl Outcome {
    /// The reason that the outcome has in words; `None` where its kind says all.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::CannotStart(words) | Self::CallFailed(words) | Self::Lost(words) | Self::OutputLost(words) => {
                Some(words)
            }
            Self::Done | Self::Exited { .. } | Self::Signalled { .. } | Self::TimedOut | Self::Cancelled => None,
        }
    }

    /// The class of this outcome.
    pub const fn class(&self) -> OutcomeClass {
        match self {
            Self::Done => OutcomeClass::Done,
            Self::Exited { .. }
            | Self::Signalled { .. }
            | Self::CannotStart(_)
            | Self::CallFailed(_)
            | Self::OutputLost(_) => OutcomeClass::Failed,
            Self::TimedOut => OutcomeClass::TimedOut,
            Self::Cancelled => OutcomeClass::Cancelled,
            Self::Lost(_) => OutcomeClass::Lost,
        }
    }
}

/// The five classes of outcomes that counts and colours distinguish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum OutcomeClass {
    /// It succeeded.
    Done,
    /// It ended on its own without success.
    Failed,
    /// It ran into its timeout.
    TimedOut,
    /// It was cancelled.
    Cancelled,
    /// Its worker died.
    Lost,
}

impl OutcomeClass {
    /// All classes, from the best to the worst.
    pub const ALL: [Self; 5] = [Self::Done, Self::Cancelled, Self::TimedOut, Self::Failed, Self::Lost];

    /// Its name in tables and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::TimedOut => "timed out",
            Self::Cancelled => "cancelled",
            Self::Lost => "lost",
        }
    }
}

/// Number of tasks by class of outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeCounts {
    /// Tasks that succeeded.
    pub done: u64,
    /// Tasks that ended on their own without success.
    pub failed: u64,
    /// Tasks that ran into their timeout.
    pub timed_out: u64,
    /// Tasks that were cancelled.
    pub cancelled: u64,
    /// Tasks whose workers died.
    pub lost: u64,
}

impl OutcomeCounts {
    /// Adds one task.
    pub fn add(&mut self, class: OutcomeClass) {
        *self.of_mut(class) += 1;
    }

    /// Adds tasks of one class.
    pub fn add_many(&mut self, class: OutcomeClass, tasks: u64) {
        let count = self.of_mut(class);
        // The number may come from a damaged file.
        *count = count.saturating_add(tasks);
    }

    /// Takes one task away.
    pub fn remove(&mut self, class: OutcomeClass) {
        let count = self.of_mut(class);
        *count = count.saturating_sub(1);
    }

    /// Number of tasks of one class.
    pub const fn of(&self, class: OutcomeClass) -> u64 {
        match class {
            OutcomeClass::Done => self.done,
            OutcomeClass::Failed => self.failed,
            OutcomeClass::TimedOut => self.timed_out,
            OutcomeClass::Cancelled => self.cancelled,
            OutcomeClass::Lost => self.lost,
        }
    }

    /// All tasks that have ended.
    pub const fn total(&self) -> u64 {
        self.done + self.failed + self.timed_out + self.cancelled + self.lost
    }

    /// All tasks that have ended without success.
    pub const fn not_done(&self) -> u64 {
        self.total() - self.done
    }

    /// All tasks that failed: on their own, at their timeout, or with their worker.
    pub const fn failures(&self) -> u64 {
        self.failed + self.timed_out + self.lost
    }

    const fn of_mut(&mut self, class: OutcomeClass) -> &mut u64 {
        match class {
            OutcomeClass::Done => &mut self.done,
            OutcomeClass::Failed => &mut self.failed,
            OutcomeClass::TimedOut => &mut self.timed_out,
            OutcomeClass::Cancelled => &mut self.cancelled,
            OutcomeClass::Lost => &mut self.lost,
        }
    }
}
