//! Seeded disorder: commands and deaths of workers at random moments of real runs. Every task ends exactly once, and
//! nothing is left behind. `FANLANE_STRESS_SEEDS=100..400` runs other seeds than the few that every test run takes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

mod support;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use crossbeam_channel::{Receiver, TryRecvError, bounded};
use fanlane_core::engine::{Engine, LocalEngine, RunCommand, RunHandle, RunOptions};
use fanlane_core::event::{DispatchEvent, Event, EventKind, RunEvent, TaskEvent, TaskId, WorkerEvent, WorkerId};
use fanlane_core::job::workload::random::SplitMix64;
use fanlane_core::job::{Batch, Mode};
use fanlane_os::process_tree;
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};
use support::{DEADLINE, TestRun, alone, job, start, wait_until};

fn seeds() -> Range<u64> {
    let Ok(text) = std::env::var("FANLANE_STRESS_SEEDS") else { return 0..10 };
    let (first, end) = text.split_once("..").expect("a range of seeds: FIRST..END");
    first.parse().unwrap()..end.parse().unwrap()
}

/// Kills a worker, if it is still a child of this process.
fn kill_worker(pid: u32) {
    if process_tree::parent_of(pid) == Some(std::process::id()) {
        let _ = kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), Signal::KILL);
    }
}

