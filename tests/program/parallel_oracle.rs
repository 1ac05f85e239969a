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
    std::fs::write(folder.path().join("profile"), "# options\n-N 2 --plus\n --rpl '{x} s/a/b c/'\nnice\n")
        .expect("written");
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
        "-n|3|x{}y {.}|:::|a.b|c|d|e",
        "-N|3|x{}y {1} {}{}|:::|a|b|c|d|e",
        "-N|2|x{1}-{2}y {1} z{}z|:::|1|2|3|4|5",
        "-N|2|{1}-{}|:::|1|2|3|4|5",
        "-N|2|x 'a {} b{}'|:::|1|2 3|4|5",
        "-N|2|--colsep| |x {1}-{}|:::|1 2|3 4|5 6",
        "--xargs|x{}y|:::|a|b|c",
        "-X|x|:::|1|2|3",
        "-X|x {#}-{} {%}|:::|1|2|3",
        "-X|-s|20|x {}|:::|aaa|bbb|ccc|ddd|eee|fff",
        "-X|-s|30|x a{}b c{}|:::|1|2|3|4|5|6|7|8",
        "-X|-s|30|x {} {/}|:::|1|2|3|4|5|6|7|8|9|10",
        "-m|-s|20|x {}z|:::|aa|aa|aa|aa|aa|aa|a b|c d",
        "-X|-s|17|x {1}|:::|a|b|c|d|e",
        "-m|-n|2|x {1}-{}|:::|1|2|3|4|5",
        "-L|2|x {}y {1}|:::|1|2|3|4|5",
        "-L|2|--xargs|x {}y|:::|1|2|3",
        "-l|x a{}|:::|1|2|3",
        "-kl|x a{}|:::|1|2|3",
        "-l2|x a{}|:::|1|2|3",
        "-l|0|x a{}|:::|1|2|3",
        "--max-lines|2|x a{}|:::|1|2|3",
        "--max-lines|x a{}|:::|1|2|3",
        "-L|3|-s|14|x {}|::::|abc|xy",
        "-n|2|-s|9|echo|:::|1|2|3|4|5|6|7|8",
        "-s|20|x|:::|1|2|3|4",
        "-X|-x|-s|12|x|::::|abc",
        "-E|c'|x|::::|abc|xy",
        "-E|b|x|:::|a|b|c|:::|1|2",
        "--eof=b 1|x|::::|abc",
        "-ey|x|::::|abc|xy",
        "--skip-first-line|x|::::|abc|xy",
        "--skip-first-line|x|:::|1|2|3|:::|a|b",
        "--skip-first-line|--colsep|;|x {2}|::::|table",
        "--skip-first-line|-E|c'|--header|:|x {b 1}|::::|abc",
        "-iX|x X|:::|a",
        "--replace=YY|x YY|:::|a b",
        "-i|--|x {}|:::|a",
        "--er|EE|x EE {}|:::|a.b",
        "--bnr|BB|--dnr|DD|--bner|NN|--seqreplace|SS|--slotreplace|LL|x BB DD NN SS LL|:::|p q/a.b|c",
        "-I|,|--extensionreplace|,.|x , ,.|:::|a.b",
        "--basenamereplace|B|--dirnamereplace|D|--basenameextensionreplace|N|x B D N|:::|p/a.b",
        "--arg-sep|,,|x|,,|1|2|:::|3",
        "--arg-sep|,,|x|,,|1|2|,,+|3|4",
        "--argfilesep|//|x|//|abc|:::|1",
        "x {= s:\\.[^/.]+$:: =} {=2 s/b/c/g =} {=-1 uq() =}|:::|a/b.c|:::|b b",
        "x {= s/(\\w)-(\\w)/$2-$1/; s/a/\\U$&/ =} {= tr/a-c/x-z/ =}|:::|a-b|c-a",
        "x {= $_++ =} {= $_%=3 =} {= $_=$_*10 =} {= $_/=8 =} {= $_=sprintf(\"%.2f\",$_) =}|:::|7|2.5|x",
        "x {= $_=seq() =} {= $_=total_jobs() =} {= $_=length($_) =} {= $_=ucfirst =}|:::|ab|cde",
        "x {= $_=\"<$_;>\" =} {= $_=substr($_,1,2) =} {= s/^(.)/uc($1)/e =} {= chop =}|:::|a b c",
        "x a{= s/a/b/ =}c|{= uq(); =}|:::|a|aa",
        "-q|x|{= s/a/b c/ =}|{= uq =}y|:::|a a",
        "-N|2|x {= s/a/b/ =}z {=1 s/a/c/ =}|:::|a|aa|aaa",
        "my_{= s/_// =} x|:::|a_b c",
        "--plus|x {..} {...} {/..} {/...} {+/} {+.} {+..} {+...}|:::|a/b.c/d.tar.gz.x|e|f.g|h.i/j|k/|.l.m",
        "--plus|x {2..} {1+/} {-1:1} {2:-none}|:::|a.b.c|x/y|:::|d/e.f.g|",
        "--plus|x {##} {0#} {#}|:::|1|2|3|4|5|6|7|8|9|10",
        "--plus|x {:-none} {:2} {:1:2} {#a} {##a.*b} {#a.*b} {%b.*} {%%b.*}|:::|abcabcd|ABCD||0",
        "--plus|x {/b/x} {//b/x y} {/#a/x} {/%d/y} {^a} {^^b} {,A} {,,B} {//b/}|:::|abcabcd|ABCDAB",
        "--plus|--er|,,|x ,, {..}|:::|a.b.c",
        "--rpl|{..} s:\\.[^.]+$::;s:\\.[^.]+$::;|x {..} {1..}|:::|a.b.c|d",
        "--rpl|{%(.*?)} s/$$1//|x {%.tar.gz} {1%my}|:::|my.tar.gz",
        "--rpl|% s/a/b/|--rpl|%% s/b/a/|x % %% {}|:::|ab",
        "--rpl|{:%(.+?)} s:$$1(\\.[^/]+)*$::|x {:%_file}|:::|dir/my_file.a.b",
        "--rpl|{/(.+?)/(.*?)} s/$$1/$$2/;|x {/def/ghi} {1/a.c/$1}|:::|a/def b|abc",
        "--rpl|{#0} $_ = seq() - 1|--rpl|{%1} $_ = slot() + 1|x {#0} {%1}|:::|a|b",
        "--rpl|{(.*?)/(.*?)} $_=\"$$2$_$$1\"|x {a b/c$}|:::|v w",
        "--parens|<<>>|x << s/a/b/ >>|:::|a a",
        "-J|./profile|x {..} {x}|:::|a.b.c|d|e",
        ":::|echo a b|c; d",
        "::::|abc",
    ] {
        // A bar within a word would part it.
        let words: Vec<&str> = words.split('|').collect();
        let mut theirs = parallel(folder.path());
        theirs.args(&words);
        let ours: Vec<&str> = ["run", "--dry-run", "-j1"].into_iter().chain(words.iter().copied()).collect();
        let (theirs, ours) = (printed(theirs), printed(super::start::command(&ours, folder.path())));
        assert_eq!(String::from_utf8_lossy(&ours), String::from_utf8_lossy(&theirs), "{words:?}");
    }
}

