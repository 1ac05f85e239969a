//! The history from outside: runs are recorded, listed, shown, exported, resumed after an interruption and repeated;
//! and a history that cannot be written does not fail a run.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

use super::start::{DEADLINE, Ended, command, run_in};

fn json_lines(text: &str) -> Vec<serde_json::Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn runs(folder: &Path) -> Vec<serde_json::Value> {
    json_lines(&run_in(&["history", "--json"], folder).out)
}

#[test]
fn a_run_is_listed_shown_exported_and_removed() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(run_in(&["show", "last"], folder.path()).code, Some(2));
    let empty = run_in(&["history"], folder.path());
    assert_eq!((empty.code, &*empty.out), (Some(0), ""), "{empty:?}");
    assert!(!folder.path().join(".local").exists(), "looking makes nothing");

    let ran = run_in(&["run", "-j1", "--json", "echo {}; test {} != b", ":::", "a", "b", "é"], folder.path());
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(folder.path().join(".local/share/fanlane/history.sqlite3").exists());
    let listed = runs(folder.path());
    assert_eq!(listed.len(), 1);
    let run = &listed[0];
    assert_eq!(
        (&run["run"], &run["state"], &run["done"], &run["failed"]),
        (&1.into(), &"finished".into(), &2.into(), &1.into())
    );
    let table = run_in(&["history"], folder.path()).out;
    assert!(table.lines().count() == 2 && table.contains("echo {}; test {} != b"), "{table}");

    assert_eq!(
        run_in(&["export", "last", "--format", "jsonl"], folder.path()).out,
        ran.out,
        "an export is what --json printed"
    );
    let csv = run_in(&["export", "1", "--format", "csv"], folder.path()).out;
    assert!(
        csv.starts_with("task,input 1,command,outcome,") && csv.contains("\n2,b,echo b; test b != b,failed,,1,"),
        "{csv}"
    );
    let trace = run_in(&["export", "1", "--format", "trace"], folder.path()).out;
    assert!(trace.contains("\"cat\":\"failed\""), "{trace}");

    let shown = run_in(&["show", "1"], folder.path());
    for words in [
        "state        finished",
        "2 done, 1 failed",
        "fanlane rerun 1 --failed",
        "task 2 failed: exit code 1: echo b",
        "\n  | b\n",
    ] {
        assert!(shown.out.contains(words), "{words}: {shown:?}");
    }
    let job = run_in(&["show", "1", "--job"], folder.path()).out;
    fs::write(folder.path().join("again.ron"), job).expect("written");
    assert_eq!(run_in(&["run", "-k", "--no-history", "again.ron"], folder.path()).out, "a\nb\né\n");
    let environment = &json_lines(&run_in(&["show", "last", "--json"], folder.path()).out)[0]["environment"];
    assert_eq!(environment["version"], env!("CARGO_PKG_VERSION"));

    for (words, fault) in [
        (&["show", "7"][..], "there is no run 7 in the history"),
        (&["show", "x"], "'x' for '<RUN>': not a run; give its number"),
        (&["export", "7", "--format", "csv"], "there is no run 7"),
        (&["history", "remove", "7"], "there is no run 7"),
        (&["resume", "7"], "there is no run 7"),
    ] {
        let refused = run_in(words, folder.path());
        assert_eq!((refused.code, refused.err.contains(fault)), (Some(2), true), "{refused:?}");
    }
    let told = run_in(&["history", "remove", "last"], folder.path());
    assert!(told.err.contains("1 run with") && told.err.contains("would be removed; add --yes"), "{told:?}");
    assert_eq!(runs(folder.path()).len(), 1, "nothing goes without --yes");
    assert_eq!(
        run_in(&["history", "prune", "--older-than", "1d"], folder.path()).err,
        "fanlane: there is nothing to remove\n"
    );
    assert_eq!(run_in(&["history", "prune", "--keep-size", "1", "--yes"], folder.path()).code, Some(0));
    assert!(runs(folder.path()).is_empty());
}

#[test]
fn a_run_without_a_history_leaves_none_and_another_folder_can_be_named() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(run_in(&["run", "--no-history", "true", ":::", "a"], folder.path()).code, Some(0));
    assert_eq!(run_in(&["run", "--dry-run", "true", ":::", "a"], folder.path()).code, Some(0));
    let by_variable = command(&["run", "true", ":::", "a"], folder.path()).env("FANLANE_NO_HISTORY", "1").output();
    assert!(by_variable.expect("it runs").status.success());
    assert!(!folder.path().join(".local").exists());
    let elsewhere = command(&["run", "true", ":::", "a"], folder.path()).env("FANLANE_DATA_DIR", "kept").output();
    assert!(elsewhere.expect("it runs").status.success());
    assert!(folder.path().join("kept/history.sqlite3").exists() && !folder.path().join(".local").exists());
}

