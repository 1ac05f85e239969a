//! The built program from outside, running tasks: what it prints, its exit status, signals, closed pipes.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::processes::wait;
use super::start::{DEADLINE, run_in, run_with};

fn run(words: &str) -> super::start::Ended {
    run_with(&words.split('|').collect::<Vec<_>>(), b"")
}

/// The first line that the program writes to standard output; what follows can be read from the second.
fn first_line(child: &mut Child) -> (String, BufReader<ChildStdout>) {
    let mut out = BufReader::new(child.stdout.take().expect("it is piped"));
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        // A broken read shows as an empty line.
        let _ = out.read_line(&mut line);
        let _ = sender.send((line, out));
    });
    receiver.recv_timeout(DEADLINE).unwrap_or_else(|_| {
        child.kill().expect("it can be killed");
        child.wait().expect("it can be waited for");
        panic!("the program wrote no line within {DEADLINE:?}");
    })
}

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    lines
}

#[test]
fn output_comes_through_and_the_summary_goes_to_standard_error() {
    for mode in ["one", "threads", "pool"] {
        let ended = run(&format!("run|--mode|{mode}|-j|2|echo|{{}}|:::|a|b|c d"));
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(sorted(&ended.out), ["a", "b", "c d"]);
        assert!(ended.err.starts_with("3 done, 0 failed in "), "{ended:?}");
        assert_eq!(ended.err.lines().count(), 1, "{ended:?}");
    }
}

#[test]
fn a_failed_task_is_told_and_the_status_is_1() {
    let ended = run("run|echo out {}; echo err {} >&2; exit {}|:::|0|3");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(sorted(&ended.out), ["out 0", "out 3"]);
    assert!(ended.err.contains("err 3\ntask 2 failed: exit code 3: echo out 3; "), "{ended:?}");
    assert!(ended.err.contains("1 done, 1 failed in "), "{ended:?}");
}

#[test]
fn tasks_run_in_another_folder_and_inputs_are_read_in_this_one() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("there")).expect("made");
    std::fs::write(folder.path().join("names"), "a\n").expect("written");
    let words = ["run", "--wd", "there", "--joblog", "log", "touch {}; basename $PWD", "::::", "names"];
    let ended = run_in(&words, folder.path());
    assert_eq!((ended.code, &*ended.out), (Some(0), "there\n"), "{ended:?}");
    assert!(folder.path().join("there/a").exists() && folder.path().join("log").exists());
    let refused = run_in(&["run", "--wd", "nowhere", "echo", ":::", "a"], folder.path());
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.err.contains("the working folder") && refused.err.contains("nowhere"), "{refused:?}");
}

#[test]
fn a_run_is_called_as_it_was_named_also_when_it_is_run_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |words: &[&str]| run_in(words, folder.path());
    for words in
        [&["run", "--name", " Nightly ", "true", ":::", "a"][..], &["rerun", "1"], &["rerun", "1", "--name", "Again"]]
    {
        assert_eq!(run(words).code, Some(0), "{words:?}");
    }
    let names: Vec<String> = run(&["history", "--json"])
        .out
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON")["name"].to_string())
        .collect();
    assert_eq!(names, ["\"Again\"", "\"Nightly\"", "\"Nightly\""]);
    for (name, why) in [(" ", "a job needs a name"), ("a\nb", "a single line")] {
        let refused = run(&["run", "--name", name, "true", ":::", "a"]);
        assert!(refused.code == Some(2) && refused.err.contains(why), "{refused:?}");
    }
}

#[test]
fn blocks_of_output_are_never_mixed() {
    let ended = run("run|-j|4|for i in 1 2 3 4 5 6 7 8 9; do echo {}; done|:::|a|b|c|d|e|f|g|h");
    let lines: Vec<_> = ended.out.lines().collect();
    assert_eq!(lines.len(), 72);
    for block in lines.chunks(9) {
        assert!(block.iter().all(|line| *line == block[0]), "{block:?}");
    }
}

