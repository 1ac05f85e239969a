//! What a job's control asks for, on real workers: a few of each; the rest is tested in simulated time.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

mod support;

use fanlane::event::{EventKind, Outcome};
use fanlane::job::Mode;
use support::{alone, job, start, start_in};

#[test]
fn the_first_failure_ends_the_run_when_the_job_says_so() {
    let _alone = alone();
    let text = r#"Job(version: 1, task: Command("exit $(({} == 3))"), inputs: [Range(1, 500)],
        control: Control(halt: "now,fail=1"))"#;
    let finished = start(&job(text), Mode::Pool, 2).finish();
    let counts = finished.summary.counts;
    assert_eq!((counts.failed, finished.summary.stopped), (1, true));
    assert!(counts.cancelled > 400, "{counts:?}");
    assert!(finished.seen.iter().any(|event| matches!(event.kind, EventKind::HaltReached { .. })));
}

#[test]
fn starts_are_kept_apart() {
    let _alone = alone();
    let text = r#"Job(version: 1, task: Command("true"), inputs: [Range(1, 4)], control: Control(delay_secs: 0.4))"#;
    let finished = start(&job(text), Mode::Pool, 4).finish();
    let mut starts: Vec<u64> = finished.records.iter().map(|record| record.start_ns).collect();
    starts.sort_unstable();
    // Three delays lie between the first hand-over and the last; how late a worker begins is the machine's affair.
    assert!(starts[3] - starts[0] > 100_000_000, "{starts:?}");
}

#[test]
fn a_retry_waits() {
    let _alone = alone();
    let text = r#"Job(version: 1, task: Command("exit 1"), inputs: [], retries: 2,
        control: Control(retry_wait: Exponential(first_secs: 0.1, most_secs: 1)))"#;
    let finished = start(&job(text), Mode::Pool, 1).finish();
    let retried = finished.retried();
    let last = &finished.records[0];
    assert_eq!(last.attempt, 3);
    assert!(retried[1].start_ns - retried[0].start_ns >= 100_000_000);
    assert!(last.start_ns - retried[1].start_ns >= 200_000_000);
}

#[test]
fn a_task_far_over_the_median_is_ended() {
    let _alone = alone();
    let text = r#"Job(version: 1, task: Command("sleep {}"),
        inputs: [List(["0.1", "0.1", "0.1", "0.1", "1000"])], control: Control(timeout_percent: 3000))"#;
    let finished = start(&job(text), Mode::Pool, 1).finish();
    assert_eq!(finished.summary.counts.done, 4);
    assert_eq!(finished.records[4].outcome, Outcome::TimedOut);
}

#[test]
fn a_gate_that_never_opens_holds_the_run_and_says_why() {
    let _alone = alone();
    let text = r#"Job(version: 1, task: Command("true"), inputs: [Range(1, 3)],
        control: Control(memfree_bytes: 1000000000000000))"#;
    let mut run = start(&job(text), Mode::Pool, 2);
    let held = run.wait_for("the reason", |kind| matches!(kind, EventKind::Held { reason: Some(_) }));
    let EventKind::Held { reason: Some(reason) } = held.kind else { unreachable!() };
    assert!(reason.contains("of memory must be free"), "{reason}");
    run.command(fanlane::engine::RunCommand::Stop);
    assert_eq!(run.finish().summary.counts.cancelled, 3);
}

#[test]
fn each_task_finds_its_own_share_of_a_resource() {
    let _alone = alone();
    let text = r#"Job(version: 1, task: Command("echo $FANLANE_GPU; sleep 0.1; : {}"), inputs: [Range(1, 8)],
        control: Control(resources: {"gpu": 4}, needs: {"gpu": 2}, nice: 3))"#;
    for mode in [Mode::Pool, Mode::Threads] {
        let finished = start(&job(text), mode, 8).finish();
        let mut shares: Vec<(String, u64, u64)> = (0..8)
            .map(|place| {
                let record = &finished.records[place];
                (finished.stdout(place), record.start_ns, record.start_ns + record.wall_ns)
            })
            .collect();
        assert!(shares.iter().all(|(share, ..)| share == "0,1\n" || share == "2,3\n"), "{shares:?}");
        shares.sort();
        for pair in shares.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
            assert!(pair[0].2 <= pair[1].1, "two tasks had the same share at once: {pair:?}");
        }
    }
}

#[test]
fn tasks_begin_after_those_that_they_wait_for() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let rows =
        "name,after,secs\nlink,compile-a compile-b,0\ncompile-a,configure,0.1\ncompile-b,configure,0\nconfigure,,0.1\n";
    std::fs::write(folder.path().join("tasks.csv"), rows).unwrap();
    let text = r#"Job(version: 1, task: Command("sleep {secs}"), inputs: [Csv("tasks.csv")],
        control: Control(after: After(name: "name", after: "after")))"#;
    let finished = start_in(&job(text), folder.path(), Mode::Pool, 3).finish();
    assert_eq!(finished.summary.counts.done, 4);
    let span = |place: usize| {
        let record = &finished.records[place];
        (record.start_ns, record.start_ns + record.wall_ns)
    };
    let (link, a, b, configure) = (span(0), span(1), span(2), span(3));
    assert!(configure.1 <= a.0 && configure.1 <= b.0 && a.1 <= link.0 && b.1 <= link.0);
}
