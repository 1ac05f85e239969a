//! `fanlane add` and `fanlane queue`: the built program from outside, with its processes killed.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::background::Scene;
use super::processes::wait_until;
use super::start::{Ended, run_in_with};

/// A task that notes its beginning and ends when it may.
const GATED: &str = "touch begun-{}; until [ -e gate ]; do sleep 0.01; done; echo {} >> record";

impl Scene {
    fn add(&self, words: &[&str]) -> Ended {
        let added = self.run(&[&["add"], words].concat());
        assert_eq!(added.code, Some(0), "{words:?}: {added:?}");
        added
    }

    fn queue(&self) -> Value {
        let listed = self.run(&["queue", "--json"]);
        assert_eq!(listed.code, Some(0), "{listed:?}");
        serde_json::from_str(&listed.out).unwrap()
    }

    /// The jobs by number and state, in order.
    fn jobs(&self) -> Vec<(u64, String)> {
        let list = self.queue();
        let jobs = list["jobs"].as_array().unwrap().iter();
        jobs.map(|job| (job["job"].as_u64().unwrap(), job["state"].as_str().unwrap().to_owned())).collect()
    }

    fn change(&self, words: &[&str]) {
        let changed = self.run(&[&["queue"], words].concat());
        assert_eq!(changed.code, Some(0), "{words:?}: {changed:?}");
    }

    fn record(&self) -> Vec<String> {
        let text = fs::read_to_string(self.0.path().join("record")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn in_role(&self, role: &str) -> Vec<u32> {
        let end = format!("\0--fanlane-worker\0{role}\0");
        let is_it = |pid: &u32| fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default().ends_with(end.as_bytes());
        self.processes().into_iter().filter(is_it).collect()
    }

    fn kill_all(&self, role: &str) {
        self.end_all(role, Signal::KILL);
    }

    fn end_all(&self, role: &str, signal: Signal) {
        for pid in self.in_role(role) {
            // It may have ended meanwhile.
            let _ = kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), signal);
        }
        wait_until("the end of what was signalled", || self.in_role(role).is_empty());
    }

    fn runs_dry(&self) {
        wait_until("an empty queue", || self.jobs().is_empty());
        wait_until("the end of all processes", || self.processes().is_empty());
        // What killed processes have left goes with the next look.
        self.run(&["attach"]);
        self.nothing_is_left();
    }
}

#[test]
fn jobs_run_one_after_the_other_in_the_order_that_they_are_given() {
    let scene = Scene::new();
    assert!(scene.run(&["queue"]).err.contains("the queue is empty; fanlane add puts a job into it"));
    assert_eq!(scene.add(&["--name", "First", GATED, ":::", "a"]).out, "1\n");
    wait_until("the first job", || scene.has("begun-a"));
    for input in ["b", "c", "d"] {
        scene.add(&[GATED, ":::", input]);
    }
    scene.change(&["move", "4", "--to", "first"]);
    scene.change(&["hold", "3"]);
    let listed = scene.run(&["queue"]);
    let rows: Vec<Vec<&str>> = listed.out.lines().map(|line| line.split_whitespace().take(3).collect()).collect();
    assert_eq!(
        rows,
        [
            ["JOB", "PLACE", "STATE"],
            ["1", "-", "running"],
            ["4", "1", "queued"],
            ["2", "2", "queued"],
            ["3", "3", "held"]
        ],
        "{listed:?}"
    );
    assert!(listed.out.contains("First") && listed.out.contains("run 1"), "{listed:?}");
    assert!(!scene.has("begun-d") && !scene.has("begun-b"));
    scene.write("gate", "");
    wait_until("the held one alone", || scene.jobs() == [(3, "held".to_owned())]);
    assert_eq!(scene.record(), ["a", "d", "b"]);
    wait_until("the end of the runner, which has nothing to start", || scene.in_role("queue").is_empty());
    scene.change(&["release", "3"]);
    scene.runs_dry();
    assert_eq!(scene.record(), ["a", "d", "b", "c"]);
    let history = scene.run(&["history", "--json"]);
    assert_eq!(history.out.lines().count(), 4, "{history:?}");
}

