//! What the table of commands asks of each command.

use std::ffi::OsString;

use anyhow::Result;

use super::exit_status::Status;

/// The parsed arguments of a command, which can carry it out.
pub trait Subcommand {
    /// Carries the command out.
    ///
    /// # Errors
    /// When nothing was done: bad usage, or something is missing or cannot be read or written. The message is printed and the
    /// exit status is 2.
    fn perform(self) -> Result<Status>;

    /// The job file, or the command line with its inputs, if the command takes one.
    fn words(&mut self) -> Option<&mut Vec<OsString>> {
        None
    }
}
