//! `fanlane race` of different commands: what runs around them, what is compared, written and read, beside hyperfine.

use std::fs;
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;

use super::processes::{Running, is_gone, wait_until};
use super::start::{Ended, command, run_in, with_default_signals};

fn race(folder: &std::path::Path, words: &[&str]) -> Ended {
    run_in(&[&["race", "--quiet"], words].concat(), folder)
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn commands_run_in_turns_with_what_stands_around_them() {
    let folder = tempfile::tempdir().unwrap();
    let words = [
        "--runs",
        "3",
        "--warmup",
        "1",
        "--prepare",
        "echo before >> log",
        "--conclude",
        "echo behind >> log",
        "-n",
        "one",
        "--export-json",
        "a b.json",
        "--export-csv",
        "out.csv",
        "--export-markdown",
        "out.md",
        "echo it\\'s 1 >> log",
        "echo \"2\" >> log",
    ];
    let ended = race(folder.path(), &words);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.contains("one ") && ended.out.contains("95 % of the median"), "{}", ended.out);
    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len(), 2 * 4 * 3, "{log}");
    assert!(lines.chunks(3).all(|turn| turn[0] == "before" && turn[2] == "behind"), "{log}");
    for round in lines.chunks(6) {
        let mut ran = [round[1], round[4]];
        ran.sort_unstable();
        assert_eq!(ran, ["2", "it's 1"], "each once in a round: {log}");
    }
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let results = json(&read("a b.json"));
    assert_eq!(results["results"][0]["command"], "one");
    assert_eq!(results["results"][1]["times"].as_array().map(Vec::len), Some(3));
    assert!(read("out.csv").starts_with("command,mean,stddev,") && read("out.md").contains("| `one` |"));
    let again = race(folder.path(), &["--export-json", "a b.json", "true x", "true y"]);
    assert!(again.code == Some(2) && again.err.contains("exists already"), "{again:?}");
    let shown = run_in(&["race", "--show", "a b.json"], folder.path());
    assert!(shown.code == Some(0) && shown.out.contains("one "), "{shown:?}");
}

#[test]
fn a_setup_has_its_command_to_itself() {
    let folder = tempfile::tempdir().unwrap();
    let words = [
        "--runs",
        "2",
        "--warmup",
        "0",
        "--setup",
        "echo {n} > now",
        "--cleanup",
        "rm now",
        "-L",
        "n",
        "1,2",
        "grep -qx {n} now",
    ];
    let ended = race(folder.path(), &words);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(!folder.path().join("now").exists());
}

#[test]
fn a_command_that_fails_ends_the_race_or_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let failed = race(folder.path(), &["--runs", "2", "true x", "sh -c 'exit 3'"]);
    assert!(failed.code == Some(2) && failed.err.contains("ended with exit code 3 in a warm-up run"), "{failed:?}");
    let counted = race(folder.path(), &["--runs", "2", "-i", "true x", "sh -c 'exit 3'"]);
    assert!(counted.code == Some(1) && counted.out.contains("2 of 2 runs of 'sh -c 'exit 3'' failed"), "{counted:?}");
    let prepared = race(folder.path(), &["--runs", "2", "--prepare", "false", "true x"]);
    assert!(prepared.code == Some(2) && prepared.err.contains("--prepare 'false' failed"), "{prepared:?}");
    let absent = race(folder.path(), &["--runs", "2", "-N", "no-such-program x"]);
    assert!(absent.code == Some(2) && absent.err.contains("cannot be started"), "{absent:?}");
    let batch = race(folder.path(), &["--prepare", "true", "echo {}", ":::", "1"]);
    assert!(batch.code == Some(2) && batch.err.contains("--prepare is for races of commands"), "{batch:?}");
}

