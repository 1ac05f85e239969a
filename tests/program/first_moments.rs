//! What is known of a run from its first moment: it is in the history before its first task begins, wherever it runs, and a
//! run that one of its tasks starts is known as its own.

use std::fs;
use std::path::Path;
use std::time::Instant;

use super::start::{DEADLINE, command, run_in};

/// The runs of the history, the newest first.
fn runs(folder: &Path) -> Vec<serde_json::Value> {
    let listed = run_in(&["history", "--json"], folder);
    listed.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The engine's process is the first number of the marker that its tasks carry.
const KILL_ENGINE: &str = "kill -9 ${FANLANE_WORKER%%.*}; sleep 100; : {}";

#[test]
fn a_run_that_its_first_task_kills_is_in_the_history_and_is_the_one_that_resume_last_means() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(run_in(&["run", "echo {}", ":::", "older"], folder.path()).code, Some(0));
    for (number, place) in [(2, &[][..]), (3, &["--background"]), (4, &["--record", "record", "--joblog", "log"])] {
        let words = [&["run", "-j1"], place, &[KILL_ENGINE, ":::", "a", "b"]].concat();
        run_in(&words, folder.path());
        let until = Instant::now() + DEADLINE;
        while runs(folder.path())[0]["state"] != "interrupted" {
            assert!(Instant::now() < until, "{place:?}: waited in vain for the end of the run");
        }
        let newest = &runs(folder.path())[0];
        assert_eq!((&newest["run"], &newest["tasks"]), (&number.into(), &2.into()), "{place:?}");
        let rest = run_in(&["resume", "last", "--dry-run"], folder.path()).out;
        assert_eq!(rest.lines().count(), 2, "{rest}");
        assert!(rest.contains("kill -9"), "{rest}");
    }
    let record = fs::read_to_string(folder.path().join("record")).expect("it is there");
    assert!(record.starts_with("{\"fanlane_record\":1"), "{record}");
    assert!(fs::read_to_string(folder.path().join("log")).expect("it is there").starts_with("Seq\t"));
}

#[test]
fn every_task_finds_its_own_run_in_a_history_that_is_new() {
    let folder = tempfile::tempdir().expect("a folder");
    let look = format!("{} history --json; : {{}}", env!("CARGO_BIN_EXE_fanlane"));
    let start = || command(&["run", "-j1", &look, ":::", "a", "b"], folder.path()).spawn().expect("it starts");
    let children: Vec<_> = (0..4).map(|_| start()).collect();
    for child in children {
        let ended = child.wait_with_output().expect("it ends");
        let seen = String::from_utf8_lossy(&ended.stdout).matches("\"state\":\"running\"").count();
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(seen >= 2 && !said.contains("no run has been recorded"), "{seen}: {said}");
    }
}

#[test]
fn a_run_that_a_task_started_is_a_child_and_not_the_last_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let inner = format!("{} run --quiet 'echo inner {{}}' ::: a b; : {{}}", env!("CARGO_BIN_EXE_fanlane"));
    let ran = run_in(&["run", "-j1", &inner, ":::", "x"], folder.path());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.contains("inner"), "{ran:?}");
    let listed = runs(folder.path());
    let outer: Vec<_> = listed.iter().map(|run| (run["run"].as_i64(), run["parent"].as_i64())).collect();
    assert_eq!(outer, [(Some(2), Some(1)), (Some(1), None)]);
    assert!(run_in(&["show", "last"], folder.path()).out.starts_with("run          1\n"));
    let shown = run_in(&["show", "2"], folder.path()).out;
    assert!(shown.contains("parent       run 1"), "{shown}");
    // Neither is a child whose outer run is not recorded.
    run_in(&["run", "--no-history", "-j1", &inner, ":::", "x"], folder.path());
    assert_eq!((&runs(folder.path())[0]["run"], &runs(folder.path())[0]["parent"]), (&3.into(), &0.into()));
    assert!(run_in(&["show", "last"], folder.path()).out.starts_with("run          1\n"));
}

#[test]
fn what_was_laid_over_a_job_is_done_again_and_can_be_overridden() {
    let folder = tempfile::tempdir().expect("a folder");
    let job = r#"Job(version: 1, task: Command("echo {} $LEVEL; test {} = a"), inputs: [List(["a", "b"])])"#;
    fs::write(folder.path().join("job.ron"), job).expect("written");
    let laid = ["-j1", "--mode", "threads", "--retries", "2", "--timeout", "77", "--env", "LEVEL=7", "--nice", "3"];
    let ran = run_in(&[&["run"], &laid[..], &["job.ron"]].concat(), folder.path());
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let kept = |run: &str| run_in(&["show", run, "--job"], folder.path()).out;
    let first = kept("1");
    for words in ["workers: 1", "mode: threads", "retries: 1", "timeout_secs: 77", "\"LEVEL\": \"7\""] {
        assert!(first.contains(words), "{words}: {first}");
    }
    for (number, words) in [(2, &["rerun", "last"][..]), (3, &["resume", "last", "--failed"])] {
        let again = run_in(words, folder.path());
        assert!(again.out.contains("b 7\n"), "{again:?}");
        assert_eq!(kept(&number.to_string()), first, "{words:?}");
        assert_eq!(runs(folder.path())[0]["workers"], 1);
    }
    let started = run_in(&["rerun", "1", "--background"], folder.path());
    assert_eq!(&*started.out, "4\n", "{started:?}");
    assert_eq!(kept("4"), first);
    run_in(&["stop"], folder.path());
    let other = run_in(&["rerun", "1", "-j2", "--mode", "pool", "--env", "LEVEL=8"], folder.path());
    assert!(other.out.contains("b 8\n"), "{other:?}");
    let other = kept("5");
    assert!(other.contains("workers: 2") && other.contains("retries: 1") && !other.contains("threads"), "{other}");
}
