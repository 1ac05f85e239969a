//! The program's own messages on standard error, and what commands print on standard output. Reports of runs have their own
//! streams, in [`super::report`].

use std::io::{self, Write};

use super::exit_status::Status;
use fanlane_os::own_descriptor;

/// Prints a message on standard error, in one line.
pub fn remark(line: &str) {
    // A closed standard error can be reported nowhere else.
    let _ = writeln!(io::stderr(), "fanlane: {line}");
}

/// Prints an error; the status that goes with it.
pub fn complain(error: &anyhow::Error) -> Status {
    remark(&in_one_line(error));
    Status::NothingRun
}

/// An error with its causes, without causes that its own text already contains.
pub fn in_one_line(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |text, cause| match cause.to_string() {
        cause if text.is_empty() => cause,
        cause if text.contains(&cause) => text,
        cause => format!("{text}: {cause}"),
    })
}

/// Prints on standard output. A closed pipe is no error: its reader has seen enough.
///
/// # Errors
/// When standard output cannot be written for another reason.
pub fn print(write: impl FnOnce() -> io::Result<()>) -> anyhow::Result<Status> {
    if own_descriptor::was_closed(1) {
        return Err(anyhow::Error::new(own_descriptor::closed_error()).context("standard output cannot be written"));
    }
    match write() {
        Ok(()) => Ok(Status::AllDone),
        Err(error) if is_closed_pipe(&error) => Ok(Status::AllDone),
        Err(error) => Err(anyhow::Error::new(error).context("standard output cannot be written")),
    }
}

/// Whether an error, or what it wraps, says that the reader of a pipe is gone. A writer of a format wraps the error of what
/// it writes to.
pub fn is_closed_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    let Some(io) = error.downcast_ref::<io::Error>() else {
        return error.source().is_some_and(is_closed_pipe);
    };
    io.kind() == io::ErrorKind::BrokenPipe || io.get_ref().is_some_and(|inner| is_closed_pipe(inner))
}
