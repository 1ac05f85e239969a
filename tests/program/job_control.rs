//! Job control: a run at Ctrl-Z and `fg`, at the same signals by number, and tasks that are stopped.

use std::fs;
use std::os::unix::process::CommandExt;
use std::time::Instant;

use fanlane_os::process_tree;
use rustix::process::Signal;

use super::background::Scene;
use super::processes::{Running, is_gone, signal, wait_until};
use super::pty::{LEAVE, Terminal, is_stopped};
use super::start::command;

/// Tells its process and that of a child, and goes on until the gate is there; each of its lines is one of the file `told`.
const GATED: &str = "echo $$ >> told; sh -c 'echo $$ >> told; until [ -e gate ]; do sleep 0.01; done; :'; echo out-{}";
const CTRL_Z: &str = "\x1a";

/// The processes that have told themselves.
fn told(scene: &Scene, count: usize) -> Vec<u32> {
    let read = || -> Vec<u32> {
        let text = fs::read_to_string(scene.0.path().join("told")).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    };
    wait_until("the tasks to begin", || read().len() == count);
    read()
}

#[test]
fn ctrl_z_suspends_every_process_of_the_tasks_and_the_clock_of_the_run_and_fg_goes_on() {
    for view in ["", "--watch "] {
        let scene = Scene::new();
        let begun = Instant::now();
        let mut terminal = Terminal::shell(scene.0.path());
        terminal.type_keys(&format!(
            "$FANLANE run {view}-j2 --joblog log --timeout 60 \"{}\" ::: a b\n",
            GATED.replace('$', "\\$")
        ));
        let tasks = told(&scene, 4);
        terminal.press(CTRL_Z, "Stopped");
        tasks.iter().for_each(|pid| wait_until("a task to be suspended", || is_stopped(*pid)));
        let stopped = Instant::now();
        scene.write("gate", "");
        // Time passes for all but the run.
        terminal.press("sleep 0.5; echo pass''ed\n", "passed");
        assert!(tasks.iter().all(|pid| is_stopped(*pid)), "{view}");
        let stopped = stopped.elapsed();
        // A further one while it goes on is one for later.
        terminal.press("fg\n", "2 done");
        let elapsed = begun.elapsed();
        let log = fs::read_to_string(scene.0.path().join("log")).unwrap();
        for line in log.lines().skip(1) {
            let secs: f64 = line.split('\t').nth(3).unwrap().trim().parse().unwrap();
            assert!(secs <= (elapsed - stopped).as_secs_f64(), "{view}: {line}");
        }
        terminal.type_keys("exit $?\n");
        let (status, rest) = terminal.ended();
        assert_eq!(status, Some(0), "{view}: {rest}");
        assert!(rest.rsplit(LEAVE).next().is_some_and(|rest| rest.contains("out-a")), "{rest:?}");
    }
}

#[test]
fn nothing_that_was_suspended_outlives_its_engine_also_where_tasks_are_calls() {
    let calls = |mode| {
        format!(
            r#"Job(version: 1, task: Workload(name: "sleep"), inputs: [Range(1000, 1001)], mode: {mode}, workers: 2)"#
        )
    };
    for job in [None, Some(calls("pool")), Some(calls("threads"))] {
        let scene = Scene::new();
        let words = match &job {
            None => format!("-j2 \"{}\" ::: a b", GATED.replace('$', "\\$")),
            Some(job) => {
                scene.write("job.ron", job);
                "job.ron".to_owned()
            }
        };
        let mut terminal = Terminal::shell(scene.0.path());
        terminal.type_keys(&format!("$FANLANE run --no-bar --record record {words}\n"));
        let has_begun =
            || fs::read_to_string(scene.0.path().join("record")).unwrap_or_default().contains("TaskStarted");
        wait_until("its tasks", has_begun);
        let shell = terminal.child.id();
        let engine = process_tree::children(shell)[0];
        terminal.press(CTRL_Z, "Stopped");
        wait_until("a stopped task", || process_tree::descendants(engine).into_iter().any(is_stopped));
        let below = process_tree::descendants(engine);
        terminal.type_keys("kill -KILL %1\n");
        below.iter().for_each(|pid| wait_until("the end of what it left", || is_gone(*pid)));
    }
}

#[test]
fn a_signal_meanwhile_stops_the_run_once_it_goes_on() {
    let scene = Scene::new();
    let mut terminal = Terminal::shell(scene.0.path());
    terminal.type_keys(&format!("$FANLANE run --no-bar -j1 \"{}\" ::: a\n", GATED.replace('$', "\\$")));
    let tasks = told(&scene, 2);
    terminal.press(CTRL_Z, "Stopped");
    terminal.press("kill -TERM %1; fg\n", "1 cancelled");
    assert!(tasks.iter().all(|pid| is_gone(*pid)));
    terminal.type_keys("exit $?\n");
    assert_eq!(terminal.ended().0, Some(130));
}

