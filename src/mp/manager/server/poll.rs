//! Waiting for many descriptors at once.

use std::io;
use std::os::fd::OwnedFd;

use rustix::event::Timespec;
use rustix::event::epoll::{self, Event, EventFlags};

/// What the descriptor of a connection is watched for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Watched {
    Input,
    Output,
    /// It waits for an answer: only its end is of interest.
    End,
}

impl Watched {
    /// What the system is asked to watch.
    pub(super) fn flags(self) -> EventFlags {
        match self {
            Self::Input => EventFlags::IN | EventFlags::RDHUP,
            Self::Output => EventFlags::OUT | EventFlags::RDHUP,
            Self::End => EventFlags::RDHUP,
        }
    }
}

/// Waits until something has happened, at most so long.
pub(super) fn happened(poller: &OwnedFd, events: &mut Vec<Event>, timeout: Option<&Timespec>) -> io::Result<()> {
    match epoll::wait(poller, rustix::buffer::spare_capacity(events), timeout) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
