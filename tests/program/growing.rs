//! The built program with inputs that come while it runs, and with tasks whose order and needs their values say.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::mpsc;

use rustix::process::{Pid, Signal, kill_process};

use super::start::{DEADLINE, Ended, run_in, run_with};

/// The program with an open pipe as its standard input.
struct Fed {
    child: Option<Child>,
    stdin: Option<ChildStdin>,
    out: BufReader<ChildStdout>,
    _folder: tempfile::TempDir,
}

impl Fed {
    fn start(words: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = super::start::command(words, folder.path());
        let mut child = command.stdin(Stdio::piped()).spawn().expect("it starts");
        let out = BufReader::new(child.stdout.take().expect("it is piped"));
        Self { stdin: child.stdin.take(), out, child: Some(child), _folder: folder }
    }

    fn write(&mut self, text: &str) {
        let stdin = self.stdin.as_mut().expect("it is open");
        stdin.write_all(text.as_bytes()).and_then(|()| stdin.flush()).expect("it is read");
    }

    /// The next line of output; a program that writes none in time is ended, which ends the reading.
    fn line(&mut self) -> String {
        let pid = Pid::from_child(self.child.as_ref().expect("it runs"));
        let (done, waited) = mpsc::channel::<()>();
        let watchdog = std::thread::spawn(move || {
            if waited.recv_timeout(DEADLINE) == Err(mpsc::RecvTimeoutError::Timeout) {
                kill_process(pid, Signal::KILL).expect("it is not waited for yet");
            }
        });
        let mut line = String::new();
        self.out.read_line(&mut line).expect("text");
        drop(done);
        watchdog.join().expect("it only waits");
        line
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(self.child.as_ref().expect("it runs")), signal).expect("it runs");
    }

    /// What follows until the end. Standard input stays as it is.
    fn end(mut self) -> Ended {
        let mut rest = String::new();
        loop {
            let line = self.line();
            if line.is_empty() {
                break;
            }
            rest += &line;
        }
        let mut ended: Ended =
            self.child.take().expect("it runs").wait_with_output().expect("its output can be read").into();
        ended.out = rest;
        ended
    }
}

#[test]
fn the_first_task_begins_while_the_pipe_is_open() {
    let mut fed = Fed::start(&["run", "-j", "2", "echo got {}"]);
    fed.write("one\ntw");
    assert_eq!(fed.line(), "got one\n");
    fed.write("o\n");
    assert_eq!(fed.line(), "got two\n");
    fed.write("three");
    fed.stdin = None;
    let ended = fed.end();
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), "got three\n"), "{ended:?}");
    assert!(ended.err.starts_with("3 done, 0 failed in "), "{ended:?}");
}

#[test]
fn an_interrupt_ends_a_run_whose_pipe_is_silent() {
    let mut fed = Fed::start(&["run", "-j", "2", "echo got {}"]);
    fed.write("one\n");
    assert_eq!(fed.line(), "got one\n");
    fed.signal(Signal::INT);
    let ended = fed.end();
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert!(ended.err.contains("1 done, 0 failed in ") && ended.err.contains("stopped"), "{ended:?}");
}

#[test]
fn a_row_that_cannot_be_used_ends_the_run_with_what_it_has_done() {
    let mut fed = Fed::start(&["run", "-j", "1", "--colsep", ",", "echo {2:%03d} {1}"]);
    fed.write("a,7\n");
    assert_eq!(fed.line(), "007 a\n");
    fed.write("b,x\nc,8\n");
    let ended = fed.end();
    assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""), "{ended:?}");
    let expected =
        "input 1: value 2 is 'x', but column 6 of the template pads a whole number; no further tasks are started";
    assert!(ended.err.starts_with(expected), "{ended:?}");
    assert!(ended.err.contains("1 done, 0 failed in "), "{ended:?}");
}

