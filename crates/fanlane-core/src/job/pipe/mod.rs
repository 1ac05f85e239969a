//! A stream cut into tasks: each task reads one block of whole records from its standard input, as with `--pipe` and
//! `--pipe-part` of GNU parallel.
//!
//! A [`Cutter`](cutter::Cutter) finds the blocks of a stream, [`parts`] those of a file, of which tasks read their part
//! themselves. Blocks of a stream are [held](held) until their tasks have ended, so that a failed task reads the same block
//! again; as many as there are lanes to read them, so that a stream of any length fits into the memory.

pub(crate) mod blocks;
mod cutter;
mod dealt;
mod held;
pub(crate) mod parts;
mod separator;

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::lossless;
use super::{Job, MAX_WORKERS};
use dealt::DealtBlocks;
use held::HeldBlocks;
use separator::Separator;

/// Size of a block where none is given, in bytes.
pub const DEFAULT_BLOCK_BYTES: u64 = 1 << 20;
/// Maximum size of a block of a stream, in bytes.
pub const MAX_BLOCK_BYTES: u64 = (1 << 31) - 1;

/// How a stream is cut into blocks of whole records, of which each task reads one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pipe {
    /// The file whose parts tasks read; `None`: standard input.
    #[serde(skip_serializing_if = "Option::is_none", with = "lossless::path_option")]
    pub file: Option<PathBuf>,
    /// About how many bytes of records a block has; `None`: as many as `blocks` says, or [`DEFAULT_BLOCK_BYTES`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block_bytes: Option<u64>,
    /// Number of blocks of about the same size that a file is cut into, at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocks: Option<u32>,
    /// What a record begins with; `None`: nothing in particular.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record_start: Option<String>,
    /// What a record ends with; `None`: a line end, or nothing in particular where `record_start` is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record_end: Option<String>,
    /// `record_start` and `record_end` are regular expressions.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub regexp: bool,
    /// What separates records is left out.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub remove_separators: bool,
    /// Number of records of a block, whatever its size; the last block may have fewer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records: Option<u64>,
    /// Number of lines of a record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines: Option<u64>,
    /// A regular expression of what the stream begins with, and each block is given in front; `:` is the first line, a number
    /// that many lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// Number of tasks between which all blocks are dealt out, each reading one after the other; `None`: a task for each block.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub round_robin: Option<u32>,
    /// `{}` is the path of a file with the block, in place of standard input.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub as_file: bool,
}

/// Where the blocks of a batch are.
#[derive(Clone, Debug)]
pub(crate) enum Blocks {
    /// In this file, of which each task reads its part.
    Parts(PathBuf),
    /// In files without names, from when they were cut until their tasks have ended.
    Held(Arc<HeldBlocks>),
    /// On their way to tasks that read one after the other.
    Dealt(Arc<DealtBlocks>),
}

impl Pipe {
    /// Whether the blocks arrive while the batch runs; otherwise they are parts of a file.
    pub const fn is_stream(&self) -> bool {
        self.file.is_none()
    }

    /// What a record begins and ends with, as texts.
    fn record_bounds(&self) -> (&str, &str) {
        let default_end = if self.record_start.is_some() { "" } else { "\n" };
        (self.record_start.as_deref().unwrap_or_default(), self.record_end.as_deref().unwrap_or(default_end))
    }

    /// What is between two records.
    ///
    /// # Errors
    /// When a regular expression is none.
    fn separator(&self) -> Result<Separator, String> {
        let (start, end) = self.record_bounds();
        Separator::new(start, end, self.regexp)
    }

    /// The regular expression of the header.
    ///
    /// # Errors
    /// When it is none.
    fn header_expression(&self) -> Result<Option<regex::bytes::Regex>, String> {
        let Some(header) = &self.header else { return Ok(None) };
        let expression = match header.parse::<usize>() {
            Ok(lines) => format!(r"(?:.*\n){{{lines}}}"),
            Err(_) if header == ":" => r".*\n".to_owned(),
            Err(_) => header.clone(),
        };
        separator::expression(&format!(r"\A(?:{expression})")).map(Some)
    }

    /// What is wrong with it as a part of this job.
    pub(super) fn problem(&self, job: &Job) -> Option<String> {
        let is_part = !self.is_stream();
        let is_outside = |number: Option<u64>| number.is_some_and(|number| !(1..=MAX_BLOCK_BYTES).contains(&number));
        let range = format!("expected 1 to {MAX_BLOCK_BYTES}");
        let faults = [
            (!job.inputs.is_empty(), "a stream that is cut into tasks is their only input; remove the others".to_owned()),
            (
                !job.task.kind().traits().is_command_line,
                "only a command reads a block from its standard input; give a Python function the lines as its inputs".to_owned(),
            ),
            (
                job.stdin.is_some() || job.stdin_file.is_some(),
                "the standard input of a task is its block; remove stdin and stdin_file".to_owned(),
            ),
            (
                job.max_args.is_some() || job.max_chars.is_some() || job.sample.is_some(),
                "how many records a task reads is said by records and lines of pipe; remove max_args, max_chars and sample".to_owned(),
            ),
            (is_outside(self.block_bytes), format!("block_bytes: {range}")),
            (is_outside(self.records), format!("records: {range}")),
            (is_outside(self.lines), format!("lines: {range}")),
            (self.blocks == Some(0), "blocks is 0, expected 1 or more".to_owned()),
            (
                self.blocks.is_some() && (self.is_stream() || self.block_bytes.is_some()),
                "blocks is the number of parts of a file; a stream has block_bytes, and a file one of the two".to_owned(),
            ),
            (
                is_part && (self.records.is_some() || self.lines.is_some()),
                "the records of a file are not counted when its parts are found; cut the stream instead: --pipe < FILE".to_owned(),
            ),
            (
                is_part && (self.as_file || self.round_robin.is_some() || self.remove_separators),
                "a task reads its part of a file from its standard input, as it is; for a file of each block, blocks that are \
                 dealt out and separators that are left out, cut the stream instead: --pipe < FILE".to_owned(),
            ),
            (
                self.round_robin.is_some_and(|tasks| !(1..=MAX_WORKERS).contains(&tasks)),
                format!("round_robin: expected 1 to {MAX_WORKERS}"),
            ),
            (
                self.round_robin.is_some() && self.as_file,
                "a task that reads one block after the other reads no file; remove as_file or round_robin".to_owned(),
            ),
            (
                self.round_robin.is_some() && job.retries > 0,
                "blocks that were dealt out are gone when a task fails, so it cannot be tried again; remove retries or \
                 round_robin".to_owned(),
            ),
        ];
        let fault = faults.into_iter().find_map(|(holds, words)| holds.then_some(words));
        fault.or_else(|| self.separator().err()).or_else(|| self.header_expression().err())
    }
}
