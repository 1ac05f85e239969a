//! Starting a detached run.

use anyhow::{Context, Result};

use super::detached_runs;
use crate::cli::exit_status::Status;
use crate::cli::terminal::{print, remark};
use fanlane_core::host::{DetachedOrder, DetachedUpdate};

/// Starts a detached run and prints its number on standard output; unless `quiet`, also how it is watched and stopped.
///
/// # Errors
/// When it cannot be started.
pub fn start(order: &DetachedOrder, quiet: bool) -> Result<Status> {
    let started = detached_runs().start(order);
    let mut watching = started.context("the detached run cannot be started; without --background the run can")?;
    let mut number = None;
    while let Some(update) = watching.next_update().context("the detached run broke off")? {
        match update {
            DetachedUpdate::Event(_) => {}
            DetachedUpdate::Message(words) => remark(&words),
            DetachedUpdate::Recorded(recorded) => {
                number = recorded;
                break;
            }
        }
    }
    let Some(number) = number else {
        remark("the detached run is running without a number; watch it with fanlane attach");
        return Ok(Status::AllDone);
    };
    if !quiet {
        remark(&format!(
            "run {number} is running detached; fanlane attach {number} watches it, fanlane stop {number} stops it"
        ));
    }
    print(|out| writeln!(out, "{number}"))
}