#[test]
fn keep_order_prints_in_the_order_of_the_inputs() {
    // The first waits until the last has made its file.
    let folder = tempfile::tempdir().expect("a folder");
    let script = "if [ {} = 1 ]; then until [ -e last ]; do sleep 0.01; done; fi; [ {} = 4 ] && : > last; echo {}";
    let words = ["run", "-j", "2", "-k", "--timeout", "60", script, ":::", "1", "2", "3", "4"];
    let ended = run_in(&words, folder.path());
    assert_eq!(ended.out, "1\n2\n3\n4\n", "{ended:?}");
}

#[test]
fn json_has_an_object_for_each_task_and_the_summary_last() {
    let ended = run("run|--json|-k|printf '\\377'; exit {1}|:::|0|5|:::|x");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let lines: Vec<serde_json::Value> = ended.out.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert_eq!(lines.len(), 3, "{ended:?}");
    assert_eq!(lines[0]["task"], 1);
    assert_eq!(lines[0]["input"], serde_json::json!(["0", "x"]));
    assert_eq!(lines[0]["outcome"], "done");
    assert_eq!(lines[0]["exit_code"], 0);
    assert_eq!(lines[0]["stdout"], "\u{fffd}");
    assert!(lines[0]["pid"].is_u64() && lines[0]["wall_secs"].is_f64(), "{ended:?}");
    assert_eq!(lines[1]["outcome"], "failed");
    assert_eq!(lines[1]["exit_code"], 5);
    assert_eq!(lines[2]["summary"]["done"], 1);
    assert_eq!(lines[2]["summary"]["failed"], 1);
}

#[test]
fn values_of_calls_are_printed_one_a_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let job = "Job(version: 1, task: Workload(name: \"cube\"), inputs: [List([\"3\", \"x\", \"-5\"])])";
    std::fs::write(folder.path().join("cubes.ron"), job).expect("written");
    let ended = run_in(&["run", "-k", "cubes.ron"], folder.path());
    assert_eq!((ended.code, ended.out.as_str()), (Some(1), "27\n-125\n"), "{ended:?}");
    assert!(ended.err.contains("task 2 failed: ") && ended.err.contains(": cube(x)\n"), "{ended:?}");
    let ended = run_in(&["run", "-k", "--json", "cubes.ron"], folder.path());
    let first: serde_json::Value = serde_json::from_str(ended.out.lines().next().expect("a line")).expect("JSON");
    assert_eq!(first["value"], 27);
    assert!(first.get("stdout").is_none(), "{first}");
}

#[test]
fn a_batch_without_tasks_is_done() {
    let ended = run("run|echo|{}");
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), ""), "{ended:?}");
    assert!(ended.err.starts_with("0 done, 0 failed"), "{ended:?}");
}

#[test]
fn lines_on_standard_input_are_inputs() {
    let ended = run_with(&["run", "-k", "echo", "[{}]"], b"a\nb b\n");
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), "[a]\n[b b]\n"), "{ended:?}");
}

#[test]
fn retries_count_tries_as_in_parallel() {
    let ended = run("run|--retries|3|echo x >> tries; wc -l < tries; exit 7|:::|a");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(ended.out.trim(), "3", "only the last try is printed: {ended:?}");
    assert!(ended.err.contains("exit code 7 (try 3)"), "{ended:?}");
}

#[test]
fn a_timeout_ends_a_task() {
    let ended = run("run|--timeout|50ms|sleep {}|:::|60");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("task 1 timed out after ") && ended.err.contains("1 timed out"), "{ended:?}");
}

#[test]
fn signals_stop_a_run_and_the_summary_is_still_printed() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let folder = tempfile::tempdir().expect("a folder");
        let words = ["run", "-j", "1", "echo {}; [ {} = 1 ] || sleep 60", ":::", "1", "2", "3"];
        let mut child = super::start::command(&words, folder.path()).spawn().expect("it starts");
        let (first, _out) = first_line(&mut child);
        assert_eq!(first, "1\n");
        kill_process(Pid::from_child(&child), signal).expect("it runs");
        let status = wait(&mut child);
        let err = std::io::read_to_string(child.stderr.take().expect("it is piped")).expect("text");
        assert_eq!(status.code(), Some(130), "{signal:?}: {status:?} {err}");
        assert!(err.contains("cancelled") && err.trim_end().ends_with("stopped"), "{signal:?}: {err}");
    }
}

