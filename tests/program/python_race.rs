//! The workloads of PEP 371 as functions of Python, and the interpreter of a run and of a race, wherever they are told.

use std::fs;

use serde_json::Value;

use super::python::{folder, run};
use super::start::run_in;

#[test]
fn the_workloads_of_pep_371_return_in_python_what_the_built_in_ones_return() {
    let folder = tempfile::tempdir().expect("a folder");
    let cases = [
        ("nothing", "1"),
        ("fibonacci", "25000"),
        ("sum_primes", "1000"),
        ("file_io", "300"),
        ("http_get", "7"),
        ("queue_traffic", "50"),
    ];
    for (name, argument) in cases {
        let job = format!(
            "Job(version: 1, task: Workload(name: \"{name}\"), inputs: [List([\"{argument}\"])], workers: 1, mode: one)"
        );
        fs::write(folder.path().join("built-in.ron"), job).expect("written");
        let built_in = run(folder.path(), &["--quiet", "built-in.ron"]);
        let place = format!("fanlane.pep371:{name}");
        let python = run(folder.path(), &["--quiet", "-j", "1", "--python", &place, ":::", argument]);
        assert_eq!((built_in.code, python.code, &python.out), (Some(0), Some(0), &built_in.out), "{name}: {python:?}");
        assert!(!python.out.is_empty(), "{name}");
    }
    let threads = run(
        folder.path(),
        &["--quiet", "--mode", "threads", "-j", "2", "--python", "fanlane.pep371:http_get", ":::", "2", "2"],
    );
    assert_eq!((threads.code, &*threads.out), (Some(0), "1024\n1024\n"), "{threads:?}");
    let wrong = run(folder.path(), &["--python", "fanlane.pep371:sum_primes", ":::", "x"]);
    assert!(wrong.err.contains("in sum_primes\n    return sum("), "its lines are shown: {wrong:?}");
}

#[test]
fn a_run_tells_its_interpreter_and_whether_it_has_the_global_lock() {
    let folder = folder();
    let threads = run(folder.path(), &["--mode", "threads", "-j", "2", "--python", "model.py:cube", ":::", "1", "2"]);
    let told = |text: &str| {
        text.contains("global lock lets one thread run Python code at a time") || text.contains("free-threaded: ")
    };
    assert!(threads.err.contains("\nPython 3.") && told(&threads.err), "{threads:?}");
    assert!(told(&run_in(&["show", "last"], folder.path()).out));

    let pool = run(folder.path(), &["--json", "-j", "1", "--python", "model.py:cube", ":::", "1"]);
    let last = |text: &str| -> Value { serde_json::from_str(text.lines().last().expect("a line")).expect("JSON") };
    let summary = last(&pool.out)["summary"].clone();
    let interpreter = &summary["interpreter"];
    assert!(interpreter["version"].as_str().is_some_and(|version| version.starts_with("3.")), "{summary}");
    assert!(interpreter["path"].as_str().is_some_and(|path| path.starts_with('/')), "{summary}");
    assert!(interpreter["has_gil"].is_boolean() && interpreter["origin"].is_string(), "{summary}");
    let shown = last(&run_in(&["show", "--json", "last"], folder.path()).out);
    assert_eq!(shown["interpreter"], *interpreter);
    let exported = last(&run_in(&["export", "--format", "jsonl", "last"], folder.path()).out);
    assert_eq!(exported["summary"]["interpreter"], *interpreter);
    let command = run(folder.path(), &["--json", "true", ":::", "1"]);
    assert!(!command.out.contains("interpreter"), "{command:?}");
}

#[test]
fn a_race_of_a_python_function_tells_whether_its_threads_share_a_lock() {
    let folder = folder();
    let job =
        "Job(version: 1, name: \"Cubes\", task: Python(file: \"model.py\", function: \"cube\"), inputs: [Range(1, 4)])";
    fs::write(folder.path().join("cubes.ron"), job).expect("written");
    let words = ["race", "cubes.ron", "-j", "2", "--modes", "one,threads", "--repeat", "1", "--warmup", "0", "--quiet"];
    let raced = run_in(&[&words[..], &["--save", "x.race.json", "--export", "x.md"]].concat(), folder.path());
    let told = |text: &str| {
        text.contains("global lock lets one thread run Python code at a time") || text.contains("free-threaded: ")
    };
    assert!(raced.code == Some(0) && told(&raced.out), "{raced:?}");
    assert!(told(&fs::read_to_string(folder.path().join("x.md")).expect("written")));
    let again = run_in(&["race", "--show", "x.race.json", "--json"], folder.path());
    let again: Value = serde_json::from_str(&again.out).expect("JSON");
    assert!(again["interpreter"]["path"].as_str().is_some_and(|path| path.starts_with('/')), "{again}");
    let wrong = run_in(&["race", "cubes.ron", "--interpreter", "/bin/false", "--quiet"], folder.path());
    assert!(wrong.code == Some(2) && wrong.err.contains("nothing was raced: /bin/false"), "{wrong:?}");
}
