//! Looking for a message for some microseconds before sleeping until it comes: to be woken costs several times what a
//! call does. Only while that pays: whoever looks in vain soon does so seldom, and the processor is offered to others at
//! each look.

use std::time::{Duration, Instant};

/// How long is looked.
const LOOK: Duration = Duration::from_micros(40);
/// What is known at most of how well it went.
const MOST_CREDIT: u8 = 16;
/// A look in vain costs so many that were not.
const COST: u8 = 4;
/// Without credit, one time in so many is looked all the same: things may have changed.
const PROBE_EVERY: u8 = 64;

/// Whether looking has paid lately.
#[derive(Debug)]
pub(super) struct Eagerness {
    credit: u8,
    rested: u8,
}

impl Default for Eagerness {
    fn default() -> Self {
        Self { credit: MOST_CREDIT, rested: 0 }
    }
}

impl Eagerness {
    /// Calls `look` until it finds something, or it is time to sleep (`None`).
    pub(super) fn look<T>(&mut self, mut look: impl FnMut() -> Option<T>) -> Option<T> {
        if self.credit == 0 {
            self.rested += 1;
            if self.rested < PROBE_EVERY {
                return None;
            }
            self.rested = 0;
        }
        let until = Instant::now() + LOOK;
        loop {
            if let Some(found) = look() {
                self.credit = (self.credit + 1).min(MOST_CREDIT);
                return Some(found);
            }
            // Whoever is to answer may be waiting for this very processor.
            std::thread::yield_now();
            if Instant::now() >= until {
                self.credit = self.credit.saturating_sub(COST);
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_looks_in_vain_soon_looks_seldom_and_learns_again() {
        let mut eager = Eagerness::default();
        let mut looks = 0;
        for _ in 0..200 {
            let _ = eager.look(|| {
                looks += 1;
                None::<()>
            });
        }
        let in_vain = looks;
        let mut calls = 0;
        for _ in 0..=u32::from(PROBE_EVERY) * 2 {
            calls += u32::from(eager.look(|| Some(())).is_some());
        }
        assert!(calls >= u32::from(PROBE_EVERY), "{calls}");
        assert!(in_vain > 0);
        assert_eq!(eager.look(|| Some(7)), Some(7));
    }
}
