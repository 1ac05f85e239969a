//! Resuming an interrupted run: tasks that are done according to the job log or the results folder are not repeated.
//! Where GNU parallel is installed, its logs are compared.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

use super::start::{DEADLINE, Ended, command, parallel, run_in};

const HEADER: &str = "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n";

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn log_line(number: u64, ends: &str, command: &str) -> String {
    format!("{number}\t:\t1795362594.449\t     0.101\t0\t0\t{ends}\t{command}\n")
}

/// Runs the program with a job log of these lines.
fn with_log(lines: &str, words: &[&str]) -> (Ended, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log");
    fs::write(&log, format!("{HEADER}{lines}")).expect("written");
    let ended = run_in(&[&["run", "-k", "--joblog", "log"], words].concat(), folder.path());
    (ended, read(&log))
}

/// Number, exit value, signal and command of each line.
fn without_times(log: &str) -> Vec<String> {
    let columns = log.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    columns.map(|columns| [&columns[..1], &columns[6..]].concat().join(" ")).collect()
}

#[test]
fn a_log_means_what_it_means_to_parallel() {
    let folder = tempfile::tempdir().expect("a folder");
    let words = ["-j1", "echo {}; test {} != c", ":::", "a", "b", "c", "d", "e"];
    let halted = [&["run", "--joblog", "begun", "--halt", "now,fail=1"], &words[..]].concat();
    assert_eq!(run_in(&halted, folder.path()).out, "a\nb\nc\n");
    for (flag, printed, code, summary) in [
        ("--resume", "d\ne\n", 0, "2 done, 0 failed, 2 done earlier, 1 failed earlier in "),
        ("--resume-failed", "c\nd\ne\n", 1, "2 done, 1 failed, 2 done earlier in "),
    ] {
        for log in ["ours", "theirs"] {
            fs::copy(folder.path().join("begun"), folder.path().join(log)).expect("copied");
        }
        let ours = run_in(&[&["run", flag, "--joblog", "ours"], &words[..]].concat(), folder.path());
        assert_eq!((ours.code, &*ours.out), (Some(code), printed), "{ours:?}");
        assert!(ours.err.contains(summary), "{ours:?}");
        let log = read(&folder.path().join("ours"));
        assert!(log.starts_with(&read(&folder.path().join("begun"))), "lines are added only: {log}");
        if let Some(mut parallel) = parallel(&[&[flag, "--joblog", "theirs"], &words[..]].concat(), folder.path()) {
            let theirs = parallel.output().expect("it runs");
            assert_eq!(String::from_utf8_lossy(&theirs.stdout), printed);
            assert_eq!(without_times(&log), without_times(&read(&folder.path().join("theirs"))));
        }
        let dry = run_in(&[&["run", "--dry-run", flag, "--joblog", "begun"], &words[..]].concat(), folder.path());
        assert_eq!(dry.out.lines().count(), printed.lines().count(), "{dry:?}");
    }
}

#[test]
fn a_task_that_was_done_once_is_done() {
    let lines = [log_line(1, "0\t0", "echo a"), log_line(1, "3\t0", "echo a"), log_line(2, "0\t9", "echo b")].concat();
    let (ended, log) = with_log(&lines, &["--resume-failed", "--json", "echo", ":::", "a", "b", "c"]);
    let lines: Vec<serde_json::Value> = ended.out.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    assert_eq!(lines.len(), 3, "{ended:?}");
    assert_eq!((&lines[0]["task"], &lines[0]["stdout"]), (&2.into(), &"b\n".into()), "numbers are the whole's");
    assert_eq!((&lines[1]["task"], &lines[2]["summary"]["done_earlier"]), (&3.into(), &1.into()));
    let tasks: Vec<String> =
        log.lines().skip(4).map(|line| line.split('\t').next().expect("a column").into()).collect();
    assert_eq!(
        {
            let mut tasks = tasks;
            tasks.sort();
            tasks
        },
        ["2", "3"],
        "{log}"
    );
    let (again, _) = with_log(&log[HEADER.len()..], &["--resume-failed", "echo", ":::", "a", "b", "c"]);
    assert_eq!((again.code, &*again.out), (Some(0), ""), "nothing is left: {again:?}");
    assert!(again.err.contains("0 done, 0 failed, 3 done earlier, "), "{again:?}");
}

