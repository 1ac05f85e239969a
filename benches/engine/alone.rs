//! One command from nothing to gone, and what a worker weighs.

use std::process::Command;

use crate::commands::alone;
use crate::{PROGRAM, say, table};

pub fn measure(rounds: usize) {
    let rounds = rounds * 10;
    say(&format!("\none command from nothing to gone; medians of {rounds} rounds"));
    table(
        rounds,
        1,
        &mut [
            ("/bin/true by itself", &mut || alone(&["/bin/true", "x"])),
            ("fanlane --version", &mut || alone(&[PROGRAM, "--version"])),
            ("fanlane run -j1 of one", &mut || alone(&[PROGRAM, "run", "--no-bar", "-j1", "/bin/true", ":::", "x"])),
            ("fanlane run -j2 of two", &mut || {
                alone(&[PROGRAM, "run", "--no-bar", "-j2", "/bin/true", ":::", "x", "y"])
            }),
        ],
    );
    // The command looks at its parent, which is the worker.
    let script = "grep VmRSS /proc/$PPID/status; grep RssAnon /proc/$PPID/status; : {}";
    let output = Command::new(PROGRAM).args(["run", "--no-history", "--quiet", "-j1", script, ":::", "x"]).output();
    let printed = output.expect("it is built").stdout;
    let sizes: Vec<&str> = std::str::from_utf8(&printed).expect("text").split_whitespace().collect();
    say(&format!("\na worker at its first command: {} kB resident, {} kB of it its own alone", sizes[1], sizes[4]));
}
