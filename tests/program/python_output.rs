//! What Python functions print: each piece belongs to the call that prints it, among the others of a batch, too.

use std::fs::{self, File};

use super::processes::{Running, wait, wait_until};
use super::python::{folder, run, sorted};
use super::start::command;

/// A function one of whose calls goes on until the test has made a file, and prints all the time.
const LATE: &str = r#"
import os, time
def pass_or_wait(n):
    while n == 150 and not os.path.exists("go"):
        print("still here", flush=True)
        time.sleep(0.001)
    return n
"#;

#[test]
fn what_is_printed_belongs_to_its_call() {
    let folder = folder();
    let ended = run(folder.path(), &["-j", "1", "-k", "--python", "model.py:say", ":::", "1", "2", "3"]);
    let lines = ["said 1", "child 1", "said 2", "child 2", "said 3", "child 3"];
    assert_eq!(ended.out.lines().collect::<Vec<_>>(), lines, "{ended:?}");
    assert!(ended.err.starts_with("told 1\ntold 2\ntold 3\n"), "{ended:?}");
    let ended = run(folder.path(), &["-j", "1", "-k", "--python", "model.py:say_in_c", ":::", "1", "2", "3"]);
    assert_eq!(sorted(&ended.out).first(), Some(&"from C 1"), "{ended:?}");
    let ended = run(folder.path(), &["-j", "2", "--mode", "threads", "--python", "model.py:say", ":::", "1", "2"]);
    let own: Vec<&str> = sorted(&ended.out).into_iter().filter(|line| line.starts_with("said")).collect();
    assert_eq!(own, ["said 1", "said 2"], "{ended:?}");
    // More than a pipe holds, from a child process, while the lane that has started the interpreter has no call.
    let words = ["-j", "2", "--mode", "threads", "--timeout", "60", "--python", "model.py:loud", ":::", "1", "2"];
    let ended = run(folder.path(), &words);
    assert_eq!(
        (ended.code, ended.out.lines().filter(|line| *line == "200000").count()),
        (Some(0), 1),
        "{:?}",
        ended.err
    );
    // Calls that print are among those of a batch.
    let numbers: Vec<String> = (1..=400).map(|number| number.to_string()).collect();
    for mode in ["pool", "threads"] {
        let words = ["--json", "-j", "2", "--mode", mode, "--python", "model.py:rarely", ":::"];
        let ended =
            run(folder.path(), &words.into_iter().chain(numbers.iter().map(String::as_str)).collect::<Vec<_>>());
        let tasks: Vec<serde_json::Value> = ended
            .out
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .filter(|task: &serde_json::Value| task["task"].is_u64())
            .collect();
        let mixed_up: Vec<&serde_json::Value> = tasks.iter().filter(|task| task["value"] != task["task"]).collect();
        assert!(tasks.len() == 400 && mixed_up.is_empty(), "{mode} {} {:?}", tasks.len(), mixed_up.first());
        let is_said = |task: &serde_json::Value| task["stdout"].as_str().is_some_and(|text| text.starts_with("said"));
        let mut said: Vec<u64> =
            tasks.iter().filter(|task| is_said(task)).filter_map(|task| task["task"].as_u64()).collect();
        said.sort_unstable();
        let expected = [50, 150, 250, 350];
        assert_eq!(said, expected, "{mode} {:?}", ended.err);
    }
    let limit = ["--limit-output", "100k", "--python", "model.py:endless", ":::", "1"];
    let ended = run(folder.path(), &limit);
    assert!(ended.code == Some(1) && ended.err.contains("ended by SIGXFSZ"), "{:?}", ended.err);
}

#[test]
fn results_do_not_wait_for_a_call_behind_them_in_their_batch() {
    let numbers: Vec<String> = (1..=300).map(|number| number.to_string()).collect();
    for (mode, workers, done) in [("pool", "2", 299), ("threads", "2", 299), ("one", "1", 149)] {
        let folder = tempfile::tempdir().expect("a folder");
        let place = |name: &str| folder.path().join(name);
        fs::write(place("late.py"), LATE).expect("written");
        let words = ["run", "--mode", mode, "-j", workers, "--python", "late.py:pass_or_wait", ":::"];
        let words: Vec<&str> = words.into_iter().chain(numbers.iter().map(String::as_str)).collect();
        let mut program = command(&words, folder.path());
        program.stdout(File::create(place("out")).expect("made"));
        let mut running = Running::start(program);
        let results = || {
            let text = fs::read_to_string(place("out")).unwrap_or_default();
            text.lines().filter(|line| line.parse::<u32>().is_ok()).count()
        };
        wait_until(mode, || results() >= done);
        assert_eq!(results(), done, "{mode}");
        File::create(place("go")).expect("made");
        assert!(wait(running.child()).success(), "{mode}");
        assert_eq!(results(), 300, "{mode}");
    }
}
