//! `fanlane run --background`, `fanlane attach` and `fanlane stop`: the built program from outside.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use fanlane_os::process_tree;
use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::processes::{Running, is_gone, signal, wait_until};
use super::pty::Terminal;
use super::start::{Ended, command, run_in};

/// A home folder; when it is dropped, all its processes are killed.
pub struct Scene(pub TempDir);

impl Scene {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn run(&self, words: &[&str]) -> Ended {
        run_in(words, self.0.path())
    }

    pub fn has(&self, file: &str) -> bool {
        self.0.path().join(file).exists()
    }

    pub fn write(&self, file: &str, text: &str) {
        fs::write(self.0.path().join(file), text).unwrap();
    }

    /// How often each line is in a file.
    fn lines(&self, file: &str) -> BTreeMap<String, usize> {
        let mut lines = BTreeMap::new();
        let text = fs::read_to_string(self.0.path().join(file)).unwrap_or_default();
        text.lines().for_each(|line| *lines.entry(line.to_owned()).or_default() += 1);
        lines
    }

    fn start(&self, words: &[&str]) -> Running {
        Running::start(command(words, self.0.path()))
    }

    /// The processes with this home.
    pub fn processes(&self) -> Vec<u32> {
        let home = self.0.path().to_str().unwrap();
        process_tree::all()
            .filter(|pid| process_tree::variable(*pid, "HOME").as_deref() == Some(home))
            .filter(|pid| !process_tree::has_ended(*pid))
            .collect()
    }

    /// The host: the only process of this home that was not started by another one of it or in the foreground.
    fn host(&self) -> u32 {
        let is_host = |pid: &u32| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.ends_with(b"\0--fanlane-worker\0host\0")
        };
        let hosts: Vec<u32> = self.processes().into_iter().filter(is_host).collect();
        let [host] = *hosts else { panic!("{hosts:?}") };
        host
    }

    fn state(&self, run: &str) -> serde_json::Value {
        let shown = self.run(&["show", run, "--json"]);
        serde_json::from_str(&shown.out).unwrap_or_else(|error| panic!("{error}: {shown:?}"))
    }

    pub fn nothing_is_left(&self) {
        wait_until("the end of all processes", || self.processes().is_empty());
        let left = fs::read_dir(self.0.path().join("runtime")).unwrap().count();
        assert_eq!(left, 0, "folders of hosts");
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        for pid in self.processes() {
            // Only where a test has failed.
            let _ = kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), Signal::KILL);
        }
    }
}

const GATED: &str = "echo out-{}; touch begun-{}; until [ -e gate ]; do sleep 0.01; done; echo {} >> record";

fn numbers(to: u32) -> Vec<String> {
    (1..=to).map(|number| number.to_string()).collect()
}

fn words<'a>(before: &[&'a str], command: &'a str, inputs: &'a [String]) -> Vec<&'a str> {
    before.iter().copied().chain([command, ":::"]).chain(inputs.iter().map(String::as_str)).collect()
}

fn once_each(to: u32) -> BTreeMap<String, usize> {
    numbers(to).into_iter().map(|number| (number, 1)).collect()
}

fn outcomes(json_lines: &str) -> BTreeMap<u64, usize> {
    let mut tasks = BTreeMap::new();
    for line in json_lines.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        if let Some(task) = line["task"].as_u64() {
            *tasks.entry(task).or_default() += 1;
        }
    }
    tasks
}

