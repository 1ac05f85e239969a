//! `fanlane run`: a job file or an ad-hoc batch in the terminal.

mod args;
mod control;
mod keep_args;
mod overlay;
mod parallel_args;
pub mod parallel_options;

use std::ffi::OsString;

use anyhow::Result;

use super::execute;
use super::exit_status::Status;
use super::subcommand::Subcommand;

pub use args::RunArgs;
pub use overlay::OverlayArgs;

impl Subcommand for Box<RunArgs> {
    fn perform(self) -> Result<Status> {
        execute::run(self.request()?)
    }

    fn words(&mut self) -> Option<&mut Vec<OsString>> {
        Some(&mut self.words)
    }
}
