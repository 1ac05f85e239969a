//! Jobs with parameters from the command line: their values are put in, kept and checked before anything runs.

use std::fs;
use std::path::Path;

use super::start::run_in;

const JOB: &str = r#"Job(
    version: 1,
    name: "Greet",
    task: Command("echo {@greeting} {@mark} {}"),
    parameters: [
        Parameter(name: "greeting", help: "What is said", required: true),
        Parameter(name: "last", type: Number(min: 1, max: 9, step: 1), default: 2),
        Parameter(name: "mark", type: YesNo(yes: "!", no: "")),
        Parameter(name: "dir", type: Folder, default: "."),
    ],
    inputs: [Numbers("1", "{@last}")],
)"#;

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("greet.ron"), JOB).expect("written");
    folder
}

/// The exit status, standard output and standard error of words with `|` between them.
fn run(words: &str, folder: &Path) -> (Option<i32>, String, String) {
    let ended = run_in(&words.split('|').collect::<Vec<_>>(), folder);
    (ended.code, ended.out, ended.err)
}

#[test]
fn values_are_put_in_and_an_earlier_run_is_run_again_with_them() {
    let folder = folder();
    let folder = folder.path();
    let shown = run("run|--quiet|-k|greet.ron|--set|greeting=a; echo b|--set|last=3|--param|mark=yes", folder);
    assert_eq!((shown.0, &*shown.1), (Some(0), "a; echo b ! 1\na; echo b ! 2\na; echo b ! 3\n"), "{}", shown.2);
    let again = run("rerun|last|--quiet|-k|--set|last=1", folder);
    assert_eq!((again.0, &*again.1), (Some(0), "a; echo b ! 1\n"), "{}", again.2);
    let again = run("rerun|last|--quiet|-k|--set|mark=no", folder);
    assert_eq!((again.0, &*again.1), (Some(0), "a; echo b 1\n"), "{}", again.2);
    let background = run("run|--background|--quiet|greet.ron|--set|greeting=hi", folder);
    assert_eq!(background.0, Some(0), "{}", background.2);
    run("attach|last|--plain", folder);
    let resumed = run("show|4|--job", folder);
    assert!(resumed.1.contains("\"greeting\": \"hi\"") && resumed.1.contains("{@greeting}"), "{resumed:?}");
}

#[test]
fn what_is_missing_or_wrong_is_named_before_anything_runs() {
    let folder = folder();
    for (words, complaint) in [
        ("run|greet.ron", "the parameter greeting has no value; it takes text; give it with --set greeting=VALUE"),
        (
            "run|greet.ron|--set|greeting=x|--set|last=10",
            "the parameter last cannot be '10'; it takes a whole number from 1 to 9",
        ),
        ("run|greet.ron|--set|greeting=x|--set|dir=gone", "/gone is no folder"),
        ("run|greet.ron|--set|greting=x", "'greting' is no parameter of this job; did you mean 'greeting'?"),
        ("run|greet.ron|--set|greeting", "expected the name of a parameter, = and its value"),
        ("run|--set|x=1|echo|:::|a", "'x' is no parameter of this job; it has none"),
    ] {
        let (code, out, err) = run(words, folder.path());
        assert!(code == Some(2) && out.is_empty() && err.contains(complaint), "{words}: {out}{err}");
    }
}

#[test]
fn a_preset_shows_its_parameters_and_is_still_a_job_file() {
    let folder = folder();
    let folder = folder.path();
    assert_eq!(run("presets|save|greet.ron", folder).0, Some(0));
    let (_, shown, _) = run("presets|show|greet", folder);
    let line =
        |name: &str| shown.lines().find(|line| line.starts_with(&format!("//   {name} "))).unwrap_or("").to_owned();
    assert!(line("greeting").contains("required") && line("greeting").ends_with("What is said"), "{shown}");
    assert!(line("last").contains("a whole number from 1 to 9") && line("last").contains("default: 2"), "{shown}");
    fs::write(folder.join("copy.ron"), &shown).expect("written");
    let from_file = run("run|--dry-run|copy.ron|--set|greeting=hi", folder);
    let from_preset = run("run|--dry-run|--preset|Greet|--set|greeting=hi", folder);
    assert_eq!((from_file.0, &*from_file.1), (Some(0), "echo hi  1\necho hi  2\n"), "{from_file:?}");
    assert_eq!(from_preset.1, from_file.1);
}