#[test]
fn start_parallel_pause_and_time_let_jobs_start_beside_others() {
    let scene = Scene::new();
    scene.change(&["pause"]);
    for input in ["a", "b", "c", "d"] {
        scene.add(&[GATED, ":::", input]);
    }
    assert!(scene.run(&["queue"]).err.contains("the queue is paused"));
    assert!(scene.in_role("queue").is_empty(), "a paused queue costs no process");
    scene.change(&["start", "3"]);
    wait_until("what was asked for", || scene.has("begun-c"));
    assert!(!scene.has("begun-a"));
    scene.change(&["parallel", "2"]);
    scene.change(&["resume"]);
    wait_until("a second one", || scene.has("begun-a"));
    let states: Vec<String> = scene.jobs().into_iter().map(|(_, state)| state).collect();
    assert_eq!(states, ["running", "running", "queued", "queued"]);
    scene.change(&["at", "2", "+900d"]);
    scene.write("gate", "");
    wait_until("the one with a time", || scene.jobs() == [(2, "waiting".to_owned())]);
    assert!(scene.queue()["jobs"][0]["note"].as_str().unwrap().starts_with("not before 20"));
    scene.change(&["at", "2", "now"]);
    scene.runs_dry();
}

#[test]
fn a_job_that_fails_holds_up_only_what_was_added_after_it_by_name() {
    let scene = Scene::new();
    scene.write("inputs", "x\n");
    scene.add(&["--hold", "[ {} != bad ]", ":::", "bad"]);
    scene.add(&["--after", "1", "echo {} >> record", "::::", "inputs"]);
    let early = scene.add(&["--hold", "echo y > later; echo {} >> record", ":::", "made"]);
    assert!(early.err.contains("job 3 is in the queue"), "{early:?}");
    let unread = scene.add(&["--after", "3", "echo {} >> record", "::::", "later"]);
    assert!(unread.err.contains("its inputs, which cannot be read yet"), "{unread:?}");
    scene.change(&["release", "1", "3"]);
    wait_until("what the failed one left", || scene.jobs() == [(2, "held".to_owned())]);
    assert_eq!(scene.record(), ["made", "y"]);
    let note = scene.queue()["jobs"][0]["note"].as_str().unwrap().to_owned();
    assert!(note.contains("job 1, which it waits for, ended without all of its tasks done"), "{note}");

    // A run that is not of the queue.
    assert_eq!(scene.run(&["run", "--background", GATED, ":::", "z"]).code, Some(0));
    wait_until("it", || scene.has("begun-z"));
    scene.add(&["--after-run", "last", "echo {} >> record", ":::", "follows"]);
    assert_eq!(scene.jobs().last().unwrap(), &(5, "waiting".to_owned()));
    scene.write("gate", "");
    scene.change(&["drop", "2"]);
    scene.runs_dry();
    assert_eq!(scene.record(), ["made", "y", "z", "follows"]);
}

#[test]
fn killed_runners_lose_no_job_and_start_none_twice() {
    let scene = Scene::new();
    scene.change(&["pause"]);
    let inputs: Vec<String> = (1..=5).map(|input| input.to_string()).collect();
    for input in &inputs {
        scene.add(&["echo {} >> record", ":::", input]);
    }
    scene.change(&["resume"]);
    // At whatever moment of starting and waiting that hits.
    let mut kills = 0;
    while !scene.jobs().is_empty() {
        scene.kill_all("queue");
        kills += 1;
        assert!(kills < 10_000);
    }
    scene.runs_dry();
    assert_eq!(scene.record(), inputs);
}

