//! The monotonic clock, also as a number that processes of one machine can compare, and the clock on the wall.
//!
//! On Linux it stands still while the machine is suspended: so do timeouts.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

/// The current time, for deadlines.
#[inline]
pub fn now() -> Instant {
    Instant::now()
}

/// `timeout` from now; `None`, which means no deadline, for one beyond the range of the clock.
#[inline]
pub fn deadline_after(timeout: Duration) -> Option<Instant> {
    now().checked_add(timeout)
}

/// Nanoseconds since a fixed moment that is the same for all processes of this machine.
#[inline]
pub fn monotonic_ns() -> u64 {
    as_ns(clock_gettime(ClockId::Monotonic))
}

/// Milliseconds since 1970-01-01 UTC, by the clock on the wall, which may be set at any time.
pub fn unix_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// CPU time used by the calling thread, in nanoseconds.
#[inline]
pub fn thread_cpu_ns() -> u64 {
    as_ns(clock_gettime(ClockId::ThreadCPUTime))
}

fn as_ns(time: rustix::time::Timespec) -> u64 {
    (time.tv_sec.unsigned_abs()).saturating_mul(1_000_000_000).saturating_add(time.tv_nsec.unsigned_abs())
}
