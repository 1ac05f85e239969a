//! The structures in shared memory, run through every order in which the steps of several processes can happen, and through
//! their deaths at every step. The sources are the library's own; the system below them is modelled (`mp/`).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

mod cursor;
mod event_count;
mod journaled;
mod mailbox;
mod mp;
mod processes;
mod queue;
mod slot;
mod sync;

use std::io::Write;
use std::process::ExitCode;

/// The name of a test, and a function that gives the number of orders that were run.
type Test = (&'static str, fn() -> usize);

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let is_wanted = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word.as_str()));
    let tests =
        [event_count::TESTS, journaled::TESTS, mailbox::TESTS, cursor::TESTS, queue::TESTS, slot::TESTS, sync::TESTS]
            .concat();
    let tests: Vec<Test> = tests.into_iter().filter(|(name, _)| is_wanted(name)).collect();
    let mut out = std::io::stdout();
    if std::env::args().any(|word| word == "--list") {
        tests.iter().for_each(|(name, _)| writeln!(out, "{name}: test").unwrap());
        return ExitCode::SUCCESS;
    }
    writeln!(out, "\nrunning {} tests", tests.len()).unwrap();
    let mut failed = 0;
    for (name, test) in tests {
        // On its own thread: loom leaves a failed model in an undefined state.
        match std::thread::Builder::new().name(name.to_owned()).spawn(test).unwrap().join() {
            Ok(orders) => {
                assert!(orders > 1, "{name}: there is only one order");
                writeln!(out, "test {name} ... ok, {orders} orders").unwrap();
            }
            Err(_) => {
                failed += 1;
                writeln!(out, "test {name} ... FAILED").unwrap();
            }
        }
    }
    writeln!(out, "\ntest result: {}. {failed} failed", if failed == 0 { "ok" } else { "FAILED" }).unwrap();
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