/// What is asked of the machine, what holds the lane, and what a dry run does not show, are the same; the inputs of a script are its lines.
#[test]
fn numbers_of_the_machine_and_of_lanes_are_those_of_parallel() {
    if !has_parallel() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let script = "#!/usr/bin/env -S fanlane run --quiet -k --shebang echo x\na b\nc\n";
    std::fs::write(folder.path().join("values"), script).expect("written");
    // A copy is not open for writing anywhere, which would keep it from being started.
    let line = "cat values > script; chmod +x script; ./script";
    let ended = super::start::ended(super::start::script(line, folder.path()).spawn().expect("a shell"));
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), "x a b\nx c\n"), "{}", ended.err);
    for words in [
        &["--number-of-cores"][..],
        &["--number-of-cpus"],
        &["--number-of-sockets"],
        &["--number-of-threads"],
        &["-j1", "--process-slot-var=SLOT", "echo $SLOT {}", ":::", "1", "2"],
        &["-k", "--shell-quote", ":::", "a b", "it's"],
        &["-k", "--shellquote", "--shell_quote", "echo {} x", ":::", "a b", "$c"],
        &["--tagstring", "{= s/a/b/ =}{x}", "--rpl", "{x} s/a/c/", "echo {x}", ":::", "a"],
        &["--plus", "echo {slot}", ":::", "a"],
    ] {
        let theirs = super::start::parallel(words, folder.path()).expect("it is there").output().expect("it runs");
        let theirs = super::start::Ended::from(theirs);
        let ours = super::start::run_in(&[&["run", "--quiet"], words].concat(), folder.path());
        assert_eq!((ours.code, &ours.out), (theirs.code, &theirs.out), "{words:?}: {}", ours.err);
    }
    let longest = super::start::run_in(&["run", "--max-line-length-allowed"], folder.path());
    assert_eq!((longest.code, longest.out.as_str()), (Some(0), "131071\n"), "{longest:?}");
}

