//! The engine's own process is killed: its workers and whatever they run end with it.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use fanlane_core::engine::WORKER_MARKER;
use fanlane_os::process_tree;

use super::processes::{Running, is_gone, wait_until};
use super::start::command;

fn killed_in(mode: &str, line: &str, files: &[&str], folder: &Path) {
    let words = ["run", "--mode", mode, "-j", "2", "--no-bar", line, ":::", "1", "2", "3"];
    let mut command = command(&words, folder);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut engine = Running::start(command);
    for file in files {
        wait_until("the tasks", || folder.join(file).exists());
    }
    let below = process_tree::descendants(engine.pid());
    assert!(below.len() > files.len(), "workers and commands: {below:?}");
    engine.child().kill().unwrap();
    engine.child().wait().unwrap();
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

/// The processes that an engine has started and that are left, by their marker.
fn left_of(engine: u32) -> Vec<u32> {
    let begins = format!("{engine}.");
    let is_left = |pid: &u32| {
        process_tree::variable(*pid, WORKER_MARKER).is_some_and(|marker| marker.starts_with(&begins)) && !is_gone(*pid)
    };
    process_tree::all().filter(is_left).collect()
}

#[test]
fn nothing_outlives_an_engine_that_is_killed_while_it_starts() {
    const KILLS: u32 = 24;
    let folder = tempfile::tempdir().unwrap();
    for number in 0..KILLS {
        let mode = ["pool", "threads", "one"][number as usize % 3];
        let line = ": {}; sleep 77; true";
        let words = ["run", "--mode", mode, "-j", "4", "--no-history", "--quiet", line, ":::", "1", "2", "3", "4"];
        let mut command = command(&words, folder.path());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut engine = Running::start(command);
        let pid = engine.pid();
        // Each at another moment, from the first worker's start on.
        wait_until("the first worker", || !process_tree::children(pid).is_empty());
        std::thread::sleep(Duration::from_millis(2) * number);
        engine.child().kill().unwrap();
        engine.child().wait().unwrap();
        wait_until("the end of all that the engine had started", || left_of(pid).is_empty());
    }
}
