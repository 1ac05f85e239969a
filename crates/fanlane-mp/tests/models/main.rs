//! The structures in shared memory, run through every order in which the steps of several processes can happen, and through
//! their deaths at every step. The sources are the library's own; the system below them is modelled (`modelled/`).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]
#![allow(
    dead_code,
    unexpected_cfgs,
    unused_imports,
    missing_docs,
    reason = "the sources have more than the models need"
)]

// The sources find one another as in their crates: those of the system layer are in this one too.
extern crate self as fanlane_os;

mod orders;

// The models of the system.
#[path = "modelled/backoff.rs"]
mod backoff;
#[path = "modelled/clock.rs"]
mod clock;
#[path = "modelled/connection.rs"]
mod connection;
#[path = "modelled/futex.rs"]
mod futex;
#[path = "modelled/process_id.rs"]
mod process_id;
#[path = "modelled/robust.rs"]
mod robust;
#[path = "modelled/shared_memory.rs"]
mod shared_memory;
#[path = "modelled/socket.rs"]
mod socket;
#[path = "modelled/spin_wait.rs"]
mod spin_wait;

// The sources under test.
#[path = "../../../fanlane-os/src/append.rs"]
mod append;
#[path = "../../src/pool/cursor.rs"]
mod cursor;
#[path = "../../src/error.rs"]
mod error;
#[path = "../../../fanlane-os/src/event_count.rs"]
mod event_count;
#[path = "../../../fanlane-os/src/fd_passing.rs"]
mod fd_passing;
#[path = "../../../fanlane-os/src/frame.rs"]
mod frame;
#[path = "../../../fanlane-os/src/journaled.rs"]
mod journaled;
#[path = "../../../fanlane-os/src/mailbox.rs"]
mod mailbox;
#[path = "../../../fanlane-os/src/message_reader.rs"]
mod message_reader;
#[path = "../../../fanlane-os/src/multipath.rs"]
mod multipath;
#[path = "../../src/queue/mod.rs"]
mod queue;
#[path = "../../src/shared/slot.rs"]
mod slot;
#[path = "../../src/sync/mod.rs"]
mod sync;
#[path = "../../src/pool/wire.rs"]
mod wire;

use std::io::Write;
use std::process::ExitCode;

/// The name of a test, and a function that gives the number of orders that were run.
type Test = (&'static str, fn() -> usize);

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let is_wanted = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word.as_str()));
    let tests = [
        orders::event_count::TESTS,
        orders::journaled::TESTS,
        orders::mailbox::TESTS,
        orders::cursor::TESTS,
        orders::queue::TESTS,
        orders::slot::TESTS,
        orders::sync::TESTS,
    ]
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
