//! Exit statuses tell the truth: each row of the table in the documentation, and every way to deliver a long output.

use std::fs;
use std::path::Path;

use super::start::{Ended, command, ended, run_in, script};

/// The table of exit statuses.
const TABLE: &str = include_str!("../../docs/exit-status.md");

fn run_script(text: &str, folder: &Path) -> Ended {
    ended(script(text, folder).spawn().expect("the shell can be started"))
}

#[test]
fn the_example_of_each_row_of_the_table_has_its_status() {
    let mut wrong = Vec::new();
    let mut statuses = Vec::new();
    for row in TABLE.lines() {
        let Some(row) = row.strip_prefix("| ").and_then(|row| row.strip_suffix("` |")) else { continue };
        let (status, rest) = row.split_once(" | ").expect("a status");
        let (when, example) = rest.rsplit_once(" | `").expect("an example");
        let status: i32 = status.parse().expect("a number");
        let folder = tempfile::tempdir().expect("a folder");
        let ended = run_script(&example.replace("\\|", "|"), folder.path());
        if ended.code != Some(status) {
            wrong.push((status, when, ended));
        }
        statuses.push(status);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    statuses.dedup();
    assert_eq!(statuses, [0, 1, 2, 3, 130], "the table is read");
}

/// An output that is longer than memory is given, whose bytes each format has to encode.
const PRINT_LONG: &str = "i=0; while [ $i -lt 40 ]; do cat long; i=$((i+1)); done; : {}";

fn long_output(folder: &Path) -> Vec<u8> {
    let part: Vec<u8> = b"=a \"quote\", a back\\slash\tand \xc3\xa9, \xff\x01\n".repeat(1500);
    fs::write(folder.join("long"), &part).expect("written");
    part.repeat(40)
}

#[test]
fn every_way_to_deliver_has_the_whole_of_a_long_output() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = long_output(folder.path());
    assert!(whole.len() > 2 << 20);
    let text = String::from_utf8_lossy(&whole).into_owned();
    let guarded = format!("'{text}");
    let run = |words: &[&str]| {
        let words = [&["run", "--no-history"], words, &[PRINT_LONG, ":::", "a"]].concat();
        let ended = run_in(&words, folder.path());
        assert_eq!(ended.code, Some(0), "{words:?}: {}", ended.err);
        ended.out
    };
    assert!(run(&[]) == text && run(&["-k"]) == text, "standard output");
    let tagged = run(&["--tagstring", "t"]);
    assert!(tagged == text.split_inclusive('\n').map(|line| format!("t\t{line}")).collect::<String>(), "with tags");
    let lines = run(&["--json"]);
    let task: serde_json::Value = serde_json::from_str(lines.lines().next().expect("a line")).expect("JSON");
    assert!(task["stdout"] == *text && task.get("stdout_dropped_bytes").is_none(), "JSON on standard output");
    run(&["--results", "kept"]);
    assert!(fs::read(folder.path().join("kept/1/a/stdout")).expect("kept") == whole, "a folder of results");
    for (name, delimiter) in [("r.csv", b','), ("r.tsv", b'\t')] {
        run(&["--results", name]);
        let mut table =
            csv::ReaderBuilder::new().delimiter(delimiter).from_path(folder.path().join(name)).expect("a table");
        let rows: Vec<csv::ByteRecord> = table.byte_records().collect::<Result<_, _>>().expect("rows");
        assert_eq!((rows.len(), rows[0].len(), &rows[0][11]), (1, 12, &b""[..]), "{name}");
        assert!(String::from_utf8_lossy(&rows[0][10]) == guarded, "{name} is not whole");
    }
    for name in ["r.json", "r.jsonl"] {
        run(&["--results", name]);
        let line = fs::read_to_string(folder.path().join(name)).expect("kept");
        let row: serde_json::Value = serde_json::from_str(&line).expect("one line");
        assert!(row["Stdout"] == *text && row["Stderr"] == "" && row["Seq"] == 1, "{name} is not whole");
    }
    run(&["--joblog", "log"]);
    let log = fs::read_to_string(folder.path().join("log")).expect("kept");
    let received = log.lines().nth(1).and_then(|line| line.split('\t').nth(5)).map(str::to_owned);
    assert_eq!(received, Some(whole.len().to_string()));
    assert!(
        fs::read_dir(folder.path())
            .expect("read")
            .all(|entry| { !entry.expect("an entry").file_name().to_string_lossy().starts_with(".fanlane-output") })
    );
}

