//! `fanlane stop`: stops a detached run and waits for its end.

use anyhow::Result;
use clap::Args;

use super::find;
use crate::cli::exit_status::Status;
use crate::cli::report::Shortfall;
use crate::cli::report::describe;
use crate::cli::run_name::RunName;
use crate::cli::subcommand::Subcommand;
use crate::cli::terminal::remark;
use fanlane_core::engine::RunCommand;
use fanlane_core::event::{Event, EventKind, RunEvent};
use fanlane_core::host::DetachedUpdate;

/// The arguments of `fanlane stop`.
#[derive(Debug, Args)]
pub struct StopArgs {
    /// The number of a run, or last [default: the only detached run]
    #[arg(value_name = "RUN")]
    run: Option<RunName>,
    /// End running tasks at once by SIGKILL, without SIGTERM first
    #[arg(long)]
    now: bool,
}

impl Subcommand for StopArgs {
    fn perform(self) -> Result<Status> {
        let mut watching = find(self.run)?;
        watching.handle().command(if self.now { RunCommand::StopNow } else { RunCommand::Stop });
        let mut summary = None;
        while let Some(update) = watching.next_update()? {
            match update {
                DetachedUpdate::Event(Event { kind: EventKind::Run(RunEvent::Finished(ended)), .. }) => {
                    summary = Some(ended)
                }
                DetachedUpdate::Message(words) => remark(&words),
                DetachedUpdate::Event(_) | DetachedUpdate::Recorded(_) => {}
            }
        }
        if let Some(summary) = summary {
            remark(&describe::summary(&summary, watching.info.earlier, Shortfall::default()));
        }
        Ok(Status::AllDone)
    }
}
