//! Adaptive spinning: polling for a message for some microseconds before sleeping until it comes, since a wake-up costs
//! several times what a call does. It adapts to its success: after polls in vain it soon polls rarely, and it yields the
//! processor between polls. When a yield takes long, the machine is busy, and a sleeping thread gets its turn sooner.

use std::time::{Duration, Instant};

/// How long one wait polls.
const SPIN_TIMEOUT: Duration = Duration::from_micros(40);
/// A yield that takes longer than this means that other threads wait for the processor.
const CROWDED_YIELD: Duration = Duration::from_micros(500);
/// Maximum credit earned by successful polling.
const MAX_CREDIT: u8 = 16;
/// The credit that one wait in vain costs, in successful waits.
const FAILURE_COST: u8 = 4;
/// Without credit, one wait in this many polls all the same: conditions may have changed.
const MIN_PROBE_INTERVAL: u16 = 64;
/// Factor by which a probe in vain lengthens the interval to the next one, up to [`MAX_PROBE_INTERVAL`].
const PROBE_BACKOFF: u16 = 2;
/// The factor on a busy machine, where each probe costs a turn at the processor.
const CROWDED_PROBE_BACKOFF: u16 = 8;
const MAX_PROBE_INTERVAL: u16 = 1 << 14;

/// Number of polls in one burst, which takes some hundred nanoseconds.
const POLLS_PER_BURST: u32 = 64;

/// Polls in a tight loop, without yielding the processor.
pub fn burst<T>(mut poll: impl FnMut() -> Option<T>) -> Option<T> {
    (0..POLLS_PER_BURST).find_map(|_| {
        std::hint::spin_loop();
        poll()
    })
}

/// Whether polling has succeeded lately, for one place that waits.
#[derive(Debug)]
pub struct SpinWait {
    credit: u8,
    waits_since_probe: u16,
    probe_interval: u16,
    /// The last wait found nothing at once: the first poll is saved.
    yields_first: bool,
}

impl Default for SpinWait {
    fn default() -> Self {
        Self { credit: MAX_CREDIT, waits_since_probe: 0, probe_interval: MIN_PROBE_INTERVAL, yields_first: false }
    }
}

impl SpinWait {
    /// Calls `poll` until it gives something; `None` when it is time to sleep.
    pub fn poll<T>(&mut self, poll: impl FnMut() -> Option<T>) -> Option<T> {
        self.poll_by(poll, Instant::now)
    }

    /// The same by another clock.
    fn poll_by<T>(&mut self, mut poll: impl FnMut() -> Option<T>, mut clock: impl FnMut() -> Instant) -> Option<T> {
        if self.credit == 0 {
            self.waits_since_probe += 1;
            if self.waits_since_probe < self.probe_interval {
                return None;
            }
            self.waits_since_probe = 0;
        }
        // Something that was there already says nothing about the use of polling.
        if !self.yields_first
            && let Some(found) = poll()
        {
            return Some(found);
        }
        self.yields_first = true;
        let mut now = clock();
        let until = now + SPIN_TIMEOUT;
        loop {
            // The thread that is to answer may be waiting for this very processor.
            std::thread::yield_now();
            let before = std::mem::replace(&mut now, clock());
            let found = poll();
            if now.duration_since(before) > CROWDED_YIELD {
                self.credit = 0;
                self.yields_first = false;
                self.lengthen_probe_interval(CROWDED_PROBE_BACKOFF);
                return found;
            }
            if found.is_some() {
                self.credit = (self.credit + 1).min(MAX_CREDIT);
                self.probe_interval = (self.probe_interval / CROWDED_PROBE_BACKOFF).max(MIN_PROBE_INTERVAL);
                return found;
            }
            if now >= until {
                if self.credit == 0 {
                    self.lengthen_probe_interval(PROBE_BACKOFF);
                }
                self.credit = self.credit.saturating_sub(FAILURE_COST);
                self.yields_first = false;
                return None;
            }
        }
    }

    fn lengthen_probe_interval(&mut self, factor: u16) {
        self.probe_interval = self.probe_interval.saturating_mul(factor).min(MAX_PROBE_INTERVAL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A clock that advances by `step` with each reading.
    fn steps_of(step: Duration) -> impl FnMut() -> Instant {
        let mut now = Instant::now();
        move || {
            now += step;
            now
        }
    }

    /// In how many of `waits` waits for something that never comes it polls.
    fn polls_in_vain(spin_wait: &mut SpinWait, waits: u32) -> u32 {
        let (mut begun, mut clock) = (0, steps_of(SPIN_TIMEOUT / 10));
        for _ in 0..waits {
            let mut first = true;
            let nothing = || {
                begun += u32::from(std::mem::take(&mut first));
                None::<()>
            };
            assert_eq!(spin_wait.poll_by(nothing, &mut clock), None);
        }
        begun
    }

    #[test]
    fn after_polls_in_vain_it_polls_ever_more_rarely() {
        let mut spin_wait = SpinWait::default();
        let first = polls_in_vain(&mut spin_wait, 200);
        assert!((1..=8).contains(&first), "{first}");
        let later = polls_in_vain(&mut spin_wait, 20_000);
        assert!((1..=10).contains(&later), "{later}");
    }

    #[test]
    fn success_at_the_second_poll_keeps_it_polling() {
        let mut spin_wait = SpinWait::default();
        polls_in_vain(&mut spin_wait, 200);
        let mut found = 0;
        let mut clock = steps_of(SPIN_TIMEOUT / 10);
        for _ in 0..20_000 {
            let mut looks = 0;
            let second = || {
                looks += 1;
                (looks == 2).then_some(())
            };
            found += u32::from(spin_wait.poll_by(second, &mut clock).is_some());
        }
        assert!(found > 10_000, "it has found {found}");
    }

    #[test]
    fn on_a_busy_machine_it_soon_polls_rarely() {
        let mut spin_wait = SpinWait::default();
        let mut clock = steps_of(CROWDED_YIELD * 2);
        let mut looks = 0;
        for _ in 0..20_000 {
            let mut first = true;
            let second = || {
                looks += u32::from(first);
                (!std::mem::take(&mut first)).then_some(())
            };
            spin_wait.poll_by(second, &mut clock);
        }
        assert!((1..=10).contains(&looks), "{looks}");
    }

    #[test]
    fn what_is_there_at_once_is_taken_and_changes_nothing() {
        let mut spin_wait = SpinWait::default();
        assert_eq!(spin_wait.poll(|| Some(7)), Some(7));
        assert_eq!((spin_wait.credit, spin_wait.probe_interval), (MAX_CREDIT, MIN_PROBE_INTERVAL));
    }
}
