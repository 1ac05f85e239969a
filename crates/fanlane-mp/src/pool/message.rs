//! The messages between a pool and its worker.

use serde::{Deserialize, Serialize};

use super::cursor::Sequence;
use crate::error::TaskError;
use fanlane_os::fd_passing::Passed;

/// The first message to a worker. The initializer's arguments follow as a message of their own.
#[derive(Debug, Serialize, Deserialize)]
pub struct Setup {
    /// Its name.
    pub name: String,
    /// The memory in which it notes what it has begun.
    pub cursor: Passed,
    /// What it is to call first.
    pub initializer: Option<String>,
}

/// Before the encoded arguments of some chunks in a frame to a worker. A frame without any bytes asks it to end.
#[derive(Debug, Serialize, Deserialize)]
pub struct Batch<'a> {
    /// What is to be called.
    pub function: &'a str,
    /// The number of its first chunk; the others follow.
    pub first: Sequence,
    /// How many chunks it has.
    pub chunks: u32,
    /// How many items each of them has.
    pub chunk_items: u32,
    /// How many the last has.
    pub last_items: u32,
}

impl Batch<'_> {
    /// How many items one of the chunks has.
    pub const fn items_of(&self, chunk: u32) -> u32 {
        if chunk + 1 == self.chunks { self.last_items } else { self.chunk_items }
    }
}

/// A message of a worker. The encoded results follow [`FromWorker::Results`] in its frame.
#[derive(Debug, Serialize, Deserialize)]
pub enum FromWorker {
    /// It can do tasks.
    Ready,
    /// It cannot, and why.
    InitializerFailed(String),
    /// Results of chunks that follow one another.
    Results {
        /// The number of the first.
        first: Sequence,
        /// How many.
        chunks: u32,
        /// How long they took together.
        busy_ns: u64,
        /// Items without a result, counted over these chunks.
        failures: Vec<(u32, TaskError)>,
    },
}
