//! The engine's own process is killed: its workers and whatever they run end with it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

mod program;

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use fanlane::mp::process_tree;
use rustix::process::{Pid, Signal, kill_process};

const DEADLINE: Duration = Duration::from_secs(180);

fn wait_until(what: &str, done: impl Fn() -> bool) {
    let until = Instant::now() + DEADLINE;
    while !done() {
        assert!(Instant::now() < until, "waited in vain for {what}");
        std::thread::yield_now();
    }
}

/// Ends with the test, also with one that fails.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn is_gone(pid: u32) -> bool {
    process_tree::parent_of(pid).is_none() || process_tree::has_ended(pid)
}

fn killed_in(mode: &str, command: &str, files: &[&str], folder: &Path) {
    let words = ["run", "--mode", mode, "-j", "2", "--no-bar", command, ":::", "1", "2", "3"];
    let engine = program::command(&words, folder).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut engine = Ended(engine);
    for file in files {
        wait_until("the tasks", || folder.join(file).exists());
    }
    let below = process_tree::descendants(engine.0.id());
    assert!(below.len() > files.len(), "workers and commands: {below:?}");
    kill_process(Pid::from_child(&engine.0), Signal::KILL).unwrap();
    engine.0.wait().unwrap();
    for pid in below {
        wait_until("the end of all that the engine had started", || is_gone(pid));
    }
}

#[test]
fn nothing_outlives_an_engine_that_is_killed() {
    for (mode, files) in [("one", &["1"][..]), ("threads", &["1", "2"]), ("pool", &["1", "2"])] {
        // A grandchild, one that left its session, and one that ignores SIGTERM.
        let command = "trap '' TERM; sleep 1000 & setsid sleep 1000 & touch {}; wait";
        let folder = tempfile::tempdir().unwrap();
        killed_in(mode, command, files, folder.path());
    }
}
