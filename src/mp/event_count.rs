//! Waiting for something to happen in shared memory, in whichever process it does.
//!
//! Who waits notes its count, looks whether there is something to wait for, and waits for the count to change;
//! who changes something rings. Every waiter is woken by every ring and looks again: a waiter that is killed on its way
//! cannot swallow what was meant for another. Where whoever rings is killed on its way, those who wait look again within
//! a second.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::mp::memory::AtomicU32;
use crate::mp::{backoff, clock, futex};

/// Two numbers in shared memory: how often it rang, and whether anybody sleeps.
#[derive(Debug, Clone, Copy)]
pub struct EventCount<'a> {
    rings: &'a AtomicU32,
    sleepers: &'a AtomicU32,
}

/// One who is killed on its way to ring has changed what others wait for and woken nobody. So whoever sleeps looks again
/// now and then.
const LOOK_EVERY: Duration = Duration::from_secs(1);

impl<'a> EventCount<'a> {
    /// An event count in two numbers that were zero once.
    pub const fn new(rings: &'a AtomicU32, sleepers: &'a AtomicU32) -> Self {
        Self { rings, sleepers }
    }

    /// How often it rang; to be noted before looking whether there is something to wait for.
    pub fn count(self) -> u32 {
        self.rings.load(Ordering::SeqCst)
    }

    /// Wakes all who wait.
    pub fn notify(self) {
        // Before the new count is there: whoever notes that may say that it sleeps at once, and that has to stand.
        let somebody_slept = self.sleepers.swap(0, Ordering::SeqCst) != 0;
        self.rings.fetch_add(1, Ordering::SeqCst);
        // A sleeper says so before it sleeps; one that says so later sees the new count and does not sleep.
        if somebody_slept || self.sleepers.load(Ordering::SeqCst) != 0 {
            futex::wake_all(self.rings);
        }
    }

    /// Waits until it has rung since `count` was noted, or until `deadline`. Says whether it rang; it may say so without.
    pub fn wait(self, count: u32, deadline: Option<Instant>) -> bool {
        if backoff::until(|| self.count() != count) {
            return true;
        }
        let left = deadline.map_or(Duration::MAX, |deadline| deadline.saturating_duration_since(clock::now()));
        if left.is_zero() {
            return self.count() != count;
        }
        self.sleepers.store(1, Ordering::SeqCst);
        self.count() != count
            || futex::sleep(self.rings, count, left.min(LOOK_EVERY))
            || left > LOOK_EVERY
            || self.count() != count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_after_the_count_was_noted_is_never_missed() {
        let (rings, sleepers, hits) = (AtomicU32::new(0), AtomicU32::new(0), AtomicU32::new(0));
        let event_count = EventCount::new(&rings, &sleepers);
        const ROUNDS: u32 = 2_000;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for round in 1..=ROUNDS {
                    hits.store(round, Ordering::SeqCst);
                    event_count.notify();
                    // The other answers, so each waits for the other in turns.
                    loop {
                        let count = event_count.count();
                        if hits.load(Ordering::SeqCst) == 0 {
                            break;
                        }
                        event_count.wait(count, None);
                    }
                }
            });
            for round in 1..=ROUNDS {
                loop {
                    let count = event_count.count();
                    if hits.load(Ordering::SeqCst) == round {
                        break;
                    }
                    event_count.wait(count, None);
                }
                hits.store(0, Ordering::SeqCst);
                event_count.notify();
            }
        });
    }

    #[test]
    fn waiting_ends_at_the_deadline() {
        let (rings, sleepers) = (AtomicU32::new(0), AtomicU32::new(0));
        let event_count = EventCount::new(&rings, &sleepers);
        assert!(!event_count.wait(event_count.count(), clock::deadline_after(Duration::from_millis(1))));
        assert!(!event_count.wait(event_count.count(), clock::deadline_after(Duration::ZERO)));
        assert!(event_count.wait(event_count.count().wrapping_sub(1), clock::deadline_after(Duration::ZERO)));
    }
}
