//! The list of runs as a table that fits the terminal, or as JSON lines; and which runs it has.

use std::collections::HashSet;
use std::io::{self, Write};

use clap::Args;
use unicode_width::UnicodeWidthChar;

use super::json;
use crate::cli::columns::{Side, padded, width};
use crate::cli::report::printable;
use crate::cli::terminal::stdout_columns;
use fanlane_core::job::duration::{self, Timeout};
use fanlane_core::model::date::local_minute;
use fanlane_core::model::format::{bytes, count, duration as length};
use fanlane_core::model::sanitize;
use fanlane_core::store::history::{RunRow, RunState};
use fanlane_os::clock::unix_ms;

/// The least room for the names of jobs, in columns of the terminal.
const MIN_NAME_COLUMNS: usize = 16;
/// The most of a name that is shown where there is no terminal.
const MAX_NAME_COLUMNS: usize = 120;
/// The columns between two columns of the table.
const GAP: &str = "  ";

/// Which runs are listed.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// List only the newest N runs
    #[arg(short = 'n', long = "last", value_name = "N")]
    newest: Option<usize>,
    /// List only runs with tasks that are not done, or that were interrupted
    #[arg(long)]
    failed: bool,
    /// List only runs whose name or command contains this text; case is ignored
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// List only runs that began within this time, for example 2d
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    since: Option<Timeout>,
    /// List also the runs that tasks of other runs started, and the earlier parts of resumed runs
    #[arg(long)]
    all: bool,
}

/// A run as it is listed.
pub struct Listed<'a> {
    run: &'a RunRow,
    /// It is a part of another one.
    is_folded: bool,
}

impl ListArgs {
    /// The listed runs of `runs`, the newest first.
    pub fn pick<'a>(&self, runs: &'a [RunRow], as_json: bool) -> Vec<Listed<'a>> {
        let resumed: HashSet<i64> = runs.iter().filter_map(|run| run.continues).collect();
        let earliest = self.since.map_or(0, |since| unix_ms().saturating_sub((since.secs * 1e3) as u64));
        let name = self.name.as_deref().map(str::to_lowercase);
        let is_wanted = |run: &RunRow| {
            let is_done = run.batch_done() >= run.batch_tasks() || run.state == RunState::Running;
            (!self.failed || !is_done)
                && run.started_unix_ms >= earliest
                && name.as_ref().is_none_or(|name| run.name.to_lowercase().contains(name))
        };
        let listed =
            runs.iter().map(|run| Listed { run, is_folded: run.parent.is_some() || resumed.contains(&run.id) });
        let listed = listed.filter(|listed| self.all || as_json || !listed.is_folded);
        listed.filter(|listed| is_wanted(listed.run)).take(self.newest.unwrap_or(usize::MAX)).collect()
    }
}

/// All of these runs.
pub fn all_of(runs: &[RunRow]) -> Vec<Listed<'_>> {
    runs.iter().map(|run| Listed { run, is_folded: false }).collect()
}

/// Writes the runs.
///
/// # Errors
/// Those of `out`.
pub fn write(runs: &[Listed<'_>], as_json: bool, out: &mut dyn Write) -> io::Result<()> {
    if as_json {
        runs.iter().try_for_each(|listed| writeln!(out, "{}", sanitize::to_json(&json::object(listed.run))?))?;
    } else if !runs.is_empty() {
        write_table(runs, stdout_columns(), out)?;
    }
    out.flush()
}

const HEADS: [&str; 6] = ["RUN", "STARTED", "STATE", "DONE", "TIME", "SIZE"];
/// The columns that are left out where there is no room, the first one first.
const LEAST_WANTED: [usize; 3] = [5, 4, 2];

fn write_table(runs: &[Listed<'_>], terminal: Option<usize>, out: &mut dyn Write) -> io::Result<()> {
    let mut rows: Vec<([String; 6], String)> = vec![(HEADS.map(str::to_owned), "JOB".to_owned())];
    rows.extend(runs.iter().map(|Listed { run, is_folded }| {
        let done = format!("{}/{}", count(run.batch_done()), count(run.batch_tasks()));
        let cells = [
            run.id.to_string(),
            local_minute(run.started_unix_ms),
            run.state.name().to_owned(),
            done,
            length(run.wall_ns),
            bytes(run.bytes),
        ];
        let indent = if *is_folded { GAP } else { "" };
        (cells, format!("{indent}{}", printable(&run.name, MAX_NAME_COLUMNS)))
    }));
    let widths: [usize; 6] =
        std::array::from_fn(|column| rows.iter().map(|(cells, _)| width(&cells[column])).max().unwrap_or(0));
    let mut shown: Vec<usize> = (0..HEADS.len()).collect();
    let room = |shown: &[usize]| {
        let taken: usize = shown.iter().map(|column| widths[*column] + GAP.len()).sum();
        terminal.map_or(MAX_NAME_COLUMNS, |columns| columns.saturating_sub(taken))
    };
    for column in LEAST_WANTED {
        if room(&shown) < MIN_NAME_COLUMNS {
            shown.retain(|one| *one != column);
        }
    }
    for (cells, name) in &rows {
        for column in &shown {
            let side = if matches!(column, 1 | 2) { Side::Left } else { Side::Right };
            write!(out, "{}{GAP}", padded(&cells[*column], widths[*column], side))?;
        }
        writeln!(out, "{}", fit(name, room(&shown).max(1)))?;
    }
    Ok(())
}

/// As much of a text as has room in this many columns.
fn fit(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut taken = 0;
    let mut kept = String::new();
    for character in text.chars() {
        taken += character.width().unwrap_or(0);
        if taken > columns - 1 {
            break;
        }
        kept.push(character);
    }
    kept + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_cut_by_columns_and_not_by_characters() {
        for (text, columns, cut) in [
            ("abc", 3, "abc"),
            ("abcd", 3, "ab…"),
            ("日本語", 6, "日本語"),
            ("日本語", 5, "日本…"),
            ("日本語", 4, "日…"),
            ("é", 1, "é"),
        ] {
            assert_eq!(fit(text, columns), cut);
            assert!(width(&fit(text, columns)) <= columns);
        }
    }
}
