//! Completions and manual pages: what the program writes is what shells and `man` read.

use std::io::Write;
use std::process::{Command, Stdio};

use super::start::run_in;

/// A shell that reads a script, with its flag for reading only; `None`, and said so, where it is not installed. The machine that
/// judges changes has bash and zsh.
fn shell(name: &str, flags: &[&str]) -> Option<Command> {
    let mut shell = Command::new(name);
    shell.args(flags).stdin(Stdio::null());
    if Command::new(name).arg("-c").arg(":").stdin(Stdio::null()).status().is_ok_and(|status| status.success()) {
        return Some(shell);
    }
    let must_be = name == "bash" || (name == "zsh" && std::env::var_os("CI").is_some());
    assert!(!must_be, "{name} has to be installed here");
    let _ = writeln!(std::io::stderr(), "SKIPPED: {name} is not installed, so its script was not read by it");
    None
}

#[test]
fn each_shell_reads_its_completions() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, flags) in [("bash", &["-n"][..]), ("zsh", &["-n"]), ("fish", &["--no-execute"])] {
        let script = run_in(&["completions", name], folder.path());
        assert!(script.code == Some(0) && script.out.contains("keep-order"), "{name}: {script:?}");
        let path = folder.path().join(name);
        std::fs::write(&path, &script.out).expect("written");
        let Some(mut shell) = shell(name, flags) else { continue };
        let read = shell.arg(&path).env("HOME", folder.path()).output().expect("it starts");
        assert!(read.status.success() && read.stderr.is_empty(), "{name}: {read:?}");
    }
    let unknown = run_in(&["completions", "csh"], folder.path());
    assert!(unknown.code == Some(2) && unknown.err.contains("bash"), "{unknown:?}");
}

/// The words that bash offers behind `fanlane run --keep-o` and behind `fanlane comp`.
#[test]
fn bash_completes_commands_and_flags() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = run_in(&["completions", "bash"], folder.path());
    std::fs::write(folder.path().join("script"), &script.out).expect("written");
    let asked = "source ./script
        complete() { COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
            _fanlane fanlane \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD-1]}\"; echo \"${COMPREPLY[@]}\"; }
        complete fanlane run --keep-o; complete fanlane comp; complete fanlane run --mode th";
    let mut bash = shell("bash", &["--norc", "-c", asked]).expect("it was found");
    let said = bash.current_dir(folder.path()).output().expect("it starts");
    assert_eq!(String::from_utf8_lossy(&said.stdout), "--keep-order\ncompletions\nthreads\n", "{said:?}");
}

/// The words that fish offers; with its own words on each, which stand behind a tab.
#[test]
fn fish_completes_commands_flags_and_values() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = run_in(&["completions", "fish"], folder.path());
    std::fs::write(folder.path().join("script"), &script.out).expect("written");
    let asked = "source ./script
        for line in 'fanlane run --keep-o' 'fanlane comp' 'fanlane run --mode th'; complete -C $line; end";
    let Some(mut fish) = shell("fish", &["--no-config", "-c", asked]) else { return };
    let said = fish.current_dir(folder.path()).env("HOME", folder.path()).output().expect("it starts");
    let text = String::from_utf8_lossy(&said.stdout);
    let words: Vec<&str> = text.lines().filter_map(|line| line.split('\t').next()).collect();
    assert_eq!(words, ["--keep-order", "completions", "threads"], "{said:?}");
}

#[test]
fn manual_pages_are_written_for_each_command() {
    let folder = tempfile::tempdir().expect("a folder");
    let page = run_in(&["man"], folder.path());
    assert!(page.code == Some(0) && page.out.contains(".TH fanlane 1") && page.out.contains(".SH NAME"), "{page:?}");
    let written = run_in(&["man", "pages"], folder.path());
    assert_eq!(written.code, Some(0), "{written:?}");
    for (name, words) in [
        ("fanlane.1", "fanlane\\-run(1)"),
        ("fanlane-run.1", "Replacement strings:"),
        ("fanlane-run.1", "keep\\-order"),
        ("fanlane-presets-save.1", ".SH SYNOPSIS"),
        ("fanlane-manager-serve.1", ".SH OPTIONS"),
    ] {
        let page = std::fs::read_to_string(folder.path().join("pages").join(name)).expect(name);
        assert!(page.contains(words), "{name} has no {words}: {page}");
    }
}
