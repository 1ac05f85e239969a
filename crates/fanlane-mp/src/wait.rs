//! Waiting for any of several things: connections, sentinels of processes, everything with a descriptor.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};

use crate::error::SystemError;
use fanlane_os::clock::deadline_after;
use fanlane_os::futex::as_timespec;

/// Waits until one of `things` is ready: a connection with something to receive or without another end, a sentinel
/// whose process has ended. Gives the indices of all that are ready; none when `timeout` is over first. Without a
/// timeout it waits without limit.
///
/// ```
/// # use fanlane_mp::{pipe, wait};
/// # use std::time::Duration;
/// let (here, there) = pipe()?;
/// let (other, _its_end) = pipe()?;
/// assert!(wait(&[&here, &other], Some(Duration::ZERO))?.is_empty());
/// there.send("ready")?;
/// assert_eq!(wait(&[&here, &other], None)?, [0]);
/// # Ok::<(), fanlane_mp::Error>(())
/// ```
///
/// # Errors
/// When the system refuses.
pub fn wait(things: &[&dyn AsFd], timeout: Option<Duration>) -> Result<Vec<usize>, SystemError> {
    let deadline = timeout.and_then(deadline_after);
    let mut polled: Vec<PollFd<'_>> =
        things.iter().map(|thing| PollFd::from_borrowed_fd(thing.as_fd(), PollFlags::IN)).collect();
    loop {
        let left = deadline.map(|deadline| as_timespec(deadline.saturating_duration_since(Instant::now())));
        match poll(&mut polled, left.as_ref()) {
            Ok(_) => break,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(SystemError::during("waiting for connections or processes failed")(error.into())),
        }
    }
    Ok(polled.iter().enumerate().filter(|(_, one)| !one.revents().is_empty()).map(|(place, _)| place).collect())
}
