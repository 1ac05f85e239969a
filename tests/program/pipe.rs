//! Streams that are cut into tasks: what is kept, what is waited for, and what ends early.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use rustix::process::Signal;

use super::background::Scene;
use super::processes::{Running, wait_until};
use super::start::{command, run_in_with};

fn numbers(to: u32) -> Vec<u8> {
    (1..=to).flat_map(|number| format!("{number}\n").into_bytes()).collect()
}

#[test]
fn an_attempt_after_a_failed_one_reads_the_same_block() {
    let scene = Scene::new();
    let words = [
        "run",
        "--pipe",
        "-N2",
        "-k",
        "--retries",
        "3",
        "cat | tee -a seen-{#}; echo x >> tries-{#}; [ $(wc -l < tries-{#}) = 3 ]",
    ];
    let ended = run_in_with(&words, scene.0.path(), &numbers(4));
    assert!(ended.code == Some(0) && ended.out == "1\n2\n3\n4\n", "{ended:?}");
    let seen = fs::read_to_string(scene.0.path().join("seen-2")).unwrap();
    assert_eq!(seen, "3\n4\n".repeat(3));
}

#[test]
fn an_endless_stream_is_read_no_further_than_its_tasks_are() {
    let scene = Scene::new();
    let words =
        ["run", "--quiet", "--pipe", "-j2", "--block", "1M", "--halt", "now,done=3", "head -n 1 > got-{#}; sleep 0.1"];
    let mut program = command(&words, scene.0.path());
    let mut child = program.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let line = [b"y".repeat(999), b"\n".to_vec()].concat();
    let (mut written, mut most) = (0_u64, 0);
    // It ends when the run does, which closes the pipe.
    while stdin.write_all(&line).is_ok() {
        written += line.len() as u64;
        if written % (1 << 20) < 1000 {
            let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
            let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
            let resident: u64 = resident.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or(0);
            most = most.max(resident);
        }
    }
    let ended = super::start::ended(child);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(written < 200 << 20, "{written} bytes of an endless stream were read");
    assert!(most < 300 << 10, "{most} kB");
}

#[test]
fn a_task_that_does_not_read_its_block_harms_no_other() {
    let scene = Scene::new();
    for round_robin in [&[][..], &["--round-robin"]] {
        let words =
            [&["run", "--pipe", "-j2", "--block", "64k", "--quiet"], round_robin, &["[ {#} = 1 ] && exit 0; wc -c"]]
                .concat();
        let ended = run_in_with(&words, scene.0.path(), &numbers(200_000));
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let bytes: u64 = ended.out.lines().map(|line| line.parse::<u64>().unwrap()).sum();
        assert!(bytes > 0 && bytes < 1_288_895, "{words:?}: {bytes}");
    }
}

#[test]
fn a_run_whose_program_is_killed_leaves_no_process_and_no_file() {
    let scene = Scene::new();
    let words = ["run", "--pipe", "-N1", "--cat", "echo {} > path-{#}; until [ -e gate ]; do sleep 0.01; done"];
    let mut program = command(&words, scene.0.path());
    program.stdin(Stdio::piped());
    let mut run = Running::start(program);
    run.child().stdin.take().unwrap().write_all(b"1\n2\n").unwrap();
    wait_until("a task", || scene.has("path-1"));
    run.signal(Signal::KILL);
    drop(run);
    wait_until("the end of its processes", || scene.processes().is_empty());
    let path = fs::read_to_string(scene.0.path().join("path-1")).unwrap();
    assert!(!fs::exists(path.trim()).unwrap(), "{path}");
}

#[test]
fn parts_of_a_file_are_read_in_the_background_and_again() {
    let scene = Scene::new();
    scene.write("it's \"a\" file", &String::from_utf8(numbers(1000)).unwrap());
    let words =
        ["--pipe-part", "-a", "it's \"a\" file", "--block", "1k", "--header", ":", "head -n 2 >> heads; [ -e ok ]"];
    let started = scene.run(&[&["run", "--background"], &words[..]].concat());
    assert_eq!(started.code, Some(0), "{started:?}");
    let attached = scene.run(&["attach", "--plain"]);
    assert!(matches!(attached.code, Some(1 | 2)), "{attached:?}");
    wait_until("its end", || scene.run(&["show", "1", "--json"]).out.contains("finished"));
    let heads = fs::read_to_string(scene.0.path().join("heads")).unwrap();
    assert_eq!(heads.lines().filter(|line| *line == "1").count(), 4, "{heads}");
    scene.write("ok", "");
    let again = scene.run(&["rerun", "1", "--failed"]);
    assert_eq!(again.code, Some(0), "{again:?}");
    let file = scene.run(&["run", "--pipe-part", "-a", "gone", "cat"]);
    assert!(file.code == Some(2) && file.err.contains("gone"), "{file:?}");
    scene.nothing_is_left();
}

#[test]
fn what_has_no_meaning_with_a_stream_is_said_before_anything_runs() {
    let scene = Scene::new();
    scene.write("job.ron", r#"Job(version: 1, task: Command("cat"), inputs: [], pipe: Pipe(records: 2))"#);
    let table: &[(&[&str], &str)] = &[
        (&["--pipe", "cat", ":::", "a"], "no other inputs"),
        (&["--pipe-part", "cat"], "-a FILE"),
        (&["--block", "3", "cat"], "without --pipe"),
        (&["--pipe", "--header", "(", "cat"], "no regular expression"),
        (&["--header", "2", "cat", ":::", "a"], "--header takes ':'"),
        (&["--pipe", "--round-robin", "--retries", "2", "cat"], "cannot be tried again"),
        (&["--pipe", "--background", "cat"], "not in the background"),
        (&["--pipe", "job.ron"], "set pipe in the file"),
        (&["--pipe-part", "-a", "/dev/null", "cat"], "--pipe < FILE"),
        (&["--pipe", "--stdin-text", "x", "cat"], "is its block"),
    ];
    for (words, said) in table {
        let ended = run_in_with(&[&["run"], *words].concat(), scene.0.path(), b"1\n");
        assert!(ended.code == Some(2) && ended.err.contains(said) && ended.out.is_empty(), "{words:?}: {ended:?}");
    }
    let ended = run_in_with(&["run", "-k", "job.ron"], scene.0.path(), b"1\n2\n3\n");
    assert!(ended.code == Some(0) && ended.out == "1\n2\n3\n", "{ended:?}");
    let empty = run_in_with(&["run", "--pipe", "cat"], scene.0.path(), b"");
    assert!(empty.code == Some(0) && !empty.err.contains("no input"), "{empty:?}");
}