#[test]
fn what_commands_read_and_print_goes_where_it_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in put"), "hello\n").unwrap();
    let words = ["--runs", "1", "--warmup", "0", "--input", "in put", "--output", "out put", "cat -"];
    assert_eq!(race(folder.path(), &words).code, Some(0));
    assert_eq!(fs::read_to_string(folder.path().join("out put")).unwrap(), "hello\n");
    let piped = race(folder.path(), &["--runs", "2", "--output", "pipe", "head -c 1000000 /dev/zero"]);
    assert_eq!(piped.code, Some(0), "{piped:?}");
    let shown = race(folder.path(), &["--runs", "1", "--warmup", "0", "--show-output", "echo shown here"]);
    assert!(shown.out.contains("shown here\n"), "{shown:?}");
}

/// Whether hyperfine is installed; the machine that judges changes has it.
fn has_hyperfine() -> bool {
    let has = Command::new("hyperfine").arg("--version").output().is_ok_and(|version| version.status.success());
    assert!(has || std::env::var_os("CI").is_none(), "hyperfine has to be installed here");
    has
}

#[test]
fn the_json_has_the_shape_of_hyperfine_and_its_own_is_read() {
    let folder = tempfile::tempdir().unwrap();
    if !has_hyperfine() {
        return;
    }
    let common = ["--runs", "3", "--warmup", "1", "-L", "n", "1,2", "--export-json"];
    let theirs = Command::new("hyperfine")
        .args(common)
        .args(["theirs.json", "--export-csv", "theirs.csv", "--export-markdown", "theirs.md", "sleep 0.0{n}"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(theirs.status.success(), "{theirs:?}");
    let rest = ["ours.json", "--export-csv", "ours.csv", "--export-markdown", "ours.md", "sleep 0.0{n}"];
    let ours = race(folder.path(), &[&common[..], &rest].concat());
    assert_eq!(ours.code, Some(0), "{ours:?}");
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let [one, other] = ["ours.json", "theirs.json"].map(|name| json(&read(name)));
    for place in 0..2 {
        let [one, other] = [&one, &other].map(|whole| whole["results"][place].as_object().unwrap());
        for (key, value) in other {
            let own = one.get(key).unwrap_or_else(|| panic!("{key} is missing"));
            assert_eq!(own.is_number(), value.is_number(), "{key}");
            assert_eq!(own.as_array().map(Vec::len), value.as_array().map(Vec::len), "{key}");
        }
        assert_eq!((&one["command"], &one["parameters"]), (&other["command"], &other["parameters"]));
    }
    let first = |name: &str| read(name).lines().next().unwrap().to_owned();
    assert_eq!(first("ours.csv"), first("theirs.csv"));
    assert_eq!(first("ours.md"), first("theirs.md"));
    let shown = run_in(&["race", "--show", "theirs.json"], folder.path());
    assert!(shown.code == Some(0) && shown.out.contains("sleep 0.02"), "{shown:?}");
}

/// The processes of a race that is signalled while a command runs that has started others, and how the race ended.
fn ended_by(wanted: Signal, folder: &std::path::Path) -> (Vec<u32>, Ended) {
    let words = [
        "race",
        "--shell",
        "none",
        "sh -c 'setsid sleep 600 & apart=$!; sleep 600 & echo $$ $apart $! > pids; wait'",
        "true x",
    ];
    let mut program = command(&words, folder);
    with_default_signals(&mut program);
    let race = Running::start(program);
    let read = || fs::read_to_string(folder.join("pids")).unwrap_or_default();
    wait_until("the command", || read().ends_with('\n'));
    race.signal(wanted);
    let ended = race.ended();
    (read().split_whitespace().map(|pid| pid.parse().unwrap()).collect(), ended)
}

#[test]
fn no_command_outlives_its_race() {
    for (wanted, code) in [(Signal::INT, Some(130)), (Signal::KILL, None)] {
        let folder = tempfile::tempdir().unwrap();
        let (pids, ended) = ended_by(wanted, folder.path());
        assert_eq!((ended.code, pids.len()), (code, 3), "{ended:?}");
        wait_until("the end of what it has started", || pids.iter().all(|pid| is_gone(*pid)));
    }
}

#[test]
fn an_option_behind_the_commands_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let ended = race(folder.path(), &["true x", "true y", "--runs", "2"]);
    assert!(ended.code == Some(2) && ended.err.contains("'--runs' stands behind the first command"), "{ended:?}");
}
