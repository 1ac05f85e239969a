//! `fanlane where`: where running tasks are, in real interpreters and processes.

use super::background::Scene;
use super::processes::wait_until;
use super::start::Ended;

const MODEL: &str = "
import os, time
def inner(n): time.sleep(600 * n)
def outer(n): return inner(n)
def in_c(n): return sum(range(10 ** 12))
def child(n): os.system('exec sleep 600')
time.sleep(600 if os.path.exists('imports') else 0)
";

/// What is said of task 1 of the newest run once it is said with these words.
fn located(scene: &Scene, words: &str) -> Ended {
    let mut last = None;
    wait_until(words, || {
        let ended = scene.run(&["where", "last", "1"]);
        let is_it = ended.code == Some(0) && ended.out.contains(words);
        last = Some(ended);
        is_it
    });
    last.expect("it was asked")
}

#[test]
fn where_a_running_task_is_is_told_without_ending_it() {
    let scene = Scene::new();
    scene.write("model.py", MODEL);
    let cases: [(&[&str], &str); 5] = [
        (&["--python", "model.py:outer", ":::", "1", "0"], "in inner\n    def inner(n): time.sleep(600 * n)\n"),
        (&["--mode", "threads", "--python", "model.py:outer", ":::", "1", "0"], "in outer\n    def outer(n)"),
        (&["--python", "model.py:in_c", ":::", "1"], "the interpreter: computes"),
        (&["--python", "model.py:child", ":::", "1"], "sleep 600: "),
        (&["sleep 600 | cat; : {}", ":::", "1"], ", cat: waits"),
    ];
    for (words, place) in cases {
        let begun = scene.run(&[&["run", "--background", "-j", "1"], words].concat());
        assert_eq!(begun.code, Some(0), "{begun:?}");
        let told = located(&scene, place);
        assert!(told.out.starts_with("Task 1, ") && told.out.contains(", running for "), "{told:?}");
        assert!(!told.out.contains("<fanlane>"), "{told:?}");
        // It goes on: it is where it was.
        located(&scene, place);
        if words.last() == Some(&"0") {
            let queued = scene.run(&["where", "last", "2"]);
            assert!(queued.code == Some(1) && queued.err.contains("task 2 is not running yet"), "{queued:?}");
        }
        let absent = scene.run(&["where", "last", "9"]);
        assert!(absent.code == Some(2) && absent.err.contains("no task 9"), "{absent:?}");
        scene.run(&["stop", "--now", "last"]);
    }
    scene.write("imports", "");
    scene.run(&["run", "--background", "-j", "1", "--python", "model.py:outer", ":::", "1"]);
    let told = located(&scene, "in <module>");
    assert!(told.out.contains("It has not begun: its interpreter starts, imports the module"), "{told:?}");
    scene.run(&["stop", "--now", "last"]);
    let ended = scene.run(&["where", "last", "1"]);
    assert!(ended.code == Some(2) && ended.err.contains("no detached run is running"), "{ended:?}");
}
