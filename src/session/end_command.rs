//! The command that is run when a run is done: the same for the window and for the command line. What has become of the run is
//! in its environment.

use std::process::{Command, Stdio};

use fanlane_core::event::OutcomeCounts;

/// A run that came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedRun {
    /// The name of its job.
    pub name: String,
    /// Its number in the history; `None`: it is not recorded.
    pub number: Option<i64>,
    /// Its tasks by outcome.
    pub counts: OutcomeCounts,
}

impl EndedRun {
    /// Its end in a word: `done`, or `failed` where a task is not done.
    pub const fn result(&self) -> &'static str {
        if self.counts.not_done() == 0 { "done" } else { "failed" }
    }
}

/// Where the command prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Printing {
    /// Nowhere.
    Nowhere,
    /// Where this program prints.
    Here,
}

/// Runs a command line by `/bin/sh` and waits for its end. Its environment has the numbers of tasks that are done
/// (`FANLANE_DONE`) and are not (`FANLANE_NOT_DONE`), `FANLANE_RESULT`, which is `done` or `failed`, the name of the job
/// (`FANLANE_NAME`), and the run's number in the history (`FANLANE_RUN`), empty where it has none.
///
/// # Errors
/// In words for the end of a sentence, when it cannot be started or fails.
pub fn perform(line: &str, ended: &EndedRun, printing: Printing) -> Result<(), String> {
    let counts = &ended.counts;
    let mut process = Command::new("/bin/sh");
    process.arg("-c").arg(line).stdin(Stdio::null());
    if printing == Printing::Nowhere {
        process.stdout(Stdio::null()).stderr(Stdio::null());
    }
    process
        .env("FANLANE_DONE", counts.done.to_string())
        .env("FANLANE_NOT_DONE", counts.not_done().to_string())
        .env("FANLANE_RESULT", ended.result())
        .env("FANLANE_NAME", &ended.name)
        .env("FANLANE_RUN", ended.number.map_or_else(String::new, |number| number.to_string()));
    match process.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("the command that was to run when the run is done failed ({status}): {line}")),
        Err(error) => Err(format!("the command that was to run when the run is done could not be started: {error}")),
    }
}