#[test]
fn a_run_in_the_background_outlives_killed_watchers_and_is_told_whole_to_the_next() {
    let scene = Scene::new();
    let inputs = numbers(12);
    let started = scene.run(&words(&["run", "--background", "-j", "2"], GATED, &inputs));
    assert_eq!((started.code, &*started.out), (Some(0), "1\n"), "{started:?}");
    assert!(started.err.contains("fanlane attach 1 watches it, fanlane stop 1 stops it"), "{started:?}");
    wait_until("the first task", || scene.has("begun-1"));

    let killed = scene.start(&["attach", "--json"]);
    killed.signal(Signal::KILL);
    drop(killed);
    let interrupted = scene.start(&["attach", "1", "--no-bar"]);
    // It catches signals once it has found the run. Its output is only flushed with the next event, so it is asked
    // until it answers.
    let pid = interrupted.pid();
    wait_until("its signals to be caught", || catches_interrupts(pid));
    interrupted.signal(Signal::INT);
    let interrupted = interrupted.ended();
    assert_eq!(interrupted.code, Some(130), "{interrupted:?}");
    assert!(interrupted.err.contains("run 1 is still running"), "{interrupted:?}");

    let listed = scene.run(&["history"]);
    assert!(listed.out.contains("running") && listed.err.contains("fanlane attach 1"), "{listed:?}");
    let last = scene.start(&["attach", "last", "--json"]);
    let pid = last.pid();
    wait_until("its signals to be caught", || catches_interrupts(pid));
    scene.write("gate", "");
    let last = last.ended();
    assert_eq!(last.code, Some(0), "{last:?}");
    assert_eq!(outcomes(&last.out), (1..=12).map(|task| (task, 1)).collect());
    assert!(last.out.contains("\"stdout\":\"out-7\\n\""), "{last:?}");
    assert_eq!(scene.lines("record"), once_each(12));
    assert_eq!(scene.state("1")["state"], "finished");
    scene.nothing_is_left();
}

fn catches_interrupts(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigCgt:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.unwrap_or(0) & (1 << 1) != 0
}

#[test]
fn the_batch_of_a_host_that_was_killed_is_resumed_and_only_what_ran_is_repeated() {
    let scene = Scene::new();
    let inputs = numbers(30);
    let command = "[ {} -le 10 ] || { touch begun-{}; until [ -e gate ]; do sleep 0.01; done; }; echo {} >> record";
    assert_eq!(scene.run(&words(&["run", "--background", "-j", "2"], command, &inputs)).code, Some(0));
    wait_until("two tasks that wait", || (11..=30).filter(|task| scene.has(&format!("begun-{task}"))).count() == 2);
    // Nothing else can end now, and what has ended is in the history half a second later.
    let ended = scene.lines("record").len();
    wait_until("what has ended in the history", || scene.state("1")["done"] == ended);
    let host = scene.host();
    let below = process_tree::descendants(host);
    kill_process(Pid::from_raw(host.try_into().unwrap()).unwrap(), Signal::KILL).unwrap();
    wait_until("the end of all below the host", || below.iter().all(|pid| is_gone(*pid)));
    assert_eq!(scene.state("1")["state"], "interrupted");
    let attach = scene.run(&["attach", "1"]);
    assert!(attach.code == Some(2) && attach.err.contains("run 1 is not running: it is interrupted"), "{attach:?}");
    scene.write("gate", "");
    let resumed = scene.run(&["resume", "1", "--background"]);
    assert_eq!((resumed.code, &*resumed.out), (Some(0), "2\n"), "{resumed:?}");
    let watched = scene.run(&["attach"]);
    // It may be over before it is asked.
    assert!(matches!(watched.code, Some(0 | 2)), "{watched:?}");
    wait_until("the end of the resumed run", || scene.state("2")["state"] == "finished");
    assert_eq!(scene.lines("record"), once_each(30), "none is left out, none done twice");
    scene.nothing_is_left();
}