#[test]
fn another_command_or_input_is_refused_and_nothing_is_run_or_written() {
    let lines = [log_line(1, "0\t0", "echo a"), log_line(2, "0\t0", "echo\0b")].concat();
    for (words, fault) in [
        (&["echo\nb", ":::", "a"][..], "its line 2 is of another command for task 1: 'echo a' then, 'echo\\nb a' now"),
        (&["echo", ":::", "a", "c"], "its line 3 is of another command for task 2: 'echo\\nb' then, 'echo c' now"),
        (&["echo", ":::", "a"], "its line 3 is of task 2, but there are only 1 tasks now"),
    ] {
        for flag in ["--resume", "--resume-failed"] {
            let (ended, log) = with_log(&lines, &[&[flag], words].concat());
            assert_eq!((ended.code, &*ended.out), (Some(2), ""), "{ended:?}");
            assert!(ended.err.contains("the job log log cannot be resumed: "), "{ended:?}");
            assert!(ended.err.contains(fault) && ended.err.contains("--resume-by-number"), "{fault}: {ended:?}");
            assert_eq!(log, format!("{HEADER}{lines}"));
        }
    }
    let (ended, log) = with_log(&lines, &["--resume", "--resume-by-number", "echo x", ":::", "a", "c", "d"]);
    assert_eq!((ended.code, &*ended.out), (Some(0), "x d\n"), "{ended:?}");
    assert_eq!(log.lines().count(), 4);
}

