//! `fanlane window`: which run the window is opened on. The program's `main` opens it; where there is none, the run is shown in
//! the terminal.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::attach::watch;
use super::folder_of;
use crate::cli::exit_status::Status;
use crate::cli::run_name::RunName;
use crate::cli::subcommand::Subcommand;

/// The arguments of `fanlane window`.
#[derive(Clone, Copy, Debug, Args)]
pub struct WindowArgs {
    /// The number of a detached run, or of that of a Python script, or last [default: the window as it was closed]
    #[arg(value_name = "RUN")]
    pub run: Option<RunName>,
}

impl WindowArgs {
    /// The folder of the run's process; `None` where no run is asked for.
    ///
    /// # Errors
    /// When no such run is running.
    pub fn folder(self) -> Result<Option<PathBuf>> {
        self.run.map(|name| folder_of(Some(name))).transpose()
    }
}

impl Subcommand for WindowArgs {
    fn perform(self) -> Result<Status> {
        watch(self.run)
    }
}
