use std::fs;
use std::os::unix::fs::symlink;

use super::*;
use crate::event::{Output, TaskId, WorkerId};

fn record(task: u64, stdout: &str) -> AttemptRecord {
    let stdout = Captured { head: stdout.into(), ..Captured::default() };
    AttemptRecord {
        output: Some(Box::new(Output { stdout, ..Output::default() })),
        ..AttemptRecord::new(TaskId(task), 1, WorkerId(1), Outcome::Done)
    }
}

fn open(path: &Path, columns: &[&str]) -> ResultsFolder {
    let columns: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
    ResultsFolder::open(path, &columns).expect("opened")
}

/// All files below a folder, by their paths in it.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(folder).expect("below").to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    found
}

#[test]
fn names_are_those_of_parallel_where_those_are_safe() {
    let table: &[(&[u8], &[u8])] = &[
        (b"a", b"a"),
        (b"c/d", b"c\\_d"),
        (b"e\tf", b"e\\tf"),
        (b"g\\h", b"g\\\\h"),
        (b"../x", b"..\\_x"),
        (b"a..b", b"a..b"),
        (b"...", b"..."),
        (b"sp ace", b"sp ace"),
        (b"\xff", b"\xff"),
        (b"a\nb", b"a\nb"),
        // Parallel's would be the folder itself, its parent, and the folder itself.
        (b".", b"\\."),
        (b"..", b"\\.."),
        (b"", b"\\e"),
    ];
    for (value, name) in table {
        assert_eq!(folder_name(value), *name, "{}", bstr::BStr::new(value));
    }
}

#[test]
fn names_that_are_too_long_are_cut_and_still_differ() {
    assert_eq!(folder_name(&[b'x'; 255]), [b'x'; 255]);
    for unit in ["x", "/", "\\", "é", "€"] {
        let (long, other) = (unit.repeat(300), unit.repeat(299) + "y");
        let (name, other_name) = (folder_name(long.as_bytes()), folder_name(other.as_bytes()));
        assert!(name.len() <= MAX_NAME_BYTES && name.len() > 200, "{unit}: {}", name.len());
        assert_ne!(name, other_name);
        assert!(str::from_utf8(&name).is_ok(), "{unit}");
    }
}

#[test]
fn files_lie_where_parallel_puts_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut results = open(folder.path(), &["1", "2"]);
    results.keep(1, &record(0, "out\n"), &["a", "c"], None).expect("kept");
    assert_eq!(files(folder.path()), ["1/a/2/c/seq", "1/a/2/c/stderr", "1/a/2/c/stdout"]);
    assert_eq!(fs::read(folder.path().join("1/a/2/c/stdout")).expect("there"), b"out\n");
    assert_eq!(fs::read(folder.path().join("1/a/2/c/seq")).expect("there"), b"1");
    let other = tempfile::tempdir().expect("a folder");
    open(other.path(), &["y", "10", "9"]).keep(1, &record(0, ""), &["why", "ten", "nine"], None).expect("kept");
    assert_eq!(files(other.path())[0], "y/why/9/nine/10/ten/seq");
}

#[test]
fn a_value_is_written_as_a_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let called = AttemptRecord { output: None, value: Some(CallValue::Int(27)), ..record(0, "") };
    open(folder.path(), &["1"]).keep(1, &called, &["3"], None).expect("kept");
    assert_eq!(fs::read(folder.path().join("1/3/stdout")).expect("there"), b"27\n");
}

#[test]
fn two_tasks_with_the_same_values_keep_both_results() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut results = open(folder.path(), &["1"]);
    for task in 0..2 {
        results.keep(task + 1, &record(task, &format!("out {task}")), &["a"], None).expect("kept");
    }
    assert_eq!(fs::read(folder.path().join("1/a/stdout")).expect("there"), b"out 0");
    assert_eq!(fs::read(folder.path().join("1/a/\\#2/stdout")).expect("there"), b"out 1");
    open(folder.path(), &["1"]).keep(1, &record(0, "another run"), &["a"], None).expect("kept");
    assert_eq!(fs::read(folder.path().join("1/a/stdout")).expect("there"), b"another run", "replaced as in parallel");
}

#[test]
fn nothing_is_written_outside_the_folder() {
    let outside = tempfile::tempdir().expect("a folder");
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(folder.path().join("1/b")).expect("made");
    symlink(outside.path(), folder.path().join("1/a")).expect("linked");
    fs::write(outside.path().join("precious"), "old").expect("written");
    symlink(outside.path().join("precious"), folder.path().join("1/b/stdout")).expect("linked");
    let mut results = open(folder.path(), &["1"]);
    let error = results.keep(1, &record(0, "out"), &["a"], None).expect_err("a link lies in the way").to_string();
    assert!(error.contains("/1/a") && error.contains("a symbolic link or a file lies in the way"), "{error}");
    results.keep(2, &record(1, "out"), &["b"], None).expect("the link is replaced");
    for value in ["..", "../../etc", "/etc/passwd", ".", "", "a/../../b"] {
        results.keep(3, &record(2, "out"), &[value], None).expect("kept");
    }
    assert_eq!(files(outside.path()), ["precious"]);
    assert_eq!(fs::read(outside.path().join("precious")).expect("there"), b"old");
    let within: Vec<String> = files(folder.path()).into_iter().filter(|path| !path.starts_with("1/")).collect();
    assert_eq!(within, [""; 0], "everything lies below the column's folder");
}

#[test]
fn a_stream_that_was_too_long_for_memory_is_taken_from_its_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let spill = tempfile::tempdir().expect("a folder");
    let mut long = record(4, "head");
    let stdout = &mut long.output.as_mut().expect("printed").stdout;
    (stdout.dropped_bytes, stdout.tail, stdout.spill) = (6, b"tail".to_vec(), Spill::Kept);
    fs::write(spill.path().join("5.1.stdout"), "head middle tail").expect("written");
    open(folder.path(), &["1"]).keep(1, &long, &["a"], Some(spill.path())).expect("kept");
    assert_eq!(fs::read(folder.path().join("1/a/stdout")).expect("there"), b"head middle tail");
    assert!(spill.path().join("5.1.stdout").exists(), "others may want it");
}
