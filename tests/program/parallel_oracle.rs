//! GNU parallel as the oracle: for templates and values of every kind its dry run and Fanlane's print the same bytes, and
//! a program that prints its arguments receives the values unchanged.
//!
//! Where GNU parallel is not installed the tests say so and end; with `CI=true` they fail.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

/// Values that a shell, a line reader or a path might trip over.
const HOSTILE: &[&[u8]] = &[
    b"",
    b"a",
    b"a b",
    b" ",
    b"  a  ",
    b"'",
    b"''",
    b"it's",
    b"\"",
    b"a\"b",
    b"\\",
    b"a\\",
    b"\\n",
    b"$HOME",
    b"$(id)",
    b"`id`",
    b"*",
    b"?",
    b"[a-z]",
    b"~",
    b"~root",
    b"#",
    b"#x",
    b"-n",
    b"--",
    b";",
    b"; id",
    b"&",
    b"|",
    b"<",
    b">",
    b"(",
    b")",
    b"!",
    b"!!",
    b"{}",
    b"{1}",
    b"{.}",
    b"{= $_ =}",
    b"%",
    b"%s",
    b"=",
    b"a=b",
    b"\t",
    b"\r",
    b"\x01",
    b"\x7f",
    b"\xff",
    b"\xc3\xa9",
    b"\xe2\x82",
    b"a.b",
    b"a.b.c",
    b".bashrc",
    b"a/.x",
    b"a/b.c",
    b"/",
    b"//",
    b"a/",
    b"a.d/",
    b"../x.y",
    b"./x",
    b"a.",
    b"a/.",
    b"..",
    b".",
    b"a b/c d.e f",
    b"/a'b/c\"d.e",
    b"a//b.c",
    b"x.tar.gz",
    b"a.b/c",
];

/// Parts of templates, without Perl expressions, missing positions and blanks in braces.
const PIECES: &[&str] = &[
    "{}", "{.}", "{/}", "{//}", "{/.}", "{#}", "{%}", "{1}", "{2}", "{1.}", "{2/}", "{1//}", "{2/.}", "{-1}", "{-2.}",
    "{-1/.}", " ", " ", "  ", "x", "echo ", "-o ", "'", "\"", "\\", "{", "}", "{}}", "{{}", "{foo}", "{print}",
    "{1foo}", "{+1}", "$x", "a=", ";", "\t", "{01}", "{##}", "{..}", "{1..}", "{.1}", "{1/}",
];

/// Whether GNU parallel is installed.
///
/// # Panics
/// When it must be and is not.
fn has_parallel() -> bool {
    let found = Command::new("parallel").arg("--version").stdin(Stdio::null()).output();
    let is_there = found.is_ok_and(|output| output.stdout.starts_with(b"GNU parallel"));
    assert!(is_there || std::env::var_os("CI").is_none_or(|ci| ci != "true"), "GNU parallel is not installed");
    if !is_there {
        #[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
        {
            eprintln!("SKIPPED: GNU parallel is not installed, so nothing is compared with it");
        }
    }
    is_there
}

fn parallel(folder: &Path) -> Command {
    let mut command = Command::new("parallel");
    command.current_dir(folder).env("HOME", folder).env_remove("PARALLEL").stdin(Stdio::null());
    command.env("PARALLEL_SHELL", "/bin/sh").args(["-j", "1", "--dry-run", "-k"]);
    command
}

/// What a command prints, which must succeed.
fn printed(mut command: Command) -> Vec<u8> {
    let output = command.output().expect("it can be started");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn nul_file(folder: &Path, name: &str, values: &[Vec<u8>]) {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.iter().copied().chain([0])).collect();
    std::fs::write(folder.join(name), bytes).expect("written");
}

fn hostile() -> Vec<Vec<u8>> {
    let mut values: Vec<Vec<u8>> = HOSTILE.iter().map(|value| value.to_vec()).collect();
    let mut runner = TestRunner::deterministic();
    // A line end within a value is where GNU parallel's own forms differ, see the next test.
    let any = proptest::collection::vec((1_u8..).prop_filter("no line end", |byte| *byte != b'\n'), 0..30);
    for _ in 0..60 {
        values.push(any.new_tree(&mut runner).expect("a tree").current());
    }
    values
}

