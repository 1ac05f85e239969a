//! The shell of a command: which one it is, that each shell does with a line what it does beside GNU parallel, and words that
//! are kept without one.

use std::fs;
use std::path::Path;

use super::start::{Ended, command, parallel, run_in};

/// Lines that shells read differently, and such that all read alike.
const LINES: &[&str] = &[
    "echo {} | tr a-z A-Z",
    "(echo result-{}; sleep 0.01) &> {#}.log; wait; cat {#}.log",
    "echo {1..3} {}",
    "echo $((1+2)) $RANDOM{} | wc -w",
    "[[ {} == a ]] && echo yes || echo no",
    "echo -e 'x\\ty' {}",
    "x={}; echo \"${x:0:1}\"",
    "cat <(echo {})",
    "set -o pipefail; false | cat; echo $?",
    "echo $0 | sed 's,.*/,,'",
    "printf '%s|' {} {}; echo",
    "echo ~ = {} *.none 2>&1 | head -c 20",
];

const VALUES: &[&str] = &["a", "b c", "it's", "$HOME `id` \\ \"", "!", "-n"];

#[test]
fn commands_do_in_each_shell_what_they_do_beside_parallel() {
    let folder = tempfile::tempdir().expect("a folder");
    for shell in ["/bin/dash", "/bin/bash", "/usr/bin/zsh"] {
        if !Path::new(shell).exists() {
            assert!(std::env::var_os("CI").is_none(), "{shell} has to be installed here");
            continue;
        }
        for line in LINES {
            let words = [&["-j1", "-k", line, ":::"], VALUES].concat();
            let Some(mut theirs) = parallel(&words, folder.path()) else { return };
            let theirs = Ended::from(theirs.env("PARALLEL_SHELL", shell).output().expect("it runs"));
            let mut ours = command(&[&["run", "--quiet"], &*words].concat(), folder.path());
            let ours = Ended::from(ours.env("PARALLEL_SHELL", shell).output().expect("it runs"));
            // What dash put into the background there goes on, and is ended and told here.
            let is_comparable = !(shell == "/bin/dash" && line.contains("&>"));
            assert!(!is_comparable || ours.out == theirs.out, "{shell} {line}\n{ours:#?}\n{theirs:#?}");
            let (ours_failed, theirs_failed) = (ours.code != Some(0), theirs.code != Some(0));
            assert!(!is_comparable || ours_failed == theirs_failed, "{shell} {line}\n{ours:#?}\n{theirs:#?}");
        }
    }
}

#[test]
fn values_are_quoted_as_the_shell_reads_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let hostile = [VALUES, &["a\\'b", "\\", "!!", "a\nb", "", "*", "{a,b}", "é%1", "\\\\n"]].concat();
    let expected: String = hostile.iter().map(|value| format!("<{value}>")).collect();
    for shell in ["sh", "bash", "zsh", "fish", "tcsh"] {
        // The first word is given by its path, for shells whose own printf differs.
        let words =
            [&["run", "--quiet", "-k", "--shell", shell, "/usr/bin/printf '<%s>' {}; true", ":::"], &*hostile].concat();
        let ended = run_in(&words, folder.path());
        if ended.err.contains("is not there") {
            assert!(shell != "sh" && std::env::var_os("CI").is_none(), "{shell} has to be installed here");
            assert_eq!(ended.code, Some(2));
            continue;
        }
        assert_eq!((ended.code, &*ended.out), (Some(0), &*expected), "{shell}: {}", ended.err);
    }
}

