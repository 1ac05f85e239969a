//! Faults from outside, against the built program: each test is a case of the catalogue in docs/faults.md.
//!
//! They are a program of their own, because the next start on this machine ends what a test leaves behind, and reports it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

#[path = "program/processes.rs"]
mod processes;
#[path = "program/start.rs"]
mod start;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use fanlane::session::{Session, SessionOptions};
use fanlane_core::engine::LocalEngine;
use fanlane_os::process_tree;
use rustix::process::Signal;

use processes::{Running, is_gone, signal, wait_until};
use start::{DEADLINE, command, run_in};

/// The number that a task has written into a file.
fn written_pid(file: &Path) -> u32 {
    let read = || fs::read_to_string(file).ok().and_then(|text| text.strip_suffix('\n')?.trim().parse().ok());
    wait_until("a number in a file", || read().is_some());
    read().unwrap()
}

#[test]
fn a_poison_task_is_given_up_and_all_others_are_done() {
    let folder = tempfile::tempdir().unwrap();
    let line = "if [ {} = 3 ]; then kill -9 $PPID; sleep 1000; fi; echo {}";
    let ended = run_in(&["run", "--no-bar", "-k", "-j", "2", line, ":::", "1", "2", "3", "4", "5"], folder.path());
    assert_eq!((ended.code, ended.out.as_str()), (Some(1), "1\n2\n4\n5\n"), "{ended:?}");
    assert!(ended.err.contains("task 3 lost"), "{}", ended.err);
}

#[test]
fn threads_short_of_descriptors_still_do_every_task_once() {
    let folder = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_fanlane");
    let script = format!(
        "ulimit -n 128; exec {program} run --no-bar --json --mode threads -j 60 'sleep 0.05; echo {{}}' ::: $(seq 120)"
    );
    let mut shell = Command::new("bash");
    shell.args(["-c", &script]).current_dir(folder.path()).env("HOME", folder.path());
    shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let ended = Running::start(shell).ended();
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert_eq!(ended.out.matches("\"attempts\":1,").count(), 120, "{}", ended.out);
    assert!(ended.err.contains("ulimit -n"), "{}", ended.err);
}

#[test]
fn what_cleared_its_environment_is_ended_with_its_killed_worker() {
    let folder = tempfile::tempdir().unwrap();
    let line = ": {}; env -i setsid sh -c 'echo $$ > pid; exec sleep 1000' & until [ -e go ]; do sleep 0.01; done";
    let engine = Running::start(command(&["run", "--no-bar", line, ":::", "x"], folder.path()));
    let orphan = written_pid(&folder.path().join("pid"));
    let workers = process_tree::children(engine.pid());
    signal(workers[0], Signal::KILL);
    wait_until("the end of what the worker left", || is_gone(orphan));
    fs::write(folder.path().join("go"), "").unwrap();
    let ended = engine.ended();
    // The second attempt has left the same behind.
    assert!(ended.code == Some(1) && ended.err.contains("task 1 left processes running"), "{ended:?}");
}

/// The process that a run leaves behind when it is killed at once with all its other processes.
fn orphan(folder: &Path) -> u32 {
    let _ = fs::remove_file(folder.join("pid"));
    let line = ": {}; setsid sh -c 'echo $$ > pid; exec sleep 1000' & wait";
    let engine = Running::start(command(&["run", "--no-bar", line, ":::", "x"], folder));
    let orphan = written_pid(&folder.join("pid"));
    // Stopped first, so that none of them notices the death of another.
    let all: Vec<u32> = std::iter::once(engine.pid())
        .chain(process_tree::descendants(engine.pid()).into_iter().filter(|pid| *pid != orphan))
        .collect();
    for sent in [Signal::STOP, Signal::KILL] {
        all.iter().for_each(|pid| signal(*pid, sent));
    }
    engine.ended();
    orphan
}

/// Leaves an orphan and calls `start`, until that reports that it has ended one: another Fanlane on this machine, of a test
/// beside this one, may be faster.
fn ended_at_the_start(folder: &Path, start: impl Fn() -> Option<String>) -> String {
    let until = Instant::now() + DEADLINE;
    loop {
        let orphan = orphan(folder);
        let said = start();
        assert!(is_gone(orphan), "{said:?}");
        match said {
            Some(said) if said.contains("earlier runs had left behind, because they were killed") => return said,
            said => assert!(Instant::now() < until, "{said:?}"),
        }
    }
}

#[test]
fn what_is_left_when_all_is_killed_at_once_is_ended_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let run: &[&str] = &["run", "--no-bar", "true", ":::", "x"];
    let race: &[&str] = &["race", "--quiet", "--modes", "one", "--repeat", "1", "--warmup", "0", "true", ":::", "x"];
    for next in [run, race] {
        ended_at_the_start(folder.path(), || {
            // `run_in` leaves out what is looked for here.
            let next = command(next, folder.path()).output().unwrap();
            assert!(next.status.success(), "{next:?}");
            Some(String::from_utf8(next.stderr).unwrap())
        });
    }
}

