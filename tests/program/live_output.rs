//! What tasks print is printed while they run: `--line-buffer`, `--ungroup`, `--latest-line`, `fanlane attach` with these, and
//! `fanlane follow`. A task that has printed waits until the test has seen that.

use std::fs;
use std::io::Read;
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use super::background::Scene;
use super::processes::{Running, wait_until};
use super::start::{DEADLINE, Ended, command, ended, parallel};

impl Scene {
    fn read(&self, words: &[&str]) -> Reading {
        let mut running = Running::start(command(words, self.0.path()));
        let mut stdout = running.child().stdout.take().unwrap();
        let (sender, pieces) = channel();
        std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(count @ 1..) = stdout.read(&mut piece) {
                let _ = sender.send(piece[..count].to_vec());
            }
        });
        Reading { running, pieces, text: String::new() }
    }

    fn wait_for(&self, file: &str) {
        wait_until(file, || self.has(file));
    }
}

/// The program under way, and its standard output so far.
struct Reading {
    running: Running,
    pieces: Receiver<Vec<u8>>,
    text: String,
}

impl Reading {
    /// Waits until all of these are in its standard output.
    fn wait_for(&mut self, wanted: &[&str]) {
        let until = Instant::now() + DEADLINE;
        while !wanted.iter().all(|text| self.text.contains(text)) {
            let left = until.saturating_duration_since(Instant::now());
            let piece = self.pieces.recv_timeout(left);
            let piece = piece.unwrap_or_else(|error| panic!("{wanted:?}: {error}; it printed {:?}", self.text));
            self.text.push_str(&String::from_utf8_lossy(&piece));
        }
    }

    /// Waits for its end; its whole standard output is in the answer.
    fn ended(mut self) -> Ended {
        let ended = self.running.ended();
        self.text.extend(self.pieces.iter().map(|piece| String::from_utf8_lossy(&piece).into_owned()));
        Ended { out: self.text, ..ended }
    }
}

const GATED: &str =
    "echo {} begun; printf 'half '; : > printed-{}; until [ -e go-{} ]; do sleep 0.01; done; echo {} over";

#[test]
fn whole_lines_are_printed_while_their_tasks_run_with_tags_in_front() {
    let scene = Scene::new();
    let mut reading = scene.read(&["run", "--lb", "--tag", "-j2", "--quiet", GATED, ":::", "a", "b"]);
    reading.wait_for(&["a\ta begun\n", "b\tb begun\n"]);
    assert!(!reading.text.contains("half"), "half a line is held: {:?}", reading.text);
    scene.write("go-b", "");
    reading.wait_for(&["b\thalf b over\n"]);
    scene.write("go-a", "");
    let ended = reading.ended();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.out.lines().last(), Some("a\thalf a over"));
    assert_eq!(ended.out.lines().count(), 4, "{ended:?}");
}

#[test]
fn what_is_not_grouped_is_printed_as_it_comes_and_without_tags() {
    let scene = Scene::new();
    let mut reading = scene.read(&["run", "-u", "--tag", "--quiet", "-j1", GATED, ":::", "a"]);
    reading.wait_for(&["a begun\nhalf "]);
    scene.write("go-a", "");
    let ended = reading.ended();
    assert_eq!((ended.code, &*ended.out), (Some(0), "a begun\nhalf a over\n"));
}

#[test]
fn in_the_order_of_the_inputs_the_first_unfinished_task_is_printed_live() {
    let scene = Scene::new();
    let mut reading = scene.read(&["run", "--lb", "-k", "-j2", "--quiet", GATED, ":::", "a", "b", "c"]);
    reading.wait_for(&["a begun\n"]);
    scene.wait_for("printed-b");
    // It is over before its turn, and another one runs when its turn comes.
    scene.write("go-b", "");
    scene.wait_for("printed-c");
    assert_eq!(reading.text, "a begun\n");
    scene.write("go-a", "");
    reading.wait_for(&["half a over\nb begun\nhalf b over\nc begun\n"]);
    scene.write("go-c", "");
    let ended = reading.ended();
    assert_eq!(ended.out, ["a", "b", "c"].map(|name| format!("{name} begun\nhalf {name} over\n")).concat());
}