/// With more lanes than one the last inputs are shared out among them.
#[test]
fn the_last_inputs_are_shared_out_among_the_lanes() {
    if !has_parallel() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    for words in ["-X x{}y", "-m x", "-m -n 4 x", "-X -s 12 x", "--xargs x", "-X -s 20 -n 5 x"] {
        for (lanes, count) in [("2", 7), ("3", 7), ("3", 10), ("4", 3), ("5", 1)] {
            let values: Vec<String> = (1..=count).map(|value| value.to_string()).collect();
            let words: Vec<&str> = words.split(' ').chain([":::"]).chain(values.iter().map(String::as_str)).collect();
            let mut theirs =
                super::start::parallel(&["-j", lanes, "--dry-run", "-k"], folder.path()).expect("it is there");
            theirs.env("PARALLEL_SHELL", "/bin/sh").args(&words);
            let ours = [&["run", "--dry-run", "-j", lanes], &*words].concat();
            let (theirs, ours) = (printed(theirs), printed(super::start::command(&ours, folder.path())));
            assert_eq!(String::from_utf8_lossy(&ours), String::from_utf8_lossy(&theirs), "-j {lanes} {words:?}");
        }
    }
}

/// What `fanlane import xargs` makes of a command line gives its program the arguments that xargs gives it.
#[test]
fn a_command_of_xargs_has_as_many_arguments_as_with_xargs() {
    let folder = tempfile::tempdir().expect("a folder");
    let values: String = (0..40_000).map(|value| format!("{}\n", value * 7919 % 100_003)).collect();
    let few: String = (1..=30).map(|value| format!("{value}\n")).collect();
    for (options, input) in [
        ("", &values),
        ("-s 1000", &few),
        ("-s 40", &few),
        ("-s 41", &few),
        ("-s 24 -n 5", &few),
        ("-n 7", &few),
        ("-L 4", &few),
        ("-s 100000", &values),
    ] {
        std::fs::write(folder.path().join("input"), input).expect("written");
        let run = |line: &str| {
            let child = super::start::script(line, folder.path()).spawn().expect("a shell can be started");
            super::start::ended(child)
        };
        let line = format!("xargs {options} printf '%s,' first");
        let theirs = run(&format!("{line} < input"));
        let job = format!("fanlane import xargs -o job.ron --force \"{line}\"");
        let imported = run(&format!("{job} 2> notes; fanlane run --quiet -k job.ron < input"));
        assert_eq!((imported.code, theirs.code), (Some(0), Some(0)), "{options}: {}", imported.err);
        assert!(imported.out == theirs.out, "{options}: {} and {} bytes", imported.out.len(), theirs.out.len());
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
