//! Files on their way between the engine's machine and a worker on another: what the worker asks, over its lane, and what the engine
//! answers. A worker names a file by its place among those of a task, never by a path: so a host gets and gives no other files than
//! the tasks of the run have.

mod desk;

use serde::{Deserialize, Serialize};

use crate::event::{StreamName, TaskId};

pub use desk::{FileDesk, find_below, find_file};

/// The largest piece of a file, in bytes.
pub const PIECE_BYTES: usize = 256 << 10;
/// How many pieces are asked for ahead.
pub const PIECES_AHEAD: usize = 4;
/// The most files and folders within one folder that is brought.
pub const MAX_ENTRIES: usize = 1_000_000;

/// A file of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileName {
    /// One that it is brought, by its place among them.
    Transfer { task: TaskId, place: u32 },
    /// One that is brought back.
    Return { task: TaskId, place: u32 },
    /// What it printed, all of it, where that was too long for memory.
    Printed { task: TaskId, attempt: u32, stream: StreamName },
}

/// What a file is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileKind {
    /// A file with content.
    File {
        /// Its length in bytes.
        bytes: u64,
    },
    /// A folder; what is in it follows.
    Folder,
    /// A symbolic link.
    Link {
        /// Where it leads.
        #[serde(with = "serde_bytes")]
        target: Vec<u8>,
    },
}

/// A file, or one of those within a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its path within the folder; empty for the named one itself.
    #[serde(with = "serde_bytes")]
    pub within: Vec<u8>,
    /// What it is.
    pub kind: FileKind,
    /// Its permissions.
    pub mode: u32,
}

/// What a worker asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileRequest {
    /// Say what is there by this name.
    List(FileName),
    /// Send a piece of an entry of the list that was asked for last, at most [`PIECE_BYTES`].
    Read { entry: u32, offset: u64 },
    /// Make this file, folder or link; the content of a file follows.
    Make { name: FileName, entry: FileEntry },
    /// The next piece of the file that was made last.
    Write(#[serde(with = "serde_bytes")] Vec<u8>),
    /// The file that was made last is whole; or, if it was a folder or a link, it is all.
    Finish,
}

/// What the engine answers to [`FileRequest::List`], [`FileRequest::Read`] and [`FileRequest::Finish`]; a reason is in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileReply {
    /// What is there.
    Listed(Result<Vec<FileEntry>, String>),
    /// A piece; empty at the end.
    Piece(Result<serde_bytes::ByteBuf, String>),
    /// It is in its place, or is not, for this reason.
    Finished(Result<(), String>),
}
