//! What `fanlane show` says of the tasks of a run that did not end well: what ended each, what to do, what it said last.

use std::fmt::Write as _;

use super::report::{describe, printable};
use crate::model::Autopsy;
use crate::model::format::count;
use crate::store::history::{History, HistoryError};

/// So many tasks are shown; an export has all.
const SHOWN: u64 = 10;
/// How much of a line that a task wrote is shown, in characters.
const LINE_CHARS: usize = 200;

/// The first tasks of a run that ended badly; empty if there are none.
///
/// # Errors
/// When the history cannot be read.
pub fn failures(history: &History, run: i64) -> Result<String, HistoryError> {
    let mut text = String::new();
    let mut failed = 0;
    history.each_ended(run, |words, record| {
        let command = || String::from_utf8_lossy(&words.command.0).into_owned();
        let Some(line) = describe::failure(words.number(), record, command) else { return Ok(()) };
        failed += 1;
        if failed > SHOWN {
            return Ok(());
        }
        let _ = writeln!(text, "\n{line}");
        let Some(autopsy) = Autopsy::of(record) else { return Ok(()) };
        for said in &autopsy.last_lines {
            let _ = writeln!(text, "  | {}", printable(said, LINE_CHARS));
        }
        let _ = writeln!(text, "  {}", printable(&autopsy.remark(), usize::MAX));
        Ok::<_, HistoryError>(())
    })?;
    if failed > SHOWN {
        let more = count(failed - SHOWN);
        let _ = writeln!(text, "\n{more} more that did not end well: fanlane export {run} --format csv has them all");
    }
    Ok(text)
}