#[test]
fn what_is_left_when_all_is_killed_at_once_is_ended_when_a_window_opens() {
    let folder = tempfile::tempdir().unwrap();
    ended_at_the_start(folder.path(), || {
        let (woken, wakes) = std::sync::mpsc::channel();
        let options = SessionOptions {
            sweeps: true,
            ..SessionOptions::in_memory(Arc::new(LocalEngine::new(env!("CARGO_BIN_EXE_fanlane"))))
        };
        let mut session = Session::new(
            options,
            Arc::new(move || {
                let _ = woken.send(());
            }),
        );
        while session.is_sweeping() {
            // Its end wakes the window.
            let _ = wakes.recv_timeout(Duration::from_millis(5));
            session.poll();
        }
        session.notices.all().first().map(|notice| notice.text.clone())
    });
}

#[test]
fn a_worker_that_is_stopped_is_asked_and_killed_and_its_attempt_was_hung() {
    let folder = tempfile::tempdir().unwrap();
    let line = "echo $PPID > pid; until [ -e go ]; do sleep 0.01; done; echo {}";
    let words = ["run", "--no-bar", "-j1", "--heartbeat", "1", "--record", "record", line, ":::", "x"];
    let engine = Running::start(command(&words, folder.path()));
    let worker = written_pid(&folder.path().join("pid"));
    signal(worker, Signal::STOP);
    wait_until("the end of the worker that is stopped", || is_gone(worker));
    fs::write(folder.path().join("go"), "").unwrap();
    let ended = engine.ended();
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), "x\n"), "{}", ended.err);
    let record = fs::read_to_string(folder.path().join("record")).unwrap();
    let retried = record.lines().find(|line| line.contains("\"TaskRetried\"")).expect("an attempt was lost");
    assert!(retried.contains("hung: it gave no sign of life and was killed"), "{retried}");
}

#[test]
fn new_workers_start_though_the_program_was_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("fanlane");
    fs::copy(env!("CARGO_BIN_EXE_fanlane"), &program).unwrap();
    let mut words = Command::new(&program);
    words.args(["run", "--no-bar", "echo $PPID > pid; until [ -e go ]; do sleep 0.01; done; echo {}", ":::", "x"]);
    words.current_dir(folder.path()).env("HOME", folder.path());
    words.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let engine = Running::start(words);
    let worker = written_pid(&folder.path().join("pid"));
    let other = folder.path().join("other");
    fs::write(&other, "no program").unwrap();
    fs::rename(&other, &program).unwrap();
    signal(worker, Signal::KILL);
    fs::write(folder.path().join("go"), "").unwrap();
    let ended = engine.ended();
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), "x\n"), "{}", ended.err);
}

/// The output and the commands of tasks are readable for their user alone, wherever they lie.
#[test]
fn outputs_and_the_history_are_for_their_user_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let temporary = folder.path().join("tmp");
    fs::create_dir(&temporary).unwrap();
    let line = "head -c 3000000 /dev/zero; until [ -e go ]; do sleep 0.01; done; : {}";
    let mut words = command(&["run", "--no-bar", line, ":::", "x"], folder.path());
    // What it prints is not read.
    words.env("TMPDIR", &temporary).stdout(Stdio::null());
    let engine = Running::start(words);
    let spilled =
        || fs::read_dir(&temporary).unwrap().flatten().find(|entry| fs::read_dir(entry.path()).unwrap().count() > 0);
    wait_until("a long output", || spilled().is_some());
    let history = folder.path().join(".local/share/fanlane");
    wait_until("the history", || history.join("history.sqlite3-wal").exists());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&spilled().unwrap().path()), 0o700);
    assert_eq!(mode(&history), 0o700);
    for file in fs::read_dir(&history).unwrap().flatten() {
        assert_eq!(mode(&file.path()), 0o600, "{file:?}");
    }
    fs::write(folder.path().join("go"), "").unwrap();
    let ended = engine.ended();
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(spilled().is_none(), "nothing of it stays");
}

#[test]
fn limits_end_what_takes_more_and_say_why() {
    let folder = tempfile::tempdir().unwrap();
    let cases: [(&[&str], &str, &str); 3] = [
        (&["--limit-output", "100K"], "yes {}", "\"cause\":\"SIGXFSZ\""),
        (&["--limit-cpu", "1"], ": {}; while :; do :; done", "\"cause\":\"SIGXCPU\""),
        (&["--limit-memory", "64M"], ": {}; exec dd if=/dev/zero of=/dev/null bs=200M count=1", "memory exhausted"),
    ];
    for (flags, line, words) in cases {
        let words_of_run = [&["run", "--no-bar", "--json"], flags, &[line, ":::", "x"]].concat();
        let ended = run_in(&words_of_run, folder.path());
        assert_eq!(ended.code, Some(1), "{flags:?}: {ended:?}");
        assert!(ended.out.contains(words), "{flags:?}: {:.2000}", ended.out.replace("y\\n", ""));
    }
    let refused = run_in(&["run", "--limit-cpu", "0", "true", ":::", "x"], folder.path());
    assert_eq!(refused.code, Some(2), "{refused:?}");
    fs::write(
        folder.path().join("call.ron"),
        r#"Job(version: 1, task: Workload(name: "cube"), inputs: [Range(1, 2)], control: (limits: (cpu_secs: Some(3))))"#,
    )
    .unwrap();
    let refused = run_in(&["run", "call.ron"], folder.path());
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.err.contains("only commands can have limits"), "{}", refused.err);
}
