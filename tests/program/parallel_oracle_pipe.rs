//! GNU parallel as the oracle for streams that are cut into tasks: for options and streams of every kind both print the same, and
//! both end well or not.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use super::start::{Ended, command, parallel};

/// Streams that a cutter might trip over.
fn streams() -> Vec<(&'static str, Vec<u8>)> {
    let numbers: String = (1..=30).map(|number| format!("{number}\n")).collect();
    let long = format!("{}\nshort\n{}\n", "x".repeat(5000), "y".repeat(70));
    vec![
        ("numbers", numbers.into_bytes()),
        ("nothing", Vec::new()),
        ("no line end", b"abc".to_vec()),
        ("last line without end", b"a\nb b\n'c'\n$HOME\n\"d".to_vec()),
        ("records", b">h1\nAC\nGT\n>h2\nTT\n>h3\n".to_vec()),
        ("garbage before records", b"junk\n>h1\nAC\n>h2 > x\nTT\n".to_vec()),
        ("any bytes", b"a\0b\n\xff\xfe\n\r\n\t\x01\n\xc3\xa9\n".to_vec()),
        ("long lines", long.into_bytes()),
    ]
}

const OPTIONS: &[&[&str]] = &[
    &[],
    &["--block", "10"],
    &["--block", "1"],
    &["--block", "1k"],
    &["-N", "1"],
    &["-N3"],
    &["-n", "2"],
    &["-L", "2", "--block", "20"],
    &["-L", "2", "-N", "2"],
    &["--recstart", ">"],
    &["--recstart", ">", "-N", "1"],
    &["--recstart", ">", "-N", "2"],
    &["--recstart", ">", "--block", "9"],
    &["--recend", "\\n", "--recstart", ">", "--block", "5"],
    &["--recend", "", "--block", "7"],
    &["--regexp", "--recend", "[0-9]\\n", "--block", "9"],
    &["--regexp", "--recstart", ">h[0-9]", "--block", "6"],
    &["--header", ":", "--block", "8"],
    &["--header", "2", "-N", "2"],
    &["--header", "(>.*\\n)*", "-N", "1"],
    &["--remove-rec-sep", "-N", "2"],
    &["--rrs", "--recstart", ">", "--recend", "\\n", "-N", "1"],
];

fn fed(mut command: Command, stream: &[u8]) -> Ended {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it can be started");
    let mut stdin = child.stdin.take().expect("it is piped");
    let stream = stream.to_vec();
    // A command that reads nothing may be gone already.
    let writing = std::thread::spawn(move || drop(stdin.write_all(&stream)));
    let ended = super::start::ended(child);
    writing.join().expect("it ends");
    ended
}

/// Compares both on one stream; what differs.
fn difference(options: &[&str], words: &[&str], stream: &[u8], folder: &Path) -> Option<String> {
    let theirs = [&["-k"], options, words].concat();
    let theirs = fed(parallel(&theirs, folder)?, stream);
    let ours = [&["run", "-k", "--no-bar"], options, words].concat();
    let ours = fed(command(&ours, folder), stream);
    let is_same = ours.out == theirs.out && (ours.code == Some(0)) == (theirs.code == Some(0));
    (!is_same).then(|| format!("{options:?} {words:?}\nours: {ours:?}\ntheirs: {theirs:?}"))
}

fn compare(cases: impl Iterator<Item = (Vec<&'static str>, Vec<&'static str>, Vec<u8>)>) {
    let folder = tempfile::tempdir().expect("a folder");
    if parallel(&[], folder.path()).is_none() {
        return;
    }
    let mut count = 0;
    let differences: Vec<String> = cases
        .filter_map(|(options, words, stream)| {
            count += 1;
            difference(&options, &words, &stream, folder.path())
        })
        .collect();
    assert!(differences.is_empty(), "{} of {count} differ:\n{}", differences.len(), differences.join("\n\n"));
    assert!(count > 3, "they were compared");
}

#[test]
fn blocks_are_those_of_parallel() {
    let words = ["--pipe", "echo {#}; cat; echo '|'"];
    compare(
        OPTIONS.iter().flat_map(|options| {
            streams().into_iter().map(move |(_, stream)| (options.to_vec(), words.to_vec(), stream))
        }),
    );
}

#[test]
fn what_a_task_does_with_its_block_counts_as_in_parallel() {
    let numbers = || streams().remove(0).1;
    let table: &[(&[&str], &[&str])] = &[
        (&["-N", "4"], &["--pipe", "wc", "-l"]),
        (&["-N", "10"], &["--pipe", "cat; exit {#}"]),
        (&["-N", "10"], &["--pipe", "false"]),
        (&["-N", "10", "--retries", "2"], &["--pipe", "cat; exit 1"]),
        (&["-N", "10"], &["--pipe", "echo [{}]; head -n 1"]),
        (&["-N", "10"], &["--pipe", "--cat", "cat {}; wc -c < {}; cat {}"]),
        (&["-N", "10"], &["--pipe", "--cat", "cat"]),
        (&["-N", "10"], &["--pipe", "--fifo", "cat {}"]),
        (&["-N", "10"], &["--pipe", "sort -r | head -n 2"]),
        (&["-j1", "--round-robin", "--block", "5"], &["--pipe", "cat; echo end"]),
        (&["-j4", "--round-robin"], &["--pipe", "wc -c"]),
        (&["-j1", "--round-robin", "--header", ":", "--block", "5"], &["--pipe", "cat"]),
    ];
    compare(table.iter().map(|(options, words)| (options.to_vec(), words.to_vec(), numbers())));
}

#[test]
fn parts_of_a_file_are_those_of_parallel() {
    let folder = tempfile::tempdir().expect("a folder");
    if parallel(&[], folder.path()).is_none() {
        return;
    }
    let options: [&[&str]; 12] = [
        &[],
        &["--block", "10"],
        &["--block", "1"],
        &["--block", "-1"],
        &["--block", "-3"],
        &["--recstart", ">", "--block", "3"],
        &["--recend", "\\n", "--recstart", ">", "--block", "3"],
        &["--recend", "", "--block", "7"],
        &["--header", ":", "--block", "8"],
        &["--header", "2", "--block", "8"],
        &["--regexp", "--recstart", ">h[0-9]", "--block", "6"],
        &["--block", "1M"],
    ];
    let mut differences = Vec::new();
    // An empty file is an error of parallel's.
    for (name, stream) in streams().into_iter().filter(|(_, stream)| !stream.is_empty()) {
        fs::write(folder.path().join(name), &stream).expect("written");
        for options in options {
            let words = ["-j2", "--pipe-part", "-a", name, "echo {#}; cat; echo '|'"];
            differences.extend(difference(options, &words, b"", folder.path()));
        }
    }
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n\n"));
}
