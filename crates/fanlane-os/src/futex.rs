//! Sleeping until a number in shared memory changes: the futex system call.

use std::time::Duration;

use rustix::thread::futex;
use rustix::time::Timespec;

use crate::shared_memory::AtomicU32;

/// Sleeps while `number` equals `seen`, until [`wake_all`] or for at most `timeout`. Gives whether it ended before the
/// timeout; the wake-up may be spurious.
pub fn sleep(number: &AtomicU32, seen: u32, timeout: Duration) -> bool {
    let timeout = as_timespec(timeout);
    !matches!(futex::wait(number, futex::Flags::empty(), seen, Some(&timeout)), Err(rustix::io::Errno::TIMEDOUT))
}

/// Wakes all sleepers at `number`, of all processes.
pub fn wake_all(number: &AtomicU32) {
    let _ = futex::wake(number, futex::Flags::empty(), u32::MAX >> 1);
}

/// A duration for system calls; one that is too long becomes the maximum.
pub fn as_timespec(duration: Duration) -> Timespec {
    Timespec { tv_sec: duration.as_secs().try_into().unwrap_or(i64::MAX), tv_nsec: duration.subsec_nanos().into() }
}
