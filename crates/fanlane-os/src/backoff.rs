//! Spinning on a condition for some microseconds before sleeping; the time adapts to whether it succeeds.

use std::cell::Cell;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The order of what sleeping and waking costs: so much may be spent to avoid it.
const MAX_SPIN: Duration = Duration::from_micros(40);
const MIN_SPIN: Duration = Duration::from_micros(1);

thread_local! {
    /// Doubles with each success and halves with each failure.
    static SPIN: Cell<Duration> = const { Cell::new(Duration::from_micros(20)) };
}

/// Checks for a while whether the condition holds.
pub fn until(condition: impl Fn() -> bool) -> bool {
    if !can_pay() {
        return condition();
    }
    const CHECKS_PER_TURN: u32 = 16;
    let limit = SPIN.get();
    let begun = Instant::now();
    loop {
        for _ in 0..CHECKS_PER_TURN {
            if condition() {
                SPIN.set((limit * 2).min(MAX_SPIN));
                return true;
            }
            std::hint::spin_loop();
        }
        if begun.elapsed() >= limit {
            SPIN.set((limit / 2).max(MIN_SPIN));
            return false;
        }
    }
}

/// With one processor, the thread that could make it true waits for this one to stop spinning.
fn can_pay() -> bool {
    static CAN: OnceLock<bool> = OnceLock::new();
    *CAN.get_or_init(|| std::thread::available_parallelism().is_ok_and(|count| count.get() > 1))
}
