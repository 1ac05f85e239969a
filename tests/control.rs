//! The control of a job on real workers: a few cases of each field; the others are tested in simulated time.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

mod support;

use fanlane_core::engine::{OutputLevel, RunCommand};
use fanlane_core::event::{DispatchEvent, EventKind, Outcome, SampleEvent, TaskId};
use fanlane_core::job::Mode;
use fanlane_core::job::batch::FeedError;
use support::{alone, job, start, start_growing, start_in};

#[test]
fn the_first_failure_ends_the_run_when_the_job_says_so() {
    let _alone = alone();
    let text = r#"Job(version: 1, task: Command("exit $(({} == 3))"), inputs: [Range(1, 500)],
        control: Control(halt: "now,fail=1"))"#;
    let finished = start(&job(text), Mode::Pool, 2).finish();
    let counts = finished.summary.counts;
    assert_eq!((counts.failed, finished.summary.stopped), (1, true));
    assert!(counts.cancelled > 400, "{counts:?}");
    assert!(
        finished.seen.iter().any(|event| matches!(event.kind, EventKind::Dispatch(DispatchEvent::HaltReached { .. })))
    );
}

#[test]
fn starts_are_kept_apart() {
    let _alone = alone();
    let text = r#"Job(version: 1, task: Command("true"), inputs: [Range(1, 4)], control: Control(delay_secs: 0.4))"#;
    let finished = start(&job(text), Mode::Pool, 4).finish();
    let mut starts: Vec<u64> = finished.records.iter().map(|record| record.start_ns).collect();
    starts.sort_unstable();
    // Three delays lie between the first hand-over and the last; how late a worker begins depends on the machine.
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
fn a_restarted_task_ends_what_it_does_and_begins_again() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    // The first attempt does not end by itself, and prints once the second one would.
    let text =
        r#"Job(version: 1, task: Command("[ -e again ] || { : > again; echo ready; exec sleep 1000; }"), inputs: [])"#;
    let mut run = start_in(&job(text), folder.path(), Mode::Pool, 1);
    run.command(RunCommand::Watch(OutputLevel::LatestLines));
    run.wait_for("the first line", |kind| matches!(kind, EventKind::Sample(SampleEvent::Printed(_))));
    run.command(RunCommand::Restart(TaskId(0)));
    let finished = run.finish();
    assert_eq!((finished.records[0].attempt, &finished.records[0].outcome), (2, &Outcome::Done));
    assert_eq!(finished.retried()[0].outcome, Outcome::Cancelled);
}

#[test]
fn want_of_memory_holds_the_run_and_says_why() {
    let _alone = alone();
    // Never all of the machine's memory is free.
    let mut job = job(r#"Job(version: 1, task: Command("true"), inputs: [Range(1, 3)])"#);
    job.control.memfree_bytes = fanlane_os::machine::memory_bytes();
    let mut run = start(&job, Mode::Pool, 2);
    let held =
        run.wait_for("the reason", |kind| matches!(kind, EventKind::Dispatch(DispatchEvent::Held { reason: Some(_) })));
    let EventKind::Dispatch(DispatchEvent::Held { reason: Some(reason) }) = held.kind else { unreachable!() };
    assert!(reason.starts_with("3 tasks need ") && reason.contains(" MiB free; "), "{reason}");
    run.command(RunCommand::Stop);
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

/// The tasks keep their resources until a file is there, so that they overlap for sure.
#[test]
fn tasks_of_different_sizes_have_what_they_take_for_themselves() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t.csv"), "places,gpus\n1,1\n2,2\n1,0\n3,3\n1,1\n4,0\n1,2\n").unwrap();
    let text = r#"Job(version: 1, task: Command("echo \"$FANLANE_GPU;$OWN\"; sleep 0.05; : {places}"), inputs: [Csv("t.csv")],
        environment: {"OWN": "{places}"},
        control: Control(slots: "{places}", resources: {"gpu": 3, "mem": 64000}, needs: {"gpu": "{gpus}", "mem": "1{gpus}000"}))"#;
    for mode in [Mode::Pool, Mode::Threads] {
        let finished = start_in(&job(text), folder.path(), mode, 4).finish();
        assert_eq!(finished.summary.counts.done, 7);
        let takes = [(1, 1), (2, 2), (1, 0), (3, 3), (1, 1), (4, 0), (1, 2)];
        let spans: Vec<(u64, u64, Vec<String>)> = (0..7)
            .map(|place| {
                let (record, said) = (&finished.records[place], finished.stdout(place));
                let (shares, own) = said.trim_end().split_once(';').unwrap();
                assert_eq!(own, takes[place].0.to_string());
                let shares: Vec<String> = shares.split_terminator(',').map(str::to_owned).collect();
                assert_eq!(shares.len(), takes[place].1, "{said}");
                (record.start_ns, record.start_ns + record.wall_ns, shares)
            })
            .collect();
        for (place, (start_ns, _, own)) in spans.iter().enumerate() {
            let at_once: Vec<usize> =
                (0..7).filter(|other| spans[*other].0 <= *start_ns && *start_ns < spans[*other].1).collect();
            assert!(at_once.iter().map(|other| takes[*other].0).sum::<u32>() <= 4, "{spans:?}");
            let others = at_once.iter().filter(|other| **other != place).flat_map(|other| &spans[*other].2);
            assert!(others.clone().all(|share| !own.contains(share)), "{spans:?}");
        }
    }
}

#[test]
fn a_library_feeds_a_run_that_goes_on() {
    let _alone = alone();
    let text = r#"Job(version: 1, task: Command("echo {}"), inputs: [Stdin])"#;
    for mode in [Mode::Pool, Mode::Threads, Mode::One] {
        let (mut run, mut feed) = start_growing(&job(text), mode, 2);
        feed.push(b"first").unwrap();
        run.wait_for_ended(1);
        feed.push(b"second").unwrap();
        feed.push(b"third").unwrap();
        run.wait_for_ended(3);
        feed.close();
        let finished = run.finish();
        assert_eq!((0..3).map(|place| finished.stdout(place)).collect::<String>(), "first\nsecond\nthird\n");
        assert!(!finished.summary.stopped);
    }
    let (run, mut feed) = start_growing(&job(text), Mode::Pool, 2);
    run.command(RunCommand::Stop);
    assert_eq!(run.finish().summary.counts.total(), 0);
    assert!(matches!(feed.push(b"too late"), Err(FeedError::RunEnded)));
}
