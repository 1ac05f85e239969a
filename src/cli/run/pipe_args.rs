//! The flags that cut a stream into tasks. Names and meanings are those of GNU parallel.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};
use clap::Args;

use crate::cli::worker_count::WorkerCount;
use fanlane_core::job::amount::parse_size;
use fanlane_core::job::{Input, Job, Pipe, escapes};
use fanlane_os::machine::cores;

/// How a stream is cut.
#[derive(Debug, Default, Args)]
pub struct PipeArgs {
    /// Cut standard input into blocks of whole lines, and give each task one as its standard input
    #[arg(long, visible_alias = "spreadstdin", conflicts_with = "pipe_part")]
    pipe: bool,
    /// Cut the file of -a into parts of whole lines, and have each task read one of them itself, as its standard input
    #[arg(long, alias = "pipepart")]
    pipe_part: bool,
    /// About how much a block has [default: 1M; of a file: such that each worker gets ten]; -N: N blocks for each worker
    #[arg(long, aliases = ["block-size", "blocksize"], value_name = "SIZE", value_parser = parse_block, allow_hyphen_values = true)]
    block: Option<BlockSize>,
    /// What a record begins with; \n \r \t \0 \\ are understood
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    recstart: Option<String>,
    /// What a record ends with [default: \n, or nothing with --recstart]
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    recend: Option<String>,
    /// --recstart and --recend are regular expressions
    #[arg(long, alias = "regex")]
    regexp: bool,
    /// Leave out what --recstart and --recend match
    #[arg(long, aliases = ["rrs", "removerecsep"])]
    remove_rec_sep: bool,
    /// Start a task for each worker alone, and give each block to one that is ready for it
    #[arg(long, visible_alias = "round", alias = "roundrobin")]
    round_robin: bool,
    /// Give each task its block as a file, whose path is {}, in place of standard input
    #[arg(long)]
    cat: bool,
    /// The same; the file can be read several times
    #[arg(long)]
    fifo: bool,
}

/// The size of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BlockSize {
    Bytes(u64),
    PerWorker(u32),
}

/// What other flags say of blocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct BlockRules<'a> {
    /// Records of a block.
    pub records: Option<u32>,
    /// Lines of a record.
    pub lines: Option<u32>,
    /// What each block is given in front.
    pub header: Option<&'a str>,
    /// The size of the pool.
    pub workers: Option<WorkerCount>,
}

fn parse_block(text: &str) -> Result<BlockSize, String> {
    if let Some(count) = text.strip_prefix('-') {
        let count = count.parse().ok().filter(|count| *count > 0);
        return count.map(BlockSize::PerWorker).ok_or_else(|| "expected a number of blocks, as in -10".to_owned());
    }
    parse_size(text).map(BlockSize::Bytes)
}

/// A text of records, in which a few letters behind a backslash have a meaning, and all else is as it stands.
fn record_text(text: &str) -> String {
    const KNOWN: [char; 7] = ['0', 'r', 'n', 't', '\'', '"', '\\'];
    let mut read = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letters.clone().next().filter(|next| letter == '\\' && KNOWN.contains(next)) {
            Some(next) => {
                letters.next();
                read.push_str(&escapes::unescape(&format!("\\{next}")).unwrap_or_else(|_| next.to_string()));
            }
            None => read.push(letter),
        }
    }
    read
}

impl PipeArgs {
    /// Whether a stream is cut.
    pub const fn is_given(&self) -> bool {
        self.pipe || self.pipe_part
    }

    /// The first flag that says how a stream is cut, where none is.
    pub fn first_without_stream(&self) -> Option<&'static str> {
        let flags = [
            (self.block.is_some(), "--block"),
            (self.recstart.is_some(), "--recstart"),
            (self.recend.is_some(), "--recend"),
            (self.regexp, "--regexp"),
            (self.remove_rec_sep, "--remove-rec-sep"),
            (self.round_robin, "--round-robin"),
            (self.cat, "--cat"),
            (self.fifo, "--fifo"),
        ];
        flags.into_iter().find_map(|(given, flag)| (given && !self.is_given()).then_some(flag))
    }

    /// Makes the job of a command one whose stream is cut; its inputs are those that the command line would have had without.
    ///
    /// # Errors
    /// When there are inputs beside the stream, or a flag has no meaning with it.
    pub fn merge_into(&self, job: &mut Job, rules: BlockRules<'_>) -> Result<()> {
        if !self.is_given() {
            return Ok(());
        }
        let file = self.file(&job.inputs)?;
        job.inputs.clear();
        job.linked = false;
        let count = |number: Option<u32>| number.map(u64::from);
        let workers = rules.workers.or(job.workers.map(WorkerCount::Exactly)).unwrap_or(WorkerCount::CoresPlus(0));
        let lanes = workers.resolve(cores(), u64::MAX);
        let text = |text: &Option<String>| {
            text.as_ref().map(|text| if self.regexp { text.clone() } else { record_text(text) })
        };
        let (block_bytes, blocks) = match self.block {
            Some(BlockSize::Bytes(bytes)) => (Some(bytes), None),
            Some(BlockSize::PerWorker(count)) => (None, Some(lanes.saturating_mul(count))),
            None if file.is_some() => (None, Some(lanes.saturating_mul(10))),
            None => (None, None),
        };
        job.pipe = Some(Pipe {
            file,
            block_bytes,
            blocks,
            record_start: text(&self.recstart),
            record_end: text(&self.recend),
            regexp: self.regexp,
            remove_separators: self.remove_rec_sep,
            records: count(rules.records),
            lines: count(rules.lines),
            header: rules.header.map(str::to_owned),
            round_robin: self.round_robin.then_some(lanes),
            as_file: self.cat || self.fifo,
        });
        Ok(())
    }

    fn file(&self, inputs: &[Input]) -> Result<Option<PathBuf>> {
        let only = match inputs {
            // A header is not about columns here.
            [Input::Columns { from, header: true, separator: _, trim: false }] => std::slice::from_ref(&**from),
            inputs => inputs,
        };
        match (only, self.pipe_part) {
            ([Input::Lines(file)], true) => Ok(Some(file.clone())),
            ([Input::Stdin], false) => Ok(None),
            ([Input::Stdin], true) => bail!("--pipe-part needs the file that is cut: -a FILE"),
            (_, true) => bail!(
                "--pipe-part cuts one file, and its tasks have no other inputs: fanlane run --pipe-part -a FILE COMMAND"
            ),
            (_, false) => bail!(
                "--pipe cuts standard input, and its tasks have no other inputs: leave out ':::', '-a' and the like; the parts of a \
                 file are read with --pipe-part -a FILE"
            ),
        }
    }
}

/// Refuses a job file or a preset beside flags that cut a stream: it says itself what its tasks read.
///
/// # Errors
/// When there are such flags.
pub fn check_own_job(args: &PipeArgs, words: &[OsString], has_preset: bool) -> Result<()> {
    let is_file = words.first().is_some_and(|word| Path::new(word).extension().is_some_and(|ending| ending == "ron"));
    ensure!(
        !(args.is_given() && (is_file || has_preset)),
        "the job says itself what its tasks read, so --pipe has no meaning with it; set pipe in the file"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_texts_are_read_as_in_parallel() {
        assert_eq!(parse_block("10K"), Ok(BlockSize::Bytes(10 << 10)));
        assert_eq!(parse_block("-2"), Ok(BlockSize::PerWorker(2)));
        assert!(parse_block("-0").is_err() && parse_block("x").is_err());
        assert_eq!(record_text(r"\n\x\\t\0"), "\n\\x\\t\0");
    }
}
