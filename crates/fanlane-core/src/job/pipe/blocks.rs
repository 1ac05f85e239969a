//! The blocks of a batch, wherever they are: what a task is given of its own.

use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use super::cutter::{Block, Cutter};
use super::dealt::DealtBlocks;
use super::held::HeldBlocks;
use super::{Blocks, Pipe};

/// Cuts the stream of a batch, and hands its blocks over.
#[derive(Debug)]
pub struct BlockFeed {
    cutter: Cutter,
    blocks: Blocks,
    /// Number of blocks so far.
    count: u64,
    /// Number of bytes of the stream so far.
    bytes: u64,
}

impl Blocks {
    /// The blocks of a file that is cut into parts, in the folder that relative paths start from.
    pub fn parts(file: &Path, folder: &Path) -> Self {
        Self::Parts(folder.join(file))
    }

    /// The blocks of a stream, which come later.
    ///
    /// # Errors
    /// When the system has no more pipes.
    pub fn of_stream(pipe: &Pipe, lanes: u32) -> io::Result<Self> {
        Ok(match pipe.round_robin {
            Some(tasks) => Self::Dealt(Arc::new(DealtBlocks::new(tasks)?)),
            None => Self::Held(Arc::new(HeldBlocks::new(lanes))),
        })
    }

    /// What the worker of the task at a place is told of its block: a path; or of a part, where the file's header, the part and
    /// its end are, and the path. `value` is the part as it was found, `first` the first one of all.
    pub fn given(&self, place: u64, value: &[u8], first: &[u8]) -> Vec<u8> {
        match self {
            Self::Held(held) => held.path(place),
            Self::Dealt(dealt) => dealt.path(place),
            Self::Parts(file) => {
                let range = |value: &[u8]| {
                    let text = std::str::from_utf8(value).ok()?;
                    let (from, to) = text.split_once('-')?;
                    Some((from.parse::<u64>().ok()?, to.parse::<u64>().ok()?))
                };
                let (from, to) = range(value).unwrap_or_default();
                let header = range(first).map_or(0, |(from, _)| from);
                let mut given = format!("{header} {from} {to} ").into_bytes();
                given.extend_from_slice(file.as_os_str().as_bytes());
                given
            }
        }
    }

    /// The task at a place has ended.
    pub fn release(&self, place: u64) {
        match self {
            Self::Held(held) => held.release(place),
            Self::Dealt(dealt) => dealt.release(place),
            Self::Parts(_) => {}
        }
    }

    /// Sets how many lanes read blocks.
    pub fn set_lanes(&self, lanes: u32) {
        if let Self::Held(held) = self {
            held.set_lanes(lanes);
        }
    }

    /// The run has ended.
    pub fn close(&self) {
        match self {
            Self::Held(held) => held.close(),
            Self::Dealt(dealt) => dealt.close(),
            Self::Parts(_) => {}
        }
    }
}

/// How a part of a file, or of a stream, is written as the value of its task.
pub fn value_of(from: u64, to: u64) -> String {
    format!("{from}-{to}")
}

impl BlockFeed {
    /// Cuts a stream as `pipe` says.
    ///
    /// # Errors
    /// When a regular expression of it is none.
    pub fn new(pipe: &Pipe, blocks: Blocks) -> Result<Self, String> {
        Ok(Self { cutter: Cutter::new(pipe)?, blocks, count: 0, bytes: 0 })
    }

    /// The number of tasks between which blocks are dealt out; `None`: each block is a task.
    pub fn dealt_tasks(&self) -> Option<usize> {
        match &self.blocks {
            Blocks::Dealt(dealt) => Some(dealt.tasks()),
            Blocks::Held(_) | Blocks::Parts(_) => None,
        }
    }

    /// Deals out all blocks of a stream. `begin` is called before the first block of each task; false: the run has ended.
    ///
    /// # Errors
    /// When the stream cannot be read.
    pub fn deal(&mut self, stream: &mut dyn Read, begin: &mut dyn FnMut(usize) -> bool) -> io::Result<()> {
        match &self.blocks {
            Blocks::Dealt(dealt) => dealt.deal(&mut self.cutter, stream, begin),
            Blocks::Held(_) | Blocks::Parts(_) => Ok(()),
        }
    }

    /// Holds the next block of a stream, and returns the value of its task; `None` at the end, or where the run has ended, of
    /// which `goes_on` tells.
    ///
    /// # Errors
    /// When the stream cannot be read or the block cannot be held.
    pub fn hold_next(&mut self, stream: &mut dyn Read, goes_on: &dyn Fn() -> bool) -> io::Result<Option<String>> {
        let Blocks::Held(held) = &self.blocks else { return Ok(None) };
        let held = Arc::clone(held);
        let Some(Block { header, bytes, stream_bytes }) = self.cutter.next_block(stream)? else { return Ok(None) };
        if self.count == 0 {
            self.bytes = header.len() as u64;
        }
        if !held.put(self.count, [header, bytes], goes_on)? {
            return Ok(None);
        }
        let value = value_of(self.bytes, self.bytes + stream_bytes);
        self.count += 1;
        self.bytes += stream_bytes;
        Ok(Some(value))
    }
}
