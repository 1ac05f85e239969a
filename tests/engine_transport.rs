//! Large results of calls, through the pipe and in shared memory, on real workers.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

mod support;

use fanlane_core::event::{CallValue, EventKind, RunEvent, SampleEvent, TaskEvent, WorkerEvent};
use fanlane_core::job::{Job, Mode, Transport};
use rustix::process::{Pid, Signal, kill_process};
use support::{alone, job, start};

/// Calls of `make_bytes` for these sizes, again and again.
fn large(transport: &str, sizes: &[usize], rounds: usize) -> Job {
    let sizes: Vec<String> =
        sizes.iter().cycle().take(sizes.len() * rounds).map(|size| format!("\"{size}\"")).collect();
    job(&format!(
        "Job(version: 1, task: Workload(name: \"make_bytes\"), inputs: [List([{}])], retries: 2, transport: {transport})",
        sizes.join(", ")
    ))
}

fn is_whole(value: Option<&CallValue>, size: usize) -> bool {
    let Some(CallValue::Bytes(bytes)) = value else { return false };
    bytes.len() == size && bytes.iter().copied().eq(b"abcdefghijklmnopqrstuvwxyz".iter().copied().cycle().take(size))
}

#[test]
fn large_results_arrive_whole_by_either_way_in_every_mode() {
    let _alone = alone();
    let sizes = [100, (32 << 10) - 1, 32 << 10, (1 << 20) + 3, 1 << 20, 3 << 20];
    for transport in ["pipe", "shared_memory"] {
        for mode in Mode::ALL {
            let finished = start(&large(transport, &sizes, 4), mode, 2).finish();
            for (task, record) in finished.records.iter().enumerate() {
                let size = sizes[task % sizes.len()];
                assert!(is_whole(record.value.as_ref(), size), "{transport}, mode {mode}, {size} bytes");
            }
        }
    }
}

#[test]
fn a_run_compares_both_ways_by_some_of_its_own_results() {
    let _alone = alone();
    for transport in [Transport::Pipe, Transport::SharedMemory] {
        let word = if transport == Transport::Pipe { "pipe" } else { "shared_memory" };
        let mut run = start(&large(word, &[1 << 20], 40), Mode::One, 1);
        run.wait_for("the end", |kind| matches!(kind, EventKind::Run(RunEvent::Finished(_))));
        let compared = run.seen.iter().filter_map(|event| match event.kind {
            EventKind::Sample(SampleEvent::ResultsCompared { bytes, pipe_ns, shared_memory_ns, used }) => {
                Some((bytes, pipe_ns > 0 && shared_memory_ns > 0, used))
            }
            _ => None,
        });
        // Of the first 16 results each two are compared, but for the first two.
        assert_eq!(compared.collect::<Vec<_>>(), [(1 << 20, true, transport); 7]);
        run.finish();
    }
}

#[test]
fn a_worker_that_is_killed_with_results_in_shared_memory_costs_its_attempt_alone() {
    let _alone = alone();
    let rounds = 200;
    let mut run = start(&large("shared_memory", &[1 << 20], rounds), Mode::Pool, 2);
    // Two are there from the beginning, and the run cannot end before its events are taken.
    for _ in 0..2 {
        let started = run.wait_for("a worker", |kind| matches!(kind, EventKind::Worker(WorkerEvent::Started { .. })));
        let EventKind::Worker(WorkerEvent::Started { pid, .. }) = started.kind else { unreachable!() };
        run.wait_for("results", |kind| matches!(kind, EventKind::Task(TaskEvent::Finished(_))));
        kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), Signal::KILL).unwrap();
    }
    let finished = run.finish();
    assert_eq!(finished.summary.counts.done as usize, rounds);
    assert!(finished.records.iter().all(|record| is_whole(record.value.as_ref(), 1 << 20)));
    assert!(finished.summary.retries <= 2, "{} attempts were lost", finished.summary.retries);
}
