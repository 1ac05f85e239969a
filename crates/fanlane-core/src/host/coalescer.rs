//! Rests between what keeps coming: a thread that woke for each piece would take the cores from the tasks by its waking
//! alone. What comes alone is passed on at once, and what comes with a few others nearly so.

use std::time::{Duration, Instant};

/// The first rest.
const MIN_PAUSE: Duration = Duration::from_millis(1);
/// The longest: two of them, one behind the other, are over before anybody sees them.
const MAX_PAUSE: Duration = Duration::from_millis(20);

/// Says how long to rest.
#[derive(Debug)]
pub(super) struct Coalescer {
    next: Duration,
    rested: Instant,
}

impl Coalescer {
    pub(super) fn new() -> Self {
        Self { next: MIN_PAUSE, rested: Instant::now() }
    }

    /// Rests after a piece was passed on, if it came soon after the one before.
    pub(super) fn pause(&mut self) {
        if let Some(rest) = self.due(self.rested.elapsed()) {
            std::thread::sleep(rest);
        }
        self.rested = Instant::now();
    }

    /// How long to rest after a piece that came so long after the last rest.
    fn due(&mut self, since: Duration) -> Option<Duration> {
        if since >= MAX_PAUSE {
            self.next = MIN_PAUSE;
            return None;
        }
        let rest = self.next;
        self.next = (2 * rest).min(MAX_PAUSE);
        Some(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests_grow_while_something_keeps_coming_and_begin_anew_after_a_pause() {
        let mut coalescer = Coalescer::new();
        let soon = Duration::from_micros(10);
        let rests: Vec<_> = (0..8).map(|_| coalescer.due(soon).map_or(0, |rest| rest.as_millis())).collect();
        assert_eq!(rests, [1, 2, 4, 8, 16, 20, 20, 20]);
        assert_eq!(coalescer.due(MAX_PAUSE), None);
        assert_eq!(coalescer.due(soon), Some(MIN_PAUSE));
    }
}