#[test]
fn columns_products_groups_and_halts_work_from_a_pipe() {
    let ended = run_with(&["run", "-k", "--header", ":", "-C", "\t", "echo {name}-{2}"], b"name\tsize\na\t1\nb\t2");
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), "a-1\nb-2\n"), "{ended:?}");
    let ended = run_with(&["run", "-k", "echo", "::::", "-", ":::", "x", "y"], b"1\n2\n");
    assert_eq!(ended.out, "1 x\n1 y\n2 x\n2 y\n", "{ended:?}");
    let ended = run_with(&["run", "-k", "echo", ":::", "x", "y", "::::", "-"], b"1\n2\n");
    assert_eq!(ended.out, "x 1\nx 2\ny 1\ny 2\n", "standard input is read to its end: {ended:?}");
    let ended = run_with(&["run", "-n", "2", "-k", "-j", "1", "echo"], b"1\n2\n3\n");
    assert_eq!(ended.out, "1 2\n3\n", "{ended:?}");
    // Far more than a worker is handed ahead.
    let many: String = (1..=5000).map(|number| format!("{number}\n")).collect();
    let ended = run_with(&["run", "--halt", "soon,done=2", "-j", "1", "echo"], many.as_bytes());
    assert!(ended.code == Some(0) && ended.out.starts_with("1\n2\n"), "a reached goal: {ended:?}");
}

#[test]
fn many_inputs_come_through_a_pipe() {
    let input: String = (1..=100_000).map(|number| format!("{number}\n")).collect();
    let folder = tempfile::tempdir().expect("a folder");
    let job = "Job(version: 1, task: Workload(name: \"cube\"), inputs: [Stdin])";
    let path = folder.path().join("cubes.ron");
    std::fs::write(&path, job).expect("written");
    let ended = run_with(&["run", "-k", "-j", "2", path.to_str().expect("a path")], input.as_bytes());
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let cubes = ended.out.lines().zip(1_u64..).filter(|(line, number)| line.parse() == Ok(number.pow(3)));
    assert_eq!((cubes.count(), ended.out.lines().count()), (100_000, 100_000));
}

#[test]
fn values_and_earlier_runs_say_what_begins_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |words: &str| run_in(&words.split(' ').collect::<Vec<_>>(), folder.path());
    let ended = run("run -j 1 --order priority:1 echo ::: 3 -1 7 3");
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), "7\n3\n3\n-1\n"), "{ended:?}");
    let ended = run("run --dry-run --order longest-first:2 echo {1} ::: a b c :::+ 5 60.5 6");
    assert_eq!(ended.out, "echo b\necho c\necho a\n", "{ended:?}");
    let ended = run("run --joblog log true ::: a c");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let ended = run("run --dry-run --order longest-first-in:log true ::: a b");
    assert_eq!(ended.out, "true b\ntrue a\n", "the unknown before all others: {ended:?}");
    for (words, expected) in [
        ("run --order priority:1 echo ::: 3 x", "order: task 2, column 1: 'x' is no whole number"),
        ("run --order fastest echo ::: 3", "longest-first-in:JOBLOG"),
        ("run --order priority:1 --shuf echo ::: 3", "--shuf"),
    ] {
        let ended = run(words);
        assert!(ended.code == Some(2) && ended.err.contains(expected), "{ended:?}");
    }
}

#[test]
fn what_each_task_needs_is_checked_before_anything_runs() {
    for (words, expected) in [
        ("run -j 2 --slots {2} echo {1} ::: a b :::+ 1 3", "task 2 takes 3 slots, but the pool has 2"),
        ("run -j 2 --slots 3 echo ::: a", "a task cannot take 3 slots of a pool of 2"),
        ("run --resource gpu=2 --need gpu={2} echo {1} ::: a b c :::+ 1 2 4", "task 3 needs 4 gpu, there are 2"),
        ("run --resource gpu=2 --need gpu={1} echo ::: 1 many", "task 2 gets 'many' from {1}"),
        ("run --slots many echo ::: 1", "a column that has one for each task"),
    ] {
        let ended = run_with(&words.split(' ').collect::<Vec<_>>(), b"");
        assert!(ended.code == Some(2) && ended.err.contains(expected) && ended.out.is_empty(), "{ended:?}");
    }
}
