//! What the benches share: medians, the CPU time of this process, and lines of output.

#![allow(dead_code, reason = "each bench uses its own part")]

use std::io::Write;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The middle one; of an even number the greater of the two in the middle.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

/// CPU time of this process.
pub fn own_cpu() -> Duration {
    cpu_of(ClockId::ProcessCPUTime)
}

/// CPU time of this thread.
pub fn thread_cpu() -> Duration {
    cpu_of(ClockId::ThreadCPUTime)
}

fn cpu_of(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).expect("below a second"))
}

/// A line of the results.
pub fn say(line: &str) {
    // The reader has closed the pipe.
    let _ = writeln!(std::io::stdout(), "{line}");
}