#[test]
fn wherever_a_log_was_cut_off_it_is_gone_on_with_behind_its_last_whole_line() {
    let first = log_line(1, "0\t0", "echo a");
    let second = log_line(2, "0\t0", "echo b");
    for cut in [1, second.len() / 2, second.len() - 1] {
        let (ended, log) = with_log(&format!("{first}{}", &second[..cut]), &["--resume", "echo", ":::", "a", "b"]);
        assert_eq!((ended.code, &*ended.out), (Some(0), "b\n"), "cut at {cut}: {ended:?}");
        assert!(ended.err.contains("the last line of the job log is incomplete"), "{ended:?}");
        assert!(log.starts_with(&format!("{HEADER}{first}2\t")) && log.lines().count() == 3, "{log}");
    }
    let (refused, log) = with_log("no line\n", &["--resume", "touch", ":::", "ran"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.err.contains("line 2 is no line of a job log: it has fewer than nine columns"), "{refused:?}");
    assert_eq!(log, format!("{HEADER}no line\n"));
}

#[test]
fn what_was_interrupted_is_done_when_the_run_is_resumed() {
    for signal in [Signal::INT, Signal::KILL] {
        let folder = tempfile::tempdir().expect("a folder");
        let script = "echo {} >> ran; test {} = a || test -e go || exec sleep 1000";
        let words = ["-j1", "--joblog", "log", "--results", "kept", script, ":::", "a", "b", "c"];
        let run = [&["run"], &words[..]].concat();
        let child = command(&run, folder.path()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut child = child.expect("it starts");
        let until = Instant::now() + DEADLINE;
        let has_ended = || fs::read_to_string(folder.path().join("log")).is_ok_and(|log| log.lines().count() == 2);
        let has_begun = || fs::read_to_string(folder.path().join("ran")).is_ok_and(|ran| ran == "a\nb\n");
        while !(has_ended() && has_begun()) {
            assert!(Instant::now() < until, "waited in vain for the tasks");
            std::thread::yield_now();
        }
        kill_process(Pid::from_child(&child), signal).expect("it runs");
        child.wait().expect("it ends");
        assert_eq!(read(&folder.path().join("log")).lines().count(), 2, "a task that was interrupted has not ended");
        fs::write(folder.path().join("go"), "").expect("written");

        let by_results = ["run", "--dry-run", "--resume", "--results", "kept"];
        let dry = run_in(&[&by_results, &words[5..]].concat(), folder.path());
        assert_eq!((dry.code, dry.out.lines().count()), (Some(0), 2), "the results say the same: {dry:?}");
        let resumed = run_in(&[&["run", "--resume"], &words[..]].concat(), folder.path());
        assert_eq!(resumed.code, Some(0), "{resumed:?}");
        assert!(resumed.err.contains("2 done, 0 failed, 1 done earlier"), "{resumed:?}");
        assert_eq!(read(&folder.path().join("ran")), "a\nb\nb\nc\n");
        assert_eq!(read(&folder.path().join("kept/1/c/seq")), "3");
    }
}

#[test]
fn a_run_that_was_resumed_is_resumed_behind_what_has_resumed_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let last = |stop: &str, words: &[&str]| {
        fs::write(folder.path().join("stop"), stop).expect("written");
        run_in(words, folder.path())
    };
    let halt =
        ["run", "-j1", "--halt", "now,fail=1", "echo {} >> ran; test {} != \"$(cat stop)\"", ":::", "a", "b", "c", "d"];
    assert_eq!(last("b", &halt).code, Some(1));
    assert_eq!(last("c", &["resume", "1", "--failed"]).code, Some(1));
    let resumed = last("", &["resume", "1", "--failed"]);
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    assert!(resumed.err.contains("run 2 has resumed run 1 already"), "{resumed:?}");
    assert_eq!(read(&folder.path().join("ran")), "a\nb\nb\nc\nc\nd\n", "nothing that was done is done again");
    // A run that had nothing to do is not what one goes on with.
    run_in(&["run", "echo", "::::", "/dev/null"], folder.path());
    let shown = run_in(&["show", "last"], folder.path());
    assert!(shown.out.contains("run 3") || shown.out.contains("3 "), "{shown:?}");
}

#[test]
fn a_results_folder_says_what_has_ended() {
    let folder = tempfile::tempdir().expect("a folder");
    let words = ["--results", "kept", "echo x{}", ":::", "a", "b", "a"];
    assert_eq!(run_in(&[&["run", "-j1"], &words[..]].concat(), folder.path()).out, "xa\nxb\nxa\n");
    let resume = |words: &[&str]| run_in(&[&["run", "-k", "--resume"], words].concat(), folder.path());
    let ended = resume(&[&words[..], &["c", "a"]].concat());
    assert_eq!((ended.code, &*ended.out), (Some(0), "xc\nxa\n"), "{ended:?}");
    assert!(ended.err.contains("2 done, 0 failed, 3 ended earlier in "), "{ended:?}");
    let ended = resume(&["--results", "kept", "echo x{}", ":::", "new", "b"]);
    assert_eq!(&*ended.out, "xnew\n", "the values count, not their number: {ended:?}");
    if let Some(mut parallel) = parallel(&["--results", "theirs", "echo", ":::", "p", "q"], folder.path()) {
        parallel.output().expect("it runs");
        assert_eq!(resume(&["--results", "theirs", "echo", ":::", "p", "q", "r"]).out, "r\n");
    }
    for (words, fault) in [
        (&["--resume", "echo", ":::", "a"][..], "need --joblog FILE or --results DIR"),
        (&["--resume-failed", "--results", "kept", "echo", ":::", "a"], "does not say which tasks failed"),
        (&["--resume", "--results", "a.csv", "echo", ":::", "a"], "not by a table; add --joblog FILE"),
        (&["--resume", "--joblog", "-", "echo", ":::", "a"], "cannot be resumed; name a file"),
        (&["--resume-by-number", "echo", ":::", "a"], "no meaning without --resume"),
    ] {
        let refused = run_in(&[&["run"], words].concat(), folder.path());
        assert_eq!((refused.code, &*refused.out), (Some(2), ""), "{refused:?}");
        assert!(refused.err.contains(fault), "{fault}: {refused:?}");
    }
}

#[test]
fn a_table_of_results_is_gone_on_with() {
    let folder = tempfile::tempdir().expect("a folder");
    let words = ["--joblog", "log", "--results", "kept.csv", "echo", ":::", "a", "b"];
    run_in(&[&["run", "-j1"], &words[..]].concat(), folder.path());
    let ended = run_in(&[&["run", "--resume"], &words[..], &["c"]].concat(), folder.path());
    assert_eq!(ended.out, "c\n", "{ended:?}");
    let table = read(&folder.path().join("kept.csv"));
    let firsts: Vec<&str> = table.lines().filter_map(|line| line.split(',').next()).collect();
    assert_eq!(firsts, ["Seq", "1", "\"", "2", "\"", "3", "\""], "{table}");
}

#[test]
fn tasks_wait_for_what_is_left_and_not_for_what_was_done() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("tasks.csv"), "name,after\na,\nb,a\nc,b\nd,a\ne,d\n").expect("written");
    let job = r#"Job(version: 1, task: Command("echo {name} && test {name} != b"), inputs: [Csv("tasks.csv")],
        control: Control(after: After(name: "name", after: "after")), workers: 1)"#;
    fs::write(folder.path().join("job.ron"), job).expect("written");
    let line = |number, name: &str, ends| log_line(number, ends, &format!("echo {name} && test {name} != b"));
    fs::write(folder.path().join("log"), [HEADER, &line(1, "a", "0\t0"), &line(2, "b", "1\t0")].concat())
        .expect("written");
    let resumed = run_in(&["run", "--resume", "--joblog", "log", "job.ron"], folder.path());
    assert_eq!((resumed.code, &*resumed.out), (Some(1), "d\ne\n"), "{resumed:?}");
    assert!(resumed.err.contains("tasks left out because tasks that they wait for failed earlier"), "{resumed:?}");
    assert!(resumed.err.contains("2 done, 0 failed, 1 done earlier, 1 failed earlier"), "{resumed:?}");
}

