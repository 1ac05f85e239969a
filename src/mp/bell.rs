//! Waiting for something to happen in shared memory, in whichever process it does.
//!
//! Who waits notes the bell's count, looks whether there is something to wait for, and waits for the count to change;
//! who changes something rings. Every waiter is woken by every ring and looks again: a waiter that is killed on its way
//! cannot swallow what was meant for another.

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::thread::futex;
use rustix::time::Timespec;

/// Two numbers in shared memory: how often it rang, and whether anybody sleeps.
#[derive(Debug, Clone, Copy)]
pub struct Bell<'a> {
    rings: &'a AtomicU32,
    sleepers: &'a AtomicU32,
}

/// Sleeping and waking costs some microseconds; so much may be spent on not having to.
const SPIN_MOST: Duration = Duration::from_micros(40);
const SPIN_LEAST: Duration = Duration::from_micros(1);

thread_local! {
    /// Grows while spinning pays and shrinks while it does not.
    static SPIN: Cell<Duration> = const { Cell::new(Duration::from_micros(20)) };
}

impl<'a> Bell<'a> {
    /// A bell in two numbers that were zero once.
    pub const fn new(rings: &'a AtomicU32, sleepers: &'a AtomicU32) -> Self {
        Self { rings, sleepers }
    }

    /// How often it rang; to be noted before looking whether there is something to wait for.
    pub fn count(self) -> u32 {
        self.rings.load(Ordering::SeqCst)
    }

    /// Wakes all who wait.
    pub fn ring(self) {
        self.rings.fetch_add(1, Ordering::SeqCst);
        // A sleeper says so before it sleeps; one that says so later sees the new count and does not sleep.
        if self.sleepers.swap(0, Ordering::SeqCst) != 0 {
            let _ = futex::wake(self.rings, futex::Flags::empty(), u32::MAX >> 1);
        }
    }

    /// Waits until it has rung since `count` was noted, or until `deadline`. Says whether it rang; it may say so without.
    pub fn wait(self, count: u32, deadline: Option<Instant>) -> bool {
        if self.spin(count) {
            return true;
        }
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return self.count() != count;
            }
            self.sleepers.store(1, Ordering::SeqCst);
            if self.count() != count {
                return true;
            }
            let left = left.map(as_timespec);
            match futex::wait(self.rings, futex::Flags::empty(), count, left.as_ref()) {
                Err(rustix::io::Errno::TIMEDOUT) => {}
                _ => return true,
            }
        }
    }

    fn spin(self, count: u32) -> bool {
        if !spinning_can_pay() {
            return self.count() != count;
        }
        const LOOKS_A_TURN: u32 = 16;
        let most = SPIN.get();
        let begun = Instant::now();
        loop {
            for _ in 0..LOOKS_A_TURN {
                if self.count() != count {
                    SPIN.set((most * 2).min(SPIN_MOST));
                    return true;
                }
                std::hint::spin_loop();
            }
            if begun.elapsed() >= most {
                SPIN.set((most / 2).max(SPIN_LEAST));
                return false;
            }
        }
    }
}

/// With one processor, whoever could ring waits for us to stop spinning.
fn spinning_can_pay() -> bool {
    static CAN: OnceLock<bool> = OnceLock::new();
    *CAN.get_or_init(|| std::thread::available_parallelism().is_ok_and(|count| count.get() > 1))
}

/// A duration as the system wants it; one that no clock can hold becomes the longest that it can.
pub fn as_timespec(duration: Duration) -> Timespec {
    Timespec { tv_sec: duration.as_secs().try_into().unwrap_or(i64::MAX), tv_nsec: duration.subsec_nanos().into() }
}

/// `timeout` from now; `None`, which is no deadline, where no clock can hold it.
pub fn deadline_after(timeout: Duration) -> Option<Instant> {
    Instant::now().checked_add(timeout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_after_the_count_was_noted_is_never_missed() {
        let (rings, sleepers, hits) = (AtomicU32::new(0), AtomicU32::new(0), AtomicU32::new(0));
        let bell = Bell::new(&rings, &sleepers);
        const ROUNDS: u32 = 2_000;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for round in 1..=ROUNDS {
                    hits.store(round, Ordering::SeqCst);
                    bell.ring();
                    // The other answers, so each waits for the other in turns.
                    loop {
                        let count = bell.count();
                        if hits.load(Ordering::SeqCst) == 0 {
                            break;
                        }
                        bell.wait(count, None);
                    }
                }
            });
            for round in 1..=ROUNDS {
                loop {
                    let count = bell.count();
                    if hits.load(Ordering::SeqCst) == round {
                        break;
                    }
                    bell.wait(count, None);
                }
                hits.store(0, Ordering::SeqCst);
                bell.ring();
            }
        });
    }

    #[test]
    fn waiting_ends_at_the_deadline() {
        let (rings, sleepers) = (AtomicU32::new(0), AtomicU32::new(0));
        let bell = Bell::new(&rings, &sleepers);
        assert!(!bell.wait(bell.count(), deadline_after(Duration::from_millis(1))));
        assert!(!bell.wait(bell.count(), deadline_after(Duration::ZERO)));
        assert!(bell.wait(bell.count().wrapping_sub(1), deadline_after(Duration::ZERO)));
    }
}