#[test]
fn gnu_parallel_prints_the_same() {
    let scene = Scene::new();
    let mixed = "echo {}; sleep 0.05; echo {} err >&2; printf '{}\\n\\n{} end'";
    let table: [(&[&str], &str); 7] = [
        (&["-j1", "--lb"], mixed),
        (&["-j1", "--line-buffer", "--tag"], mixed),
        (&["-j3", "-k", "--lb"], mixed),
        (&["-j3", "-k", "--lb", "--tag"], mixed),
        (&["-j1", "-u"], mixed),
        (&["-j1", "--ungroup", "--tag"], mixed),
        (&["-j1", "-u", "--retries", "2"], "echo {}; false"),
    ];
    for (flags, line) in table {
        let words = [flags, &[line, ":::", "1", "2", "3"]].concat();
        let ours = scene.run(&[&["run", "--quiet"], &*words].concat());
        let Some(mut parallel) = parallel(&words, scene.0.path()) else { return };
        let theirs = Ended::from(parallel.output().unwrap());
        if flags.contains(&"--retries") {
            // Another attempt has its turn behind the tasks that wait.
            let sorted = |text: &str| text.lines().map(str::to_owned).collect::<std::collections::BinaryHeap<_>>();
            assert_eq!(sorted(&ours.out).into_sorted_vec(), sorted(&theirs.out).into_sorted_vec(), "{flags:?}");
        } else {
            assert_eq!((ours.out, ours.err), (theirs.out, theirs.err), "{flags:?}");
        }
    }
    // Each of the two excludes the other, also there.
    for (flags, both) in [(["-u", "--lb"], "ungroup"), (["--lb", "--ll"], "latest-line"), (["--json", "--lb"], "json")]
    {
        let refused = scene.run(&[&["run"], &flags[..], &["echo", ":::", "1"]].concat());
        assert!(refused.code == Some(2) && refused.err.contains(both), "{refused:?}");
    }
}

#[test]
fn every_byte_of_tasks_that_flood_is_printed_and_a_reader_that_has_enough_ends_the_run() {
    const BYTES: usize = 8_000_000;
    let scene = Scene::new();
    let line = format!("yes {{}} | head -c {BYTES}; echo; sleep 0.01; seq {{}}000");
    for flags in [&["--lb"][..], &["-u"], &["--lb", "-k"], &["--lb", "--results", "kept"]] {
        let words = [&["run", "--quiet", "-j2"], flags, &[&line, ":::", "3", "4"]].concat();
        let ended = scene.run(&words);
        assert_eq!((ended.code, &*ended.err), (Some(0), ""), "{flags:?}");
        let count = |text: &str| ended.out.lines().filter(|line| *line == text).count();
        let seq = |to: usize| (1..=to).map(|line| line.to_string().len() + 1).sum::<usize>();
        assert_eq!(ended.out.len(), 2 * (BYTES + 1) + seq(3000) + seq(4000), "{flags:?}");
        if flags != ["-u"] {
            assert_eq!((count("3"), count("4")), (BYTES / 2 + 2, BYTES / 2 + 2), "{flags:?}");
        }
    }
    let kept = fs::read(scene.0.path().join("kept/1/4/stdout")).unwrap();
    assert!(kept.len() > BYTES && kept.starts_with(b"4\n4\n") && kept.ends_with(b"\n4000\n"));
    let mut child = command(&["run", "--lb", "yes", ":::", "1"], scene.0.path()).spawn().unwrap();
    let mut few = [0; 1000];
    child.stdout.take().unwrap().read_exact(&mut few).unwrap();
    assert_eq!(ended(child).code, Some(1));
}

#[test]
fn the_latest_line_is_one_line_of_each_task() {
    let scene = Scene::new();
    let line = "echo first; printf '10 %%\\r20 %%\\r'; [ {} = 2 ] && { echo fault >&2; exit 3; }; echo {} end; echo";
    let ended = scene.run(&["run", "-k", "--ll", "--tag", line, ":::", "1", "2", "3"]);
    assert_eq!((ended.code, &*ended.out), (Some(1), "1\t1 end\n2\t20 %\n3\t3 end\n"), "{ended:?}");
    assert!(ended.err.contains("task 2 failed: exit code 3"), "{ended:?}");
}

