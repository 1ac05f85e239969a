//! What is done and written when a run ends: a command line, a report for build servers.

use super::start;

#[test]
fn a_command_that_is_run_at_the_end_knows_what_has_become_of_the_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let tell = "echo $FANLANE_NAME: $FANLANE_RESULT $FANLANE_DONE $FANLANE_NOT_DONE run=$FANLANE_RUN";
    for (words, code, told) in [
        (&["--name", "fine", "true", ":::", "1", "2"][..], 0, "fine: done 2 0 run=1\n"),
        (&["--name", "bad", "exit {}", ":::", "0", "1", "3"], 1, "bad: failed 1 2 run=2\n"),
        (&["--name", "unkept", "--no-history", "true", ":::", "1"], 0, "unkept: done 1 0 run=\n"),
    ] {
        let ended = start::run_in(&[&["run", "--quiet", "--on-end", tell], words].concat(), folder.path());
        assert_eq!((ended.code, ended.out.as_str()), (Some(code), told), "{words:?}: {}", ended.err);
    }
}

#[test]
fn a_command_at_the_end_that_fails_is_told_and_is_no_success() {
    let folder = tempfile::tempdir().expect("a folder");
    let ended = start::run_in(&["run", "--quiet", "--on-end", "exit 7", "true", ":::", "1"], folder.path());
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("when the run is done failed (exit status: 7): exit 7"), "{}", ended.err);
    for command in ["run", "add"] {
        let words = [command, "--on-end", "true", "--background", "true", ":::", "1"];
        let words = if command == "add" { [&words[..3], &words[4..]].concat() } else { words.to_vec() };
        let refused = start::run_in(&words, folder.path());
        assert!(refused.code == Some(2) && refused.err.contains("--on-end"), "{refused:?}");
    }
}

#[test]
fn a_notification_says_how_the_run_ended() {
    let folder = tempfile::tempdir().expect("a folder");
    // A stand-in for the program of the desktop.
    let script = "mkdir programs; printf '#!/bin/sh\nprintf \"%%s|\" \"$@\" > told\n' > programs/notify-send; chmod +x programs/notify-send
        PATH=$PWD/programs:$PATH DISPLAY=:7 fanlane run --quiet --notify --name sums 'exit {}' ::: 0 3 2>/dev/null; echo $?; cat told
        fanlane run --quiet --notify true ::: 1; echo $?";
    let ended = start::ended(start::script(script, folder.path()).spawn().expect("a shell"));
    assert_eq!(ended.out, "1\n--app-name=Fanlane|--|sums: failed|1 done, 1 not done|0\n", "{}", ended.err);
    assert!(ended.err.contains("neither a desktop"), "{}", ended.err);
}

#[test]
fn a_report_for_build_servers_has_a_case_for_each_task() {
    let folder = tempfile::tempdir().expect("a folder");
    let words =
        ["run", "--quiet", "--name", "checks", "--junit", "report.xml", "echo '<{}>'; exit {}", ":::", "0", "4"];
    let ended = start::run_in(&words, folder.path());
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let report = std::fs::read_to_string(folder.path().join("report.xml")).expect("written");
    for part in [
        "<testsuite name=\"checks\" tests=\"2\" failures=\"1\" errors=\"0\" skipped=\"0\"",
        "name=\"1: echo '&lt;0&gt;'; exit 0\"",
        "<failure message=\"exit code 4\" type=\"failed\"/><system-out>&lt;4&gt;&#10;</system-out>",
        "</testsuites>\n",
    ] {
        assert!(report.contains(part), "{part}: {report}");
    }
    let refused = start::run_in(&["run", "--junit", "/dev/null", "true", ":::", "1"], folder.path());
    assert!(refused.code == Some(2) && refused.err.contains("regular file"), "{refused:?}");
}