#[test]
fn a_job_whose_host_is_killed_is_held_and_the_next_one_runs() {
    let scene = Scene::new();
    scene.add(&[GATED, ":::", "a"]);
    wait_until("its run", || scene.has("begun-a") && scene.queue()["jobs"][0]["run"] == 1);
    scene.add(&["echo {} >> record", ":::", "b"]);
    // As when the machine goes down: all processes are gone.
    scene.kill_all("queue");
    scene.kill_all("host");
    wait_until("the next one, which a look at the queue starts", || scene.jobs() == [(1, "held".to_owned())]);
    let note = scene.queue()["jobs"][0]["note"].as_str().unwrap().to_owned();
    assert!(note.contains("run 1 broke off") && note.contains("fanlane resume 1"), "{note}");
    assert_eq!(scene.record(), ["b"]);
    scene.write("gate", "");
    scene.change(&["release", "1"]);
    scene.runs_dry();
    assert_eq!(scene.record(), ["b", "a"]);
}

#[test]
fn a_job_whose_run_is_ended_by_a_signal_is_held_and_the_next_one_waits_for_a_look_at_the_queue() {
    let scene = Scene::new();
    scene.add(&[GATED, ":::", "a"]);
    wait_until("its run", || scene.has("begun-a") && scene.queue()["jobs"][0]["run"] == 1);
    scene.add(&[GATED, ":::", "b"]);
    // As when the machine goes down in good order.
    scene.end_all("queue", Signal::TERM);
    scene.end_all("host", Signal::TERM);
    wait_until("the end of all processes", || scene.processes().is_empty());
    assert!(!scene.has("begun-b"), "it would be cut off at once");
    let note = scene.queue()["jobs"][0]["note"].as_str().unwrap().to_owned();
    assert!(note.contains("run 1 was ended by a signal: fanlane resume 1 does the rest"), "{note}");
    wait_until("the next one", || scene.has("begun-b"));
    assert_eq!(scene.jobs().last().unwrap(), &(1, "held".to_owned()));
    scene.write("gate", "");
    let resumed = scene.run(&["resume", "1"]);
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    scene.change(&["drop", "1"]);
    scene.runs_dry();
    assert_eq!(scene.record().len(), 2);
}

#[test]
fn settings_that_cannot_be_read_for_a_while_do_not_end_what_starts_the_jobs() {
    let scene = Scene::new();
    scene.add(&["--at", "+1s", "echo {} >> record", ":::", "timed"]);
    let at = scene.queue()["jobs"][0]["at_unix_ms"].as_u64().unwrap();
    let settings = scene.0.path().join(".local/share/fanlane/queue/settings.ron");
    let whole = fs::read_to_string(&settings).unwrap();
    fs::write(&settings, "nonsense").unwrap();
    wait_until("its time", || fanlane_os::clock::unix_ms() > at + 100);
    assert_eq!(scene.in_role("queue").len(), 1, "it waits for the end of the fault");
    fs::write(&settings, whole).unwrap();
    wait_until("the job", || scene.record() == ["timed"]);
    scene.runs_dry();
}

#[test]
fn a_change_stays_made_where_nothing_can_be_started_and_only_missing_inputs_are_waited_for() {
    let scene = Scene::new();
    scene.add(&["--hold", "echo {} >> record", ":::", "a"]);
    fs::create_dir(scene.0.path().join("open")).unwrap();
    let mut release = super::start::command(&["queue", "release", "1"], scene.0.path());
    let released: Ended = release.env("FANLANE_RUNTIME_DIR", scene.0.path().join("open")).output().unwrap().into();
    assert_eq!(released.code, Some(0), "{released:?}");
    assert!(
        released.err.contains("are not started yet") && released.err.contains("others can enter it"),
        "{released:?}"
    );
    scene.change(&["hold", "1"]);
    let job =
        "Job(version: 1, parameters: [(name: \"name\", required: true)], task: Command(\"echo {@nme}\"), inputs: [])";
    scene.write("job.ron", job);
    for (words, why) in [(&[][..], "name has no value"), (&["--set", "name=x"], "'nme' is no parameter")] {
        let refused = scene.run(&[&["add", "--after", "1", "job.ron"], words].concat());
        assert!(refused.code == Some(2) && refused.err.contains(why), "{words:?}: {refused:?}");
        assert!(!refused.err.contains("--after ID"), "{refused:?}");
    }
    assert_eq!(scene.jobs(), [(1, "held".to_owned())]);
    scene.change(&["drop", "1"]);
    scene.runs_dry();
}