#[test]
fn an_output_that_cannot_be_kept_fails_its_task_and_a_short_one_needs_no_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    long_output(folder.path());
    fs::write(folder.path().join("file"), "").expect("written");
    let run = |temporary: &str, words: &[&str]| {
        let mut program = command(words, folder.path());
        Ended::from(program.env("TMPDIR", temporary).output().expect("it runs"))
    };
    for temporary in ["/nonexistent", "file", &format!("/{}", "long/".repeat(900))] {
        let short = run(temporary, &["run", "--quiet", "-k", "echo", ":::", "a", "b"]);
        assert_eq!((short.code, &*short.out), (Some(0), "a\nb\n"), "{temporary}");
        // Runs of other tests that were killed meanwhile may be told of.
        assert!(!short.err.contains(temporary) && !short.err.contains("folder"), "{temporary}: {}", short.err);
        let long = run(temporary, &["run", "--joblog", "log", PRINT_LONG, ":::", "a"]);
        assert_eq!(long.code, Some(1), "{temporary}: {}", long.err);
        let said = "bytes of its stdout could not be kept in ";
        assert!(long.err.starts_with("task 1 failed: ") && long.err.contains(said), "{temporary}: {}", long.err);
        assert!(long.err.contains("0 done, 1 failed"), "{}", long.err);
        let log = fs::read_to_string(folder.path().join("log")).expect("kept");
        assert!(log.contains("\t1\t0\t"), "the job log counts it as failed: {log}");
        let json = run(temporary, &["run", "--json", PRINT_LONG, ":::", "a"]);
        let task: serde_json::Value = serde_json::from_str(json.out.lines().next().expect("a line")).expect("JSON");
        assert_eq!((json.code, &task["outcome"]), (Some(1), &"failed".into()));
        assert!(task["reason"].as_str().is_some_and(|reason| reason.contains(said)), "{}", task["reason"]);
    }
}

#[test]
fn what_a_task_leaves_running_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    // In the group of the task, and outside of it; ended before it could make its file.
    for prefix in ["", "setsid "] {
        let leaves = format!("{prefix}sh -c 'sleep 60; touch made' >/dev/null 2>&1 & echo {{}}");
        let text = run_in(&["run", "-j1", &leaves, ":::", "a", "b"], folder.path());
        assert_eq!((text.code, &*text.out), (Some(1), "a\nb\n"), "{text:?}");
        assert!(text.err.contains("task 2 left processes running, which were ended\n"), "{text:?}");
        assert!(text.err.contains("2 done, 0 failed, 2 left processes running in "), "{text:?}");
        let json = run_in(&["run", "--json", &leaves, ":::", "a"], folder.path());
        let lines: Vec<serde_json::Value> =
            json.out.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
        assert_eq!(
            (json.code, &lines[0]["left_running"], &lines[1]["summary"]["left_running"]),
            (Some(1), &true.into(), &1.into())
        );
    }
    assert!(!folder.path().join("made").exists());
    // What it waits for, and what is ended with it, is not left running.
    let waits = run_in(&["run", "sleep 0.05 >/dev/null 2>&1 & wait; echo {}", ":::", "a"], folder.path());
    assert_eq!(waits.code, Some(0), "{waits:?}");
    let late = run_in(&["run", "--timeout", "0.2", "sleep 60 & sleep 60; echo {}", ":::", "a"], folder.path());
    assert!(late.code == Some(1) && !late.err.contains("left processes"), "{late:?}");
}

#[test]
fn files_that_are_named_by_a_descriptor_are_written_where_it_stands() {
    let folder = tempfile::tempdir().expect("a folder");
    let lines = |name: &str| {
        let text = fs::read_to_string(folder.path().join(name)).expect("written");
        text.lines().map(|line| line.split(['\t', ' ', '"']).next().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    let run = |text: &str| {
        let ended = run_script(text, folder.path());
        assert_eq!(ended.code, Some(0), "{text}: {ended:?}");
    };
    run("echo before >err; fanlane run --joblog /dev/stderr true ::: a 2>>err");
    assert_eq!(lines("err"), ["before", "Seq", "1", "1"], "nothing is truncated or overwritten");
    run("{ echo before; fanlane run --joblog /dev/stderr true ::: a; echo behind >&2; } 2>err >out");
    assert_eq!(
        (lines("err"), lines("out")),
        (["Seq", "1", "1", "behind"].map(String::from).into(), vec!["before".to_owned()])
    );
    run("{ echo before; fanlane run --quiet --joblog /dev/stdout true ::: a; echo behind; } >out");
    assert_eq!(lines("out"), ["before", "Seq", "1", "behind"]);
    run("{ echo before >&3; fanlane run --quiet --joblog +/dev/fd/3 true ::: a; echo behind >&3; } 3>three");
    assert_eq!(lines("three"), ["before", "1", "behind"], "a log that is gone on with has its header");
    run("mkfifo pipe; cat pipe >piped & fanlane run --quiet --joblog pipe true ::: a; wait");
    assert_eq!(lines("piped"), ["Seq", "1"]);
    run("{ echo before; fanlane run --quiet --record /dev/stdout true ::: a; } >out");
    assert_eq!(lines("out")[..2], ["before", "{"], "a record");
    run("{ echo before; fanlane export last -f csv -o /dev/stdout; echo behind; } >out");
    assert_eq!(lines("out").len(), 4, "an export");
    run("fanlane export last -f csv -o /dev/null; test -c /dev/null");
    let closed = run_script("fanlane run --joblog /dev/stdout true ::: a >&-", folder.path());
    assert_eq!(closed.code, Some(2), "{closed:?}");
}
