//! Folders and files whose names are no UTF-8, as old archives have them: every way that a path takes through processes, files
//! and the history.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::start::{Ended, command, ended};

const NAME: &[u8] = b"caf\xe9";

/// Runs the program in the folder of that name below `place`; `CAFE` in a word stands for the name.
fn run(words: &str, place: &Path) -> Ended {
    let words: Vec<OsString> = words
        .split('|')
        .map(|word| match word.split_once("CAFE") {
            Some((before, after)) => {
                OsStr::from_bytes(&[before.as_bytes(), NAME, after.as_bytes()].concat()).to_owned()
            }
            None => word.into(),
        })
        .collect();
    let mut command = command(&[], place);
    command.args(words).current_dir(place.join(OsStr::from_bytes(NAME)));
    ended(command.spawn().expect("the program can be started"))
}

fn done(words: &str, place: &Path) -> String {
    let ended = run(words, place);
    assert_eq!(ended.code, Some(0), "{words}: {ended:?}");
    let mut lines: Vec<&str> = ended.out.lines().collect();
    lines.sort_unstable();
    lines.join(" ")
}

#[test]
fn a_folder_whose_name_is_no_utf_8_is_a_folder_as_any_other() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path().join(OsStr::from_bytes(NAME));
    fs::create_dir(&folder).expect("made");
    fs::write(folder.join(OsStr::from_bytes(NAME)), "a\nb\n").expect("written");
    fs::write(
        folder.join("job.ron"),
        r#"Job(version: 1, task: Command("echo {}"), inputs: [Lines(b"caf\xe9")], working_dir: b"../caf\xe9")"#,
    )
    .expect("written");
    fs::write(
        folder.join("ordered.ron"),
        r#"Job(version: 1, task: Command("echo {}"), inputs: [List(["a", "b"])], order: LongestFirst(JobLog(b"caf\xe9.log")))"#,
    )
    .expect("written");
    let place = place.path();
    for words in [
        "run|--mode|one|echo {}|:::|a|b",
        "run|--mode|threads|echo {}|:::|a|b",
        "run|--mode|pool|echo {}|:::|a|b",
        "run|--no-shell|echo|{}|:::|a|b",
        "run|--wd|../CAFE|echo {}|:::|a|b",
        "run|echo {}|::::|CAFE",
        "run|--joblog|CAFE.log|echo {}|:::|a|b",
        "run|job.ron",
        "run|ordered.ron",
        "rerun|last",
        "run|--joblog|log-CAFE|--record|record-CAFE|--results|results-CAFE|echo {}|:::|a|b",
    ] {
        assert_eq!(done(words, place), "a b", "{words}");
    }
    for kept in ["log-", "record-", "results-"] {
        let path = folder.join(OsStr::from_bytes(&[kept.as_bytes(), NAME].concat()));
        assert!(path.exists(), "{}", path.display());
    }
    // The values, too: through the host, the history and back.
    let ended = run("run|--background|until test -e go; do sleep 0.01; done; echo {}|:::|x|CAFE", place);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let number = ended.out.trim().to_owned();
    done(&format!("stop|{number}"), place);
    fs::write(folder.join("go"), "").expect("written");
    assert_eq!(done(&format!("rerun|{number}"), place), "caf\u{fffd} x");
    assert!(done("show|last|--json", place).contains(",99,97,102,233]"), "the folder as it is");
    let failed = run("run|if test -e there; then true; else exit {}; fi|:::|0|3", place);
    assert_eq!(failed.code, Some(1), "{failed:?}");
    fs::write(folder.join("there"), "").expect("written");
    done("resume|last|--failed", place);
}

#[test]
fn contenders_of_a_race_run_in_a_folder_whose_name_is_no_utf_8() {
    let place = tempfile::tempdir().expect("a folder");
    fs::create_dir(place.path().join(OsStr::from_bytes(NAME))).expect("made");
    let ended = run(
        "race|--modes|one,pool|-j|2|--repeat|1|--warmup|0|--save|CAFE.race.json|test -d {}|:::|../CAFE|.",
        place.path(),
    );
    assert_eq!(ended.code, Some(0), "{ended:?}");
}
