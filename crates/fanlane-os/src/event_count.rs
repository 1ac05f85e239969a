//! Waiting for a change in shared memory, made by any process: an event count over a futex.
//!
//! A waiter reads the count, checks the condition it waits for, and waits for the count to change; a process that changes
//! something notifies. Every notification wakes every waiter, which checks again: a waiter that is killed cannot swallow a
//! wake-up meant for another. If a notifier is killed between its change and the wake-up, waiters check again within
//! a second.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::shared_memory::AtomicU32;
use crate::{backoff, clock, futex};

/// Two numbers in shared memory: the number of notifications, and whether a waiter sleeps.
#[derive(Debug, Clone, Copy)]
pub struct EventCount<'a> {
    notifications: &'a AtomicU32,
    sleepers: &'a AtomicU32,
}

/// How long a waiter sleeps at most before it checks again: a process that is killed before it notifies has made its change
/// and woken nothing.
const RECHECK_INTERVAL: Duration = Duration::from_secs(1);

impl<'a> EventCount<'a> {
    /// An event count in two numbers that were zero at first.
    pub const fn new(notifications: &'a AtomicU32, sleepers: &'a AtomicU32) -> Self {
        Self { notifications, sleepers }
    }

    /// The number of notifications so far. To be read before the condition that is waited for is checked.
    #[inline]
    pub fn count(self) -> u32 {
        self.notifications.load(Ordering::SeqCst)
    }

    /// Wakes all waiters.
    #[inline]
    pub fn notify(self) {
        // Before the new count is visible: a waiter that reads it may announce its sleep at once, and that has to stand.
        let had_sleepers = self.sleepers.swap(0, Ordering::SeqCst) != 0;
        self.notifications.fetch_add(1, Ordering::SeqCst);
        // A waiter announces its sleep before it sleeps; one that announces it later sees the new count and does not sleep.
        if had_sleepers || self.sleepers.load(Ordering::SeqCst) != 0 {
            futex::wake_all(self.notifications);
        }
    }

    /// Waits for a notification after `count` was read, or until `deadline`. Gives whether there was one; `true` may also be
    /// spurious.
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
            || futex::sleep(self.notifications, count, left.min(RECHECK_INTERVAL))
            || left > RECHECK_INTERVAL
            || self.count() != count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notification_after_the_count_was_read_is_never_missed() {
        let (notifications, sleepers, hits) = (AtomicU32::new(0), AtomicU32::new(0), AtomicU32::new(0));
        let event_count = EventCount::new(&notifications, &sleepers);
        const ROUNDS: u32 = 2_000;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for round in 1..=ROUNDS {
                    hits.store(round, Ordering::SeqCst);
                    event_count.notify();
                    // The other thread answers, so they wait for each other in turns.
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
        let (notifications, sleepers) = (AtomicU32::new(0), AtomicU32::new(0));
        let event_count = EventCount::new(&notifications, &sleepers);
        assert!(!event_count.wait(event_count.count(), clock::deadline_after(Duration::from_millis(1))));
        assert!(!event_count.wait(event_count.count(), clock::deadline_after(Duration::ZERO)));
        assert!(event_count.wait(event_count.count().wrapping_sub(1), clock::deadline_after(Duration::ZERO)));
    }
}
