//! Looking for a message for some microseconds before sleeping until it comes: to be woken costs several times what a
//! call does. Only while that pays: whoever looks in vain soon does so seldom, and the processor is offered to others at
//! each look. Where others take it for long, the machine is busy, and whoever sleeps comes to his turn sooner.

use std::time::{Duration, Instant};

/// How long is looked.
const LOOK: Duration = Duration::from_micros(40);
/// Who is away from the processor for so long was not the only one who wanted it.
const CROWDED: Duration = Duration::from_micros(500);
/// What is known at most of how well it went.
const MOST_CREDIT: u8 = 16;
/// A look in vain costs so many that were not.
const COST: u8 = 4;
/// Without credit, one time in so many is looked all the same: things may have changed.
const PROBE_EVERY: u16 = 64;
/// Each of those that was in vain, too, makes the next one rarer by this, down to the least.
const SELDOMER: u16 = 2;
/// So much rarer, where the machine was crowded: there each costs a turn at the processor.
const CROWDED_SELDOMER: u16 = 8;
const PROBE_SELDOM: u16 = 1 << 14;

/// So often it is looked in a turn, some hundred nanoseconds long.
const LOOKS_A_TURN: u32 = 64;

/// Looks again and again before the processor is offered to others.
pub fn turn<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    (0..LOOKS_A_TURN).find_map(|_| {
        std::hint::spin_loop();
        look()
    })
}

/// Whether looking has paid lately.
#[derive(Debug)]
pub struct SpinWait {
    credit: u8,
    rested: u16,
    probe_every: u16,
    /// The last time there was nothing at once: the first look is saved.
    yields_first: bool,
}

impl Default for SpinWait {
    fn default() -> Self {
        Self { credit: MOST_CREDIT, rested: 0, probe_every: PROBE_EVERY, yields_first: false }
    }
}

impl SpinWait {
    /// Calls `look` until it finds something, or it is time to sleep (`None`).
    pub fn poll<T>(&mut self, look: impl FnMut() -> Option<T>) -> Option<T> {
        self.poll_by(look, Instant::now)
    }

    /// The same by another clock.
    fn poll_by<T>(&mut self, mut look: impl FnMut() -> Option<T>, mut clock: impl FnMut() -> Instant) -> Option<T> {
        if self.credit == 0 {
            self.rested += 1;
            if self.rested < self.probe_every {
                return None;
            }
            self.rested = 0;
        }
        // What was there already says nothing about what looking is good for.
        if !self.yields_first
            && let Some(found) = look()
        {
            return Some(found);
        }
        self.yields_first = true;
        let mut now = clock();
        let until = now + LOOK;
        loop {
            // Whoever is to answer may be waiting for this very processor.
            std::thread::yield_now();
            let before = std::mem::replace(&mut now, clock());
            let found = look();
            if now.duration_since(before) > CROWDED {
                self.credit = 0;
                self.yields_first = false;
                self.probe_seldomer(CROWDED_SELDOMER);
                return found;
            }
            if found.is_some() {
                self.credit = (self.credit + 1).min(MOST_CREDIT);
                self.probe_every = (self.probe_every / CROWDED_SELDOMER).max(PROBE_EVERY);
                return found;
            }
            if now >= until {
                if self.credit == 0 {
                    self.probe_seldomer(SELDOMER);
                }
                self.credit = self.credit.saturating_sub(COST);
                self.yields_first = false;
                return None;
            }
        }
    }

    fn probe_seldomer(&mut self, times: u16) {
        self.probe_every = self.probe_every.saturating_mul(times).min(PROBE_SELDOM);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A clock that goes on by so much with each look at it.
    fn steps_of(step: Duration) -> impl FnMut() -> Instant {
        let mut now = Instant::now();
        move || {
            now += step;
            now
        }
    }

    /// How often it looks in so many waits for what never comes.
    fn looks_in_vain(spin_wait: &mut SpinWait, waits: u32) -> u32 {
        let (mut begun, mut clock) = (0, steps_of(LOOK / 10));
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
    fn whoever_looks_in_vain_soon_looks_seldom_and_ever_more_so() {
        let mut spin_wait = SpinWait::default();
        let first = looks_in_vain(&mut spin_wait, 200);
        assert!((1..=8).contains(&first), "{first}");
        let later = looks_in_vain(&mut spin_wait, 20_000);
        assert!((1..=10).contains(&later), "{later}");
    }

    #[test]
    fn whoever_finds_something_at_the_second_look_looks_again() {
        let mut spin_wait = SpinWait::default();
        looks_in_vain(&mut spin_wait, 200);
        let mut found = 0;
        let mut clock = steps_of(LOOK / 10);
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
    fn whoever_has_to_wait_for_the_processor_soon_looks_seldom() {
        let mut spin_wait = SpinWait::default();
        let mut clock = steps_of(CROWDED * 2);
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
        assert_eq!((spin_wait.credit, spin_wait.probe_every), (MOST_CREDIT, PROBE_EVERY));
    }
}