#[test]
fn what_was_interrupted_goes_on_from_the_history() {
    for signal in [Signal::INT, Signal::KILL] {
        let folder = tempfile::tempdir().expect("a folder");
        let script = "echo {} >> ran; test {} = a || test -e go || exec sleep 1000";
        let words = ["run", "-j1", script, ":::", "a", "b", "c"];
        let child = command(&words, folder.path()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut child = child.expect("it starts");
        let until = Instant::now() + DEADLINE;
        let is_recorded = || runs(folder.path()).first().is_some_and(|run| run["done"] == 1);
        while !(is_recorded() && fs::read_to_string(folder.path().join("ran")).is_ok_and(|ran| ran == "a\nb\n")) {
            assert!(Instant::now() < until, "waited in vain for the tasks");
        }
        let refused = run_in(&["resume", "last"], folder.path());
        assert!(refused.code == Some(1) && refused.err.contains("run 1 is not paused"), "{refused:?}");
        kill_process(Pid::from_child(&child), signal).expect("it runs");
        child.wait().expect("it ends");
        let state = runs(folder.path())[0]["state"].clone();
        assert_eq!(state, if signal == Signal::KILL { "interrupted" } else { "stopped" });
        fs::write(folder.path().join("go"), "").expect("written");

        let dry = run_in(&["resume", "last", "--dry-run"], folder.path());
        assert_eq!(dry.out.lines().count(), 2, "{dry:?}");
        let changed = run_in(&["run", "--resume-run", "1", "echo", ":::", "a", "b"], folder.path());
        assert_eq!((changed.code, &*changed.out), (Some(2), ""), "{changed:?}");
        assert!(changed.err.contains("run 1 ran another command as task 1"), "{changed:?}");
        let resumed = run_in(&["resume", "last"], folder.path());
        assert!(resumed.code == Some(0) && resumed.err.contains("2 done, 0 failed, 1 done earlier"), "{resumed:?}");
        let ran = fs::read_to_string(folder.path().join("ran")).expect("read");
        let mut ran: Vec<&str> = ran.lines().collect();
        // The two remaining tasks may run at the same time.
        ran[2..].sort_unstable();
        assert_eq!(ran, ["a", "b", "b", "c"]);
        assert_eq!(runs(folder.path())[0]["continues"], 1);
        let nothing = run_in(&["run", "--resume-run", "2", script, ":::", "a", "b", "c"], folder.path());
        assert!(nothing.code == Some(0) && nothing.err.contains("0 done, 0 failed, 3 done earlier"), "{nothing:?}");
    }
}

#[test]
fn a_run_or_its_failures_are_done_again_and_what_is_flaky_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = "echo {}; test {} = a || test -e good";
    assert_eq!(run_in(&["run", "-k", script, ":::", "a", "b", "c"], folder.path()).code, Some(1));
    fs::write(folder.path().join("good"), "").expect("written");
    assert_eq!(run_in(&["rerun", "1", "-k"], folder.path()).out, "a\nb\nc\n");
    let flaky = json_lines(&run_in(&["show", "last", "--json"], folder.path()).out)[0]["flaky"].clone();
    assert_eq!(flaky, serde_json::json!([2, 3]));
    assert_eq!(run_in(&["rerun", "1", "--failed", "-k"], folder.path()).out, "b\nc\n");
    assert_eq!(run_in(&["rerun", "1", "--task", "3", "1", "-k"], folder.path()).out, "a\nc\n");
    assert_eq!(run_in(&["resume", "1", "--failed", "-k"], folder.path()).out, "b\nc\n");
    for (words, fault) in [
        (&["rerun", "2", "--failed"][..], "no task of that run has failed"),
        (&["rerun", "1", "--task", "4"], "there is no task 4; the run has the tasks 1 to 3"),
    ] {
        let refused = run_in(words, folder.path());
        assert_eq!((refused.code, refused.err.contains(fault)), (Some(2), true), "{refused:?}");
    }
    let retried = run_in(&["run", "--retries", "2", "test -e {} || { touch {}; false; }", ":::", "new"], folder.path());
    assert_eq!(retried.code, Some(0), "{retried:?}");
    assert!(run_in(&["show", "last"], folder.path()).out.contains("tried again: task 1"));
}

