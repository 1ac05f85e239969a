//! Batches on a private cluster of two nodes that tests/slurm/cluster starts: the built program from outside, with nodes and
//! commands that go away in the middle.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::Signal;
use serde_json::Value;

use super::background::Scene;
use super::processes::{Running, wait_until};
use super::start::{Ended, command, ended};

/// A cluster with a home of its own; all of it ends with this value.
struct Cluster {
    home: Scene,
    _alone: MutexGuard<'static, ()>,
}

/// One cluster at a time: a machine has few cores.
static ALONE: Mutex<()> = Mutex::new(());

impl Cluster {
    /// Starts it; `None`, and said so, where that cannot be. The machine that judges changes can.
    fn start() -> Option<Self> {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let own = Self { home: Scene::new(), _alone: alone };
        let started = own.control(&["up", own.root().to_str().unwrap()]);
        if started.code == Some(0) {
            let profiles = own.path().join(".config/fanlane/engines");
            fs::create_dir_all(&profiles).unwrap();
            let shared = own.shared();
            fs::write(profiles.join("slurm.ron"), format!("Slurm(shared_folder: {shared:?})")).unwrap();
            return Some(own);
        }
        assert!(std::env::var_os("CI").is_none(), "a cluster has to start here: {started:?}");
        let why = started.err.lines().last().unwrap_or_default().to_owned();
        let _ =
            writeln!(std::io::stderr(), "SKIPPED: no Slurm cluster can be started ({why}), so nothing was run on one");
        None
    }

    fn path(&self) -> &Path {
        self.home.0.path()
    }

    fn root(&self) -> PathBuf {
        self.path().join("cluster")
    }

    fn shared(&self) -> PathBuf {
        self.root().join("shared/batches")
    }

    fn control(&self, words: &[&str]) -> Ended {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/slurm/cluster");
        let mut control = Command::new(script);
        control.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        ended(control.spawn().unwrap())
    }

    fn change(&self, words: &[&str]) {
        let root = self.root();
        let words = [&words[..1], &[root.to_str().unwrap()], &words[1..]].concat();
        let changed = self.control(&words);
        assert_eq!(changed.code, Some(0), "{words:?}: {changed:?}");
    }

    /// A command in the home of this scene, for which the cluster is the only one.
    fn within(&self, mut command: Command) -> Command {
        command.env("SLURM_CONF", self.root().join("etc/slurm.conf")).env_remove("XDG_CACHE_HOME");
        command
    }

    fn fanlane(&self, words: &[&str]) -> Command {
        self.within(command(words, self.path()))
    }

    fn run(&self, words: &[&str]) -> Ended {
        ended(self.fanlane(words).spawn().unwrap())
    }

    /// A command under way, whose output may be longer than a pipe holds.
    fn begin(&self, words: &[&str]) -> Running {
        let mut command = self.fanlane(words);
        let create = |name: &str| fs::File::create(self.path().join(name)).unwrap();
        command.stdout(create("out")).stderr(create("err"));
        Running::start(command)
    }

    /// How it ended.
    fn ended(&self, run: Running) -> Ended {
        let ended = run.ended();
        let read = |name: &str| fs::read_to_string(self.path().join(name)).unwrap();
        Ended { out: read("out"), err: read("err"), ..ended }
    }

    /// What Slurm prints.
    fn ask(&self, words: &[&str]) -> String {
        let mut asked = self.within(Command::new(words[0]));
        let asked = asked.args(&words[1..]).output().unwrap();
        assert!(asked.status.success(), "{words:?}: {}", String::from_utf8_lossy(&asked.stderr));
        String::from_utf8(asked.stdout).unwrap()
    }

    fn queue(&self) -> String {
        self.ask(&["squeue", "--noheader"])
    }

    fn batches(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.shared()).into_iter().flatten().map(|entry| entry.unwrap().path());
        entries.filter(|path| !path.ends_with("programs")).collect()
    }

    fn lines_of(&self, name: &str) -> Vec<String> {
        let text = fs::read_to_string(self.path().join(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn nothing_is_left(&self) {
        wait_until("an empty queue", || self.queue().is_empty());
        assert_eq!(self.batches(), Vec::<PathBuf>::new(), "folders of batches");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let down = self.control(&["down", self.root().to_str().unwrap()]);
        if down.code != Some(0) {
            let _ = writeln!(std::io::stderr(), "the cluster could not be ended: {down:?}");
        }
    }
}

fn numbers(to: u32) -> Vec<String> {
    (1..=to).map(|number| number.to_string()).collect()
}

fn words<'a>(before: &[&'a str], command: &'a str, inputs: &'a [String]) -> Vec<&'a str> {
    before.iter().copied().chain([command, ":::"]).chain(inputs.iter().map(String::as_str)).collect()
}

