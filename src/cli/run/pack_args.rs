//! The flags about how many inputs a task has. Names and meanings are those of GNU parallel and xargs.

use std::ffi::OsString;

use clap::Args;
use clap::error::{ContextKind, ContextValue};

use crate::cli::worker_count::WorkerCount;
use fanlane_core::job::amount::parse_size;
use fanlane_core::job::{DEFAULT_MAX_CHARS, Job, field};
use fanlane_os::machine::cores;

/// How many inputs a task has.
#[derive(Debug, Default, Args)]
pub struct PackArgs {
    #[arg(short = 'n', long, alias = "maxargs", value_name = "N", help = field::MAX_ROWS.help)]
    max_args: Option<u32>,
    /// Give each task as many inputs as fit into its command, as xargs does: up to 128 KiB, or what --max-chars says
    #[arg(long)]
    xargs: bool,
    /// As --xargs; the last inputs are shared out, so that all workers are busy to the end
    #[arg(short = 'm', help_heading = "Inputs")]
    shared_out: bool,
    /// As -m; a word with {} in it, such as {}.bak, is written once for each input
    #[arg(short = 'X', help_heading = "Inputs")]
    in_context: bool,
    #[arg(short = 's', long, alias = "maxchars", value_name = "SIZE", value_parser = parse_size, help = field::MAX_CHARS.help)]
    max_chars: Option<u64>,
    #[arg(long, value_name = "N", help = field::SPREAD.help)]
    spread: Option<u32>,
    #[arg(long, value_name = "true|false", help = field::REPEAT_WORDS.help)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    repeat_words: Option<bool>,
    /// At most N inputs in a task, which are as many as fit; a word with a replacement string is written once for each.
    #[arg(short = 'L', hide = true, value_name = "N", conflicts_with = "max_args")]
    lines: Option<u32>,
    /// The same with all inputs in the place of a replacement string. Without its number it is 1.
    #[arg(short = 'l', long, hide = true, alias = "maxlines", value_name = "N", num_args = 0..=1, default_missing_value = "1")]
    #[arg(conflicts_with_all = ["max_args", "lines"])]
    max_lines: Option<u32>,
    /// How many values a task has; a word with a replacement string is written once for each value.
    #[arg(short = 'N', long, hide = true, alias = "maxreplaceargs", value_name = "N", conflicts_with = "max_args")]
    max_replace_args: Option<u32>,
    /// An input that does not fit is an error anyway.
    #[arg(short = 'x', long, hide = true)]
    exit: bool,
}

/// The words again with a number behind `-l`, where `error` says that the word behind it is none: it is the first of the command.
pub fn with_one_line(words: &[OsString], error: &clap::Error) -> Option<Vec<OsString>> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let value = text(ContextKind::InvalidValue)?;
    text(ContextKind::InvalidArg).filter(|option| option.starts_with("--max-lines"))?;
    let is_option = |word: &OsString| {
        let word = word.to_string_lossy();
        matches!(&*word, "--max-lines" | "--maxlines")
            || (word.starts_with('-') && !word.starts_with("--") && word.ends_with('l'))
    };
    let place = words.windows(2).position(|pair| is_option(&pair[0]) && pair[1] == value)?;
    let mut words = words.to_vec();
    let is_long = words[place].to_string_lossy().starts_with("--");
    words[place].push(if is_long { "=1" } else { "1" });
    Some(words)
}

impl PackArgs {
    /// Number of records of a block.
    pub fn records(&self) -> Option<u32> {
        self.max_args.or(self.max_replace_args)
    }

    /// Number of lines of a record.
    pub fn record_lines(&self) -> Option<u32> {
        self.lines.or(self.max_lines)
    }

    /// Merges the given flags into the job, for a pool of this size.
    pub fn merge_into(&self, job: &mut Job, workers: Option<WorkerCount>) {
        // As in GNU parallel no lines are one.
        let lines = self.lines.or(self.max_lines.map(|lines| lines.max(1)));
        if let Some(rows) = self.max_args.or(self.max_replace_args).or(lines) {
            job.max_args = Some(rows);
        }
        let has_each = self.max_replace_args.is_some() || self.lines.is_some();
        let is_context = self.in_context || (has_each && !self.shared_out && !self.xargs);
        job.repeat_words = self.repeat_words.unwrap_or(job.repeat_words || is_context);
        let fills = self.xargs || self.shared_out || self.in_context;
        if self.max_chars.is_some() && job.max_chars.is_none() && job.max_args.is_none() && !fills {
            // As in GNU parallel the length alone puts no inputs together.
            job.max_args = Some(1);
        }
        if fills || lines.is_some() || self.max_chars.is_some() {
            job.max_chars = self.max_chars.or(job.max_chars).or(Some(DEFAULT_MAX_CHARS));
        }
        if self.shared_out || self.in_context {
            let pool = workers.or(job.workers.map(WorkerCount::Exactly)).unwrap_or(WorkerCount::CoresPlus(0));
            job.spread = Some(pool.resolve(cores(), u64::MAX));
        }
        job.spread = self.spread.or(job.spread);
    }
}