#[test]
fn inputs_that_have_changed_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("words"), "a\nb\nc\n").expect("written");
    assert_eq!(run_in(&["run", "-k", "echo", "::::", "words"], folder.path()).out, "a\nb\nc\n");
    fs::write(folder.path().join("words"), "a\nx\nc\nd\n").expect("written");
    let refused = run_in(&["resume", "1"], folder.path());
    assert_eq!((refused.code, &*refused.out), (Some(2), ""), "{refused:?}");
    assert!(
        refused.err.contains("as task 2: \"echo b\" then, \"echo x\" now; its job or its inputs have changed"),
        "{refused:?}"
    );
    fs::write(folder.path().join("words"), "a\nb\nc\nd\n").expect("written");
    assert_eq!(run_in(&["resume", "1"], folder.path()).out, "d\n", "what was added is done");
    fs::remove_file(folder.path().join("words")).expect("removed");
    let gone = run_in(&["rerun", "1"], folder.path());
    assert!(gone.code == Some(2) && gone.err.contains("words"), "{gone:?}");
    assert!(
        run_in(&["export", "1", "--format", "csv"], folder.path()).out.contains("echo b"),
        "the record needs no inputs"
    );
}

#[test]
fn a_history_that_cannot_be_written_costs_no_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let run = || -> Ended {
        let ran = command(&["run", "echo", ":::", "a"], folder.path()).env("FANLANE_DATA_DIR", &data).output();
        ran.expect("it runs").into()
    };
    fs::write(&data, "a file where the folder should be").expect("written");
    let ran = run();
    assert_eq!((ran.code, &*ran.out), (Some(0), "a\n"), "{ran:?}");
    assert_eq!(ran.err.matches("recorded").count(), 1, "told once: {ran:?}");
    fs::remove_file(&data).expect("removed");
    fs::create_dir(&data).expect("made");
    fs::write(data.join("history.sqlite3"), "this is no database, whatever its name says".repeat(200))
        .expect("written");
    let ran = run();
    assert_eq!((ran.code, &*ran.out), (Some(0), "a\n"), "{ran:?}");
    assert!(ran.err.contains("the history of runs was damaged: it is kept as"), "{ran:?}");
    assert!(data.join("history-damaged-1.sqlite3").exists());
    assert_eq!(run().err.matches("history").count(), 0);
}

#[test]
fn tasks_begin_in_the_order_of_how_long_they_took_and_it_says_how_many_it_knew() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = run_in(&["run", "-j1", "--json", "echo {}; sleep {}", ":::", "0.01", "0.4", "0.1"], folder.path());
    let mut took: Vec<(f64, String)> = json_lines(&first.out)
        .iter()
        .filter(|line| line["task"].is_u64())
        .map(|line| (line["wall_secs"].as_f64().expect("seconds"), line["input"][0].as_str().expect("text").to_owned()))
        .collect();
    assert_eq!(took.len(), 3);
    took.sort_by(|one, other| other.0.total_cmp(&one.0));
    let words = ["run", "-j1", "--order", "longest-first-by-history", "echo {}; sleep {}"];
    let again = run_in(&[&words[..], &[":::", "0.01", "0.4", "0.1", "0.02"]].concat(), folder.path());
    assert!(again.err.contains("the history has times of 3 of 4 tasks"), "{again:?}");
    let expected: Vec<&str> = std::iter::once("0.02").chain(took.iter().map(|(_, input)| &**input)).collect();
    assert_eq!(again.out.lines().collect::<Vec<_>>(), expected, "the one that is not known, then the longest");
    let job = "Job(version: 1, task: Command(\"echo {}; sleep {}\"), order: LongestFirst(History), workers: Some(1), \
               inputs: [List([\"0.01\", \"0.4\"])])";
    fs::write(folder.path().join("job.ron"), job).expect("written");
    let by_job = run_in(&["run", "--dry-run", "job.ron"], folder.path());
    assert!(by_job.err.contains("has times of 2 of 2 tasks"), "{by_job:?}");
}

#[test]
fn two_at_once_are_both_recorded() {
    let folder = tempfile::tempdir().expect("a folder");
    let start = || command(&["run", "--quiet", "echo", ":::", "a", "b"], folder.path()).stdout(Stdio::null()).spawn();
    let children: Vec<_> = (0..4).map(|_| start().expect("it starts")).collect();
    for child in children {
        let ended: Ended = child.wait_with_output().expect("it ends").into();
        assert_eq!((ended.code, &*ended.err), (Some(0), ""), "{ended:?}");
    }
    let done: Vec<_> = runs(folder.path()).iter().map(|run| run["done"].clone()).collect();
    assert_eq!(done, vec![serde_json::json!(2); 4]);
}
