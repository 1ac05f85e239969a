//! Runs a command in the foreground: signals are forwarded to it, and its exit status becomes this program's.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};

use anyhow::{Context, Result};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::cli::exit_status::Status;
use fanlane_os::interrupts;

/// Runs a command to its end with these variables added to its environment.
///
/// # Errors
/// When it cannot be started.
pub fn run(words: &[OsString], variables: &[(&str, String)]) -> Result<Status> {
    let (program, arguments) = words.split_first().context("there is no command to run")?;
    let mut command = Command::new(program);
    command.args(arguments).envs(variables.iter().map(|(name, value)| (name, value)));
    run_command(&mut command)
}

/// Runs a command to its end.
///
/// # Errors
/// When it cannot be started.
pub fn run_command(command: &mut Command) -> Result<Status> {
    let started = command.spawn();
    let mut child = started.with_context(|| format!("{} cannot be started", command.get_program().display()))?;
    // A handle never means another process.
    let handle = pidfd_open(Pid::from_child(&child), PidfdFlags::empty()).context("the command cannot be watched")?;
    let forward = |count| {
        let signal = if count == 1 { Signal::TERM } else { Signal::KILL };
        // It may have ended already: Ctrl-C in a terminal reaches it too.
        let _ = pidfd_send_signal(&handle, signal);
    };
    let (status, _) = interrupts::during(forward, || child.wait()).context("signals cannot be caught")?;
    Ok(Status::OfCommand(exit_code(status.context("the command cannot be waited for")?)))
}

/// The exit status of a command as a shell reports it.
fn exit_code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}
