//! `fanlane stop`: stops a run that is going on and waits for its end.

use anyhow::Result;
use clap::Args;

use crate::cli::control;
use crate::cli::exit_status::Status;
use crate::cli::report::Shortfall;
use crate::cli::report::describe;
use crate::cli::subcommand::Subcommand;
use crate::cli::terminal::remark;
use fanlane_core::engine::RunCommand;
use fanlane_core::event::{Event, EventKind, RunEvent};
use fanlane_core::host::DetachedUpdate;

/// The arguments of `fanlane stop`.
#[derive(Debug, Args)]
pub struct StopArgs {
    /// A run that is going on: its number, its name, or last [default: the only one]
    #[arg(value_name = "RUN")]
    run: Option<String>,
    /// End running tasks at once by SIGKILL, without SIGTERM first
    #[arg(long)]
    now: bool,
}

impl Subcommand for StopArgs {
    fn perform(self) -> Result<Status> {
        let reached = control::find(self.run.as_deref())?;
        if reached.info.in_terminal {
            return control::stop(&reached, self.now);
        }
        let mut watching = reached.watch()?;
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
