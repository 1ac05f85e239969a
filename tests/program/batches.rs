//! Runs that resume each other are one batch: shown, exported and counted as one. And what is looked for in all outputs of a
//! run; and a history that an older version wrote.

use std::fs;
use std::path::Path;

use super::start::{Ended, command, run_in};

fn json_lines(text: &str) -> Vec<serde_json::Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// A batch of five tasks that is cut off twice, after each of its failures.
fn cut_off(folder: &Path) -> Vec<Ended> {
    let script = "echo out {}; echo err {} >&2; echo {} >> ran; test $(grep -c . ran) != 2 -a $(grep -c . ran) != 4";
    let halt = ["run", "-j1", "--halt", "now,fail=1", script, ":::", "a", "b", "c", "d", "e"];
    let resume = ["resume", "last", "--failed"];
    [&halt[..], &resume, &resume].iter().map(|words| run_in(words, folder)).collect()
}

#[test]
fn a_chain_of_resumed_runs_is_one_batch_wherever_it_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let runs = cut_off(folder.path());
    assert_eq!(runs.iter().map(|run| run.code).collect::<Vec<_>>(), [Some(1), Some(1), Some(0)], "{runs:?}");

    let csv = run_in(&["export", "last", "--format", "csv"], folder.path()).out;
    let mut rows: Vec<&str> = csv.lines().skip(1).filter(|line| line.contains(",echo out ")).collect();
    rows.sort_unstable();
    assert_eq!(rows.len(), 5, "{csv}");
    for (row, (number, name)) in rows.iter().zip([(1, "a"), (2, "b"), (3, "c"), (4, "d"), (5, "e")]) {
        assert!(row.starts_with(&format!("{number},{name},")) && row.contains(",done,"), "{row}");
    }
    for format in ["json", "jsonl", "trace"] {
        let out = run_in(&["export", "last", "--format", format], folder.path()).out;
        for name in ["a", "b", "c", "d", "e"] {
            let word = if format == "trace" { format!("echo out {name};") } else { format!("\"out {name}\\n\"") };
            let times = out.matches(&word).count();
            // A trace names a task once more where an attempt of it failed.
            assert!(times == 1 || (format == "trace" && times > 0), "{format} {name}: {times}: {out}");
        }
    }
    let lines = json_lines(&run_in(&["export", "last", "--format", "jsonl"], folder.path()).out);
    let summary = &lines.last().expect("a summary")["summary"];
    assert_eq!((&summary["done"], &summary["failed"]), (&5.into(), &0.into()), "{summary}");

    let shown = run_in(&["show", "last"], folder.path()).out;
    assert!(shown.contains("resumes      runs 2, 1\n") && shown.contains("5 of 5 tasks done in 3 runs"), "{shown}");
    let listed = run_in(&["history"], folder.path()).out;
    assert!(listed.lines().count() == 2 && listed.contains("5/5"), "{listed}");
    let all = run_in(&["history", "--all"], folder.path()).out;
    assert_eq!(all.lines().count(), 4, "{all}");
    let newest = &json_lines(&run_in(&["history", "--json"], folder.path()).out)[0];
    assert_eq!((&newest["batch_done"], &newest["batch_tasks"]), (&5.into(), &5.into()));

    for words in [&["resume", "last"][..], &["resume", "last", "--background"]] {
        let nothing = run_in(words, folder.path());
        assert_eq!((nothing.code, &*nothing.out), (Some(0), ""), "{nothing:?}");
        assert!(nothing.err.contains("nothing is left to run"), "{nothing:?}");
    }
    assert!(run_in(&["show", "last"], folder.path()).out.starts_with("run          3\n"), "no run was made");
}

#[test]
fn what_tasks_printed_is_found_in_all_runs_of_a_batch_and_the_status_is_that_of_grep() {
    let folder = tempfile::tempdir().expect("a folder");
    cut_off(folder.path());
    let grep = |words: &[&str]| run_in(&[&["show", "last"], words].concat(), folder.path());
    let found = grep(&["--grep", "ERR [ab]", "-i"]);
    assert_eq!(found.code, Some(0), "{found:?}");
    assert_eq!(
        found.out, "task 1: stderr:1: err a\ntask 2: stderr:1: err b\ntask 2: stderr:1: err b\n",
        "also in attempts that failed"
    );
    assert_eq!((grep(&["--grep", "nowhere"]).code, grep(&["--grep", "t . c", "-F"]).code), (Some(1), Some(1)));
    let wrong = grep(&["--grep", "("]);
    assert!(wrong.code == Some(2) && wrong.err.contains("-F takes it as a text"), "{wrong:?}");
    let json = json_lines(&grep(&["--grep", "out e", "-F", "--json"]).out);
    assert_eq!((&json[0]["task"], &json[0]["stream"], &json[0]["run"]), (&5.into(), &"stdout".into(), &3.into()));
}