#[test]
fn a_run_in_the_background_is_followed_from_elsewhere_one_task_or_all() {
    let scene = Scene::new();
    let started = scene.run(&["run", "--background", "-j2", "--quiet", GATED, ":::", "a", "b", "c"]);
    assert_eq!((started.code, &*started.out), (Some(0), "1\n"), "{started:?}");
    scene.wait_for("printed-a");
    scene.wait_for("printed-b");
    // What was printed before is there, for everyone who looks.
    let mut one = scene.read(&["follow", "1", "2"]);
    let mut attached = scene.read(&["attach", "--lb", "--quiet"]);
    let mut all = scene.read(&["follow", GATED]);
    one.wait_for(&["b begun\n"]);
    attached.wait_for(&["a begun\n", "b begun\n"]);
    all.wait_for(&["a\ta begun\n", "b\tb begun\n"]);
    scene.write("go-b", "");
    let one = one.ended();
    assert_eq!((one.code, &*one.out), (Some(0), "b begun\nhalf b over\n"), "{one:?}");
    all.wait_for(&["b\thalf b over\n", "c\tc begun\n"]);
    // One that comes later sees what runs now.
    let mut late = scene.read(&["follow", "last"]);
    late.wait_for(&["a\ta begun\n", "c\tc begun\n"]);
    scene.write("go-a", "");
    scene.write("go-c", "");
    let [all, late, attached] = [all, late, attached].map(Reading::ended);
    for (ended, lines) in [(&all, 6), (&late, 4), (&attached, 6)] {
        assert_eq!((ended.code, ended.out.lines().count()), (Some(0), lines), "{ended:?}");
    }
    assert!(!late.out.contains("b begun"), "{late:?}");
    // It has ended: what is recorded.
    wait_until("the end of the run", || scene.run(&["attach"]).code == Some(2));
    let recorded = scene.run(&["follow", "last", "3"]);
    assert_eq!((recorded.code, &*recorded.out), (Some(0), "c begun\nhalf c over\n"), "{recorded:?}");
    let all = scene.run(&["follow", GATED]);
    assert_eq!((all.code, all.out.lines().count()), (Some(0), 6), "{all:?}");
    for (words, message) in [
        (&["follow", "nothing"][..], "no run is called 'nothing'"),
        (&["follow", "7"], "no run 7"),
        (&["follow", "1", "9"], "no end of a task 9 is recorded in run 1"),
    ] {
        let refused = scene.run(words);
        assert!(refused.code == Some(2) && refused.err.contains(message), "{refused:?}");
    }
}

#[test]
fn a_task_that_floods_in_the_background_is_followed_in_part_and_then_to_its_end() {
    let scene = Scene::new();
    let line = "echo {} begun; until [ -e flood-{} ]; do sleep 0.01; done; seq 60000; : > printed-{}; \
                until [ -e go-{} ]; do sleep 0.01; done; echo {} over";
    let started = scene.run(&["run", "--background", "--quiet", line, ":::", "a"]);
    assert_eq!(started.code, Some(0), "{started:?}");
    let mut following = scene.read(&["follow", "last", "1"]);
    // Once the run has ended, the history is followed, which keeps less.
    following.wait_for(&["a begun\n"]);
    scene.write("flood-a", "");
    // More than is sent at once, and less than what a record holds.
    scene.wait_for("printed-a");
    scene.write("go-a", "");
    following.wait_for(&["a over\n"]);
    let ended = following.ended();
    let expected: String = (1..=60_000).map(|line| format!("{line}\n")).collect();
    assert!(ended.code == Some(0) && ended.out == format!("a begun\n{expected}a over\n"), "{} bytes", ended.out.len());
}

#[test]
fn a_run_in_another_terminal_cannot_be_followed_and_that_is_said() {
    let scene = Scene::new();
    let reading = scene.read(&["run", "--quiet", GATED, ":::", "a"]);
    scene.wait_for("printed-a");
    let refused = scene.run(&["follow", "last"]);
    assert!(refused.code == Some(2) && refused.err.contains("run 1 is running in a terminal"), "{refused:?}");
    scene.write("go-a", "");
    assert_eq!(reading.ended().code, Some(0));
}
