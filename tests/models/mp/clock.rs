//! Time that passes when the model says so, and the same in each execution.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::processes;

pub fn now() -> Instant {
    static BEGIN: OnceLock<Instant> = OnceLock::new();
    *BEGIN.get_or_init(Instant::now) + processes::time_passed()
}

pub fn pass(time: Duration) {
    processes::let_time_pass(time);
}
