//! How far the writer of large results gets ahead of their readers. What lies in the processor's caches is written and read
//! several times as fast as what does not, so a worker that is some megabytes ahead waits for its readers: for a while, since
//! they may well keep what they have.

use std::time::{Duration, Instant};

/// So much may be with readers.
pub const AHEAD_BYTES: usize = 8 << 20;
/// While readers have fewer values, there is always another: one is written as another is read.
pub const FEWEST_HELD: usize = 2;

/// So long is waited for them.
const PATIENCE: Duration = Duration::from_millis(5);
/// Until then it is looked again and again, since to be woken would take longer than they mostly do; then now and then.
const YIELDS: Duration = Duration::from_micros(200);
/// So many values are written without a look after one wait in vain, and twice as many after each other, up to the most.
const LEAST_REST: u32 = 16;
const MOST_REST: u32 = 1 << 12;

/// What is known of the readers' habits.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nearness {
    /// So many values are still to be written without a look.
    left: u32,
    /// How many that was the last time.
    rested: u32,
}

impl Nearness {
    /// Waits while readers have too much, as far as they have let go of it lately.
    pub fn wait(&mut self, is_ahead: impl FnMut() -> bool) {
        let begun = Instant::now();
        self.wait_with(is_ahead, || {
            let since = begun.elapsed();
            if since < YIELDS {
                std::thread::yield_now();
            } else if since < PATIENCE {
                std::thread::sleep(YIELDS / 2);
            }
            since < PATIENCE
        });
    }

    /// The same with other pauses; `false`: that was long enough.
    fn wait_with(&mut self, mut is_ahead: impl FnMut() -> bool, mut pause: impl FnMut() -> bool) {
        if !is_ahead() {
            return;
        }
        if self.left > 0 {
            self.left -= 1;
            return;
        }
        while is_ahead() {
            if !pause() {
                self.rested = (self.rested * 2).clamp(LEAST_REST, MOST_REST);
                self.left = self.rested;
                return;
            }
        }
        self.rested = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often is paused for each of some values, whose readers let go after so many pauses.
    fn pauses(nearness: &mut Nearness, values: u32, until_free: u32) -> Vec<u32> {
        const MOST: u32 = 10;
        let one = |_| {
            let paused = std::cell::Cell::new(0);
            let pause = || {
                paused.set(paused.get() + 1);
                paused.get() < MOST
            };
            nearness.wait_with(|| paused.get() < until_free, pause);
            paused.get()
        };
        (0..values).map(one).collect()
    }

    #[test]
    fn readers_are_waited_for_as_long_as_they_let_go() {
        let mut nearness = Nearness::default();
        assert_eq!(pauses(&mut nearness, 3, 0), [0; 3]);
        assert_eq!(pauses(&mut nearness, 3, 4), [4; 3]);
    }

    #[test]
    fn who_keeps_all_is_waited_for_ever_more_seldom() {
        let mut nearness = Nearness::default();
        let waited = pauses(&mut nearness, 100_000, u32::MAX).into_iter().filter(|pauses| *pauses > 0).count();
        assert!((12..40).contains(&waited), "{waited} times");
        // Who lets go again is found out, and then waited for as before.
        let again = pauses(&mut nearness, MOST_REST + 2, 4);
        assert_eq!(again[MOST_REST as usize + 1], 4);
        assert_eq!(pauses(&mut nearness, 2, u32::MAX), [10, 0]);
        assert_eq!(pauses(&mut nearness, LEAST_REST, 4).last(), Some(&4));
    }
}