#[test]
fn the_slot_that_a_task_ran_in_is_told_wherever_its_command_is() {
    let folder = tempfile::tempdir().expect("a folder");
    // Both tasks run at the same time, so each has its own lane.
    let script = "touch at{%}; until test -e at1 -a -e at2; do sleep 0.01; done; echo {%}; exit 1";
    let words = ["-j2", "--joblog", "log", "--record", "record", "--results", "kept.jsonl", "--tagstring", "{#}:{%}"];
    let run = [&["run"], &words[..], &[script, ":::", "a", "b"]].concat();
    let ended = run_in(&run, folder.path());
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let mut slots: Vec<(&str, &str)> = ended.out.lines().map(|line| line.split_once('\t').expect("a tag")).collect();
    slots.sort_unstable();
    assert!(slots == [("1:1", "1"), ("2:2", "2")] || slots == [("1:2", "2"), ("2:1", "1")], "{slots:?}");
    let (log, table) = (read(&folder.path().join("log")), read(&folder.path().join("kept.jsonl")));
    let exported = run_in(&["export", "--format", "csv", "record"], folder.path()).out;
    for (tag, slot) in slots {
        let ran = script.replace("{%}", slot);
        let number = &tag[..1];
        assert!(log.lines().any(|line| line.starts_with(&format!("{number}\t")) && line.contains(&ran)), "{log}");
        let is_row = |line: &str| line.starts_with(&format!("{{\"Seq\":{number},")) && line.contains(&ran);
        assert!(table.lines().any(is_row), "{table}");
        assert!(exported.contains(&ran), "{exported}");
        assert!(ended.err.contains(&format!("task {number} failed: exit code 1: {ran}")), "{ended:?}");
    }
    let again = run_in(&["run", "-j2", "--resume", "--joblog", "log", script, ":::", "a", "b"], folder.path());
    assert_eq!(again.code, Some(0), "a log with slots is that of the same commands: {again:?}");
}

#[test]
fn tags_are_those_of_parallel() {
    let folder = tempfile::tempdir().expect("a folder");
    for tagstring in ["<{}>", "{2}-{1/}\\t{#}", "plain", "", "a\\nb{1.}"] {
        let words = ["-k", "-j1", "--tagstring", tagstring, "printf 'x\\ny'", ":::", "a b", "/c/d.e", ":::", "$1"];
        let ours = run_in(&[&["run", "--quiet"], &words[..]].concat(), folder.path());
        assert_eq!(ours.code, Some(0), "{ours:?}");
        if let Some(mut parallel) = parallel(&words, folder.path()) {
            let theirs = parallel.output().expect("it runs");
            assert_eq!(ours.out, String::from_utf8_lossy(&theirs.stdout), "{tagstring}");
        }
    }
    let job =
        "Job(version: 1, task: Workload(name: \"cube\"), inputs: [List([\"3\"])], tagstring: Some(\"cube of {}\"))";
    fs::write(folder.path().join("job.ron"), job).expect("written");
    assert_eq!(run_in(&["run", "job.ron"], folder.path()).out, "cube of 3\t27\n");
    let refused = run_in(&["run", "--tagstring", "{2}", "echo", ":::", "a"], folder.path());
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.err.contains("tagstring cannot be used: "), "{refused:?}");
}

#[test]
fn json_says_where_the_whole_of_an_output_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let words = ["run", "-j1", "--json", "--record", "record", "--results", "kept", "seq {}", ":::", "200000", "9"];
    let ran = run_in(&words, folder.path());
    let lines: Vec<serde_json::Value> = ran.out.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    assert_eq!(lines.len(), 3, "{ran:?}");
    for (line, last) in [(&lines[0], "200000"), (&lines[1], "9")] {
        let results = Path::new(line["results"].as_str().expect("a path"));
        assert!(results.is_absolute() && results.ends_with(Path::new("kept/1").join(last)), "{results:?}");
        let whole = read(&results.join("stdout"));
        assert_eq!(whole.lines().last(), Some(last));
        assert!(line["stdout"] == *whole && line.get("stdout_dropped_bytes").is_none(), "it is whole here too");
    }
    let exported = run_in(&["export", "--format", "jsonl", "record"], folder.path());
    assert!(exported.out == ran.out, "an export is what --json printed");
    assert_eq!((ran.code, exported.code), (Some(0), Some(0)));
    fs::remove_dir_all(folder.path().join("kept")).expect("removed");
    for format in ["jsonl", "csv"] {
        let cut = run_in(&["export", "--format", format, "record"], folder.path());
        assert!(cut.out.contains("bytes of this output were not kept"), "{format}");
        assert_eq!(cut.code, Some(1), "{format}: {}", cut.err);
        assert!(cut.err.starts_with("fanlane: 1 output not whole: "), "{}", cut.err);
    }
}
