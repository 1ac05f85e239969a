//! One command from nothing to gone, and what a worker weighs.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::commands::alone;
use crate::{PROGRAM, say, table};

/// Number of tasks run while a worker's memory is measured.
const COMMANDS: usize = 100;

pub fn measure(rounds: usize) {
    let rounds = rounds * 10;
    let folder = tempfile::tempdir().expect("a folder");
    // The first one makes the history.
    recorded(folder.path());
    say(&format!("\none command from nothing to gone; medians of {rounds} rounds"));
    table(
        rounds,
        1,
        &mut [
            ("/bin/true by itself", &mut || alone(&["/bin/true", "x"])),
            ("fanlane --version", &mut || alone(&[PROGRAM, "--version"])),
            ("fanlane run -j1 of one", &mut || alone(&[PROGRAM, "run", "--no-bar", "-j1", "/bin/true", ":::", "x"])),
            ("the same, recorded in the history", &mut || recorded(folder.path())),
            ("fanlane run -j2 of two", &mut || {
                alone(&[PROGRAM, "run", "--no-bar", "-j2", "/bin/true", ":::", "x", "y"])
            }),
        ],
    );
    // The command looks at its parent, which is the worker.
    let script = "grep -E '^(Rss|Pss|Private_Dirty):' /proc/$PPID/smaps_rollup; : {}";
    let output = Command::new(PROGRAM)
        .args(["run", "--no-history", "--quiet", "-k", "-j1", script, ":::"])
        .args((1..=COMMANDS).map(|number| number.to_string()))
        .output();
    let printed = output.expect("it is built").stdout;
    let sizes: Vec<&str> = std::str::from_utf8(&printed).expect("text").split_whitespace().collect();
    let sizes: Vec<&str> = sizes.iter().skip(1).step_by(3).copied().collect();
    assert_eq!(sizes.len(), COMMANDS * 3);
    say("");
    for (when, at) in [("first", 0), ("last", COMMANDS - 1)] {
        let [resident, share, own] = [0, 1, 2].map(|field| sizes[at * 3 + field]);
        say(&format!(
            "a worker at the {when} of {COMMANDS} commands: {resident} kB resident, {share} kB of that its share, {own} kB its own"
        ));
    }
}

/// A run of one command that is recorded in the history in `folder`.
fn recorded(folder: &Path) -> Duration {
    let begun = Instant::now();
    let output = Command::new(PROGRAM)
        .args(["run", "--no-bar", "-j1", "/bin/true", ":::", "x"])
        .env("FANLANE_DATA_DIR", folder)
        .env_remove("FANLANE_NO_HISTORY")
        .stdin(Stdio::null())
        .output();
    assert!(output.expect("it is built").status.success());
    begun.elapsed()
}
