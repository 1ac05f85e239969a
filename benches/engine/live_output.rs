//! What it costs that the output of running tasks is told: to those who ask for nothing, for latest lines, for a stream or for
//! every byte, in turns.

use std::time::Duration;

use fanlane_core::engine::OutputLevel;

use crate::{run_at, say, table};

/// Tasks that flood print this much each, in bytes.
const FLOOD_BYTES: u64 = 100_000_000;

pub fn measure(rounds: usize) {
    let jobs = [
        ("10,000 commands `true x N`", 10_000, "/bin/true x {}".to_owned()),
        ("2 commands that print 100 MB each", 2, format!("yes {{}} | head -c {FLOOD_BYTES}")),
    ];
    for (what, tasks, command) in jobs {
        say(&format!("\n{what}, pool of 2, by what is wanted of their output; medians of {rounds} rounds"));
        let job = format!("Job(version: 1, task: Command({command:?}), inputs: [Range(1, {tasks})])");
        let at = |level: OutputLevel| -> Duration { run_at(&job, level, drop).0 };
        table(
            rounds,
            tasks,
            &mut [
                ("nothing", &mut || at(OutputLevel::Nothing)),
                ("the latest line of each lane", &mut || at(OutputLevel::LatestLines)),
                ("a stream of each task", &mut || at(OutputLevel::Stream)),
                ("every byte", &mut || at(OutputLevel::Everything)),
            ],
        );
    }
}