#[test]
fn stop_ends_a_run_and_attach_ends_as_the_run_does() {
    let scene = Scene::new();
    let inputs = numbers(4);
    scene.run(&words(&["run", "--background", "-j", "1"], GATED, &inputs));
    wait_until("the first task", || scene.has("begun-1"));
    let attached = scene.start(&["attach"]);
    let stopped = scene.run(&["stop", "1"]);
    assert!(stopped.code == Some(0) && stopped.err.contains("4 cancelled"), "{stopped:?}");
    let attached = attached.ended();
    // It received the end, or connected too late to receive anything.
    assert!(matches!(attached.code, Some(1 | 2)), "{attached:?}");
    assert_eq!(scene.state("1")["state"], "stopped");
    scene.nothing_is_left();
    let again = scene.run(&["stop"]);
    assert!(again.code == Some(2) && again.err.contains("no run is going on"), "{again:?}");

    scene.write("gate", "");
    let failing = "until [ -e go ]; do sleep 0.01; done; exit {}";
    let inputs = ["0".to_owned(), "3".to_owned()];
    scene.run(&words(&["run", "--background"], failing, &inputs));
    let attached = scene.start(&["attach"]);
    let pid = attached.pid();
    wait_until("its signals to be caught", || catches_interrupts(pid));
    scene.write("go", "");
    let attached = attached.ended();
    assert!(attached.code == Some(1) && attached.err.contains("task 2 failed: exit code 3"), "{attached:?}");
    scene.nothing_is_left();
}

