//! `fanlane show RUN --grep TEXT`: the lines of all outputs of a run that match, one a line, with their tasks.

use std::io::{self, Write};
use std::ops::ControlFlow;

use anyhow::{Context, Result};
use bstr::ByteSlice;
use clap::Args;
use serde_json::json;

use crate::cli::exit_status::Status;
use crate::cli::report::printable;
use crate::cli::terminal::{print, remark};
use fanlane_core::model::format::{count, plural};
use fanlane_core::model::sanitize;
use fanlane_core::model::search::output_pattern;
use fanlane_core::store::history::{AttemptHits, History, LineHit, RunChain, SearchLimits};

/// What is looked for in outputs.
#[derive(Debug, Args)]
pub struct GrepArgs {
    /// Print the lines of all outputs that match this regular expression, with their tasks; the exit status is that of
    /// grep: 0 for some, 1 for none
    #[arg(long, value_name = "PATTERN", conflicts_with = "job")]
    pub grep: Option<String>,
    /// With --grep: ignore case
    #[arg(short, long, requires = "grep")]
    ignore_case: bool,
    /// With --grep: the pattern is a text, not a regular expression
    #[arg(short = 'F', long, requires = "grep")]
    fixed_strings: bool,
}

impl GrepArgs {
    /// Prints the lines that match `pattern` in all runs of a chain.
    ///
    /// # Errors
    /// When it is no regular expression, or the history cannot be read.
    pub fn print(&self, pattern: &str, history: &History, chain: &RunChain, as_json: bool) -> Result<Status> {
        let pattern = output_pattern(pattern, self.fixed_strings, self.ignore_case)
            .context("this is no regular expression; -F takes it as a text")?;
        let limits = SearchLimits { tasks: usize::MAX, lines: usize::MAX };
        let (mut cut, mut damaged, mut found) = (0, 0, 0);
        let mut hits = Vec::new();
        for run in chain.runs().iter().rev() {
            let run = history.search_outputs(run.id, &pattern, limits, |_| ControlFlow::Continue(()))?;
            (cut, damaged, found) = (cut + run.cut, damaged + run.damaged, found + run.progress.found);
            hits.extend(run.attempts);
        }
        let status = print(|out| {
            hits.iter().try_for_each(|hits| if as_json { write_json(hits, out) } else { write(hits, out) })
        })?;
        if cut > 0 {
            let tasks = plural(cut, "attempt");
            remark(&format!("{tasks} printed more than the history keeps: what is missing was not searched"));
        }
        if damaged > 0 {
            remark(&format!("{} of the record damaged and not searched", plural(damaged, "part")));
        }
        Ok(if found == 0 { Status::SomeFailed } else { status })
    }
}

fn write(hits: &AttemptHits, out: &mut dyn Write) -> io::Result<()> {
    for hit in &hits.lines {
        let again = if hits.attempt > 1 { format!(" try {}", count(u64::from(hits.attempt))) } else { String::new() };
        let line = hit.line.map_or_else(|| "?".to_owned(), |line| line.to_string());
        let text = printable(&hit.text.to_str_lossy(), usize::MAX);
        writeln!(out, "task {}{again}: {}:{line}: {text}", hits.number, source(hit))?;
    }
    Ok(())
}

fn write_json(hits: &AttemptHits, out: &mut dyn Write) -> io::Result<()> {
    for hit in &hits.lines {
        let object = json!({
            "run": hits.run,
            "task": hits.number,
            "attempt": hits.attempt,
            "outcome": hits.outcome.name(),
            "stream": source(hit),
            "line": hit.line,
            "text": hit.text.to_str_lossy(),
        });
        writeln!(out, "{}", sanitize::to_json(&object)?)?;
    }
    Ok(())
}

fn source(hit: &LineHit) -> &'static str {
    hit.stream.map_or("result", |stream| stream.name())
}
