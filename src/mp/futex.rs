//! Sleeping until a number in shared memory changes, by the system's own means.

use std::time::Duration;

use rustix::thread::futex;
use rustix::time::Timespec;

use crate::mp::memory::AtomicU32;

/// Sleeps while `number` is `seen`, until somebody wakes those who sleep at it; at most for `timeout`. Says whether it
/// ended before `timeout` was over; it may end without a reason.
pub fn sleep(number: &AtomicU32, seen: u32, timeout: Duration) -> bool {
    let timeout = as_timespec(timeout);
    !matches!(futex::wait(number, futex::Flags::empty(), seen, Some(&timeout)), Err(rustix::io::Errno::TIMEDOUT))
}

/// Wakes all who sleep at `number`, in whichever process.
pub fn wake_all(number: &AtomicU32) {
    let _ = futex::wake(number, futex::Flags::empty(), u32::MAX >> 1);
}

/// A duration as the system wants it; one that no clock can hold becomes the longest that it can.
pub fn as_timespec(duration: Duration) -> Timespec {
    Timespec { tv_sec: duration.as_secs().try_into().unwrap_or(i64::MAX), tv_nsec: duration.subsec_nanos().into() }
}