#[test]
fn a_history_of_the_first_version_is_read_searched_and_gone_on_with() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join(".local/share/fanlane");
    fs::create_dir_all(&place).expect("made");
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/history-version-1.sqlite3");
    fs::copy(fixture, place.join("history.sqlite3")).expect("copied");
    let listed = json_lines(&run_in(&["history", "--json"], folder.path()).out);
    let done: Vec<_> = listed.iter().map(|run| (run["run"].as_i64(), run["done"].as_i64())).collect();
    assert_eq!(done, [(Some(3), Some(1)), (Some(2), Some(2)), (Some(1), Some(20))]);
    let cubes = json_lines(&run_in(&["export", "1", "--format", "jsonl"], folder.path()).out);
    assert_eq!(cubes.len(), 21);
    assert!(cubes.iter().any(|line| line["input"] == serde_json::json!(["1"]) && line["value"] == 1), "{cubes:?}");
    let csv = run_in(&["export", "2", "--format", "csv"], folder.path()).out;
    assert!(csv.contains("test b != b,failed,,1,") && csv.contains("\"err b\n\""), "{csv}");
    let found = run_in(&["show", "2", "--grep", "err b"], folder.path());
    assert_eq!(found.out, "task 2: stderr:1: err b\ntask 2 try 2: stderr:1: err b\n", "{found:?}");
    let rest = run_in(&["resume", "3", "--dry-run"], folder.path()).out;
    assert_eq!(rest, "exit 0\nexit 0\n");
    assert_eq!(run_in(&["rerun", "1", "--quiet"], folder.path()).code, Some(0));
    let again = json_lines(&run_in(&["export", "4", "--format", "jsonl"], folder.path()).out);
    let texts = |lines: &[serde_json::Value]| {
        let mut texts: Vec<_> =
            lines[..20].iter().map(|line| format!("{} {} {}", line["input"], line["command"], line["value"])).collect();
        texts.sort_unstable();
        texts
    };
    assert_eq!(texts(&again), texts(&cubes), "values and commands that follow from the job");
}

#[test]
fn bytes_take_the_room_in_the_history_that_they_have() {
    let folder = tempfile::tempdir().expect("a folder");
    // Each byte of a stream that is no text takes up to four in JSON, and a control character six.
    for (number, byte) in [(1, "\\377"), (2, "\\001"), (3, "x")] {
        let print = format!("head -c 60000 /dev/zero | tr '\\000' '{byte}'; : {{}}");
        let ran =
            run_in(&["run", "--quiet", "--results", "out", &print, ":::", "1", "2", "3", "4", "5"], folder.path());
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let bytes = json_lines(&run_in(&["history", "--json"], folder.path()).out)[0]["bytes"].as_i64();
        assert!(bytes.is_some_and(|bytes| (300_000..320_000).contains(&bytes)), "{byte}: {bytes:?}");
        let csv =
            command(&["export", &number.to_string(), "--format", "csv"], folder.path()).output().expect("it runs");
        assert!(csv.stdout.len() > 60_000);
    }
}

#[test]
fn the_list_of_runs_has_local_times_a_length_and_filters() {
    let folder = tempfile::tempdir().expect("a folder");
    run_in(&["run", "--quiet", "echo first {}", ":::", "a"], folder.path());
    run_in(&["run", "--quiet", "echo 日本語 {}; exit 1", ":::", "a"], folder.path());
    run_in(&["run", "--quiet", "echo third {}", ":::", "a"], folder.path());
    let list = |words: &[&str]| run_in(&[&["history"], words].concat(), folder.path()).out;
    for (words, jobs) in [
        (&[][..], &["third", "日本語", "first"][..]),
        (&["-n", "2"], &["third", "日本語"]),
        (&["--failed"], &["日本語"]),
        (&["--name", "FIRST"], &["first"]),
        (&["--since", "1d"], &["third", "日本語", "first"]),
        (&["--name", "fifth"], &[]),
    ] {
        let listed = list(words);
        let rows: Vec<&str> = listed.lines().skip(1).collect();
        assert_eq!(rows.len(), jobs.len(), "{words:?}: {listed}");
        assert!(rows.iter().zip(jobs).all(|(row, job)| row.contains(job)), "{words:?}: {listed}");
    }
    let time_in = |zone: &str| {
        let output = command(&["show", "1"], folder.path()).env("TZ", zone).output().expect("it runs");
        let shown = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = shown.lines().find(|line| line.starts_with("started")).expect("a time").to_owned();
        line.trim_start_matches("started").trim().to_owned()
    };
    let (utc, east, unknown) = (time_in("UTC0"), time_in("EST-9"), time_in("No/Such_Zone"));
    assert_eq!(utc.len(), "2026-11-22 16:45".len(), "{utc}");
    assert_ne!(utc, east, "the reader's zone");
    assert!(unknown.starts_with(&utc[..10]) || unknown.contains(':'), "{unknown}");
}