/// The tasks of `--json` by their numbers, with what has to be the same wherever they run; and the summary.
fn tasks(lines: &str) -> (BTreeMap<u64, Vec<Value>>, Value) {
    let mut tasks = BTreeMap::new();
    let mut summary = Value::Null;
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        match line["task"].as_u64() {
            Some(task) => {
                let same = ["input", "outcome", "exit_code", "signal", "attempts", "stdout", "stderr"];
                let before = tasks.insert(task, same.map(|key| line[key].clone()).to_vec());
                assert!(before.is_none(), "task {task} has two ends");
            }
            None => summary = line["summary"].clone(),
        }
    }
    (tasks, summary)
}

#[test]
fn a_batch_on_a_cluster_ends_as_it_does_here() {
    let Some(cluster) = Cluster::start() else { return };
    let inputs = numbers(1000);
    let task = "n={}; echo \"out $n\"; echo \"err $n\" >&2; [ $((n % 50)) != 0 ] || kill -9 $$; exit $((n % 7 == 0))";
    let here = cluster.run(&words(&["run", "--json", "--retries", "2", "-j", "4"], task, &inputs));
    let there = cluster.run(&words(
        &["run", "--engine", "slurm", "--json", "--retries", "2", "--record", "events"],
        task,
        &inputs,
    ));
    assert_eq!((here.code, there.code), (Some(1), Some(1)), "{}", there.err);
    let ((here, _), (there, summary)) = (tasks(&here.out), tasks(&there.out));
    assert_eq!(here, there);
    assert_eq!(summary["done"].as_u64(), Some(840), "{summary}");
    let events = cluster.lines_of("events").join("\n");
    let nodes: BTreeSet<&str> =
        ["n1", "n2"].into_iter().filter(|node| events.contains(&format!("\"host\":\"{node}\""))).collect();
    assert_eq!(nodes.len(), 2, "both nodes had a part of it");
    let shown = cluster.run(&["show", "last", "--json"]);
    assert_eq!(shown.code, Some(0), "{shown:?}");
    let again = cluster.run(&["rerun", "last", "--failed", "--engine", "slurm", "--json"]);
    assert_eq!(tasks(&again.out).0.len(), 160, "{}", again.err);
    cluster.nothing_is_left();
}

#[test]
fn a_stopped_batch_is_out_of_the_queue_and_what_was_done_is_kept() {
    let Some(cluster) = Cluster::start() else { return };
    let inputs = numbers(400);
    let task = "[ {} -gt 25 ] || echo {} >> done-{}; [ {} -le 25 ] || exec sleep 600";
    let run = cluster.begin(&words(&["run", "--engine", "slurm", "--json"], task, &inputs));
    let ends = || {
        fs::read_dir(cluster.path())
            .unwrap()
            .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("done-"))
            .count()
    };
    wait_until("the first tasks", || ends() >= 12);
    run.signal(Signal::INT);
    let ended = cluster.ended(run);
    assert_eq!(cluster.queue(), "", "nothing waits and nothing runs");
    assert_eq!(ended.code, Some(130), "{}", ended.err);
    let (all, summary) = tasks(&ended.out);
    assert_eq!(all.len(), 400);
    assert_eq!(summary["done"].as_u64().unwrap() + summary["cancelled"].as_u64().unwrap(), 400, "{summary}");
    assert!(summary["done"].as_u64().unwrap() >= 12, "{summary}");
    cluster.nothing_is_left();
}

