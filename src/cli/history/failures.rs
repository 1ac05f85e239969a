//! Failed tasks in `fanlane show`: how many for which cause, and of the first ones the cause, what to do and the last lines.

use std::fmt::Write as _;

use crate::cli::report::{describe, printable};
use fanlane_core::model::format::count;
use fanlane_core::model::{Autopsy, Causes, Failure};
use fanlane_core::store::history::{History, HistoryError};

/// Maximum number of tasks shown; an export has all.
const MAX_SHOWN: u64 = 10;
/// Maximum number of causes shown.
const MAX_CAUSES: usize = 10;
/// How much of a line of a task's output is shown, in characters.
const LINE_CHARS: usize = 200;

/// The first failed tasks of a run; empty if there are none.
///
/// # Errors
/// When the history cannot be read.
pub fn failures(history: &History, run: i64) -> Result<String, HistoryError> {
    let mut text = String::new();
    let mut failed = 0;
    let mut causes = Causes::default();
    history.each_ended(run, |words, record| {
        let command = || String::from_utf8_lossy(&words.command.0).into_owned();
        let Some(line) = describe::failure(words.number(), record, command) else { return Ok(()) };
        failed += 1;
        if let Some(failure) = Failure::of(record) {
            causes.add(failure, &words.input.iter().map(|value| &*value.0).collect::<Vec<_>>());
        }
        if failed > MAX_SHOWN {
            return Ok(());
        }
        let _ = writeln!(text, "\n{line}");
        let Some(autopsy) = Autopsy::of(record) else { return Ok(()) };
        for said in &autopsy.last_lines {
            let _ = writeln!(text, "  | {}", printable(said, LINE_CHARS));
        }
        let remark = autopsy.remark();
        if !remark.is_empty() {
            let _ = writeln!(text, "  {}", printable(&remark, usize::MAX));
        }
        Ok::<_, HistoryError>(())
    })?;
    if failed > MAX_SHOWN {
        let more = count(failed - MAX_SHOWN);
        let _ = writeln!(text, "\n{more} more failed tasks: fanlane export {run} --format csv has them all");
    }
    Ok(by_cause(&causes) + &text)
}

/// The failures by cause; nothing where each has its own.
fn by_cause(causes: &Causes) -> String {
    let mut text = String::new();
    if causes.total() <= causes.len() as u64 {
        return text;
    }
    let _ = writeln!(text, "\nfailures by cause");
    let ranked = causes.ranked();
    for (_, cause) in ranked.iter().take(MAX_CAUSES) {
        let _ = writeln!(text, "{:>6} × {}", count(cause.count), printable(&cause.words(), LINE_CHARS));
    }
    if let Some(more) = ranked.len().checked_sub(MAX_CAUSES).filter(|more| *more > 0) {
        let _ = writeln!(text, "{:>6} more causes", count(more as u64));
    }
    text
}
