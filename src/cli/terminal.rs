//! The seam between the program and its standard streams: its own messages on standard error, and what commands print on
//! standard output. On a terminal nothing that is printed acts, whatever arguments, paths and values hold; files and pipes get
//! the bytes as they are. Reports of runs have their own streams for the output of tasks, in [`super::report`].

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use fanlane_core::model::sanitize::{ForTerminal, escaped};

use super::exit_status::Status;
use super::run::parallel_options;
use fanlane_os::own_descriptor;

/// Prints a message on standard error, in one line.
pub fn remark(line: &str) {
    // A closed standard error can be reported nowhere else.
    let _ = writeln!(io::stderr(), "fanlane: {}", escaped(line));
}

/// Prints an error; the status that goes with it.
pub fn complain(error: &anyhow::Error) -> Status {
    remark(&in_one_line(error));
    Status::NothingRun
}

/// Prints what is wrong with the words of the command line, or the help that they ask for.
pub fn answer(error: &clap::Error) -> Status {
    if !error.use_stderr() {
        // Help holds no words from outside.
        return print(|_| error.print()).unwrap_or_else(|error| complain(&error));
    }
    if error.kind() == ErrorKind::UnknownArgument
        && let Some(ContextValue::String(option)) = error.get(ContextKind::InvalidArg)
        && let Some(answer) = parallel_options::answer(option)
    {
        remark(&answer);
        return Status::NothingRun;
    }
    let text = error.render().to_string();
    let lines: Vec<String> = text.strip_prefix("error: ").unwrap_or(&text).lines().map(escaped).collect();
    let _ = writeln!(io::stderr(), "fanlane: {}", lines.join("\n").trim_end());
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
pub fn print(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> anyhow::Result<Status> {
    if own_descriptor::was_closed(1) {
        return Err(anyhow::Error::new(own_descriptor::closed_error()).context("standard output cannot be written"));
    }
    let mut out = BufWriter::new(harmless(io::stdout().lock()));
    match write(&mut out).and_then(|()| out.flush()) {
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

/// Standard output for what is written to it during a run.
///
/// # Errors
/// When it cannot be duplicated.
pub fn shared_stdout() -> io::Result<Box<dyn Write + Send>> {
    let stdout = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    Ok(if stdout.is_terminal() { Box::new(ForTerminal::new(stdout)) } else { Box::new(stdout) })
}

/// The width of the terminal that standard output is; `None` if it is none.
pub fn stdout_columns() -> Option<usize> {
    let out = io::stdout();
    let size = out.is_terminal().then(|| rustix::termios::tcgetwinsize(&out).ok()).flatten();
    size.map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// Whether standard output is a terminal.
pub fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Whether standard error is a terminal.
pub fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// Rings the bell of the terminal; false where standard error is none.
pub fn ring_bell() -> bool {
    stderr_is_terminal() && write!(io::stderr(), "\x07").is_ok()
}

/// Draws on standard error, which is a terminal: `text` is shown at the beginning of the line in place of what is there.
pub fn draw_line(text: &str) {
    // A closed standard error can be reported nowhere else.
    let _ = write!(io::stderr(), "\r\x1b[K{}", escaped(text));
}

/// Writes a path on a line, with the bytes that it has.
///
/// # Errors
/// When `out` cannot be written.
pub fn write_path(path: &Path, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(path.as_os_str().as_bytes())?;
    out.write_all(b"\n")
}

fn harmless<'a, W: Write + IsTerminal + 'a>(out: W) -> Box<dyn Write + 'a> {
    if out.is_terminal() { Box::new(ForTerminal::new(out)) } else { Box::new(out) }
}