#[test]
fn what_a_node_had_that_went_down_is_done_elsewhere() {
    let Some(cluster) = Cluster::start() else { return };
    let inputs = numbers(300);
    let task =
        "echo {} >> begun; [ -e gate ] || { [ {} -gt 4 ] || sleep 1; }; [ {} -le 4 ] || sleep 0.05; echo {} >> record";
    let run = cluster.begin(&words(&["run", "--engine", "slurm", "-j", "8", "--json"], task, &inputs));
    wait_until("some tasks", || cluster.lines_of("record").len() > 40);
    cluster.ask(&["scontrol", "update", "NodeName=n2", "State=DOWN", "Reason=test"]);
    let ended = cluster.ended(run);
    let (all, summary) = tasks(&ended.out);
    assert_eq!((ended.code, all.len(), summary["done"].as_u64()), (Some(0), 300, Some(300)), "{}", ended.err);
    cluster.nothing_is_left();
}

#[test]
fn a_batch_whose_command_was_killed_goes_on_and_is_attached_to_again() {
    let Some(cluster) = Cluster::start() else { return };
    let inputs = numbers(40);
    let task = "until [ {} -le 8 ] || [ -e gate ]; do sleep 0.05; done; echo {} >> record; echo out-{}";
    let run = cluster.begin(&words(&["run", "--engine", "slurm", "-j", "8"], task, &inputs));
    wait_until("some tasks", || !cluster.lines_of("record").is_empty());
    run.signal(Signal::KILL);
    drop(run);
    fs::write(cluster.path().join("gate"), "").unwrap();
    wait_until("the others, without any command", || cluster.lines_of("record").len() >= 40);
    let [batch] = &*cluster.batches() else { panic!("one batch is left") };
    let attached = cluster.run(&["attach", "--batch", batch.to_str().unwrap(), "--json"]);
    let (all, summary) = tasks(&attached.out);
    assert_eq!((attached.code, all.len(), summary["done"].as_u64()), (Some(0), 40, Some(40)), "{}", attached.err);
    let mut record = cluster.lines_of("record");
    record.sort_unstable();
    record.dedup();
    assert_eq!((record.len(), cluster.lines_of("record").len()), (40, 40), "each task was done once");
    cluster.nothing_is_left();
}

#[test]
fn a_controller_that_is_away_is_told_of_and_the_run_goes_on() {
    let Some(cluster) = Cluster::start() else { return };
    let inputs = numbers(16);
    let task = "echo {} >> begun; until [ -e gate ]; do sleep 0.05; done; echo {} >> record";
    let run = cluster.begin(&words(&["run", "--engine", "slurm", "--json", "--retries", "1"], task, &inputs));
    wait_until("some tasks", || cluster.lines_of("begun").len() == 8);
    cluster.change(&["controller", "stop"]);
    wait_until("word of it", || cluster.lines_of("err").join(" ").contains("Slurm does not answer"));
    fs::write(cluster.path().join("gate"), "").unwrap();
    wait_until("the ends of what ran, without a controller", || cluster.lines_of("record").len() == 8);
    cluster.change(&["controller", "start"]);
    let ended = cluster.ended(run);
    let (all, summary) = tasks(&ended.out);
    assert_eq!((ended.code, all.len(), summary["done"].as_u64()), (Some(0), 16, Some(16)), "{}", ended.err);
    cluster.nothing_is_left();
}

#[test]
fn what_a_cluster_cannot_do_is_refused_before_anything_is_submitted() {
    let Some(cluster) = Cluster::start() else { return };
    let profiles = cluster.path().join(".config/fanlane/engines");
    let shared = cluster.shared();
    for (name, text) in [
        ("nowhere", format!("Slurm(partition: \"nowhere\", shared_folder: {shared:?})")),
        ("unwritable", "Slurm(shared_folder: \"/proc/none\")".to_owned()),
        ("typo", "Slurm(partitoin: \"main\")".to_owned()),
    ] {
        fs::write(profiles.join(format!("{name}.ron")), text).unwrap();
    }
    for (engine, more, expected) in [
        ("slurm:nowhere", &[][..], "there is no partition 'nowhere' here; the partitions are: main, urgent"),
        ("slurm:unwritable", &[], "/proc/none cannot be written"),
        ("slurm:typo", &[], "did you mean 'partition'?"),
        ("slurm:none", &[], "there is no profile 'none'"),
        ("sge", &[], "there is no engine 'sge'"),
        ("slurm", &["--mode", "threads"], "the engine slurm cannot do mode threads"),
        ("slurm", &["--delay", "1"], "the engine slurm cannot do delay_secs"),
        ("slurm", &["--timeout", "200%"], "the engine slurm cannot do a timeout in per cent"),
    ] {
        let words = [&["run", "--engine", engine], more, &["echo {}", ":::", "1"]].concat();
        let refused = cluster.run(&words);
        assert_eq!(refused.code, Some(2), "{words:?}: {refused:?}");
        assert!(refused.err.contains(expected) && refused.out.is_empty(), "{words:?}: {refused:?}");
    }
    let mut elsewhere = cluster.fanlane(&["run", "--engine", "slurm", "echo", ":::", "1"]);
    let refused = ended(elsewhere.env("PATH", "/nowhere").spawn().unwrap());
    assert!(refused.code == Some(2) && refused.err.contains("scontrol is not on the path"), "{refused:?}");
    assert_eq!(cluster.ask(&["squeue", "--noheader", "--states=all"]), "", "nothing was submitted");
    assert_eq!(cluster.batches(), Vec::<PathBuf>::new());
}

