//! Pools that something happens to: the ways in which Python's pool waits for ever, each with its outcome here.

use std::time::Duration;

use fanlane_mp::{Event, Pool, PoolError, TaskError};

use crate::functions::{
    cube, dying_initializer, exit_with, failing_initializer, kill_self_if, kill_self_once, note_and_wait,
    set_global_event, spawn_and_sleep, unreadable, wait_for_event_in_global,
};
use crate::{DEADLINE, Test, eventually, is_running};

pub const TESTS: &[Test] = &[
    ("pool_faults::a_killed_worker_fails_its_own_task_alone", a_killed_worker_fails_its_own_task_alone),
    ("pool_faults::a_killed_worker_s_task_is_tried_again", a_killed_worker_s_task_is_tried_again),
    ("pool_faults::a_worker_killed_while_it_waits_costs_nothing", a_worker_killed_while_it_waits_costs_nothing),
    ("pool_faults::workers_killed_at_any_moment_lose_nothing", workers_killed_at_any_moment_lose_nothing),
    ("pool_faults::a_task_that_exits_the_process", a_task_that_exits_the_process),
    ("pool_faults::a_result_that_cannot_be_read", a_result_that_cannot_be_read),
    ("pool_faults::a_failing_initializer_stops_the_pool", a_failing_initializer_stops_the_pool),
    ("pool_faults::a_cancelled_call_ends_and_no_other", a_cancelled_call_ends_and_no_other),
    (
        "pool_faults::calls_cancelled_at_any_moment_cost_others_nothing",
        calls_cancelled_at_any_moment_cost_others_nothing,
    ),
    ("pool_faults::terminating_fails_what_is_under_way", terminating_fails_what_is_under_way),
    ("pool_faults::terminating_ends_what_tasks_have_started", terminating_ends_what_tasks_have_started),
    ("pool_faults::joining_before_fetching_results", joining_before_fetching_results),
    ("pool_faults::a_pool_that_is_dropped_leaves_nothing", a_pool_that_is_dropped_leaves_nothing),
];

fn died(error: &PoolError) -> bool {
    matches!(error, PoolError::Task(TaskError::WorkerDied { .. }))
}

fn a_killed_worker_fails_its_own_task_alone() {
    let pool = Pool::new(2).unwrap();
    let inputs: Vec<bool> = (0..200).map(|number| number == 50 || number == 120).collect();
    let outcomes: Vec<_> = pool.imap(kill_self_if, inputs.clone()).collect();
    assert_eq!(outcomes.len(), 200);
    for (is_meant, outcome) in inputs.into_iter().zip(outcomes) {
        match outcome {
            Ok(value) => assert!(!value && !is_meant),
            Err(error) => assert!(is_meant && died(&error) && error.to_string().contains("SIGKILL"), "{error}"),
        }
    }
    assert_eq!(pool.map(cube, 0..10).unwrap().len(), 10);
    let error = pool.apply(kill_self_if, (true,)).unwrap_err();
    assert!(died(&error), "{error}");
    pool.close();
    pool.join().unwrap();
}

fn a_killed_worker_s_task_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let pool = Pool::builder().workers(1).retries(1).build().unwrap();
    assert_eq!(pool.apply(kill_self_once, (folder.path().join("mark"),)).unwrap(), 7);
    assert!(died(&pool.apply(kill_self_if, (true,)).unwrap_err()));
}

fn a_worker_killed_while_it_waits_costs_nothing() {
    let pool = Pool::new(1).unwrap();
    for round in 0..8 {
        assert_eq!(pool.apply(cube, (round,)).unwrap(), round * round * round);
        let pids = pool.pids();
        for pid in &pids {
            kill(*pid);
        }
        if round % 2 == 0 {
            eventually("another worker takes its place", || pool.pids().len() == 1 && pool.pids() != pids);
        }
    }
}

fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(pid.cast_signed()).unwrap();
    // One that has just ended by itself is as good.
    let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
}

fn workers_killed_at_any_moment_lose_nothing() {
    let pool = Pool::builder().workers(2).retries(1_000).build().unwrap();
    let result = pool.map_async_chunked(cube, 0..300_000, 100).unwrap();
    let mut kills = 0;
    while !result.ready() && kills < 12 {
        for pid in pool.pids() {
            kill(pid);
            kills += 1;
        }
        result.wait_timeout(Duration::from_millis(3));
    }
    assert!(result.get_timeout(DEADLINE).unwrap().into_iter().eq((0..300_000).map(cube)));
}

fn a_task_that_exits_the_process() {
    let pool = Pool::new(2).unwrap();
    let error = pool.apply(exit_with, (3,)).unwrap_err();
    assert!(died(&error) && error.to_string().contains("exit code 3"), "{error}");
    assert_eq!(pool.apply(cube, (2,)).unwrap(), 8);
}

fn a_result_that_cannot_be_read() {
    let pool = Pool::new(1).unwrap();
    let error = pool.apply(unreadable, ()).unwrap_err();
    assert!(matches!(error, PoolError::Task(TaskError::Value(_))), "{error}");
    assert_eq!(pool.apply(cube, (2,)).unwrap(), 8);
}

