//! Batches on real workers, none of which may leave a process or a descriptor behind.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

mod support;

use std::process::{Command, Stdio};

use fanlane_core::engine::{Engine, LocalEngine, RunCommand, RunOptions};
use fanlane_core::event::{
    DispatchEvent, EventKind, Outcome, OutcomeClass, RunEvent, TaskEvent, TaskId, WorkerEnd, WorkerEvent,
};
use fanlane_core::job::Mode;
use fanlane_os::process_tree;
use rustix::process::{Pid, Signal, kill_process};
use support::{alone, job, start, start_in, wait_until};

const CUBES: &str = r#"Job(version: 1, task: Workload(name: "cube"), inputs: [Range(1, 6)])"#;

fn kill(pid: u32) {
    kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), Signal::KILL).unwrap();
}

fn alive(pid: u32) -> bool {
    process_tree::parent_of(pid).is_some() && !process_tree::has_ended(pid)
}

#[test]
fn the_cubes_of_1_to_6_are_right_in_every_mode() {
    let _alone = alone();
    for mode in Mode::ALL {
        let finished = start(&job(CUBES), mode, 3).finish();
        assert_eq!(finished.ints(), [1, 8, 27, 64, 125, 216], "mode {mode}");
        assert_eq!(finished.summary.counts.done, 6);
    }
}