#[test]
fn python_functions_are_called_by_the_interpreter_of_the_profile() {
    let Some(cluster) = Cluster::start() else { return };
    let source = "import os, sys\n\ndef twice(n):\n    print(os.environ.get('SLURMD_NODENAME'))\n    return 2 * n if n % 5 else 1 / 0\n";
    fs::write(cluster.path().join("twice.py"), source).unwrap();
    let profiles = cluster.path().join(".config/fanlane/engines");
    let shared = cluster.shared();
    for (name, python) in [("python", "python3"), ("missing", "/nowhere/python3")] {
        let text = format!("Slurm(shared_folder: {shared:?}, python: {python:?}, resubmissions: 0)");
        fs::write(profiles.join(format!("{name}.ron")), text).unwrap();
    }
    let inputs = numbers(40);
    let calls = |engine: &str| {
        let words = ["run", "--engine", engine, "--json", "--python"];
        cluster.run(&self::words(&words, "twice.py:twice", &inputs))
    };
    let here = calls("local");
    let there = calls("slurm:python");
    assert_eq!((here.code, there.code), (Some(1), Some(1)), "{}", there.err);
    let values = |lines: &str| -> BTreeMap<u64, Value> {
        let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter_map(|line| Some((line["task"].as_u64()?, line["value"].clone()))).collect()
    };
    assert_eq!(values(&there.out), values(&here.out));
    assert!(there.out.contains("ZeroDivisionError") && there.out.contains("\"n1\\n\""), "{}", there.out);
    let missing = calls("slurm:missing");
    assert_eq!(missing.code, Some(1), "{missing:?}");
    assert!(missing.out.contains("/nowhere/python3"), "{missing:?}");
    let refused = calls("slurm");
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.err.contains("the profile names no interpreter on the nodes"), "{refused:?}");
    cluster.nothing_is_left();
}

#[test]
fn the_number_of_workers_is_changed_while_a_detached_batch_goes_on() {
    let Some(cluster) = Cluster::start() else { return };
    let inputs = numbers(64);
    let task = "echo {} >> begun; until [ -e gate ]; do sleep 0.05; done; echo {} >> record";
    let started = cluster.run(&words(&["run", "--engine", "slurm", "--background", "-j", "1"], task, &inputs));
    assert_eq!(started.code, Some(0), "{started:?}");
    wait_until("the first task", || !cluster.lines_of("begun").is_empty());
    let more = cluster.run(&["workers", "last", "4"]);
    assert_eq!(more.code, Some(0), "{more:?}");
    wait_until("three others", || cluster.lines_of("begun").len() == 4);
    fs::write(cluster.path().join("gate"), "").unwrap();
    let attached = cluster.run(&["attach", "--plain", "--json"]);
    let known = attached.code == Some(0) || attached.err.contains("no detached run is running");
    assert!(known, "{attached:?}");
    wait_until("the end of all tasks", || cluster.lines_of("record").len() == 64);
    cluster.nothing_is_left_in_time();
}

impl Cluster {
    /// As [`Cluster::nothing_is_left`], for a run that nothing waits for.
    fn nothing_is_left_in_time(&self) {
        wait_until("the removal of the batch", || self.batches().is_empty());
        self.nothing_is_left();
    }
}
