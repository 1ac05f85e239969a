//! `fanlane race` from outside: what it prints, keeps and refuses.

use std::fs;

use serde_json::Value;

use super::start::{Ended, run_in};

const JOB: &str =
    r#"Job(version: 1, name: "Short naps", task: Workload(name: "sleep"), inputs: [List(["0.01", "0.02", "0.01"])])"#;

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("naps.ron"), JOB).expect("written");
    folder
}

#[track_caller]
fn is_done(ended: &Ended) {
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[test]
fn a_race_is_told_saved_exported_and_shown_again() {
    let folder = folder();
    let words = "race naps.ron --modes one,pool --workers 1,2 --chunks 2 --repeat 2 --warmup 0 --seed 7 --json \
                 --save naps.race.json --export naps.csv --export naps.md --export naps-all.json";
    let ended = run_in(&words.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>(), folder.path());
    is_done(&ended);
    let told: Value = serde_json::from_str(&ended.out).expect("one JSON object");
    let results = told["results"].as_array().expect("a list");
    let ways: Vec<&str> = results.iter().filter_map(|result| result["way"].as_str()).collect();
    assert_eq!(ways, ["one process", "pool of 1", "pool of 2", "pool of 2, chunks of 2"]);
    for result in results {
        assert_eq!(result["secs"].as_array().map(Vec::len), Some(2), "{result}");
        assert!(result["mean_secs"].as_f64() >= result["min_secs"].as_f64() && result["not_done"] == 0);
        let parts = result["waterfall"]["parts"].as_object().expect("parts");
        let sum: f64 = parts.values().filter_map(Value::as_f64).sum::<f64>();
        let ideal = result["waterfall"]["ideal_secs"].as_f64().expect("a number");
        let measured = result["waterfall"]["measured_secs"].as_f64().expect("a number");
        assert!(((ideal + sum) / measured - 1.0).abs() < 0.02, "{result}");
    }
    assert_eq!((&told["rules"]["seed"], &told["machine"]["fanlane"]), (&7.into(), &env!("CARGO_PKG_VERSION").into()));
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).expect("it was written");
    assert_eq!(read("naps-all.json"), ended.out);
    assert_eq!(read("naps.csv").lines().count(), 1 + 4);
    assert!(read("naps.md").starts_with("| Way | Mean |"));

    let shown = run_in(&["race", "--show", "naps.race.json", "--json"], folder.path());
    is_done(&shown);
    assert_eq!(shown.out, ended.out, "opened later it says the same");
    let shown = run_in(&["race", "--show", "naps.race.json"], folder.path());
    assert!(shown.out.contains("Short naps: 3 tasks") && shown.out.contains("Where the time went"), "{}", shown.out);
    let beside = run_in(&["race", "--show", "naps.race.json", "naps.race.json"], folder.path());
    assert!(beside.out.contains("1: Short naps on ") && beside.out.contains("2: Short naps on "), "{}", beside.out);
    assert!(beside.out.contains("Short naps: pool of 2, chunks of 2 "), "{}", beside.out);
}

#[test]
fn a_command_is_raced_and_its_failures_are_told() {
    let folder = folder();
    let words = [
        "race",
        "--modes",
        "one,threads",
        "--workers",
        "2",
        "--repeat",
        "2",
        "--warmup",
        "0",
        "echo boom >&2; exit {}",
    ];
    let ended = run_in(&[&words[..], &[":::", "0", "1"]].concat(), folder.path());
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended
            .out
            .contains("Up to 1 task of a run did not succeed (the first in one process, task 2: exit 1: boom), so"),
        "{}",
        ended.out
    );
    assert!(ended.out.contains("2 threads"), "{}", ended.out);
}

#[test]
fn a_race_takes_the_values_and_the_folder_of_a_job_as_a_run_does() {
    let folder = folder();
    fs::create_dir(folder.path().join("there")).expect("made");
    let job = r#"Job(version: 1, task: Command("[ {@wanted} = {} ]"), parameters: [Parameter(name: "wanted", required: true)],
        inputs: [List(["b"])])"#;
    fs::write(folder.path().join("wanted.ron"), job).expect("written");
    for (words, code) in [
        ("race --modes one --repeat 2 --warmup 0 --set wanted=b wanted.ron", 0),
        ("race --modes one --repeat 2 --warmup 0 --param wanted=c wanted.ron", 1),
        ("race --modes one --repeat 2 --warmup 0 --wd there touch {} ::: made", 0),
    ] {
        let ended = run_in(&words.split(' ').collect::<Vec<_>>(), folder.path());
        assert_eq!(ended.code, Some(code), "{words}: {ended:?}");
    }
    assert!(folder.path().join("there/made").exists());
}

#[test]
fn what_cannot_be_raced_is_refused_before_anything_runs() {
    let folder = folder();
    fs::write(folder.path().join("there.csv"), "").expect("written");
    fs::write(folder.path().join("odd.race.json"), "{}").expect("written");
    let table = [
        ("race", "there is nothing to race"),
        ("race missing.ron", "missing.ron"),
        ("race naps.ron --modes two", "one, threads, pool"),
        ("race naps.ron --workers 0", "0"),
        ("race naps.ron --workers 1,x", "x"),
        ("race naps.ron --chunks 0", "expected 'usual', or sizes from 1 on"),
        ("race naps.ron --repeat 0", "0"),
        ("race naps.ron --precision 0", "above 0"),
        ("race naps.ron --time-limit soon", "seconds"),
        ("race naps.ron --export there.csv", "there.csv exists already"),
        ("race naps.ron --export races.txt", "end its name in .csv, .json or .md"),
        ("race naps.ron --save no/where.race.json", "there is no folder no"),
        ("race --pep371 naps.ron", "has its own six workloads"),
        ("race --pep371 --workers 2", "--workers"),
        ("race --pep371=1990", "2008, today, python"),
        ("race --pep371 --interpreter python3", "race them by --pep371=python"),
        ("race --interpreter python3 echo ::: 1", "this job calls none"),
        ("race --pep371 --wd .", "--wd"),
        ("race naps.ron --wd .", "so --wd has no meaning with it"),
        ("race naps.ron --set width=1", "'width' is no parameter of this job"),
        ("race --show odd.race.json", "is not a saved race"),
        ("race --show missing.race.json", "missing.race.json cannot be read"),
    ];
    for (words, complaint) in table {
        let ended = run_in(&words.split(' ').collect::<Vec<_>>(), folder.path());
        assert_eq!((ended.code, ended.out.as_str()), (Some(2), ""), "{words}: {ended:?}");
        assert!(ended.err.contains(complaint), "{words}: {}", ended.err);
    }
}

/// The race takes its own folder away.
#[test]
fn a_race_whose_files_cannot_be_written_is_still_told() {
    let folder = folder();
    fs::create_dir(folder.path().join("gone")).expect("made");
    let words =
        "race --modes one --workers 1 --repeat 1 --warmup 0 --save gone/x.race.json --export gone/x.csv --export x.md";
    let task = ["rm -rf gone; : {}", ":::", "1"];
    let ended = run_in(&[&words.split(' ').collect::<Vec<_>>(), &task[..]].concat(), folder.path());
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.out.contains("one process"), "the report: {}", ended.out);
    assert!(ended.err.contains("gone/x.race.json") && ended.err.contains("gone/x.csv"), "both: {}", ended.err);
    assert!(folder.path().join("x.md").exists(), "the other file is written");
}
