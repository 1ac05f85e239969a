//! The blocks of a batch whose stream is cut: what the command line and the standard input of a task have of its block.

use std::io;
use std::path::Path;

use super::command_environment::part_into;
use super::{Batch, BatchError};
use crate::job::inputs::InputError;
use crate::job::pipe::Blocks;
use crate::job::pipe::blocks::BlockFeed;
use crate::job::template::{CommandLine, Digits, Values};
use crate::job::{Job, MAX_WORKERS, TaskId};
use fanlane_os::machine::cores;

/// The values of a task that reads a block: the path of its file; of one that reads it from its standard input, an empty text.
#[derive(Debug, Default)]
pub(super) struct BlockRow(Vec<u8>);

impl Values for BlockRow {
    fn count(&self) -> usize {
        1
    }

    fn value<'a>(&'a self, _index: usize, _digits: &'a mut Digits) -> &'a [u8] {
        &self.0
    }
}

/// The blocks of a job whose stream, or file, is cut.
pub(super) fn of(job: &Job, working_dir: &Path) -> Result<Option<Blocks>, BatchError> {
    let Some(pipe) = &job.pipe else { return Ok(None) };
    let blocks = match &pipe.file {
        Some(file) => Blocks::parts(file, working_dir),
        None => Blocks::of_stream(pipe, job.workers.unwrap_or_else(cores).min(MAX_WORKERS)).map_err(fault)?,
    };
    Ok(Some(blocks))
}

fn fault(source: io::Error) -> BatchError {
    let origin = "the stream that is cut into tasks".to_owned();
    BatchError::Input { number: 1, error: InputError::Unreadable { origin, source } }
}

impl Batch {
    /// What cuts the stream of the batch, if it is one that is cut.
    pub(super) fn block_feed(&self) -> Result<Option<BlockFeed>, BatchError> {
        let Some((pipe, blocks)) = self.job.pipe.as_ref().zip(self.blocks.clone()) else { return Ok(None) };
        BlockFeed::new(pipe, blocks).map(Some).map_err(|words| fault(io::Error::other(words)))
    }

    /// The payload of a task that reads a block.
    pub(super) fn block_payload(
        &self,
        blocks: &Blocks,
        command: &CommandLine,
        task: TaskId,
        slot: u32,
        shares: &[String],
        out: &mut Vec<u8>,
    ) {
        let place = self.place_of(task);
        let value = |place| self.layout.row(place).values().pop().map(|value| value.to_vec()).unwrap_or_default();
        let given = blocks.given(place, &value(place), &value(0));
        let task_place = self.place(task, slot);
        let is_on_stdin = self.job.reads_blocks();
        let row = BlockRow(if is_on_stdin { Vec::new() } else { given.clone() });
        match &self.command_environment {
            Some(environment) => environment.expand_into(command, task_place, &row, shares, out),
            None => command.expand_into(task_place, &row, out),
        }
        if is_on_stdin {
            part_into(out, |out| out.extend_from_slice(&given));
        }
    }

    /// A task has ended, so its block is not needed any more.
    pub(crate) fn release(&self, task: TaskId) {
        if let Some(blocks) = &self.blocks {
            blocks.release(self.place_of(task));
        }
    }

    /// So many lanes do the tasks from now on.
    pub(crate) fn set_lanes(&self, lanes: u32) {
        if let Some(blocks) = &self.blocks {
            blocks.set_lanes(lanes);
        }
    }

    /// The run has ended.
    pub(crate) fn close_blocks(&self) {
        if let Some(blocks) = &self.blocks {
            blocks.close();
        }
    }
}
