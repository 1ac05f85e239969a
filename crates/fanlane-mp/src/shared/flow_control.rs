//! How far the writer of large results gets ahead of their readers. What lies in the processor's caches is written and read
//! several times as fast as what does not, so a worker that is some megabytes ahead waits for its readers: for a while, since
//! they may well keep what they have.

use std::time::{Duration, Instant};

/// Maximum size of the values that readers hold before the writer waits.
pub const MAX_AHEAD_BYTES: usize = 8 << 20;
/// Minimum number of values held by readers before the writer waits: one is written while another is read.
pub const MIN_HELD: usize = 2;

/// Maximum time to wait for the readers of one value.
const WAIT_TIMEOUT: Duration = Duration::from_millis(5);
/// Time during which the writer yields between checks, since waking it would mostly take longer than the readers do.
/// Afterwards it sleeps between checks.
const YIELD_TIME: Duration = Duration::from_micros(200);
/// Number of values written without a check after a wait that timed out; doubled by each further timeout, up to the maximum.
const MIN_UNCHECKED: u32 = 16;
const MAX_UNCHECKED: u32 = 1 << 12;

/// What recent waits have shown about the readers.
#[derive(Debug, Clone, Copy, Default)]
pub struct FlowControl {
    /// Number of values still to be written without a check.
    left: u32,
    /// Number of values written without a check after the last timeout.
    unchecked: u32,
}

impl FlowControl {
    /// Waits while readers hold too much, unless they recently kept what they had.
    pub fn wait(&mut self, is_ahead: impl FnMut() -> bool) {
        let begun = Instant::now();
        self.wait_with(is_ahead, || {
            let since = begun.elapsed();
            if since < YIELD_TIME {
                std::thread::yield_now();
            } else if since < WAIT_TIMEOUT {
                std::thread::sleep(YIELD_TIME / 2);
            }
            since < WAIT_TIMEOUT
        });
    }

    /// Waits with the pauses of `pause`, which returns `false` when the time is over.
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
                self.unchecked = (self.unchecked * 2).clamp(MIN_UNCHECKED, MAX_UNCHECKED);
                self.left = self.unchecked;
                return;
            }
        }
        self.unchecked = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Number of pauses before each of `values` values, whose readers release them after `until_free` pauses.
    fn pauses(flow_control: &mut FlowControl, values: u32, until_free: u32) -> Vec<u32> {
        const MAX_PAUSES: u32 = 10;
        let one = |_| {
            let paused = std::cell::Cell::new(0);
            let pause = || {
                paused.set(paused.get() + 1);
                paused.get() < MAX_PAUSES
            };
            flow_control.wait_with(|| paused.get() < until_free, pause);
            paused.get()
        };
        (0..values).map(one).collect()
    }

    #[test]
    fn the_writer_waits_while_readers_release_values() {
        let mut flow_control = FlowControl::default();
        assert_eq!(pauses(&mut flow_control, 3, 0), [0; 3]);
        assert_eq!(pauses(&mut flow_control, 3, 4), [4; 3]);
    }

    #[test]
    fn readers_that_keep_values_are_waited_for_less_and_less_often() {
        let mut flow_control = FlowControl::default();
        let waited = pauses(&mut flow_control, 100_000, u32::MAX).into_iter().filter(|pauses| *pauses > 0).count();
        assert!((12..40).contains(&waited), "{waited} times");
        // Readers that release values again are noticed, and then waited for as before.
        let again = pauses(&mut flow_control, MAX_UNCHECKED + 2, 4);
        assert_eq!(again[MAX_UNCHECKED as usize + 1], 4);
        assert_eq!(pauses(&mut flow_control, 2, u32::MAX), [10, 0]);
        assert_eq!(pauses(&mut flow_control, MIN_UNCHECKED, 4).last(), Some(&4));
    }
}
