//! Pauses between items of a steady stream, so that they are handled together: waking a thread for each item would cost
//! CPU time that the tasks need. A single item is passed on at once, a few nearly so.

use std::time::{Duration, Instant};

/// The first pause.
const MIN_PAUSE: Duration = Duration::from_millis(1);
/// The longest pause: two of them in succession are still unnoticeable.
const MAX_PAUSE: Duration = Duration::from_millis(20);

/// Determines the pauses of a thread.
#[derive(Debug)]
pub(super) struct Coalescer {
    next: Duration,
    paused: Instant,
}

impl Coalescer {
    pub(super) fn new() -> Self {
        Self { next: MIN_PAUSE, paused: Instant::now() }
    }

    /// Pauses after an item was passed on, if it came soon after the previous one.
    pub(super) fn pause(&mut self) {
        if let Some(pause) = self.due(self.paused.elapsed()) {
            std::thread::sleep(pause);
        }
        self.paused = Instant::now();
    }

    /// The pause after an item that came `since` after the last pause.
    fn due(&mut self, since: Duration) -> Option<Duration> {
        if since >= MAX_PAUSE {
            self.next = MIN_PAUSE;
            return None;
        }
        let pause = self.next;
        self.next = (2 * pause).min(MAX_PAUSE);
        Some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_under_a_steady_stream_and_start_over_after_a_gap() {
        let mut coalescer = Coalescer::new();
        let soon = Duration::from_micros(10);
        let pauses: Vec<_> = (0..8).map(|_| coalescer.due(soon).map_or(0, |pause| pause.as_millis())).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 20, 20, 20]);
        assert_eq!(coalescer.due(MAX_PAUSE), None);
        assert_eq!(coalescer.due(soon), Some(MIN_PAUSE));
    }
}
