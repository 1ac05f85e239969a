//! Runs that are going on, controlled from another terminal: detached ones and those of terminals.

use std::fs;

use super::background::Scene;
use super::processes::{Running, wait_until};
use super::start::{Ended, command};

/// Writes the number of each task as it begins, and waits for a file of its own or for all.
const GATED: &str = "echo {} >> order; until [ -e gate ] || [ -e gate-{} ]; do sleep 0.01; done";

fn order(scene: &Scene) -> Vec<String> {
    let text = fs::read_to_string(scene.0.path().join("order")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn begun(scene: &Scene, tasks: usize) {
    wait_until("tasks to begin", || order(scene).len() >= tasks);
}

fn says(ended: &Ended, code: i32, words: &str) {
    assert!(ended.code == Some(code) && ended.err.contains(words) && ended.out.is_empty(), "{words}: {ended:?}");
}

#[test]
fn a_detached_run_does_what_each_command_says() {
    let scene = Scene::new();
    let words = ["run", "--background", "--name", "Night's \"run\"", "-j1", GATED, ":::", "1", "2", "3", "4", "5", "6"];
    assert_eq!(scene.run(&words).code, Some(0));
    begun(&scene, 1);
    says(&scene.run(&["pause"]), 0, "run 1 is paused");
    says(&scene.run(&["pause", "last"]), 0, "paused already");
    scene.write("gate-1", "");
    wait_until("the end of the first task", || scene.run(&["cancel", "1", "1"]).err.contains("has ended"));
    says(&scene.run(&["cancel", "1", "1"]), 1, "task 1 of run 1 has ended");
    says(&scene.run(&["cancel", "1", "2"]), 0, "task 2 of run 1 is cancelled");
    says(&scene.run(&["priority", "1", "3", "-1"]), 0, "the priority -1");
    says(&scene.run(&["raise", "Night's \"run\"", "5", "4"]), 0, "task 5 of run 1 begins before all others");
    says(&scene.run(&["retry", "1", "4"]), 1, "not running");
    says(&scene.run(&["cancel", "1", "9"]), 2, "no task 9");
    says(&scene.run(&["resume", "1"]), 0, "run 1 goes on");
    says(&scene.run(&["resume", "1"]), 1, "not paused");
    begun(&scene, 2);
    says(&scene.run(&["resume", "1", "--failed"]), 2, "going on");
    says(&scene.run(&["retry", "1", "5"]), 0, "begins again");
    begun(&scene, 3);
    scene.write("gate-5", "");
    begun(&scene, 4);
    says(&scene.run(&["workers", "1", "2"]), 0, "run 1: 2 workers, 1 before");
    begun(&scene, 5);
    says(&scene.run(&["skip", "1", "4"]), 0, "task 4 of run 1 is skipped");
    begun(&scene, 6);
    scene.write("gate", "");
    wait_until("the end of the run", || {
        scene.run(&["show", "1", "--json"]).out.contains("\"state\": \"finished\"")
            || scene.run(&["show", "1", "--json"]).out.contains("\"state\":\"finished\"")
    });
    let order = order(&scene);
    assert_eq!(order[..4], ["1", "5", "5", "4"], "{order:?}");
    assert!(order[4..] == ["6", "3"], "the lower priority is last, and 2 never began: {order:?}");
    says(&scene.run(&["pause", "1"]), 2, "run 1 is not running");
    says(&scene.run(&["pause", "no such run"]), 2, "no run called 'no such run'");
    says(&scene.run(&["retry", "1", "1"]), 2, "run 1 is not running");
    scene.nothing_is_left();
}

#[test]
fn a_run_in_a_terminal_is_controlled_from_another() {
    let scene = Scene::new();
    let run = Running::start(command(&["run", "--quiet", "-j1", GATED, ":::", "1", "2", "3"], scene.0.path()));
    begun(&scene, 1);
    says(&scene.run(&["pause", "1"]), 0, "run 1 is paused");
    let attached = scene.run(&["attach", "1"]);
    assert!(attached.code == Some(2) && attached.err.contains("running in a terminal"), "{attached:?}");
    says(&scene.run(&["cancel", "1", "2"]), 0, "is cancelled");
    says(&scene.run(&["cancel", "1", "0"]), 2, "0");
    says(&scene.run(&["resume"]), 0, "goes on");
    scene.write("gate-1", "");
    wait_until("task 3", || order(&scene).contains(&"3".to_owned()));
    says(&scene.run(&["stop"]), 0, "run 1 is stopped");
    let ended = run.ended();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(order(&scene), ["1", "3"]);
    scene.nothing_is_left();
}

#[test]
fn a_run_that_was_killed_or_is_another_mode_is_told_as_such() {
    let scene = Scene::new();
    let run = Running::start(command(&["run", "--quiet", "--mode", "one", GATED, ":::", "1"], scene.0.path()));
    begun(&scene, 1);
    says(&scene.run(&["workers", "1", "2"]), 2, "one worker");
    run.signal(rustix::process::Signal::KILL);
    drop(run);
    wait_until("its end to be known", || scene.run(&["pause", "1"]).err.contains("is not running"));
    says(&scene.run(&["pause"]), 2, "no run is going on");
    scene.nothing_is_left();
}