#[test]
fn the_second_signal_stops_a_task_that_will_not_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let words = ["run", "-j", "1", "[ {} = 1 ] || { trap '' TERM; : > deaf; sleep 60; }", ":::", "1", "2"];
    let mut child = super::start::command(&words, folder.path()).spawn().expect("it starts");
    let begun = Instant::now();
    while !folder.path().join("deaf").exists() {
        assert!(begun.elapsed() < DEADLINE, "the task never began");
        std::thread::sleep(Duration::from_millis(5));
    }
    kill_process(Pid::from_child(&child), Signal::INT).expect("it runs");
    let mut err = BufReader::new(child.stderr.take().expect("it is piped"));
    let mut line = String::new();
    err.read_line(&mut line).expect("a line");
    assert!(line.starts_with("stopping: ") && line.contains("interrupt again"), "{line}");
    // The task may have reached the end of its grace time in between.
    let _ = kill_process(Pid::from_child(&child), Signal::INT);
    assert_eq!(wait(&mut child).code(), Some(130));
}

#[test]
fn an_ignored_signal_stays_ignored() {
    let folder = tempfile::tempdir().expect("a folder");
    let script =
        "trap '' HUP; exec \"$0\" run -j 1 'echo {}; [ {} = 1 ] || until [ -e go ]; do sleep 0.01; done' ::: 1 2";
    let mut child = super::start::command(&[], folder.path());
    let mut child = {
        let program = child.get_program().to_owned();
        child = std::process::Command::new("sh");
        child.args(["-c", script]).arg(program).current_dir(folder.path());
        child.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::piped());
        child.stderr(std::process::Stdio::piped()).spawn().expect("it starts")
    };
    let (first, _out) = first_line(&mut child);
    assert_eq!(first, "1\n");
    kill_process(Pid::from_child(&child), Signal::HUP).expect("it runs");
    std::fs::write(folder.path().join("go"), "").expect("written");
    assert_eq!(wait(&mut child).code(), Some(0));
}

#[test]
fn a_closed_pipe_stops_the_run_quietly() {
    let folder = tempfile::tempdir().expect("a folder");
    let job = "Job(version: 1, task: Command(\"echo {}\"), inputs: [Range(1, 1000000)])";
    std::fs::write(folder.path().join("many.ron"), job).expect("written");
    let mut child = super::start::command(&["run", "-j", "2", "many.ron"], folder.path()).spawn().expect("it starts");
    let (first, out) = first_line(&mut child);
    assert!(!first.is_empty());
    drop(out);
    assert_eq!(wait(&mut child).code(), Some(1));
    let err = std::io::read_to_string(child.stderr.take().expect("it is piped")).expect("text");
    assert_eq!(err, "");
}

#[test]
fn without_a_display_the_job_runs_in_the_terminal() {
    let folder = tempfile::tempdir().expect("a folder");
    let job = "Job(version: 1, task: Command(\"echo {}\"), inputs: [Range(1, 3)])";
    std::fs::write(folder.path().join("good.ron"), job).expect("written");
    let ended = run_in(&["good.ron"], folder.path());
    assert_eq!((ended.code, sorted(&ended.out)), (Some(0), vec!["1", "2", "3"]), "{ended:?}");
    let lines: Vec<_> = ended.err.lines().collect();
    assert_eq!(lines.len(), 2, "the reason and the summary: {ended:?}");
    assert!(lines[0].starts_with("fanlane: ") && lines[0].ends_with("; running in the terminal instead"), "{ended:?}");
}

#[test]
fn without_a_display_the_first_example_runs_in_the_terminal() {
    let folder = tempfile::tempdir().expect("a folder");
    let ended = run_in(&[], folder.path());
    assert_eq!((ended.code, ended.out.lines().count()), (Some(0), 8), "{ended:?}");
    for line in ended.out.lines() {
        let (what, value) = line.split_once('\t').expect(line);
        assert!(what.starts_with("pi from 30000000 random points, task "), "{line}");
        assert!(value.parse::<f64>().is_ok_and(|pi| (3.0..3.3).contains(&pi)), "{line}");
    }
    let mut lines = ended.err.lines();
    let reason = lines.next().expect("a line");
    assert!(reason.starts_with("fanlane: ") && reason.ends_with("; running in the terminal instead"), "{ended:?}");
    let plan = lines.next().expect("a second line");
    assert!(plan.contains("an example of 8 tasks that takes some seconds"), "{ended:?}");
}