fn templates(count: usize) -> Vec<String> {
    let mut runner = TestRunner::deterministic();
    let pieces = proptest::collection::vec(proptest::sample::select(PIECES), 1..7);
    let mut templates: Vec<String> = Vec::new();
    while templates.len() < count {
        let template = pieces.new_tree(&mut runner).expect("a tree").current().concat();
        // What begins with a dash is an option.
        if !template.trim().is_empty() && !template.starts_with('-') {
            templates.push(template);
        }
    }
    templates
}

/// Two inputs, each of all the values, side by side; many templates in one command of many lines, whose first line
/// decides whether values are quoted, and a few on their own, so that they decide it.
#[test]
fn dry_runs_print_the_same_bytes() {
    if !has_parallel() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let values = hostile();
    let turned: Vec<Vec<u8>> = values.iter().rev().cloned().collect();
    nul_file(folder.path(), "one", &values);
    nul_file(folder.path(), "two", &turned);
    let mut cases = templates(300);
    let many = cases.split_off(10).join("\n:\n");
    cases.extend([format!("x\n{many}"), format!("{{#}}\n{many}")]);
    let mut differences = String::new();
    for template in cases {
        let inputs = ["-0", &template, "::::", "one", "::::+", "two"];
        let mut theirs = parallel(folder.path());
        theirs.args(inputs);
        let words: Vec<&str> = ["run", "--dry-run"].into_iter().chain(inputs).collect();
        let (theirs, ours) = (printed(theirs), printed(super::start::command(&words, folder.path())));
        if theirs != ours {
            let at = theirs.iter().zip(&ours).position(|(a, b)| a != b).unwrap_or(theirs.len().min(ours.len()));
            let near = |bytes: &[u8]| bytes[at.saturating_sub(30)..bytes.len().min(at + 30)].to_vec();
            let (theirs, ours) = (near(&theirs), near(&ours));
            writeln!(
                differences,
                "{template:?}:\n  theirs {:?}\n  ours   {:?}",
                String::from_utf8_lossy(&theirs),
                String::from_utf8_lossy(&ours)
            )
            .expect("a text grows");
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

#[test]
fn options_about_inputs_mean_the_same() {
    if !has_parallel() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("abc"), "a\nb 1\n\nc'\n").expect("written");
    std::fs::write(folder.path().join("xy"), "x\ny\n").expect("written");
    std::fs::write(folder.path().join("tabs"), "k\tl\n1\t2 3\n4\t\n").expect("written");
    std::fs::write(folder.path().join("table"), "n;m\n1;a b\n;\n'; \n").expect("written");
    for words in [
        "x|::::|abc|xy",
        "x|::::|abc|::::+|xy",
        "x|:::|1|2|::::|abc|:::+|3|4|5|6|:::|7",
        "x|:::|1|2|:::+|3|4|::::|xy|:::+|8|9",
        "-a|abc|x",
        "-a|abc|-a|xy|x",
        "-a|abc|x|:::|1|2",
        "-n|2|x|::::|abc",
        "-N|3|x {3} {1}|::::|abc",
        "-n|2|x {} {.}|::::|abc|xy",
        "-n|3|x {-1} {-2.} {1}|:::|1|2|3|4|5",
        "-N|3|x {-1}|:::|1|2|3|4",
        "-N|2|x|:::|a|b|c|:::+|d|e|f",
        "--colsep|;|x {2} {1}|::::|table",
        "-C|;|x {}|::::|table",
        "--colsep|;|--header|:|x {m} {n.} {}|::::|table",
        "--header|:|x {k} {l} {1}|:::|k|1|2|:::|l|3|4",
        "--header|:|x {k} {l}|::::|tabs",
        "--header|:|x {}|::::|tabs",
        "--link|--header|:|x {k} {l}|:::|k|1|2|3|:::|l|4|5",
        "--colsep| *, *|x {1}|{2}|:::|a , b|c,d",
        "--colsep|;|--trim|n|x {2} {1}|::::|table",
        "--colsep|[;,]|-N|2|x {4} {}|:::|a;b|c,d|e;f",
        "-d|;|x|::::|table",
        "-d|\\t|x|::::|table",
        "-I|,,|x ,, {.}|:::|a b.c",
        "--link|x|:::|a|b|c|:::|1|2",
        "--link|x {2}{1}|:::|a|b|:::+|1|2|3",
        "-r|x|:::|a|| |b",
        "-q|x|a  b|{}|it's {}|:::|c d",
        "--max-procs|2|--plain|--silent|--nn|--total-jobs|9|x|:::|a",
        ":::|echo a b|c; d",
        "::::|abc",
    ] {
        // A bar within a word would part it.
        let words: Vec<&str> = words.split('|').collect();
        let mut theirs = parallel(folder.path());
        theirs.args(&words);
        let ours: Vec<&str> = ["run", "--dry-run"].into_iter().chain(words.iter().copied()).collect();
        let (theirs, ours) = (printed(theirs), printed(super::start::command(&ours, folder.path())));
        assert_eq!(String::from_utf8_lossy(&ours), String::from_utf8_lossy(&theirs), "{words:?}");
    }
}

/// 0 where parallel has 0. A halt at ended tasks that is reached without a failure has 101 there, and 0 here.
#[test]
fn a_halt_ends_with_success_where_that_of_parallel_does() {
    if !has_parallel() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    for (halt, codes) in [
        ("now,success=1", "0 3 0"),
        ("now,success=1", "3 3 3"),
        ("now,success=1", "3 3 0 3"),
        ("soon,success=1", "3 3 0 3"),
        ("soon,success=2", "3 3 0 3"),
        ("soon,success=30%", "0 3 0 0 0 0 0 0 0 0"),
        ("now,success=30%", "0 3 0 0 0 0 0 0 0 0"),
        ("now,done=2", "3 5 0"),
        ("soon,done=3", "0 5 0 6"),
        ("now,done=30%", "0 3 0 0 0 0 0 0 0 0"),
        ("soon,fail=1", "0 3 0"),
        ("now,fail=2", "0 5 6 6"),
        ("now,fail=30%", "0 3 3 3 0 0 0 0 0 0"),
        ("now,success=50%", "0 3 0 3"),
        ("now,fail=10%", "3 0 0 0 0"),
        ("never", "0 3 0"),
        ("never", "0 0"),
        ("0", "3 0"),
        ("1", "3 0"),
        ("-1", "3 0 3"),
        ("-2", "3 0 3"),
        ("2", "0 3"),
        ("30%", "0 0"),
    ] {
        let words: Vec<&str> = ["-j1", "--halt", halt, "exit {}", ":::"].into_iter().chain(codes.split(' ')).collect();
        let mut theirs = super::start::parallel(&words, folder.path()).expect("it is there");
        let theirs = theirs.output().expect("it runs").status.success();
        let ours = super::start::run_in(&[&["run"], &*words].concat(), folder.path());
        assert_eq!(ours.code, Some(i32::from(!theirs)), "{halt} {codes}: {ours:?}");
    }
}

/// The command lines of tasks stand before what these print.
#[test]
fn command_lines_are_printed_where_parallel_prints_them() {
    if !has_parallel() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("jobs"), "1\n").expect("written");
    for flags in [&["-v"][..], &["-t"], &["--verbose"], &["-vv"], &["-j", "jobs", "--silent"]] {
        let words = [&["-j1"], flags, &["echo {}; echo e{} >&2", ":::", "a b", "c"]].concat();
        let theirs = super::start::parallel(&words, folder.path()).expect("it is there").output().expect("it runs");
        let theirs = super::start::Ended::from(theirs);
        let ours = super::start::run_in(&[&["run", "--quiet"], &*words].concat(), folder.path());
        assert_eq!((ours.code, &ours.out, &ours.err), (Some(0), &theirs.out, &theirs.err), "{flags:?}");
    }
}

/// `printf` is given each value as one argument, whatever it holds: by a shell, and without one.
#[test]
fn arguments_arrive_as_they_went_in() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut values = hostile();
    values.extend([b"a\nb".to_vec(), b"\n".to_vec(), b"\n\n'".to_vec(), b"'\n".to_vec()]);
    nul_file(folder.path(), "values", &values);
    let printer = "#!/bin/sh\nfor argument; do printf '<%s>\\0' \"$argument\"; done\n";
    let path = folder.path().join("printer");
    std::fs::write(&path, printer).expect("written");
    let expected: Vec<u8> =
        values.iter().flat_map(|value| [b"<", value.as_slice(), b">\0<x", value, b"y>\0"].concat()).collect();
    for shell in [&[][..], &["--no-shell"]] {
        let words = ["run", "-j", "2", "-k", "--no-bar", "-0"].iter().chain(shell);
        let words: Vec<&str> = words.copied().chain(["sh ./printer {} x{}y", "::::", "values"]).collect();
        let ours = printed(super::start::command(&words, folder.path()));
        assert!(ours == expected, "{shell:?}: {:?}", String::from_utf8_lossy(&ours));
    }
}
