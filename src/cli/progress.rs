//! `fanlane progress`: a task reports its progress. A script may call it a thousand times, so it runs before anything is
//! initialised and parses its few words itself.

use std::ffi::OsString;

use anyhow::Result;
use clap::Args;

use super::exit_status::Status;
use super::subcommand::Subcommand;
use super::terminal::remark;
use fanlane_core::engine::PROGRESS_VARIABLE;
use fanlane_os::progress;

/// The name of the command.
const PROGRESS_COMMAND: &str = "progress";

/// The arguments of `fanlane progress`.
#[derive(Debug, Args)]
pub struct ProgressArgs {
    /// The fraction that is done, from 0 to 1 or from 0% to 100%
    fraction: String,
    /// What the task is doing, in a few words
    message: Vec<String>,
}

impl Subcommand for ProgressArgs {
    fn perform(self) -> Result<Status> {
        Ok(send(&self.fraction, &self.message.join(" ")))
    }
}

/// Whether these are the words of a report, the program's name first; a call for help is not.
pub fn is_report(words: &[OsString]) -> bool {
    words.get(1).is_some_and(|word| word == PROGRESS_COMMAND)
        && words.get(2).is_some_and(|word| !word.as_encoded_bytes().starts_with(b"-"))
}

/// Reports what the words say. Outside of a run that is a message and no failure: the same script may run alone.
pub fn report(words: &[OsString]) -> Status {
    let texts: Vec<_> = words.iter().skip(2).map(|word| word.to_string_lossy()).collect();
    match texts.split_first() {
        Some((fraction, message)) => send(fraction, &message.join(" ")),
        None => Status::NothingRun,
    }
}

fn send(fraction: &str, message: &str) -> Status {
    let fraction = match progress::parse_fraction(fraction) {
        Ok(fraction) => fraction,
        Err(fault) => {
            remark(&fault);
            return Status::NothingRun;
        }
    };
    let Some(address) = std::env::var_os(PROGRESS_VARIABLE) else {
        remark(&format!("not a task of a run ({PROGRESS_VARIABLE} is not set), so the progress is not shown"));
        return Status::AllDone;
    };
    if let Err(error) = progress::send(&address.to_string_lossy(), fraction, message) {
        remark(&format!("the progress could not be delivered to the run: {error}"));
    }
    Status::AllDone
}
