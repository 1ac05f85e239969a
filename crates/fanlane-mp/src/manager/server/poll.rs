//! Waits for many descriptors at once.

use std::io;
use std::os::fd::OwnedFd;

use rustix::event::Timespec;
use rustix::event::epoll::{self, Event, EventFlags};

/// What the poller watches a connection for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Watched {
    Input,
    Output,
    /// Its end alone: it waits for an answer.
    End,
}

impl Watched {
    /// The events that the system reports.
    pub(super) fn flags(self) -> EventFlags {
        match self {
            Self::Input => EventFlags::IN | EventFlags::RDHUP,
            Self::Output => EventFlags::OUT | EventFlags::RDHUP,
            Self::End => EventFlags::RDHUP,
        }
    }
}

/// Waits for events, at most until the timeout.
pub(super) fn wait_for_events(poller: &OwnedFd, events: &mut Vec<Event>, timeout: Option<&Timespec>) -> io::Result<()> {
    match epoll::wait(poller, rustix::buffer::spare_capacity(events), timeout) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
