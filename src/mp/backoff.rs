//! Looking again and again for some microseconds before sleeping, as long as that pays: sleeping and waking cost more.

use std::cell::Cell;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Sleeping and waking costs some microseconds; so much may be spent on not having to.
const SPIN_MOST: Duration = Duration::from_micros(40);
const SPIN_LEAST: Duration = Duration::from_micros(1);

thread_local! {
    /// Grows while spinning pays and shrinks while it does not.
    static SPIN: Cell<Duration> = const { Cell::new(Duration::from_micros(20)) };
}

/// Looks for a while whether it is so.
pub fn until(is_so: impl Fn() -> bool) -> bool {
    if !can_pay() {
        return is_so();
    }
    const LOOKS_A_TURN: u32 = 16;
    let most = SPIN.get();
    let begun = Instant::now();
    loop {
        for _ in 0..LOOKS_A_TURN {
            if is_so() {
                SPIN.set((most * 2).min(SPIN_MOST));
                return true;
            }
            std::hint::spin_loop();
        }
        if begun.elapsed() >= most {
            SPIN.set((most / 2).max(SPIN_LEAST));
            return false;
        }
    }
}

/// With one processor, whoever could make it so waits for us to stop spinning.
fn can_pay() -> bool {
    static CAN: OnceLock<bool> = OnceLock::new();
    *CAN.get_or_init(|| std::thread::available_parallelism().is_ok_and(|count| count.get() > 1))
}
