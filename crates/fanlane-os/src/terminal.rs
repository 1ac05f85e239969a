//! The terminal that this process was started from: its keyboard, its size, its modes. What is drawn on it is not known here.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Mode, OFlags, open};
use rustix::process::getpgrp;
use rustix::termios::{OptionalActions, Termios, isatty, tcgetattr, tcgetpgrp, tcgetwinsize, tcsetattr};

/// The size of a terminal whose driver does not know it, as on a serial line: columns and rows.
const UNKNOWN_SIZE: (u16, u16) = (80, 24);

/// The keyboard: standard input if it is a terminal, otherwise the terminal that controls this process.
///
/// # Errors
/// When there is none.
pub fn keyboard() -> io::Result<OwnedFd> {
    if isatty(io::stdin()) {
        return io::stdin().as_fd().try_clone_to_owned();
    }
    Ok(open("/dev/tty", OFlags::RDONLY | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?)
}

/// The screen: standard error if it is a terminal that can move its cursor.
pub fn screen() -> Option<File> {
    let can_move = std::env::var_os("TERM").is_some_and(|name| !name.is_empty() && name != "dumb");
    if !can_move || !isatty(io::stderr()) {
        return None;
    }
    io::stderr().as_fd().try_clone_to_owned().ok().map(File::from)
}

/// Columns and rows of a terminal.
///
/// # Errors
/// When it is none, or has hung up.
pub fn size(terminal: impl AsFd) -> io::Result<(u16, u16)> {
    let size = tcgetwinsize(terminal)?;
    Ok(if size.ws_col == 0 || size.ws_row == 0 { UNKNOWN_SIZE } else { (size.ws_col, size.ws_row) })
}

/// Whether this process may use the terminal as it likes: its process group is in the foreground. Also true without a terminal,
/// where no shell is disturbed.
pub fn is_in_foreground() -> bool {
    let owner = tcgetpgrp(io::stderr()).or_else(|_| tcgetpgrp(io::stdin()));
    owner.map_or(true, |owner| owner == getpgrp())
}

/// A terminal that hands over each key as it is pressed, also those that would be signals, and echoes none. Dropping it brings
/// the modes of before back.
#[derive(Debug)]
pub struct RawMode {
    terminal: OwnedFd,
    before: Termios,
}

impl RawMode {
    /// Changes the modes.
    ///
    /// # Errors
    /// When it is no terminal, or has hung up.
    pub fn enter(terminal: OwnedFd) -> io::Result<Self> {
        let before = tcgetattr(&terminal)?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(&terminal, OptionalActions::Drain, &raw)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        // A terminal that has hung up has no modes left to bring back.
        let _ = tcsetattr(&self.terminal, OptionalActions::Drain, &self.before);
    }
}
