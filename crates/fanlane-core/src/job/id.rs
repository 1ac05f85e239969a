//! A task's identity within its batch.

use serde::{Deserialize, Serialize};

/// A task's place in its batch, counted from 0. People see [`TaskId::number`], counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TaskId(pub u64);

impl TaskId {
    /// The task's number as people see it and as `{#}` gives it: 1 for the first.
    pub const fn number(self) -> u64 {
        self.0 + 1
    }
}
