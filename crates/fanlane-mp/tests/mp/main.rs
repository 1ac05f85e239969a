//! The multiprocessing library from outside, with real processes. The processes are this very executable, so it has a
//! `main` of its own that calls `mp::init` first; it runs its tests one after the other.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

mod examples;
mod functions;
mod listener;
mod manager_errors;
mod pool;
mod pool_faults;
mod pool_gathering;
mod process;
mod sharing;
mod words;

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Duration;

use fanlane_mp as mp;

/// Nothing here takes so long; what hangs ends with words.
pub const DEADLINE: Duration = Duration::from_secs(120);

type Test = (&'static str, fn());

fn main() -> ExitCode {
    if let Some(ended) = examples::as_one() {
        return ended;
    }
    mp::init(functions::all());
    let words: Vec<String> = std::env::args().skip(1).collect();
    let wanted: Vec<&String> = words.iter().filter(|word| !word.starts_with('-')).collect();
    let is_exact = words.iter().any(|word| word == "--exact");
    let is_wanted = |name: &str| {
        wanted.is_empty() || wanted.iter().any(|word| if is_exact { name == **word } else { name.contains(*word) })
    };
    let tests: Vec<Test> = [
        process::TESTS,
        sharing::TESTS,
        words::TESTS,
        listener::TESTS,
        pool::TESTS,
        pool_faults::TESTS,
        pool_gathering::TESTS,
        manager_errors::TESTS,
        examples::TESTS,
    ]
    .concat();
    let tests: Vec<Test> = tests.into_iter().filter(|(name, _)| is_wanted(name)).collect();
    let mut out = std::io::stdout();
    if words.iter().any(|word| word == "--list") {
        tests.iter().for_each(|(name, _)| writeln!(out, "{name}: test").unwrap());
        return ExitCode::SUCCESS;
    }
    writeln!(out, "\nrunning {} tests", tests.len()).unwrap();
    let mut failed: Vec<&str> = Vec::new();
    for (name, test) in &tests {
        let before = Traces::now();
        let went_well = catch_unwind(AssertUnwindSafe(|| {
            test();
            before.check();
        }));
        writeln!(out, "test {name} ... {}", if went_well.is_ok() { "ok" } else { "FAILED" }).unwrap();
        failed.extend(went_well.is_err().then_some(*name));
    }
    let result = if failed.is_empty() { "ok" } else { "FAILED" };
    writeln!(out, "\ntest result: {result}. {} passed; {} failed", tests.len() - failed.len(), failed.len()).unwrap();
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What a test may leave behind: nothing.
#[derive(Debug, PartialEq, Eq)]
struct Traces {
    children: Vec<u32>,
    descriptors: usize,
}

impl Traces {
    fn now() -> Self {
        Self {
            children: fanlane_os::process_tree::children(std::process::id()),
            descriptors: std::fs::read_dir("/proc/self/fd").unwrap().count(),
        }
    }

    fn check(&self) {
        assert_eq!(Self::now(), *self, "children or descriptors were left behind");
    }
}

/// Waits until something is so.
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let give_up = std::time::Instant::now() + DEADLINE;
    while !is_so() {
        assert!(std::time::Instant::now() < give_up, "waited in vain for: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Whether a process is there and has not ended.
pub fn is_running(pid: u32) -> bool {
    fanlane_os::process_tree::live_start_ticks(pid).is_some()
}
