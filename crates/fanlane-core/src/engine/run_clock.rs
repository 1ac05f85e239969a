//! The clock of a run. It counts from the run's start and stands still while the run is suspended, so that neither a timeout or
//! a delay nor a measured time contains that: all times of a run are read of it, here and in its workers.

use std::sync::atomic::{AtomicU64, Ordering};

use fanlane_os::clock::monotonic_ns;

/// The value of `stopped_at_ns` of a clock that goes.
const GOES: u64 = u64::MAX;

/// Nanoseconds since the start of a run, without those for which it was suspended.
#[derive(Debug)]
pub struct RunClock {
    /// The zero of this clock on the monotonic clock, in nanoseconds.
    epoch_ns: AtomicU64,
    /// Where it stands still, or [`GOES`].
    stopped_at_ns: AtomicU64,
}

impl RunClock {
    /// A clock that goes and whose zero is here on the monotonic clock.
    pub const fn since(epoch_ns: u64) -> Self {
        Self { epoch_ns: AtomicU64::new(epoch_ns), stopped_at_ns: AtomicU64::new(GOES) }
    }

    /// The time.
    pub fn now_ns(&self) -> u64 {
        match self.stopped_at_ns.load(Ordering::Acquire) {
            GOES => self.of_monotonic(monotonic_ns()),
            stopped_at_ns => stopped_at_ns,
        }
    }

    /// A time of the monotonic clock since the last suspension as one of this clock.
    pub fn of_monotonic(&self, ns: u64) -> u64 {
        // As signed numbers: on another host the zero may lie before the start of its clock.
        let since_ns = ns.cast_signed().wrapping_sub(self.epoch_ns().cast_signed());
        u64::try_from(since_ns).unwrap_or(0)
    }

    /// Its zero on the monotonic clock, which each suspension moves.
    pub fn epoch_ns(&self) -> u64 {
        self.epoch_ns.load(Ordering::Relaxed)
    }

    /// Whether it stands still.
    pub fn is_stopped(&self) -> bool {
        self.stopped_at_ns.load(Ordering::Acquire) != GOES
    }

    /// Stops it; returns where.
    pub fn stop(&self) -> u64 {
        let now_ns = self.now_ns();
        self.stopped_at_ns.store(now_ns, Ordering::Release);
        now_ns
    }

    /// Lets it go on from where it stands; returns its new zero.
    pub fn go_on(&self) -> u64 {
        let epoch_ns = monotonic_ns().wrapping_sub(self.now_ns());
        self.go_on_since(epoch_ns);
        epoch_ns
    }

    /// Lets it go on as another clock with this zero does.
    pub fn go_on_since(&self, epoch_ns: u64) {
        self.epoch_ns.store(epoch_ns, Ordering::Relaxed);
        self.stopped_at_ns.store(GOES, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_zero_may_lie_before_the_start_of_the_monotonic_clock() {
        let clock = RunClock::since(0_u64.wrapping_sub(500));
        assert_eq!(clock.of_monotonic(20), 520);
        assert_eq!(RunClock::since(500).of_monotonic(20), 0);
    }

    #[test]
    fn a_stopped_clock_goes_on_from_where_it_stood_and_so_does_one_that_is_set_by_it() {
        const LONG_NS: u64 = 3_600_000_000_000;
        let epoch_ns = monotonic_ns().saturating_sub(1000);
        let (clock, other) = (RunClock::since(epoch_ns), RunClock::since(epoch_ns));
        let stood_ns = clock.stop();
        other.stop();
        assert!(stood_ns >= 1000 && clock.is_stopped());
        assert_eq!(clock.now_ns(), stood_ns);
        assert_eq!(clock.stop(), stood_ns, "it is stopped already");
        // As if an hour had passed.
        clock.epoch_ns.fetch_sub(LONG_NS, Ordering::Relaxed);
        other.go_on_since(clock.go_on());
        assert!(!clock.is_stopped() && clock.epoch_ns() >= epoch_ns);
        for clock in [clock, other] {
            assert!((stood_ns..stood_ns + LONG_NS).contains(&clock.now_ns()));
        }
    }
}
