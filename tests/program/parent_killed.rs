//! The engine's own process is killed: its workers and whatever they run end with it.

use std::path::Path;
use std::process::Stdio;

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
