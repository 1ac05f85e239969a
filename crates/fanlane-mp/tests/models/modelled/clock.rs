//! Time that passes only when the model says so, the same in each execution.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::orders::processes;

pub fn now() -> Instant {
    static BEGIN: OnceLock<Instant> = OnceLock::new();
    *BEGIN.get_or_init(Instant::now) + processes::time_passed()
}

pub fn deadline_after(timeout: Duration) -> Option<Instant> {
    now().checked_add(timeout)
}

pub fn pass(time: Duration) {
    processes::let_time_pass(time);
}
