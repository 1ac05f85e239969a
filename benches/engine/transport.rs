//! How long runs take whose calls return large results, by each way that results can come.

use std::time::Duration;

use crate::{run_as_library, say, table};

/// The results of a run come to so much together, and all are kept.
const ALL_BYTES: usize = 256 << 20;

pub fn measure(rounds: usize) {
    for bytes in [64 << 10, 1 << 20, 16 << 20] {
        let count = ALL_BYTES / bytes;
        say(&format!("\n{count} results of {} KiB, pool of 2, each kept; medians of {rounds} rounds", bytes >> 10));
        let mut pipe = || run("pipe", bytes, count);
        let mut shared_memory = || run("shared_memory", bytes, count);
        table(rounds, count as u64, &mut [("through the pipe", &mut pipe), ("in shared memory", &mut shared_memory)]);
    }
}

fn run(transport: &str, bytes: usize, count: usize) -> Duration {
    let inputs = vec![format!("\"{bytes}\""); count].join(", ");
    let ran = run_as_library(&format!(
        "Job(version: 1, task: Workload(name: \"make_bytes\"), inputs: [List([{inputs}])], transport: {transport})"
    ));
    assert_eq!(ran.records.len(), count);
    ran.wall
}