fn random_task(dice: &mut SplitMix64) -> (&'static str, u64) {
    match dice.below(5) {
        0 => (r#"Workload(name: "cube"), inputs: [Range(1, 30000)]"#, 30_000),
        1 => (r#"Workload(name: "sleep"), inputs: [List(SECS)]"#, 120),
        2 => (r#"Command("/bin/true {}"), inputs: [Range(1, 400)]"#, 400),
        3 => (
            r#"Command("{1}"), inputs: [List(["true", "exit 3", "kill -9 $$", "sleep 0.03", "echo x; sleep 0.005",
                "setsid sleep 1000 >/dev/null 2>&1 & true", "sleep 1000 & exit 0", "yes | head -c 300000"]), Range(1, 12)]"#,
            96,
        ),
        _ => (r#"Command("sleep 0.0{1}"), inputs: [Range(1, 9), Range(1, 12)]"#, 108),
    }
}

fn disturb(run: &TestRun, dice: &mut SplitMix64, tasks: u64, workers: &BTreeMap<WorkerId, u32>, may_stop: bool) {
    match dice.below(12) {
        0 | 1 => run.command(RunCommand::SetWorkers(dice.below(7) as u32)),
        2 => run.command(RunCommand::Pause),
        3 | 4 => run.command(RunCommand::Resume),
        5..=7 => run.command(RunCommand::Cancel(TaskId(dice.below(tasks)))),
        8..=10 => {
            if let Some(pid) = workers.values().nth(dice.below(workers.len().max(1) as u64) as usize) {
                kill_worker(*pid);
            }
        }
        _ if may_stop && dice.below(4) == 0 => {
            run.command(if dice.below(2) == 0 { RunCommand::Stop } else { RunCommand::StopNow });
        }
        _ => {}
    }
}

fn round(seed: u64) {
    let mut dice = SplitMix64::new(seed);
    let (task, tasks) = random_task(&mut dice);
    let mode = Mode::ALL[dice.below(3) as usize];
    let (retries, may_stop, often) = (dice.below(3), dice.below(3) == 0, 2 + dice.below(20));
    let timeout = if dice.below(3) == 0 { ", timeout_secs: 0.025" } else { "" };
    let task = task.replace("SECS", &format!("{:?}", ["0", "0.001", "0.02"].repeat(40)));
    let text = format!("Job(version: 1, task: {task}, retries: {retries}{timeout})");
    let mut run = start(&job(&text), mode, 1 + dice.below(6) as u32);
    let mut workers = BTreeMap::new();
    let mut disturbances = 0;
    while disturbances < 80 {
        match run.wait_for("anything", |_| true).kind {
            EventKind::Worker(WorkerEvent::Started { worker, pid, .. }) => drop(workers.insert(worker, pid)),
            EventKind::Worker(WorkerEvent::Ended { worker, .. }) => drop(workers.remove(&worker)),
            // Such a run might say nothing any more.
            EventKind::Dispatch(DispatchEvent::Paused) => run.command(RunCommand::Resume),
            EventKind::Dispatch(DispatchEvent::PoolResized { workers: 0 }) => {
                run.command(RunCommand::SetWorkers(1 + dice.below(6) as u32))
            }
            EventKind::Run(RunEvent::Finished(_)) => break,
            _ => {}
        }
        if dice.below(often) == 0 {
            disturb(&run, &mut dice, tasks, &workers, may_stop);
            disturbances += 1;
        }
    }
    run.command(RunCommand::Resume);
    run.command(RunCommand::SetWorkers(2));
    let finished = run.finish();
    let counts = finished.summary.counts;
    assert_eq!(counts.total(), tasks, "seed {seed}: {counts:?}");
    assert!(!timeout.is_empty() || counts.timed_out == 0, "seed {seed}: {counts:?}");
}

#[test]
fn whatever_happens_to_a_run_every_task_ends_once() {
    let _alone = alone();
    for seed in seeds() {
        let result = std::panic::catch_unwind(|| round(seed));
        assert!(result.is_ok(), "seed {seed} failed, see above");
    }
}

/// A run whose events are received by the test.
fn start_bare(text: &str, mode: Mode, room: usize) -> (Box<dyn RunHandle>, Receiver<Event>) {
    let batch = Batch::open(&job(text), Path::new("."), &mut std::io::empty()).unwrap();
    let (sender, events) = bounded(room);
    (
        LocalEngine::new(env!("CARGO_BIN_EXE_fanlane"))
            .start(Arc::new(batch), RunOptions::new(mode, 2), sender)
            .unwrap(),
        events,
    )
}

#[test]
fn a_run_that_is_dropped_ends_though_its_events_are_not_taken() {
    let _alone = alone();
    let text = r#"Job(version: 1, task: Command("echo {}"), inputs: [Range(1, 2000)])"#;
    let (run, events) = start_bare(text, Mode::Pool, 4);
    wait_until("a full channel", || events.is_full());
    let (dropped, end) = bounded(1);
    let dropping = std::thread::spawn(move || {
        drop(run);
        dropped.send(()).unwrap();
    });
    end.recv_timeout(DEADLINE).expect("the run hangs");
    dropping.join().unwrap();
    assert!(process_tree::children(std::process::id()).is_empty());
}

#[test]
fn a_stop_ends_all_processes_though_the_events_are_not_taken() {
    let _alone = alone();
    // The commands ignore SIGTERM, so the SIGKILL after the grace time has to be sent.
    let text = r#"Job(version: 1, task: Command("trap '' TERM; echo {}; sleep 1000"), inputs: [Range(1, 20000)])"#;
    let (run, events) = start_bare(text, Mode::Pool, 2);
    let me = std::process::id();
    wait_until("commands", || process_tree::descendants(me).len() >= 4);
    wait_until("a full channel", || events.is_full());
    run.command(RunCommand::Stop);
    let is_there = |pid: &u32| !process_tree::has_ended(*pid);
    wait_until("the end of all processes", || !process_tree::descendants(me).iter().any(is_there));
    let ended: u64 = events
        .iter()
        .map(|event| match event.kind {
            EventKind::Task(TaskEvent::Finished(records)) => records.len() as u64,
            EventKind::Task(TaskEvent::RestCancelled { tasks }) => tasks,
            _ => 0,
        })
        .sum();
    assert_eq!(ended, 20_000);
    run.join();
}

#[test]
fn nothing_follows_the_end_whatever_is_asked_then() {
    let _alone = alone();
    for _ in 0..12 {
        let text = r#"Job(version: 1, task: Workload(name: "cube"), inputs: [Range(1, 3)])"#;
        let (run, events) = start_bare(text, Mode::One, 64);
        std::thread::scope(|scope| {
            let (over, ended) = bounded::<()>(0);
            let (run, waiting) = (&run, events.clone());
            scope.spawn(move || {
                while ended.try_recv() == Err(TryRecvError::Empty) {
                    // Only when the channel is empty, so that commands do not pile up.
                    if waiting.is_empty() {
                        run.command(RunCommand::SetWorkers(1));
                    }
                }
            });
            let last = events.iter().last();
            drop(over);
            assert!(last.is_some_and(|event| matches!(event.kind, EventKind::Run(RunEvent::Finished(_)))));
        });
        run.join();
    }
}

fn sleeps(secs: &str, count: usize) -> String {
    format!(r#"Job(version: 1, task: Workload(name: "sleep"), inputs: [List({:?})])"#, vec![secs; count])
}

#[test]
fn a_shortage_of_descriptors_leaves_no_process_behind() {
    let _alone = alone();
    let before = getrlimit(Resource::Nofile);
    let open = std::fs::read_dir("/proc/self/fd").unwrap().count() as u64;
    for spare in 6..30 {
        let mut run = start(&job(&sleeps("0.01", 8)), Mode::Pool, 1);
        run.wait_for("a worker", |kind| matches!(kind, EventKind::Worker(WorkerEvent::Started { .. })));
        setrlimit(Resource::Nofile, Rlimit { current: Some(open + spare), ..before }).unwrap();
        run.command(RunCommand::SetWorkers(4));
        run.wait_for("a worker or none", |kind| {
            matches!(
                kind,
                EventKind::Worker(WorkerEvent::Started { .. })
                    | EventKind::Dispatch(DispatchEvent::WorkersCannotStart { .. })
                    | EventKind::Task(TaskEvent::Finished(_))
            )
        });
        run.wait_for_ended(8);
        setrlimit(Resource::Nofile, before).unwrap();
        assert_eq!(run.finish().summary.counts.done, 8);
    }
}

#[test]
fn a_pool_of_threads_that_comes_and_goes_costs_no_attempt() {
    let _alone = alone();
    let mut run = start(&job(&sleeps("0.001", 150)), Mode::Threads, 1);
    while run.records().count() < 150 {
        run.wait_for("results", |kind| matches!(kind, EventKind::Task(TaskEvent::Finished(_))));
        run.command(RunCommand::SetWorkers(0));
        run.command(RunCommand::SetWorkers(1));
    }
    let finished = run.finish();
    assert_eq!((finished.summary.counts.done, finished.summary.retries), (150, 0));
    let failed = |kind: &EventKind| matches!(kind, EventKind::Dispatch(DispatchEvent::WorkersCannotStart { .. }));
    assert!(!finished.seen.iter().any(|event| failed(&event.kind)), "{:#?}", finished.seen.last());
}
