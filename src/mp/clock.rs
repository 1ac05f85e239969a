//! The monotonic clock as a number, so that processes of one machine can compare what they read.
//!
//! On Linux it stands still while the machine is suspended: so do timeouts.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// The moment, for deadlines.
pub fn now() -> Instant {
    Instant::now()
}

/// `timeout` from now; `None`, which is no deadline, where no clock can hold it.
pub fn deadline_after(timeout: Duration) -> Option<Instant> {
    now().checked_add(timeout)
}

/// Nanoseconds since some moment that all processes of this machine share.
pub fn monotonic_ns() -> u64 {
    as_ns(clock_gettime(ClockId::Monotonic))
}

/// CPU time that the calling thread has used, in nanoseconds.
pub fn thread_cpu_ns() -> u64 {
    as_ns(clock_gettime(ClockId::ThreadCPUTime))
}

fn as_ns(time: rustix::time::Timespec) -> u64 {
    (time.tv_sec.unsigned_abs()).saturating_mul(1_000_000_000).saturating_add(time.tv_nsec.unsigned_abs())
}