#[test]
fn a_batch_of_no_tasks_ends_at_once() {
    let _alone = alone();
    let finished = start(&job(r#"Job(version: 1, task: Command("x {}"), inputs: [List([])])"#), Mode::Pool, 2).finish();
    assert!(finished.records.is_empty());
}

#[test]
fn ten_thousand_commands_are_all_done() {
    let _alone = alone();
    let text = r#"Job(version: 1, task: Command("/bin/true x {}"), inputs: [Range(1, 10000)])"#;
    let finished = start(&job(text), Mode::Pool, 2).finish();
    assert_eq!(finished.summary.counts.done, 10_000);
    assert!(finished.records.iter().all(|record| record.attempt == 1 && record.cpu_ns > 0 && record.max_rss_bytes > 0));
}

#[test]
fn a_hundred_thousand_calls_come_back_in_every_mode() {
    let _alone = alone();
    let text = r#"Job(version: 1, task: Workload(name: "cube"), inputs: [Range(1, 100000)])"#;
    for mode in Mode::ALL {
        let finished = start(&job(text), mode, 2).finish();
        assert!(finished.ints().into_iter().zip(1_i64..).all(|(cube, n)| cube == n * n * n), "mode {mode}");
    }
}

#[test]
fn exit_codes_signals_and_output_are_told_apart() {
    let _alone = alone();
    let lines =
        ["true", "exit 3", "kill -SEGV $$", "echo out; echo err >&2", "/no/such/program x", "no-such-program x"];
    let mut outcomes = Vec::new();
    for line in lines {
        let text = format!("Job(version: 1, task: Command({line:?}), inputs: [])");
        let finished = start(&job(&text), Mode::Pool, 1).finish();
        outcomes.push((finished.records[0].outcome.clone(), finished.records[0].output.clone()));
    }
    assert_eq!(outcomes[0].0, Outcome::Done);
    assert_eq!(outcomes[1].0, Outcome::Exited { code: 3 });
    assert_eq!(outcomes[2].0, Outcome::Signalled { signal: 11 });
    let output = outcomes[3].1.as_ref().unwrap();
    assert_eq!((&output.stdout.head[..], &output.stderr.head[..]), (&b"out\n"[..], &b"err\n"[..]));
    for (outcome, _) in &outcomes[4..] {
        assert!(matches!(outcome, Outcome::CannotStart(_)), "{outcome:?}");
    }
}

#[test]
fn a_worker_killed_in_the_middle_costs_its_own_attempt_only() {
    let _alone = alone();
    // No task ends before its time, so the worker is surely at one when it is killed.
    let text =
        r#"Job(version: 1, task: Command("until [ -e go ]; do sleep 0.01; done; echo {}"), inputs: [Range(1, 40)])"#;
    let folder = tempfile::tempdir().unwrap();
    let mut run = start_in(&job(text), folder.path(), Mode::Pool, 2);
    let started = run.wait_for("a worker", |kind| matches!(kind, EventKind::Worker(WorkerEvent::Started { .. })));
    let EventKind::Worker(WorkerEvent::Started { pid, .. }) = started.kind else { unreachable!() };
    run.wait_for("a running task", |kind| matches!(kind, EventKind::Task(TaskEvent::Started { .. })));
    kill(pid);
    std::fs::write(folder.path().join("go"), "").unwrap();
    let finished = run.finish();
    assert_eq!(finished.summary.counts.done, 40);
    let retried = finished.retried();
    assert!(retried.len() <= 1, "{retried:#?}");
    assert!(retried.iter().all(|record| record.outcome.class() == OutcomeClass::Lost));
    let died = |kind: &EventKind| matches!(kind, EventKind::Worker(WorkerEvent::Ended { reason: WorkerEnd::Died(how), .. }) if how == "killed by SIGKILL");
    assert!(finished.seen.iter().any(|event| died(&event.kind)));
    for place in 0..40 {
        assert_eq!(finished.stdout(place), format!("{}\n", place + 1));
    }
}

#[test]
fn what_a_killed_worker_was_running_is_ended() {
    let _alone = alone();
    let text = r#"Job(version: 1, task: Command("exec sleep 1000"), inputs: [])"#;
    let mut run = start(&job(text), Mode::Pool, 1);
    let mut pids = Vec::new();
    // After the death of three workers the task is lost.
    for _ in 0..3 {
        let ready = run.wait_for("a worker", |kind| matches!(kind, EventKind::Worker(WorkerEvent::Started { .. })));
        let EventKind::Worker(WorkerEvent::Started { pid: worker, .. }) = ready.kind else { unreachable!() };
        let begun = run.wait_for("the task", |kind| matches!(kind, EventKind::Task(TaskEvent::Started { .. })));
        let EventKind::Task(TaskEvent::Started { pid: Some(pid), .. }) = begun.kind else { panic!("no pid") };
        assert!(alive(pid));
        pids.push(pid);
        kill(worker);
    }
    let finished = run.finish();
    assert_eq!(finished.summary.counts.lost, 1);
    for pid in pids {
        wait_until("the end of what the worker ran", || !alive(pid));
    }
}

#[test]
fn the_pool_is_resized_while_it_runs() {
    let _alone = alone();
    let text = r#"Job(version: 1, task: Command("sleep 0.02; echo {}"), inputs: [Range(1, 120)])"#;
    let mut run = start(&job(text), Mode::Pool, 2);
    run.wait_for_ended(5);
    run.command(RunCommand::SetWorkers(0));
    for _ in 0..2 {
        run.wait_for("a worker's end", |kind| {
            matches!(kind, EventKind::Worker(WorkerEvent::Ended { reason: WorkerEnd::Retired, .. }))
        });
    }
    assert!(run.records().count() < 120);
    run.command(RunCommand::SetWorkers(8));
    for _ in 0..8 {
        run.wait_for("a worker", |kind| matches!(kind, EventKind::Worker(WorkerEvent::Started { .. })));
    }
    run.command(RunCommand::SetWorkers(1));
    let finished = run.finish();
    assert_eq!(finished.summary.counts.done, 120);
    assert_eq!(finished.summary.retries, 0, "no running task was ended");
    let (mut live, mut most) = (0_i32, 0);
    for event in &finished.seen {
        match event.kind {
            EventKind::Worker(WorkerEvent::Started { .. }) => live += 1,
            EventKind::Worker(WorkerEvent::Ended { .. }) => live -= 1,
            _ => {}
        }
        most = most.max(live);
    }
    assert_eq!((live, most), (0, 8));
}

#[test]
fn pausing_starts_nothing_and_resuming_goes_on() {
    let _alone = alone();
    let text = r#"Job(version: 1, task: Command("sleep 0.01; echo {}"), inputs: [Range(1, 50)])"#;
    let mut run = start(&job(text), Mode::Pool, 2);
    run.wait_for_ended(3);
    run.command(RunCommand::Pause);
    let paused = run.wait_for("the pause", |kind| *kind == EventKind::Dispatch(DispatchEvent::Paused));
    run.command(RunCommand::Resume);
    let resumed = run.wait_for("the end of the pause", |kind| *kind == EventKind::Dispatch(DispatchEvent::Resumed));
    assert!(paused.at_ns < resumed.at_ns);
    assert_eq!(run.finish().summary.counts.done, 50);
}

#[test]
fn stopping_cancels_what_waits_and_ends_what_runs() {
    let _alone = alone();
    for text in [
        r#"Job(version: 1, task: Command("sleep 1000"), inputs: [Range(1, 20)])"#,
        r#"Job(version: 1, task: Workload(name: "sleep"), inputs: [Range(1000, 1019)])"#,
    ] {
        for mode in Mode::ALL {
            for command in [RunCommand::Stop, RunCommand::StopNow] {
                let mut run = start(&job(text), mode, 3);
                run.wait_for("a running task", |kind| matches!(kind, EventKind::Task(TaskEvent::Started { .. })));
                run.command(command);
                let finished = run.finish();
                assert_eq!(finished.summary.counts.cancelled, 20, "{text} {mode} {command:?}");
                assert!(finished.summary.stopped);
            }
        }
    }
}

#[test]
fn a_command_that_ignores_sigterm_is_killed_after_the_grace_time() {
    let _alone = alone();
    let text = r#"Job(version: 1, task: Command("trap '' TERM; echo ready; : > deaf; sleep 1000"), inputs: [])"#;
    let folder = tempfile::tempdir().unwrap();
    let run = start_in(&job(text), folder.path(), Mode::Pool, 1);
    wait_until("the command to be deaf", || folder.path().join("deaf").exists());
    run.command(RunCommand::Cancel(TaskId(0)));
    let finished = run.finish();
    assert_eq!(finished.records[0].outcome, Outcome::Cancelled);
    assert_eq!(finished.stdout(0), "ready\n");
}

#[test]
fn a_timeout_ends_commands_and_calls_and_nothing_else() {
    let _alone = alone();
    for (mode, task) in [
        (Mode::Pool, r#"Command("sleep {}")"#),
        (Mode::Threads, r#"Command("sleep {}")"#),
        (Mode::Pool, r#"Workload(name: "sleep")"#),
        (Mode::Threads, r#"Workload(name: "sleep")"#),
        (Mode::One, r#"Workload(name: "sleep")"#),
    ] {
        let text = format!(
            r#"Job(version: 1, task: {task}, inputs: [List(["0.01", "1000", "0.01", "0.02"])], timeout_secs: 1.5)"#
        );
        let finished = start(&job(&text), mode, 2).finish();
        let classes: Vec<_> = finished.records.iter().map(|record| record.outcome.class()).collect();
        use OutcomeClass::{Done, TimedOut};
        assert_eq!(classes, [Done, TimedOut, Done, Done], "{task} {mode}");
    }
}

#[test]
fn one_task_is_cancelled_waiting_or_running() {
    let _alone = alone();
    for task in [r#"Command("sleep {}")"#, r#"Workload(name: "sleep")"#] {
        let text = format!(r#"Job(version: 1, task: {task}, inputs: [List(["1000", "0.2", "0.1", "0.1"])])"#);
        let mut run = start(&job(&text), Mode::Pool, 1);
        run.command(RunCommand::Cancel(TaskId(3)));
        run.wait_for("the first task", |kind| {
            matches!(kind, EventKind::Task(TaskEvent::Started { task: TaskId(0), .. }))
        });
        run.command(RunCommand::Cancel(TaskId(0)));
        let finished = run.finish();
        let classes: Vec<_> = finished.records.iter().map(|record| record.outcome.class()).collect();
        use OutcomeClass::{Cancelled, Done};
        assert_eq!(classes, [Cancelled, Done, Done, Cancelled], "{task}");
    }
}

#[test]
fn failed_tasks_are_retried_as_often_as_the_job_says() {
    let _alone = alone();
    let text = r#"Job(version: 1, task: Command("exit {}"), inputs: [Range(0, 2)], retries: 2)"#;
    let finished = start(&job(text), Mode::Pool, 2).finish();
    assert_eq!(finished.records.iter().map(|record| record.attempt).collect::<Vec<_>>(), [1, 3, 3]);
    assert_eq!((finished.summary.retries, finished.summary.counts.failed), (4, 2));
}

#[test]
fn a_long_task_holds_no_other_behind_it() {
    let _alone = alone();
    // One in the midst of short ones is long, and others are handed out behind it before that is known. It ends when
    // all others have: if one were held behind it, neither would ever end.
    let text = r#"Job(version: 1, task: Command("[ {} != 30 ] || until [ -e go ]; do sleep 0.01; done"),
        inputs: [Range(1, 60)])"#;
    let folder = tempfile::tempdir().unwrap();
    let mut run = start_in(&job(text), folder.path(), Mode::Pool, 2);
    run.wait_for_ended(59);
    std::fs::write(folder.path().join("go"), "").unwrap();
    let finished = run.finish();
    assert_eq!((finished.summary.counts.done, finished.summary.retries), (60, 0));
}

#[test]
fn grandchildren_are_ended_with_their_task() {
    let _alone = alone();
    // In the background, in a session of its own, and also with the streams open.
    let text = r#"Job(version: 1, inputs: [], task: Command(
        "sleep 1000 >/dev/null 2>&1 & echo $!; setsid sleep 1000 >/dev/null 2>&1 & echo $!; setsid sleep 1000 & echo $!; sleep 0.2"))"#;
    for mode in [Mode::Pool, Mode::Threads] {
        let finished = start(&job(text), mode, 1).finish();
        assert_eq!(finished.records[0].outcome, Outcome::Done);
        assert!(finished.records[0].output.as_ref().unwrap().leaky);
        let pids: Vec<u32> = finished.stdout(0).lines().map(|line| line.parse().unwrap()).collect();
        assert_eq!(pids.len(), 3);
        for pid in pids {
            wait_until("the end of a grandchild", || !alive(pid));
        }
    }
}

#[test]
fn what_a_command_leaves_printing_for_ever_ends_with_it() {
    let _alone = alone();
    // Two of them, so that hardly a moment passes without something to read; the command itself lives on for a while.
    let text = r#"Job(version: 1, inputs: [], task: Command("yes & yes >&2 & sleep 0.1; exit 3"))"#;
    for mode in [Mode::Pool, Mode::Threads] {
        let finished = start(&job(text), mode, 1).finish();
        assert_eq!(finished.records[0].outcome, Outcome::Exited { code: 3 });
        assert!(finished.records[0].output.as_ref().unwrap().leaky);
    }
}

#[test]
fn a_hundred_megabytes_of_output_are_bounded_in_memory() {
    let _alone = alone();
    let text = r#"Job(version: 1, inputs: [], task: Command("head -c 100000000 /dev/zero; echo end; head -c 5 /dev/zero >&2"))"#;
    let finished = start(&job(text), Mode::Pool, 1).finish();
    let output = finished.records[0].output.as_ref().unwrap();
    let kept = output.stdout.head.len() + output.stdout.tail.len();
    assert_eq!(kept as u64 + output.stdout.dropped_bytes, 100_000_004);
    assert!(kept <= 1 << 20);
    assert!(output.stdout.tail.ends_with(b"\0end\n"));
    assert_eq!(output.stderr.head, [0; 5]);
}

#[test]
fn a_command_reads_end_of_file_at_once_and_may_close_its_output() {
    let _alone = alone();
    let text = r#"Job(version: 1, inputs: [], task: Command("cat; echo after; exec >&- 2>&-; sleep 0.2; exit 5"))"#;
    let finished = start(&job(text), Mode::Pool, 1).finish();
    assert_eq!(finished.stdout(0), "after\n");
    assert_eq!(finished.records[0].outcome, Outcome::Exited { code: 5 });
}

#[test]
fn a_worker_that_cannot_start_fails_no_task() {
    let _alone = alone();
    for executable in ["/no/such/program", "/bin/true", "/bin/false"] {
        let batch =
            fanlane_core::job::Batch::open(&job(CUBES), std::path::Path::new("."), &mut std::io::empty()).unwrap();
        let (sender, events) = crossbeam_channel::bounded(64);
        let run = LocalEngine::new(executable)
            .start(std::sync::Arc::new(batch), RunOptions::new(Mode::Pool, 2), sender)
            .unwrap();
        let failed = events.iter().find_map(|event| match event.kind {
            EventKind::Dispatch(DispatchEvent::WorkersCannotStart { reason }) => Some(reason),
            _ => None,
        });
        assert!(failed.is_some_and(|reason| reason.contains("worker")));
        run.command(RunCommand::Stop);
        let counts = events.iter().find_map(|event| match event.kind {
            EventKind::Run(RunEvent::Finished(summary)) => Some(summary.counts),
            _ => None,
        });
        assert_eq!(counts.map(|counts| counts.cancelled), Some(6));
        run.join();
    }
}

#[test]
fn a_dropped_receiver_stops_the_run() {
    let _alone = alone();
    let text = r#"Job(version: 1, task: Command("sleep 1000"), inputs: [Range(1, 4)])"#;
    let batch = fanlane_core::job::Batch::open(&job(text), std::path::Path::new("."), &mut std::io::empty()).unwrap();
    let (sender, events) = crossbeam_channel::bounded(64);
    let run = LocalEngine::new(env!("CARGO_BIN_EXE_fanlane"))
        .start(std::sync::Arc::new(batch), RunOptions::new(Mode::Pool, 2), sender)
        .unwrap();
    assert!(events.iter().any(|event| matches!(event.kind, EventKind::Task(TaskEvent::Started { .. }))));
    drop(events);
    // A dropped receiver is noticed at the next event, and both workers may have sent all their results.
    run.command(RunCommand::SetWorkers(1));
    run.join();
    assert!(process_tree::children(std::process::id()).is_empty());
}

#[test]
fn a_program_in_the_worker_role_without_an_engine_says_so() {
    let _alone = alone();
    let output =
        Command::new(env!("CARGO_BIN_EXE_fanlane")).arg(fanlane_mp::WORKER_ROLE).stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("is a worker"));
}