#[test]
fn a_job_keeps_its_folder_its_environment_and_its_standard_input() {
    let scene = Scene::new();
    fs::create_dir(scene.0.path().join("work")).unwrap();
    let words = ["add", "--hold", "-j", "1", "echo {} $LEVEL $PWD >> record"];
    let mut add = super::start::command(&words, &scene.0.path().join("work"));
    add.env("HOME", scene.0.path()).env("FANLANE_RUNTIME_DIR", scene.0.path().join("runtime")).env("LEVEL", "7");
    let mut child = add.stdin(std::process::Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"one\ntwo\n").unwrap();
    let added: Ended = child.wait_with_output().unwrap().into();
    assert_eq!((added.code, &*added.out), (Some(0), "1\n"), "{added:?}");
    scene.change(&["release", "1"]);
    scene.runs_dry();
    let work = scene.0.path().join("work").canonicalize().unwrap();
    let record = fs::read_to_string(work.join("record")).unwrap();
    assert_eq!(record, format!("one 7 {0}\ntwo 7 {0}\n", work.display()));
    // Its folder is gone when its turn comes.
    fs::create_dir(scene.0.path().join("gone")).unwrap();
    let job = "Job(version: 1, task: Command(\"true\"), inputs: [Range(1, 2)])";
    fs::write(scene.0.path().join("gone/job.ron"), job).unwrap();
    scene.add(&["--hold", "gone/job.ron"]);
    fs::remove_dir_all(scene.0.path().join("gone")).unwrap();
    scene.change(&["release", "2"]);
    wait_until("the reason", || scene.jobs() == [(2, "held".to_owned())]);
    let note = scene.queue()["jobs"][0]["note"].as_str().unwrap().to_owned();
    assert!(note.contains("it could not be started: its folder") && note.contains("gone"), "{note}");
    scene.change(&["drop", "2"]);
    scene.runs_dry();
}

#[test]
fn a_task_of_a_queued_job_adds_another_and_what_makes_no_sense_is_refused() {
    let scene = Scene::new();
    let program = env!("CARGO_BIN_EXE_fanlane");
    scene.add(&[&format!("{program} add 'echo >> record' ::: {{}}"), ":::", "next"]);
    wait_until("the added one", || scene.record() == ["next"]);
    for (words, why) in [
        (&["add", "echo", "{}", "::::", "nowhere"][..], "if another job makes its inputs, say so with --after ID"),
        (&["add", "--after", "99", "true", ":::", "1"], "there is no job 99 in the queue"),
        (&["add", "--after-run", "99", "true", ":::", "1"], "there is no run 99"),
        (&["add", "--at", "yesterday", "true", ":::", "1"], "expected a time to come"),
        (&["add", "--at", "2001-01-01 08:00", "true", ":::", "1"], "is over"),
        (&["add", "--name", " ", "true", ":::", "1"], "a job needs a name"),
        (&["add", "--json", "true", ":::", "1"], "--json cannot be used with fanlane add"),
        (&["add", "--joblog", "log", "true", ":::", "1"], "fanlane export RUN"),
        (&["add", "--tty", "true", ":::", "1"], "has no terminal"),
        (&["add", "--resume", "--joblog", "log", "true", ":::", "1"], "--joblog cannot be used"),
        (&["add", "--resume-run", "1", "true", ":::", "1"], "use fanlane resume"),
        (&["add", "--shell", "no-such-shell", "true", ":::", "1"], "no-such-shell"),
        (&["add", "no.ron"], "no.ron"),
        (&["queue", "hold", "99"], "there is no job 99 in the queue"),
        (&["queue", "hold"], "ID"),
        (&["queue", "move", "1"], "--to"),
        (&["queue", "move", "1", "--to", "0"], "expected a place from 1, first, or last"),
        (&["queue", "at", "1", "25:00"], "expected a time to come"),
        (&["queue", "parallel", "0"], "fanlane queue pause starts none"),
        (&["queue", "parallel", "65"], "give 1 to 64"),
    ] {
        let refused = scene.run(words);
        assert!(
            refused.code == Some(2) && refused.err.contains(why) && refused.out.is_empty(),
            "{words:?}: {refused:?}"
        );
    }
    let dry = scene.run(&["add", "--dry-run", "echo {}", ":::", "a"]);
    assert_eq!((dry.code, &*dry.out), (Some(0), "echo a\n"), "{dry:?}");
    let empty = run_in_with(&["add", "--quiet", "true"], scene.0.path(), b"");
    assert!(empty.code == Some(2) && empty.err.contains("nothing was added: no input came on"), "{empty:?}");
    scene.runs_dry();
}

