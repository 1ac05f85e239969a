//! Surroundings in which no start can succeed, or that end what writes too much: told in one line, with an exit status.

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Instant;

use rustix::process::{Resource, Rlimit, setrlimit};

use super::start::{Ended, command, ended, run_in};

/// The program with a limit of its own, soft and hard.
fn limited(words: &[&str], folder: &std::path::Path, what: Resource, limit: u64) -> Ended {
    let mut command = command(words, folder);
    #[expect(unsafe_code, reason = "limits are set between fork and exec")]
    // SAFETY: `setrlimit` is a bare system call.
    unsafe {
        command.pre_exec(move || Ok(setrlimit(what, Rlimit { current: Some(limit), maximum: Some(limit) })?));
    }
    ended(command.spawn().expect("the program can be started"))
}

#[test]
fn a_start_that_can_never_succeed_ends_in_one_line_and_status_2() {
    let folder = tempfile::tempdir().expect("a folder");
    let ways: [&[&str]; 4] = [
        &["run", "--no-history", "--mode", "one"],
        &["run", "--no-history", "--mode", "threads"],
        &["run", "--no-history", "--mode", "pool"],
        &["race", "--quiet"],
    ];
    for way in ways {
        let words = [way, &["echo {}", ":::", "1", "2", "3"]].concat();
        let ended = limited(&words, folder.path(), Resource::Nofile, 20);
        assert_eq!((ended.code, &*ended.out), (Some(2), ""), "{ended:?}");
        let lines: Vec<&str> = ended.err.lines().collect();
        assert!(lines.len() == 1 && lines[0].starts_with("fanlane: ") && lines[0].contains("ulimit -n"), "{ended:?}");
    }
}

#[test]
fn without_proc_nothing_is_run_and_the_cause_is_said() {
    // Only root may mount, and some kernels forbid it to root, too.
    let hidden = |words: &str| {
        let mut command = Command::new("unshare");
        command.args(["-m", "/bin/sh", "-c", words]);
        command
    };
    if !hidden("mount -t tmpfs none /proc").output().is_ok_and(|output| output.status.success()) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let program = env!("CARGO_BIN_EXE_fanlane");
    for way in ["run", "race", "run --background", "run --mode one"] {
        let mut command = hidden(&format!("mount -t tmpfs none /proc && exec {program} {way} 'echo {{}}' ::: 1 2 3"));
        command.current_dir(folder.path()).env("HOME", folder.path()).env_remove("FANLANE_DATA_DIR");
        let ended: Ended = command.output().expect("started").into();
        assert_eq!((ended.code, &*ended.out), (Some(2), ""), "{way}: {ended:?}");
        assert!(ended.err.contains("/proc") && ended.err.contains("mount it"), "{way}: {ended:?}");
        assert_eq!(ended.err.lines().count(), 1, "{way}: {ended:?}");
    }
}

#[test]
fn a_refused_folder_of_sockets_is_told_where_a_run_is_looked_for() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().expect("a folder");
    let runtime = folder.path().join("runtime");
    std::fs::create_dir(&runtime).expect("made");
    std::fs::set_permissions(&runtime, std::fs::Permissions::from_mode(0o755)).expect("set");
    for words in [&["attach"][..], &["stop"], &["attach", "7"]] {
        let ended = run_in(words, folder.path());
        assert!(ended.code == Some(2) && ended.err.contains("others can enter it"), "{words:?}: {ended:?}");
    }
}

#[test]
fn a_main_thread_with_a_small_stack_is_enough() {
    let folder = tempfile::tempdir().expect("a folder");
    for words in [&["run", "--mode", "pool", "echo {}", ":::", "1"][..], &["history"], &["--help"]] {
        let ended = limited(words, folder.path(), Resource::Stack, 64 << 10);
        assert_eq!(ended.code, Some(0), "{words:?}: {ended:?}");
    }
}

#[test]
fn a_limit_on_the_size_of_files_is_a_full_disk_and_ends_neither_engine_nor_worker() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    const LIMIT: u64 = 8 << 10;
    let large = "head -c 10000 /dev/zero | tr '\\0' x; : {}";
    let cases: [(&[&str], &str); 4] = [
        (&["run", large, ":::", "1", "2"], "recorded"),
        (&["run", "--no-history", "--results", "kept", large, ":::", "1", "2"], "could not be kept"),
        (
            &["run", "--no-history", "--record", "record", large, ":::", "1", "2"],
            "the record of the run cannot be written",
        ),
        (&["run", "--no-history", "--joblog", "log", large, ":::", "1"], ""),
    ];
    for (words, said) in cases {
        let ended = limited(words, folder, Resource::Fsize, LIMIT);
        assert!(ended.code.is_some_and(|code| code < 2), "{words:?}: {ended:?}");
        assert!(ended.err.contains(said) && !ended.err.contains("SIGXFSZ"), "{words:?}: {ended:?}");
        assert_eq!(ended.out.matches('x').count() % 10_000, 0, "{words:?}");
        assert!(ended.out.len() >= 10_000, "{words:?}");
    }
    // Output that goes to a file for its length, which the worker writes.
    let spilled = ["run", "--no-history", "head -c 3000000 /dev/zero; : {}", ":::", "1", "2"];
    let ended = limited(&spilled, folder, Resource::Fsize, LIMIT);
    assert!(ended.err.contains("File too large") && !ended.err.contains("worker"), "{ended:?}");
    // The tasks themselves have the signal's default effect.
    let words = ["run", "--no-history", "--no-shell", "dd", "if=/dev/zero", "of={}", "bs=100k", "count=1", ":::", "a"];
    let ended = limited(&words, folder, Resource::Fsize, LIMIT);
    assert!(ended.err.contains("SIGXFSZ"), "{ended:?}");
}

#[test]
fn a_stop_of_a_million_million_tasks_ends_at_once_and_takes_no_memory() {
    use rustix::process::Signal;

    use super::processes::{Running, wait_until};

    let folder = tempfile::tempdir().expect("a folder");
    let job = r#"Job(version: 1, task: Command("touch begun; : {1} {2}; sleep 1000"), inputs: [Range(1, 1000000), Range(1, 1000000)])"#;
    std::fs::write(folder.path().join("many.ron"), job).expect("written");
    let running = Running::start(command(&["run", "-j", "2", "many.ron"], folder.path()));
    wait_until("the first task", || folder.path().join("begun").exists());
    running.signal(Signal::INT);
    let begun = Instant::now();
    let ended = running.ended();
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert!(ended.err.contains("1,000,000,000,000 cancelled"), "{ended:?}");
    // Against a stop that counts them: that would take hours.
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
    let shown = run_in(&["show", "last", "--json"], folder.path());
    assert!(shown.out.contains("\"cancelled\":1000000000000"), "{shown:?}");
    let again = run_in(&["export", "last", "--format", "csv"], folder.path());
    assert_eq!(again.code, Some(0), "{again:?}");
}