fn a_failing_initializer_stops_the_pool() {
    let pool = Pool::builder().workers(2).initializer(failing_initializer, ()).build().unwrap();
    let reason =
        |error: &PoolError| matches!(error, PoolError::Task(TaskError::PoolFailed(why)) if why.contains("no licence"));
    let error = pool.map(cube, 0..10).unwrap_err();
    assert!(reason(&error), "{error}");
    assert!(reason(&pool.apply(cube, (1,)).unwrap_err()));
    assert!(reason(&pool.join().unwrap_err()));

    let pool = Pool::builder().workers(2).initializer(dying_initializer, ()).build().unwrap();
    let error = pool.apply(cube, (1,)).unwrap_err();
    assert!(error.to_string().contains("exit code 7"), "{error}");
}

fn a_cancelled_call_ends_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let gate = folder.path().join("gate");
    let notes = |numbers: std::ops::Range<u32>| {
        numbers.filter(|number| folder.path().join(number.to_string()).exists()).count()
    };
    let waiting = |number| (folder.path().to_owned(), gate.clone(), number);
    // A cancelled task is not tried again.
    let pool = Pool::builder().workers(2).retries(1).build().unwrap();
    let other = pool.apply_async(note_and_wait, waiting(100)).unwrap();
    eventually("the other call", || notes(100..101) == 1);
    let before = pool.pids();
    let (told, hears) = std::sync::mpsc::channel();
    for round in 0..4 {
        let numbers = round * 8..round * 8 + 8;
        let chunk_size = 1 + round as usize % 2;
        let call = pool.starmap_async_chunked(note_and_wait, numbers.clone().map(waiting), chunk_size).unwrap();
        let told = told.clone();
        call.on_ready(move |outcome| told.send(outcome.clone()).unwrap());
        let behind = pool.map_async_chunked(cube, 0..4, 1).unwrap();
        eventually("its first task", || notes(numbers.clone()) == 1);
        assert!(pool.cancel(&call) && !pool.cancel(&call), "it can be cancelled once");
        assert_eq!(hears.recv_timeout(DEADLINE).unwrap(), Err(TaskError::Cancelled));
        assert_eq!((call.ready(), call.successful()), (true, Some(false)));
        assert!(matches!(call.get(), Err(PoolError::Task(TaskError::Cancelled))));
        assert_eq!(behind.get_timeout(DEADLINE).unwrap(), [0, 1, 8, 27]);
        assert_eq!(pool.map(cube, 0..4).unwrap(), [0, 1, 8, 27]);
        assert_eq!(notes(numbers), 1, "what had not begun is not begun");
    }
    assert!(!other.ready());
    assert_eq!(pool.pids().into_iter().filter(|pid| before.contains(pid)).count(), 1, "the worker of the other call");
    std::fs::write(&gate, "").unwrap();
    assert_eq!(other.get_timeout(DEADLINE).unwrap(), 100);
    assert!(!pool.cancel(&other), "it has its result");
    pool.close();
    pool.join().unwrap();
}

fn calls_cancelled_at_any_moment_cost_others_nothing() {
    let pool = Pool::new(2).unwrap();
    let mut cancelled = 0;
    for round in 0..60 {
        let before = pool.map_async_chunked(cube, 0..200, 1).unwrap();
        let call = pool.map_async_chunked(cube, 0..3_000, 1 + round % 3).unwrap();
        let after = pool.map_async_chunked(cube, 0..200, 1).unwrap();
        // Each time somewhat later.
        for _ in 0..round {
            pool.apply(cube, (2,)).unwrap();
        }
        let was_cancelled = pool.cancel(&call);
        cancelled += u32::from(was_cancelled);
        assert_eq!(call.get().is_err(), was_cancelled);
        for other in [before, after] {
            assert!(other.get_timeout(DEADLINE).unwrap().into_iter().eq((0..200).map(cube)), "round {round}");
        }
    }
    assert!(cancelled > 0, "some calls were under way");
    pool.close();
    pool.join().unwrap();
}

fn terminating_fails_what_is_under_way() {
    let [arrived, go_on] = [Event::new().unwrap(), Event::new().unwrap()];
    let pool =
        Pool::builder().workers(1).initializer(set_global_event, (arrived.clone(), go_on.clone())).build().unwrap();
    let running = pool.apply_async(wait_for_event_in_global, (0,)).unwrap();
    let waiting = pool.apply_async(wait_for_event_in_global, (1,)).unwrap();
    arrived.wait();
    pool.terminate();
    for result in [running, waiting] {
        assert!(matches!(result.get(), Err(PoolError::Task(TaskError::Terminated))));
    }
    pool.join().unwrap();
    assert!(matches!(pool.apply(cube, (1,)), Err(PoolError::Task(TaskError::Terminated))));
}

fn terminating_ends_what_tasks_have_started() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("mark");
    let pool = Pool::new(1).unwrap();
    let result = pool.apply_async(spawn_and_sleep, (mark.clone(),)).unwrap();
    eventually("the command runs", || mark.exists());
    let pid: u32 = std::fs::read_to_string(&mark).unwrap().parse().unwrap();
    assert!(is_running(pid));
    pool.terminate();
    pool.join().unwrap();
    eventually("the command ends", || !is_running(pid));
    assert!(matches!(result.get(), Err(PoolError::Task(TaskError::Terminated))));
}

fn joining_before_fetching_results() {
    let pool = Pool::new(2).unwrap();
    let result = pool.map_async_chunked(crate::functions::bytes_of, vec![100_000; 50], 1).unwrap();
    pool.close();
    pool.join().unwrap();
    assert_eq!(result.get().unwrap().len(), 50);
}

fn a_pool_that_is_dropped_leaves_nothing() {
    let pool = Pool::new(2).unwrap();
    let _unfetched = pool.map_async_chunked(cube, 0..100_000, 1).unwrap();
    drop(pool);
}