#[test]
fn groups_have_limits_and_priorities_of_their_own_and_are_waited_for() {
    let scene = Scene::new();
    let refused = scene.run(&["add", "--group", "gpu", "echo {}", ":::", "1"]);
    assert!(refused.code == Some(2) && refused.err.contains("no group 'gpu'"), "{refused:?}");
    scene.change(&["group", "gpu"]);
    scene.change(&["group", "it's \"2\"", "--parallel", "2"]);
    for (group, name) in [("gpu", "1"), ("gpu", "2"), ("it's \"2\"", "3"), ("it's \"2\"", "4")] {
        scene.add(&["--group", group, GATED, ":::", name]);
    }
    scene.add(&["--group", "gpu", "--priority", "5", GATED, ":::", "5"]);
    wait_until("one of one group and two of the other", || {
        ["1", "3", "4"].iter().all(|n| scene.has(&format!("begun-{n}")))
    });
    let states: Vec<u64> = scene.jobs().iter().filter(|(_, state)| state == "queued").map(|(id, _)| *id).collect();
    assert_eq!(states, [5, 2], "the higher priority is first");
    scene.change(&["switch", "5", "2"]);
    scene.change(&["pause", "--group", "gpu"]);
    scene.add(&["--immediate", "--group", "gpu", "exit {}", ":::", "3"]);
    for left in ["it may have", "it has"] {
        let failed = scene.run(&["queue", "wait", "6"]);
        assert!(
            failed.code == Some(1) && failed.err.contains("job 6 is not done"),
            "{left} left the queue: {failed:?}"
        );
    }
    let unknown = scene.run(&["queue", "wait", "7"]);
    assert!(unknown.code == Some(2) && unknown.err.contains("no job 7"), "{unknown:?}");
    let busy = scene.run(&["queue", "group", "gpu", "--remove"]);
    assert!(busy.code == Some(2) && busy.err.contains("has jobs: "), "{busy:?}");
    scene.write("gate", "");
    wait_until("the other group", || scene.record().len() == 3);
    assert_eq!(scene.run(&["queue", "wait", "--group", "it's \"2\""]).code, Some(0));
    scene.change(&["hold", "2"]);
    let held = scene.run(&["queue", "wait", "2"]);
    assert!(held.code == Some(1) && held.err.contains("job 2 is held"), "{held:?}");
    scene.change(&["release", "--all"]);
    scene.change(&["resume", "--group", "gpu"]);
    assert_eq!(scene.run(&["queue", "wait", "--all"]).code, Some(0));
    assert_eq!(scene.record()[3..], ["2", "5"]);
    scene.change(&["group", "gpu", "--remove"]);
    scene.nothing_is_left();
}