#[test]
fn a_task_gets_its_slot_its_variables_and_its_standard_input() {
    let ended = run("run|-j|1|--env|A=<{}>|--env|HOME|--stdin-text|in {#:%02d}|echo {%} \"$A\"; cat|:::|a b|c");
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), "1 <a b>\nin 011 <c>\nin 02"), "{ended:?}");
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("a b"), "of a file").expect("written");
    let ended = run_in(&["run", "--stdin-file", "{}", "cat; echo {}", ":::", "a b"], folder.path());
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), "of a filea b\n"), "{ended:?}");
    let ended = run_in(&["run", "--stdin-file", "gone", "cat", ":::", "x"], folder.path());
    assert!(ended.code == Some(1) && ended.err.contains("gone cannot be opened as standard input"), "{ended:?}");
}

#[test]
fn a_task_finds_the_program_that_runs_it_though_it_is_not_on_the_path() {
    let ended = run("run|\"$FANLANE\" --version; exit {}|:::|0");
    assert_eq!((ended.code, ended.out.starts_with("fanlane ")), (Some(0), true), "{ended:?}");
}

#[test]
fn slots_of_running_tasks_differ() {
    for mode in ["threads", "pool"] {
        // Each task waits until the other is there as well.
        let script = ": > {%}; until [ -e 1 ] && [ -e 2 ]; do sleep 0.01; done";
        let ended = run(&format!("run|--mode|{mode}|-j|2|--timeout|55|{script}|:::|a|b"));
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
}

#[test]
fn without_a_shell_each_value_is_one_argument() {
    let words = ["run", "--no-shell", "-j", "1", "printf '%s|' {} 'x {1}' {1.} {#}", ":::", "$HOME; 'a b'.c", ""];
    let ended = run_with(&words, b"");
    assert_eq!(
        (ended.code, ended.out.as_str()),
        (Some(0), "$HOME; 'a b'.c|x $HOME; 'a b'.c|$HOME; 'a b'|1||x ||2|"),
        "{ended:?}"
    );
}

#[test]
fn the_pool_of_the_command_line_is_the_one_that_has_to_be_large_enough() {
    let folder = tempfile::tempdir().expect("a folder");
    let job = r#"Job(version: 1, task: Command("echo {1}"), inputs: [List(["1", "3"])], workers: 2,
        control: Control(slots: "{1}"))"#;
    std::fs::write(folder.path().join("job.ron"), job).expect("written");
    let refused = run_in(&["run", "job.ron"], folder.path());
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.err.contains("task 2 takes 3 slots, but the pool has 2"), "{refused:?}");
    let ran = run_in(&["run", "-k", "-j3", "job.ron"], folder.path());
    assert_eq!((ran.code, &*ran.out), (Some(0), "1\n3\n"), "{ran:?}");
}

#[test]
fn a_script_without_an_interpreter_line_is_run_as_a_shell_runs_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("script");
    std::fs::write(&script, "echo \"$0|$1|$2|$#|$A\"; cat; exit 3\n").expect("written");
    std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).expect("executable");
    let words = ["run", "--env", "A=own", "--stdin-text", "in\n", "./script {} 'a  b'", ":::", "$x;*"];
    let ended = run_in(&words, folder.path());
    assert_eq!((ended.code, ended.out.as_str()), (Some(1), "./script|$x;*|a  b|2|own\nin\n"), "{ended:?}");
    assert!(ended.err.contains("exit code 3"), "{ended:?}");
    // Without a shell it is an error.
    let ended = run_in(&["run", "--no-shell", "./script {}", ":::", "x"], folder.path());
    assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""), "{ended:?}");
    assert!(ended.err.contains("name its interpreter in its first line"), "{ended:?}");
}