#[test]
fn the_shell_is_that_of_the_caller_and_a_job_says_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = env!("CARGO_BIN_EXE_fanlane");
    let run = |caller: &str, chosen: Option<&str>, words: &str| {
        let mut shell = std::process::Command::new(caller);
        let script = format!("\"$FANLANE_PROGRAM\" run --quiet {words}; exit $?");
        shell.args(["-c", &script]).current_dir(folder.path()).stdin(std::process::Stdio::null());
        shell
            .env("FANLANE_PROGRAM", program)
            .env("FANLANE_DATA_DIR", folder.path())
            .env("SHELL", "/bin/zsh")
            .env("HOME", folder.path());
        shell.env("FANLANE_RUNTIME_DIR", folder.path().join("runtime"));
        shell.env_remove("PARALLEL_SHELL").env_remove("BASH_ENV").envs(chosen.map(|chosen| ("PARALLEL_SHELL", chosen)));
        Ended::from(shell.output().expect("it runs"))
    };
    let says = "'echo $0 {}' ::: x";
    for (caller, chosen, expected) in [
        ("bash", None, "bash x\n"),
        ("sh", None, "/bin/sh x\n"),
        ("dash", None, "dash x\n"),
        ("bash", Some("/bin/dash"), "/bin/dash x\n"),
        ("dash", Some("/bin/bash"), "/bin/bash x\n"),
    ] {
        let ended = run(caller, chosen, says);
        assert_eq!((ended.code, &*ended.out), (Some(0), expected), "{caller} {chosen:?}: {}", ended.err);
    }
    let unknown = run("bash", Some("/usr/sbin/nologin"), says);
    assert!(unknown.code == Some(2) && unknown.err.contains("PARALLEL_SHELL cannot be used: "), "{unknown:?}");
    // A job that names none means the same whoever runs it; one that names one has it.
    let job =
        |shell: &str| format!("Job(version: 1, task: Command(\"echo $0 {{}}; true\"), inputs: [List([\"x\"])]{shell})");
    for (field, expected) in [("", "/bin/sh x\n"), (", shell: true", "/bin/sh x\n"), (", shell: \"bash\"", "bash x\n")]
    {
        fs::write(folder.path().join("job.ron"), job(field)).expect("written");
        assert_eq!(run("bash", None, "job.ron").out, expected, "{field}");
    }
    assert_eq!(run("bash", None, "--shell dash job.ron").out, "dash x\n", "a flag changes it");
    fs::write(folder.path().join("job.ron"), job(", shell: \"nush\"")).expect("written");
    let refused = run("bash", None, "job.ron");
    assert!(
        refused.code == Some(2) && refused.err.contains("shell: 'nush' is no shell whose quoting is known"),
        "{refused:?}"
    );
    let missing = run("bash", None, "--shell /no/such/bash 'echo;true' ::: a");
    assert!(
        missing.code == Some(2) && missing.err.contains("/no/such/bash that runs the command line is not there"),
        "{missing:?}"
    );
}

#[test]
fn functions_that_bash_exports_are_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |words: &[&str]| {
        let mut program = command(words, folder.path());
        let program = program.env("BASH_FUNC_f%%", "() {  echo \"f got $1\"\n}").env("PARALLEL_SHELL", "bash");
        Ended::from(program.output().expect("it runs"))
    };
    for line in [&["f"][..], &["f {}"], &["f {}; true"], &["bash -c 'f '{}"]] {
        let ended = run(&[&["run", "--quiet"], line, &[":::", "a"]].concat());
        assert_eq!((ended.code, &*ended.out), (Some(0), "f got a\n"), "{line:?}: {}", ended.err);
    }
    for flag in ["--no-shell", "-q", "--shell=dash"] {
        let ended = run(&["run", "--quiet", flag, "f", ":::", "a"]);
        assert!(
            ended.code == Some(1) && ended.err.contains("it is a function of bash and no program"),
            "{flag}: {ended:?}"
        );
    }
}

#[test]
fn words_are_kept_as_they_are_given() {
    let folder = tempfile::tempdir().expect("a folder");
    let words = ["printf", "[%s]\\n", "a b", "{}", "it's {}", "$HOME", ">", "", ":::", "x", "y  z"];
    let expected = "[a b]\n[x]\n[it's x]\n[$HOME]\n[>]\n[]\n[a b]\n[y  z]\n[it's y  z]\n[$HOME]\n[>]\n[]\n";
    for flags in [&["--no-shell"][..], &["-q"], &["--quote"], &["--shell", "false"]] {
        let ended = run_in(&[&["run", "--quiet", "-k"], flags, &words].concat(), folder.path());
        assert_eq!((ended.code, &*ended.out), (Some(0), expected), "{flags:?}: {}", ended.err);
        let again = run_in(&["rerun", "last", "--quiet", "-k", "--no-history"], folder.path());
        assert_eq!((again.code, &*again.out), (Some(0), expected), "{flags:?}, run again: {}", again.err);
    }
    if let Some(mut theirs) = parallel(&[&["-k", "-q"], &words[..]].concat(), folder.path()) {
        assert_eq!(Ended::from(theirs.output().expect("it runs")).out, expected);
        let dry = [&["-k", "-q", "--dry-run"], &words[..]].concat();
        let theirs = Ended::from(parallel(&dry, folder.path()).expect("it is there").output().expect("it runs"));
        assert_eq!(run_in(&[&["run"], &dry[..]].concat(), folder.path()).out, theirs.out);
    }
    let line = "parallel -q printf '[%s]\\n' 'a b' {} ::: x";
    let imported = run_in(&["import", "parallel", "-o", "job.ron", line], folder.path());
    assert_eq!(imported.code, Some(0), "{imported:?}");
    assert_eq!(run_in(&["run", "--quiet", "job.ron"], folder.path()).out, "[a b]\n[x]\n");
    // For the shell they are one line, as in parallel.
    let joined = run_in(&["run", "--quiet", "echo", "a  b", "{}", ">", "made", ":::", "x"], folder.path());
    assert_eq!((joined.code, &*joined.out), (Some(0), ""), "{joined:?}");
    assert_eq!(fs::read_to_string(folder.path().join("made")).expect("made"), "a b x\n");
}
