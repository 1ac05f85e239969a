//! How long runs take whose calls return large results, by each way that results can come.

use std::time::Duration;

use crate::{run_and_take, say, table};

/// Size of all results of a run together.
const ALL_BYTES: usize = 1 << 30;

pub fn measure(rounds: usize) {
    for bytes in [64 << 10, 1 << 20, 16 << 20] {
        let count = ALL_BYTES / bytes;
        say(&format!(
            "\n{count} results of {} KiB, pool of 2, taken and dropped; medians of {rounds} rounds",
            bytes >> 10
        ));
        let mut pipe = || run("pipe", bytes, count);
        let mut shared_memory = || run("shared_memory", bytes, count);
        table(rounds, count as u64, &mut [("through the pipe", &mut pipe), ("in shared memory", &mut shared_memory)]);
    }
}

fn run(transport: &str, bytes: usize, count: usize) -> Duration {
    let inputs = vec![format!("\"{bytes}\""); count].join(", ");
    let mut ended = 0;
    let job = format!(
        "Job(version: 1, task: Workload(name: \"make_bytes\"), inputs: [List([{inputs}])], transport: {transport})"
    );
    let (wall, _) = run_and_take(&job, |records| ended += records.len());
    assert_eq!(ended, count);
    wall
}