/// A process group without a shell that waits for it would never be continued.
#[test]
fn where_no_shell_would_continue_it_a_run_is_not_suspended() {
    let scene = Scene::new();
    let words = ["run", "--no-bar", "-j1", GATED, ":::", "a"];
    // It leads the session.
    let terminal = Terminal::start(command(&words, scene.0.path()), 80, 24);
    told(&scene, 2);
    signal(terminal.child.id(), Signal::TSTP);
    scene.write("gate", "");
    terminal.wait_for("its end", 0, |text| text.contains("1 done"));
    assert_eq!(terminal.ended().0, Some(0));
}

#[test]
fn a_task_is_shown_as_stopped_where_it_waits_for_a_process_that_a_signal_has_stopped() {
    let scene = Scene::new();
    let mut command = command(&["run", "--json", "-j1", GATED, ":::", "a"], scene.0.path());
    command.stdout(fs::File::create(scene.0.path().join("out")).unwrap());
    let run = Running::start(command);
    let child = told(&scene, 2)[1];
    let is_told = |is_suspended: bool| {
        let told = serde_json::json!({ "suspended": { "task": 1, "pid": child, "is_suspended": is_suspended } });
        let out = || fs::read_to_string(scene.0.path().join("out")).unwrap();
        wait_until("the state of the task", || {
            out().lines().any(|line| serde_json::from_str(line).ok() == Some(told.clone()))
        });
    };
    signal(child, Signal::STOP);
    is_told(true);
    signal(child, Signal::CONT);
    is_told(false);
    scene.write("gate", "");
    assert_eq!(run.ended().code, Some(0));
}

#[test]
fn with_tty_one_task_at_a_time_reads_the_terminal_whose_modes_each_task_finds_as_they_were() {
    let scene = Scene::new();
    let line = "stty -a | grep -q '[ ;]-icanon' && echo spo''iled; echo 'who is {}?'; read name; echo \"{} is <$name>\"; \
                stty -icanon -echo; kill -KILL $$";
    let mut terminal =
        Terminal::start(command(&["run", "--tty", "-j4", line, ":::", "a", "b"], scene.0.path()), 80, 24);
    for (task, name) in [("a", "Ann"), ("b", "Bob")] {
        terminal.wait_for("the question", 0, |text| text.contains(&format!("who is {task}?")));
        terminal.press(&format!("{name}\n"), &format!("{task} is <{name}>"));
    }
    terminal.wait_for("the summary", 0, |text| text.contains("2 failed"));
    let text = terminal.text();
    assert!(!text.contains("spoiled") && text.contains("--tty runs one task at a time"), "{text}");
    // It looks at the modes.
    assert_eq!(terminal.ended().0, Some(1));
}

#[test]
fn ctrl_z_of_a_task_that_has_the_terminal_suspends_the_run_and_ctrl_c_ends_it() {
    let scene = Scene::new();
    let mut terminal = Terminal::shell(scene.0.path());
    let line = "echo be'gun' {}; read line; echo \"{} got <\\$line>\"";
    terminal.type_keys(&format!("$FANLANE run --tty \"{}\" ::: a b\n", line.replace('"', "\\\"")));
    terminal.wait_for("the task", 0, |text| text.contains("begun a"));
    terminal.press(CTRL_Z, "Stopped");
    terminal.press("jobs\n", "Stopped");
    terminal.press("fg\n", "run --tty");
    terminal.press("hello\n", "a got <hello>");
    terminal.wait_for("the next task", 0, |text| text.contains("begun b"));
    terminal.press("\x03", "1 failed");
    terminal.type_keys("exit $?\n");
    assert_eq!(terminal.ended().0, Some(130));
}

#[test]
fn a_key_that_interrupts_the_task_with_the_terminal_lets_no_further_one_begin() {
    let scene = Scene::new();
    // One process, for a shell that is about to start another may take the key for its own and go on waiting.
    let line = "echo be'gun' {}; exec sleep 1000";
    let mut terminal = Terminal::start(command(&["run", "--tty", line, ":::", "a", "b"], scene.0.path()), 80, 24);
    terminal.wait_for("the task", 0, |text| text.contains("begun a"));
    terminal.press("\x03", "1 cancelled");
    let (status, text) = terminal.ended();
    assert!(status == Some(130) && !text.contains("begun b"), "{status:?} {text}");
}

#[test]
fn tasks_of_other_runs_have_no_terminal_and_tty_without_one_is_an_error() {
    let scene = Scene::new();
    let line = "read x </dev/tty; echo read $?; stty -echo </dev/tty; echo set $?; : {}";
    let terminal = Terminal::start(command(&["run", "--no-bar", line, ":::", "a"], scene.0.path()), 80, 24);
    let (status, text) = terminal.ended();
    assert_eq!(status, Some(0), "{text}");
    assert!(!text.contains("read 0") && !text.contains("set 0") && text.contains("/dev/tty"), "{text}");

    let mut apart = command(&["run", "--tty", "touch", ":::", "ran"], scene.0.path());
    #[expect(unsafe_code, reason = "the session is made between fork and exec")]
    // SAFETY: it is a system call and nothing else.
    unsafe {
        apart.pre_exec(|| Ok(rustix::process::setsid().map(|_| ())?));
    }
    let refused = Running::start(apart).ended();
    assert!(refused.code == Some(2) && refused.err.contains("this process has no terminal"), "{refused:?}");
    assert!(!scene.has("ran"));
}
