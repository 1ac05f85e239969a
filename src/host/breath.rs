//! Rests between what keeps coming: a thread that woke for each piece would take the cores from the tasks by its waking
//! alone. What comes alone is passed on at once, and what comes with a few others nearly so.

use std::time::{Duration, Instant};

/// The first rest.
const FIRST: Duration = Duration::from_millis(1);
/// The longest: two of them, one behind the other, are over before anybody sees them.
const LONGEST: Duration = Duration::from_millis(20);

/// Says how long to rest.
#[derive(Debug)]
pub(super) struct Breath {
    next: Duration,
    rested: Instant,
}

impl Breath {
    pub(super) fn new() -> Self {
        Self { next: FIRST, rested: Instant::now() }
    }

    /// Rests after a piece was passed on, if it came soon after the one before.
    pub(super) fn draw(&mut self) {
        if let Some(rest) = self.due(self.rested.elapsed()) {
            std::thread::sleep(rest);
        }
        self.rested = Instant::now();
    }

    /// How long to rest after a piece that came so long after the last rest.
    fn due(&mut self, since: Duration) -> Option<Duration> {
        if since >= LONGEST {
            self.next = FIRST;
            return None;
        }
        let rest = self.next;
        self.next = (2 * rest).min(LONGEST);
        Some(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests_grow_while_something_keeps_coming_and_begin_anew_after_a_pause() {
        let mut breath = Breath::new();
        let soon = Duration::from_micros(10);
        let rests: Vec<_> = (0..8).map(|_| breath.due(soon).map_or(0, |rest| rest.as_millis())).collect();
        assert_eq!(rests, [1, 2, 4, 8, 16, 20, 20, 20]);
        assert_eq!(breath.due(LONGEST), None);
        assert_eq!(breath.due(soon), Some(FIRST));
    }
}
