use std::fs::File;
use std::io::{Read, Seek, Write};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{WaitOptions, waitpid};

use super::*;

const NONE: [(&str, &str); 0] = [];

fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

/// Its exit code and what it printed.
fn ended(launched: Launched) -> (Option<i32>, String, String) {
    poll(&mut [PollFd::new(&launched.handle, PollFlags::IN)], None).expect("it can be waited for");
    let (_, status) = waitpid(Some(launched.pid), WaitOptions::empty()).expect("a child").expect("it has ended");
    let text = |stream: OwnedFd| {
        let mut text = String::new();
        File::from(stream).read_to_string(&mut text).expect("it can be read");
        text
    };
    let [stdout, stderr] = launched.streams.expect("it has pipes").map(text);
    (status.exit_status(), stdout, stderr)
}

fn run(words: &[OsString], variables: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let mut launcher = Launcher::new([("LAUNCHER", "own")]).expect("an environment");
    ended(launcher.launch(words, variables.iter().copied(), None).expect("it starts"))
}

#[test]
fn a_program_on_the_path_prints_to_both_streams_and_has_its_code() {
    let script = "echo \"$1 $LAUNCHER\"; echo \"$ADDED\" >&2; exit 7";
    let ran = run(&words(&["sh", "-c", script, "sh", "a b"]), &[("ADDED", "one"), ("ADDED", "two")]);
    assert_eq!(ran, (Some(7), "a b own\n".to_owned(), "two\n".to_owned()));
    let ran = run(&words(&["sh", "-c", "echo $LAUNCHER"]), &[("LAUNCHER", "")]);
    assert_eq!(ran.1, "\n");
}

#[test]
fn it_leads_a_group_and_no_signal_is_ignored_or_blocked() {
    #[expect(unsafe_code, reason = "a signal is ignored as by whatever starts a program in the background")]
    // SAFETY: an ignored signal runs no code of this process.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
    }
    let script = "ps -o pid= -o pgid= -p $$; grep -E 'SigBlk|SigIgn' /proc/self/status";
    let (_, out, _) = run(&words(&["sh", "-c", script]), &[]);
    let mut lines = out.lines();
    let ids: Vec<&str> = lines.next().expect("a line").split_whitespace().collect();
    assert_eq!(ids[0], ids[1]);
    for line in lines {
        let mask = line.rsplit('\t').next().and_then(|mask| u64::from_str_radix(mask, 16).ok()).expect("a mask");
        // 32 and 33 belong to the C library, and what started the tests may ignore them.
        assert_eq!(mask & !(0b11 << 31), 0, "{line}");
    }
}

#[test]
fn standard_input_is_what_is_given() {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(b"line").expect("written");
    file.rewind().expect("at its start");
    let mut launcher = Launcher::new(NONE).expect("an environment");
    let stdin = std::os::fd::AsFd::as_fd(&file);
    let launched = launcher.launch(&words(&["cat"]), NONE.into_iter(), Some(stdin)).expect("it starts");
    assert_eq!(ended(launched).1, "line");
}

#[test]
fn a_failed_start_says_why_and_leaves_no_child() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "x").expect("written");
    let file = file.to_str().expect("text");
    let mut launcher = Launcher::new(NONE).expect("an environment");
    let cases: [(&[&str], i32); 5] = [
        (&["no such program at all"], libc::ENOENT),
        (&["/nowhere/at/all"], libc::ENOENT),
        (&[file], libc::EACCES),
        (&[""], libc::ENOENT),
        (&["sh", &"x".repeat(3 << 20)], libc::E2BIG),
    ];
    for (given, fault) in cases {
        let error = launcher.launch(&words(given), NONE.into_iter(), None).expect_err("it cannot be started");
        assert_eq!(error.raw_os_error(), Some(fault), "{:.40}", given[0]);
    }
    for bad in [&[][..], &words(&["echo", "a\0b"])] {
        let error = launcher.launch(bad, NONE.into_iter(), None).expect_err("it cannot be started");
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}

#[test]
fn limits_are_those_of_the_program_and_not_of_this_process() {
    let mut launcher = Launcher::new(NONE).expect("an environment");
    launcher.limit(Limit::Cpu, 7, 8);
    launcher.limit(Limit::Memory, 1 << 30, 1 << 30);
    launcher.limit(Limit::Descriptors, 33, u64::MAX);
    let script = words(&["bash", "-c", "ulimit -t; ulimit -v; ulimit -n"]);
    let (_, out, err) = ended(launcher.launch(&script, NONE.into_iter(), None).expect("it starts"));
    assert_eq!((out.as_str(), err.as_str()), ("7\n1048576\n33\n", ""));
    assert_ne!(rustix::process::getrlimit(rustix::process::Resource::Nofile).current, Some(33));
}

#[test]
fn the_path_of_a_changed_environment_is_the_one_that_counts() {
    let mut launcher = Launcher::new(NONE).expect("an environment");
    assert!(launcher.launch(&words(&["true"]), NONE.into_iter(), None).map(ended).is_ok());
    let elsewhere = [("PATH", "/nowhere")].into_iter();
    let error = launcher.launch(&words(&["true"]), elsewhere, None).expect_err("it is not there");
    assert_eq!(error.raw_os_error(), Some(libc::ENOENT));
    assert!(launcher.launch(&words(&["true"]), NONE.into_iter(), None).map(ended).is_ok());
}
