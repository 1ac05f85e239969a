//! An interpreter that a lane keeps.

use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};

use fanlane_os::futex::as_timespec;
use fanlane_os::waker::Waker;

use super::call_output::CallOutput;
use super::lane_link::LaneLink;
use super::process::{Process, Streams};

/// An interpreter with the function.
pub struct Kept {
    /// Its process.
    pub process: Arc<Process>,
    /// What it prints.
    pub streams: Streams,
    /// Its lane.
    pub link: LaneLink,
    /// Number of calls that it has done.
    pub calls: u32,
    /// It has ended.
    pub is_dead: bool,
}

impl Kept {
    /// Waits until the interpreter says or prints something or ends, at most for `timeout`.
    pub fn wait(
        &mut self,
        output: &mut CallOutput<'_>,
        reminder: &Waker,
        buffer: &mut [u8],
        timeout: Option<Duration>,
    ) {
        // While it is ahead, what it prints is of a later call.
        let reads = self.link.is_at_next();
        let look = if reads { output.look() } else { None };
        let timeout = timeout.into_iter().chain(look).min().map(as_timespec);
        let mut ready = [false; 2];
        {
            let mut polled = vec![
                PollFd::from_borrowed_fd(self.process.handle(), PollFlags::IN),
                PollFd::from_borrowed_fd(self.link.descriptor(), PollFlags::IN),
                PollFd::new(reminder, PollFlags::IN),
            ];
            let open: Vec<usize> = (0..2).filter(|stream| reads && self.streams[*stream].is_some()).collect();
            polled.extend(
                open.iter().filter_map(|stream| Some(PollFd::new(self.streams[*stream].as_ref()?, PollFlags::IN))),
            );
            match poll(&mut polled, timeout.as_ref()) {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
            self.is_dead |= !polled[0].revents().is_empty();
            if !polled[2].revents().is_empty() {
                reminder.reset();
            }
            for (stream, polled) in open.iter().zip(&polled[3..]) {
                ready[*stream] = !polled.revents().is_empty();
            }
        }
        // At its end the rest is read by the call that it belongs to.
        for stream in (0..2).filter(|stream| ready[*stream] && !self.is_dead) {
            self.link.while_showing(stream, || output.read(stream, &mut self.streams, buffer));
        }
    }

    /// Reads what has been printed until now.
    pub fn drain(&mut self, output: &mut CallOutput<'_>, buffer: &mut [u8]) {
        for stream in 0..2 {
            self.link.while_showing(stream, || output.drain(stream, &mut self.streams, buffer));
        }
    }
}
