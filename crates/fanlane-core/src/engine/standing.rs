//! Where a run and one of its tasks stand at a moment, for those who steer a run without following its events.

use serde::{Deserialize, Serialize};

/// Where a task of a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaskStanding {
    /// There is no such task, or not yet.
    Absent,
    /// It waits: for its turn, for other tasks, or for the time of its next attempt.
    Waiting,
    /// A worker is at it.
    Running,
    /// It has ended, however.
    Ended,
}

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunStanding {
    /// No further task begins until it is resumed.
    pub is_paused: bool,
    /// No further task begins at all.
    pub is_stopping: bool,
    /// The pool's size.
    pub workers: u32,
    /// Where the task is that was asked for; `None` where none was.
    pub task: Option<TaskStanding>,
}
