//! A terminal that a program lends to the tasks it runs, one after the other: the borrower's process group is in the foreground, so
//! that keys reach it, and so do the signals that keys are. The terminal's modes are brought back after each.
//!
//! The program itself has the [`LentTerminal`]; the process that starts the tasks, a [`Lender`]. Both belong to the session of
//! the terminal.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::fs::{Mode, OFlags, open};
use rustix::process::{Pid, Signal, getpgrp, kill_process_group, test_kill_process_group};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr, tcsetpgrp};

use crate::{process_tree, signal};

/// The terminal of this process.
fn own() -> io::Result<OwnedFd> {
    // This process changes the terminal though it is not in the foreground.
    signal::ignore(libc::SIGTTOU);
    Ok(open("/dev/tty", OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?)
}

/// What lends the terminal to the tasks that it starts.
#[derive(Debug)]
pub struct Lender {
    terminal: OwnedFd,
    /// The process group of the program, which has it otherwise.
    owner: Pid,
}

impl Lender {
    /// Lends the terminal of the process group `owner`.
    ///
    /// # Errors
    /// When there is none.
    pub fn of(owner: Pid) -> io::Result<Self> {
        Ok(Self { terminal: own()?, owner })
    }

    /// The terminal.
    pub fn terminal(&self) -> BorrowedFd<'_> {
        self.terminal.as_fd()
    }

    /// The modes that a task finds; `None` where the terminal has hung up.
    pub fn modes(&self) -> Option<Termios> {
        tcgetattr(&self.terminal).ok()
    }

    /// Gives the terminal back to its owner, with the modes of before.
    pub fn give_back(&self, modes: Option<&Termios>) {
        // A terminal that has hung up is of no use to its owner either.
        let _ = tcsetpgrp(&self.terminal, self.owner);
        if let Some(modes) = modes {
            let _ = tcsetattr(&self.terminal, OptionalActions::Drain, modes);
        }
    }

    /// Passes on to the owner what a key has told a task.
    pub fn tell_owner(&self, signal: Signal) {
        let _ = kill_process_group(self.owner, signal);
    }
}

/// The terminal of a program that has it lent to its tasks. Dropping it takes it back.
#[derive(Debug)]
pub struct LentTerminal {
    terminal: OwnedFd,
    modes: Termios,
    own: Pid,
}

impl LentTerminal {
    /// The terminal of this process. In the background it is waited for, as by a program that reads it: this process is stopped
    /// until a shell brings it to the foreground.
    ///
    /// # Errors
    /// When there is none.
    pub fn open() -> io::Result<Self> {
        let (terminal, own) = (own()?, getpgrp());
        wait_for_foreground(&terminal, own);
        let modes = tcgetattr(&terminal)?;
        Ok(Self { terminal, modes, own })
    }

    /// Has `stop` stop this process; meanwhile and before the terminal is its own, afterwards the borrower's again.
    pub fn during(&self, stop: impl FnOnce()) {
        let borrower = self.borrower();
        let modes = borrower.and_then(|_| tcgetattr(&self.terminal).ok());
        if borrower.is_some() {
            self.take_back();
        }
        stop();
        wait_for_foreground(&self.terminal, self.own);
        if let Some(modes) = modes {
            let _ = tcsetattr(&self.terminal, OptionalActions::Drain, &modes);
        }
        if let Some(borrower) = borrower {
            // It may have been ended meanwhile.
            let _ = tcsetpgrp(&self.terminal, borrower);
        }
    }

    /// The process group of a task that has the terminal, also of one that has ended and whose lender, too.
    fn borrower(&self) -> Option<Pid> {
        let group = tcgetpgrp(&self.terminal).ok().filter(|group| *group != self.own)?;
        let leader = group.as_raw_nonzero().get().unsigned_abs();
        let is_below = process_tree::ancestors(leader).any(|pid| pid == std::process::id());
        let is_gone = test_kill_process_group(group) == Err(rustix::io::Errno::SRCH);
        (is_below || is_gone).then_some(group)
    }

    fn take_back(&self) {
        let _ = tcsetpgrp(&self.terminal, self.own);
        let _ = tcsetattr(&self.terminal, OptionalActions::Drain, &self.modes);
    }
}

impl Drop for LentTerminal {
    fn drop(&mut self) {
        if self.borrower().is_some() {
            self.take_back();
        }
    }
}

/// Waits in the background as a program does that reads the terminal: the kernel stops this process group, until a shell brings it
/// to the foreground. It stops none that no shell would continue, which is waited for by looking.
fn wait_for_foreground(terminal: &OwnedFd, own: Pid) {
    const LOOK_INTERVAL: Duration = Duration::from_millis(50);
    while tcgetpgrp(terminal).is_ok_and(|owner| owner != own) {
        let _ = kill_process_group(own, Signal::TTIN);
        std::thread::sleep(LOOK_INTERVAL);
    }
}
