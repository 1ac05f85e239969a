//! The objects that the tasks of a run share, as events describe them: of bounded size, whatever they hold.

use serde::{Deserialize, Serialize};

/// A shared object during the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedObject {
    /// Its name.
    pub name: String,
    /// Its kind, as managers call it: `list`, `Lock`.
    pub kind: String,
    /// How many items it holds, where it holds items.
    pub length: Option<u64>,
    /// Its content as JSON, truncated where it is long; or its state as text (`held, 2 waiting`).
    pub content: String,
    /// Number of calls so far.
    pub calls: u64,
    /// How many tasks wait for it.
    pub waiting: u64,
}

/// A shared object at the end of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedContent {
    /// Its name.
    pub name: String,
    /// Its kind, as managers call it: `list`, `Lock`.
    pub kind: String,
    /// How many items it holds, where it holds items.
    pub length: Option<u64>,
    /// Its content as JSON; `None` where that is longer than [`SharedContent::MAX_BYTES`].
    pub json: Option<String>,
}

impl SharedContent {
    /// The longest content that is reported, in bytes: 1 MiB. Longer content belongs in a file that a task writes.
    pub const MAX_BYTES: usize = 1 << 20;
}
