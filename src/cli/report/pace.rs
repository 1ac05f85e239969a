//! How a consumer of events waits for the next one: under a steady stream each would wake its thread, at the tasks' expense.

use std::time::Duration;

/// Pause under a steady stream of events, so that several are taken per wake-up.
const STEADY_INTERVAL: Duration = Duration::from_millis(4);
/// Number of events at shorter intervals that make a steady stream.
const STEADY_EVENTS: u32 = 16;

/// How long a consumer waited for the last events.
#[derive(Debug, Default)]
pub struct Pace {
    short_waits: u32,
}

impl Pace {
    /// Sleeps for a moment if events come in a steady stream; returns whether it did. `is_idle` is asked afterwards.
    pub fn rest(&mut self, is_idle: impl FnOnce() -> bool) -> bool {
        if self.short_waits < STEADY_EVENTS {
            return false;
        }
        std::thread::sleep(STEADY_INTERVAL);
        self.short_waits -= if is_idle() { STEADY_EVENTS / 4 } else { 0 };
        true
    }

    /// Notes how long was waited for an event.
    pub const fn waited(&mut self, time: Duration) {
        self.short_waits = if time.as_nanos() < STEADY_INTERVAL.as_nanos() { self.short_waits + 1 } else { 0 };
    }
}