#[test]
fn standard_input_is_read_whole_and_what_was_there_at_the_start_is_what_is_run() {
    let scene = Scene::new();
    let mut run = command(&["run", "--background", "echo {} >> record"], scene.0.path());
    let mut child = run.stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"one\ntwo\nthree\n").unwrap();
    let started: Ended = child.wait_with_output().unwrap().into();
    assert_eq!((started.code, &*started.out), (Some(0), "1\n"), "{started:?}");
    wait_until("its end", || scene.state("1")["state"] == "finished");
    let expected: BTreeMap<String, usize> = ["one", "two", "three"].map(|line| (line.to_owned(), 1)).into();
    assert_eq!(scene.lines("record"), expected);

    // The files of a pattern are removed during the run: later watchers still have its tasks.
    for name in ["a.log", "b.log"] {
        scene.write(name, "");
    }
    scene.write(
        "job.ron",
        r#"Job(version: 1, task: Command("rm {}; until [ -e gate ]; do sleep 0.01; done"), inputs: [Glob("*.log")])"#,
    );
    assert_eq!(scene.run(&["run", "--background", "job.ron"]).code, Some(0));
    wait_until("the files to go", || !scene.has("a.log") && !scene.has("b.log"));
    let attached = scene.start(&["attach", "--json"]);
    let pid = attached.pid();
    wait_until("its signals to be caught", || catches_interrupts(pid));
    scene.write("gate", "");
    let attached = attached.ended();
    assert!(attached.out.contains(r#""input":["b.log"]"#), "{attached:?}");
    scene.nothing_is_left();
}

#[test]
fn what_makes_no_sense_in_the_background_is_refused_and_nothing_is_run() {
    let scene = Scene::new();
    for (flag, why) in [
        ("--json", "fanlane attach"),
        ("--dry-run", "nothing is run"),
        ("--joblog=log", "fanlane export RUN"),
        ("--no-history", "only the history keeps"),
    ] {
        let refused = scene.run(&["run", "--background", flag, "touch", ":::", "ran"]);
        assert!(refused.code == Some(2) && refused.err.contains(why), "{flag}: {refused:?}");
    }
    let within =
        scene.run(&["run", &format!("{} run --background touch ::: ran", env!("CARGO_BIN_EXE_fanlane")), ":::", "1"]);
    assert!(within.err.contains("a task cannot start a detached run"), "{within:?}");
    assert!(!scene.has("ran"));
}

#[test]
fn a_run_pauses_before_a_task_by_its_number_or_its_text_and_both_are_checked() {
    let scene = Scene::new();
    for (words, why) in [
        (["--break-before=2", "-j1"], "--watch or --background"),
        (["--break-before=4", "--background"], "--break-before 4: the batch has 3 tasks"),
        (["--break-before=0", "--background"], "the number of a task, from 1"),
        (["--break-before= ", "--background"], "the number of a task, from 1"),
        (["--break-before=x", "--background"], "--break-before 'x': no command line of 3 tasks has this text"),
    ] {
        let mut line = vec!["run"];
        line.extend(words);
        line.extend(["touch", ":::", "1", "2", "3"]);
        let refused = scene.run(&line);
        assert!(refused.code == Some(2) && refused.err.contains(why), "{words:?}: {refused:?}");
    }
    assert!(!scene.has("1"), "nothing was run");
    for (run, before) in [("1", "2"), ("2", "TOUCH b")] {
        let names = [format!("a{run}"), format!("b{run}"), format!("c{run}")];
        let mut words = vec!["run", "--background", "-j1", "--break-before", before, "touch", ":::"];
        words.extend(names.iter().map(String::as_str));
        let started = scene.run(&words);
        assert_eq!(started.code, Some(0), "{started:?}");
        let mut terminal = Terminal::start(command(&["watch", run], scene.0.path()), 100, 24);
        terminal.wait_for("the pause", 0, |text| text.contains("paused before task 2"));
        assert!(scene.has(&names[0]) && !scene.has(&names[1]));
        terminal.type_keys("p");
        let (status, rest) = terminal.ended();
        assert_eq!(status, Some(0), "{rest}");
        assert!(scene.has(&names[2]) && rest.contains("3 done"), "{rest}");
    }
}

#[test]
fn a_folder_for_sockets_that_others_could_control_is_refused() {
    let scene = Scene::new();
    fs::create_dir(scene.0.path().join("elsewhere")).unwrap();
    std::os::unix::fs::symlink(scene.0.path().join("elsewhere"), scene.0.path().join("runtime")).unwrap();
    let refused = scene.run(&["run", "--background", "touch", ":::", "ran"]);
    assert!(refused.code == Some(2) && refused.err.contains("it is a link"), "{refused:?}");
    assert!(!scene.has("ran") && is_empty(&scene.0.path().join("elsewhere")));
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().next().is_none()
}

#[test]
fn leftovers_of_a_killed_host_are_removed_by_the_next_look() {
    let scene = Scene::new();
    scene.run(&words(&["run", "--background"], GATED, &numbers(2)));
    wait_until("the first task", || scene.has("begun-1"));
    let host = scene.host();
    signal(host, Signal::KILL);
    // All child processes of the host have its log open, even while they are exiting and have no environment any more.
    let log = fs::read_dir(scene.0.path().join("runtime")).unwrap().next().unwrap().unwrap().path().join("log");
    let log = fs::File::open(log).unwrap();
    wait_until("the end of all of it", || flock(&log, FlockOperation::NonBlockingLockExclusive).is_ok());
    drop(log);
    assert!(!is_empty(&scene.0.path().join("runtime")));
    let attached = scene.run(&["attach"]);
    assert!(attached.code == Some(2) && attached.err.contains("no detached run is running"), "{attached:?}");
    assert!(is_empty(&scene.0.path().join("runtime")));
}

#[test]
fn a_run_that_was_stopped_is_off_the_list_when_stop_returns() {
    let scene = Scene::new();
    for _ in 0..2 {
        assert_eq!(scene.run(&["run", "--background", "sleep 1000; : {}", ":::", "1"]).code, Some(0));
    }
    // Without a number it is an error while several are running.
    assert_eq!(scene.run(&["stop"]).code, Some(2));
    assert_eq!(scene.run(&["stop", "2"]).code, Some(0));
    let other = scene.run(&["stop"]);
    assert_eq!(other.code, Some(0), "{other:?}");
    for (run, command) in [("1", "stop"), ("2", "stop"), ("2", "attach")] {
        let gone = scene.run(&[command, run]);
        assert!(gone.code == Some(2) && gone.err.contains(&format!("run {run} is not running")), "{gone:?}");
    }
    assert_eq!(scene.run(&["stop"]).code, Some(2));
    scene.nothing_is_left();
}
