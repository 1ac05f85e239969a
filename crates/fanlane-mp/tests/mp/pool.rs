//! Pools that nothing happens to.

use std::collections::HashSet;
use std::time::Duration;

use fanlane_mp::{Event, Pool, PoolError, SpawnError, TaskError, ThreadPool};

use crate::functions::{
    bytes_of, cube, failing_initializer, half, nothing, odd_panics, own_pid, power, set_global_event, shared_bytes,
    uses_standard_descriptors, wait_for_event_in_global,
};
use crate::{DEADLINE, Test, eventually};

pub const TESTS: &[Test] = &[
    ("pool::every_way_to_call", every_way_to_call),
    ("pool::what_is_not_registered", what_is_not_registered),
    ("pool::large_maps_and_results", large_maps_and_results),
    ("pool::a_panic_is_its_own_item_s_alone", a_panic_is_its_own_item_s_alone),
    ("pool::an_endless_input_is_taken_as_it_is_needed", an_endless_input_is_taken_as_it_is_needed),
    ("pool::few_large_results_are_made_ahead", few_large_results_are_made_ahead),
    ("pool::large_results_that_are_kept_do_not_delay_others", large_results_that_are_kept_do_not_delay_others),
    ("pool::results_can_be_waited_for_and_heard_of", results_can_be_waited_for_and_heard_of),
    ("pool::workers_are_replaced_after_their_tasks", workers_are_replaced_after_their_tasks),
    ("pool::it_grows_and_shrinks_while_it_works", it_grows_and_shrinks_while_it_works),
    ("pool::closed_it_does_what_it_has", closed_it_does_what_it_has),
    ("pool::a_result_of_imap_is_waited_for_only_so_long", a_result_of_imap_is_waited_for_only_so_long),
    ("pool::nothing_is_stuck_behind_a_long_task", nothing_is_stuck_behind_a_long_task),
    ("pool::calls_from_many_threads", calls_from_many_threads),
    ("pool::a_function_may_use_the_standard_descriptors", a_function_may_use_the_standard_descriptors),
];

fn a_function_may_use_the_standard_descriptors() {
    let pool = Pool::new(2).unwrap();
    let expected: Vec<(u32, usize)> = (0..50).map(|x| (x, 0)).collect();
    assert_eq!(pool.map_chunked(uses_standard_descriptors, 0..50, 1).unwrap(), expected);
    assert_eq!(pool.apply(uses_standard_descriptors, (7,)).unwrap(), (7, 0));
    finish(&pool);
}

fn finish(pool: &Pool) {
    pool.close();
    pool.join().unwrap();
}

/// What holds of a pool of processes and of one of threads: the interface that they have in common.
macro_rules! every_way_to_call {
    ($kind:ident) => {{
        let pool = $kind::new(2).unwrap();
        assert_eq!(pool.size(), 2);
        assert_eq!(pool.apply(power, (2, 5)).unwrap(), 32);
        assert_eq!(pool.apply_async(power, (3, 2)).unwrap().get().unwrap(), 9);
        let expected: Vec<i64> = (0..100).map(cube).collect();
        assert_eq!(pool.map(cube, 0..100).unwrap(), expected);
        assert_eq!(pool.map_chunked(cube, 0..100, 7).unwrap(), expected);
        assert_eq!(pool.map(cube, (0..100).filter(|_| true)).unwrap(), expected);
        assert_eq!(pool.map_async(cube, 0..100).unwrap().get().unwrap(), expected);
        assert_eq!(pool.map_async_chunked(cube, 0..100, 1).unwrap().get().unwrap(), expected);
        assert_eq!(pool.starmap_async(power, [(2, 3)]).unwrap().get().unwrap(), [8]);
        assert_eq!(pool.starmap(power, [(2, 1), (2, 2), (2, 3)]).unwrap(), [2, 4, 8]);
        assert_eq!(pool.starmap_async_chunked(power, [(2, 1)], 9).unwrap().get().unwrap(), [2]);
        assert_eq!(pool.imap(cube, 0..100).collect::<Result<Vec<_>, _>>().unwrap(), expected);
        assert_eq!(pool.imap_chunked(cube, 0..100, 7).collect::<Result<Vec<_>, _>>().unwrap(), expected);
        for chunk_size in [1, 7] {
            let mut cubes: Vec<_> =
                pool.imap_unordered_chunked(cube, 0..100, chunk_size).collect::<Result<_, _>>().unwrap();
            cubes.sort_unstable();
            assert_eq!(cubes, expected);
        }
        assert_eq!(pool.imap_unordered(cube, 2..3).next().unwrap().unwrap(), 8);
        assert!(pool.map(cube, []).unwrap().is_empty());
        assert_eq!(pool.imap(cube, []).count(), 0);
        // What a function returns as an error is a value like any other.
        assert_eq!(pool.map(half, [4, 5]).unwrap(), [Ok(2), Err("5 is odd".to_owned())]);
        let (told, hears) = std::sync::mpsc::channel();
        pool.apply_async(cube, (3,)).unwrap().on_ready(move |outcome| told.send(outcome.clone()).unwrap());
        assert_eq!(hears.recv_timeout(DEADLINE).unwrap(), Ok(27));
        let mut results = pool.imap(cube, 0..3);
        assert_eq!(results.next_timeout(DEADLINE).unwrap().unwrap(), 0);
        assert_eq!(results.by_ref().map(Result::unwrap).collect::<Vec<_>>(), [1, 8]);
        assert!(results.next_timeout(DEADLINE).is_none());
        let error = pool.map_chunked(odd_panics, [2, 4, 5, 6], 2).unwrap_err();
        assert!(matches!(error, PoolError::Task(TaskError::Panicked(words)) if words == "5 is odd"));
        let outcomes: Vec<bool> = pool.imap_chunked(odd_panics, [2, 4, 5, 6], 2).map(|one| one.is_ok()).collect();
        assert_eq!(outcomes, [true, true, false, true]);
        pool.resize(3).unwrap();
        assert_eq!(pool.size(), 3);
        pool.resize(1).unwrap();
        assert!(pool.resize(0).is_err() && pool.join().is_err());
        pool.close();
        assert!(matches!(pool.apply(cube, (1,)), Err(PoolError::Task(TaskError::PoolClosed))));
        pool.join().unwrap();

        let pool = $kind::builder().workers(2).initializer(nothing, ()).max_tasks_per_child(3).build().unwrap();
        assert_eq!(pool.map_chunked(cube, 0..100, 1).unwrap(), expected);
        pool.terminate();
        pool.join().unwrap();
        let pool = $kind::builder().workers(1).initializer(failing_initializer, ()).build().unwrap();
        let failed = |error: &PoolError| matches!(error, PoolError::Task(TaskError::PoolFailed(why)) if why.contains("no licence"));
        assert!(pool.apply(cube, (1,)).is_err_and(|error| failed(&error)));
        pool.close();
        assert!(pool.join().is_err_and(|error| failed(&error)));
    }};
}

fn every_way_to_call() {
    every_way_to_call!(Pool);
    every_way_to_call!(ThreadPool);
    // A task of threads has silenced the panics of this very process.
    drop(std::panic::take_hook());
}

fn what_is_not_registered() {
    let pool = Pool::new(1).unwrap();
    fn unknown(x: u8) -> u8 {
        x
    }
    assert!(matches!(pool.apply(unknown, (1,)), Err(PoolError::Spawn(SpawnError::NotRegistered(_)))));
    assert!(matches!(pool.imap(unknown, [1]).next(), Some(Err(PoolError::Spawn(SpawnError::NotRegistered(_))))));
    finish(&pool);
}

fn large_maps_and_results() {
    let pool = Pool::new(3).unwrap();
    let cubes = pool.map(cube, 0..200_000).unwrap();
    assert!(cubes.into_iter().eq((0..200_000).map(cube)));
    let cubes = pool.map_chunked(cube, 0..20_000, 1).unwrap();
    assert!(cubes.into_iter().eq((0..20_000).map(cube)));
    let lens = [0, 1, 3 << 20, 5];
    let results = pool.map_chunked(bytes_of, lens, 1).unwrap();
    assert!(results.iter().map(Vec::len).eq(lens) && results.iter().flatten().all(|byte| *byte == 9));
    finish(&pool);
}

fn a_panic_is_its_own_item_s_alone() {
    let pool = Pool::new(2).unwrap();
    let outcomes: Vec<_> = pool.imap_chunked(odd_panics, 0..6, 3).collect();
    for (number, outcome) in (0..6).zip(outcomes) {
        match outcome {
            Ok(half) => assert_eq!(half * 2, number),
            Err(PoolError::Task(TaskError::Panicked(message))) => assert_eq!(message, format!("{number} is odd")),
            Err(other) => panic!("{other}"),
        }
    }
    // The first in the order of the inputs, whichever came first.
    let error = pool.map_chunked(odd_panics, [2, 3, 5], 1).unwrap_err();
    assert!(error.to_string().contains("3 is odd"), "{error}");
    assert_eq!(pool.apply(odd_panics, (8,)).unwrap(), 4);
    finish(&pool);
}

fn an_endless_input_is_taken_as_it_is_needed() {
    let pool = Pool::new(2).unwrap();
    let mut taken = 0_i64;
    let first: Vec<_> = pool
        .imap(
            cube,
            std::iter::from_fn(|| {
                taken += 1;
                Some(taken)
            }),
        )
        .take(3)
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(first, [1, 8, 27]);
    assert!(taken < 10_000);
}

fn few_large_results_are_made_ahead() {
    const MAX_AHEAD_BYTES: usize = 64 << 20;
    let pool = Pool::new(1).unwrap();
    let (mut inputs, mut results, mut bytes) = (0, 0, 0);
    let numbers = std::iter::from_fn(|| {
        inputs += 1;
        Some(7)
    });
    for result in pool.imap(shared_bytes, numbers).take(3_000) {
        results += 1;
        bytes += result.unwrap().len();
    }
    let ahead_bytes = (inputs - results) * (bytes / results);
    assert!(ahead_bytes <= MAX_AHEAD_BYTES, "{inputs} inputs were taken for {results} results");
}

/// A worker waits for readers of its results, and not for ever: neither for those that keep them nor for itself.
fn large_results_that_are_kept_do_not_delay_others() {
    let pool = Pool::new(1).unwrap();
    let kept: Vec<_> = pool.imap(shared_bytes, vec![7; 100]).collect::<Result<_, _>>().unwrap();
    let more = pool.map_chunked(shared_bytes, vec![8; 100], 25).unwrap();
    assert!(kept.iter().all(|bytes| bytes.iter().all(|byte| *byte == 7)));
    assert!(more.iter().all(|bytes| bytes.iter().all(|byte| *byte == 8)));
    finish(&pool);
}

fn results_can_be_waited_for_and_heard_of() {
    let [arrived, go_on] = [Event::new().unwrap(), Event::new().unwrap()];
    let pool =
        Pool::builder().workers(1).initializer(set_global_event, (arrived.clone(), go_on.clone())).build().unwrap();
    let result = pool.apply_async(wait_for_event_in_global, (0,)).unwrap();
    arrived.wait();
    assert!(!result.ready() && result.successful().is_none());
    assert!(matches!(result.get_timeout(Duration::from_millis(1)), Err(PoolError::TimedOut)));
    let (told, hears) = std::sync::mpsc::channel();
    result.on_ready(move |outcome| told.send(outcome.clone()).unwrap());
    go_on.set();
    assert_eq!(hears.recv_timeout(DEADLINE).unwrap(), Ok(0));
    result.wait();
    assert_eq!(result.successful(), Some(true));
    assert_eq!(result.get().unwrap(), 0);
    finish(&pool);
}

fn workers_are_replaced_after_their_tasks() {
    let pool = Pool::builder().workers(2).max_tasks_per_child(3).build().unwrap();
    let pids = pool.map_chunked(own_pid, 0..30, 1).unwrap();
    for pid in &pids {
        assert!(pids.iter().filter(|other| *other == pid).count() <= 3);
    }
    assert!(pids.iter().collect::<HashSet<_>>().len() >= 10);
    let pids = pool.map_chunked(own_pid, 0..30, 10).unwrap();
    assert_eq!(pids.len(), 30, "a task is a chunk");
    finish(&pool);
}

fn it_grows_and_shrinks_while_it_works() {
    let pool = Pool::new(1).unwrap();
    let result = pool.map_async_chunked(cube, 0..20_000, 1).unwrap();
    pool.resize(3).unwrap();
    assert_eq!(pool.size(), 3);
    eventually("three workers run", || pool.pids().len() == 3);
    pool.resize(1).unwrap();
    assert_eq!(pool.size(), 1);
    assert_eq!(result.get().unwrap().len(), 20_000);
    eventually("one worker runs", || pool.pids().len() == 1);
    pool.resize(2).unwrap();
    assert_eq!(pool.map(cube, 0..10).unwrap().len(), 10);
    assert!(matches!(pool.resize(0), Err(PoolError::NoWorkers)));
    finish(&pool);
    assert!(matches!(pool.resize(2), Err(PoolError::Task(TaskError::PoolClosed))));
}

fn closed_it_does_what_it_has() {
    let pool = Pool::new(2).unwrap();
    assert!(matches!(pool.join(), Err(PoolError::Open)));
    let result = pool.map_async_chunked(cube, 0..5_000, 1).unwrap();
    pool.close();
    assert!(matches!(pool.apply(cube, (1,)), Err(PoolError::Task(TaskError::PoolClosed))));
    pool.join().unwrap();
    assert!(result.ready());
    assert_eq!(result.get().unwrap().len(), 5_000);
}

fn a_result_of_imap_is_waited_for_only_so_long() {
    let [arrived, go_on] = [Event::new().unwrap(), Event::new().unwrap()];
    let pool =
        Pool::builder().workers(1).initializer(set_global_event, (arrived.clone(), go_on.clone())).build().unwrap();
    let mut results = pool.imap(wait_for_event_in_global, [0, 2]);
    for _ in 0..2 {
        assert!(matches!(results.next_timeout(Duration::from_millis(1)), Some(Err(PoolError::TimedOut))));
    }
    arrived.wait();
    go_on.set();
    assert_eq!(results.next_timeout(DEADLINE).unwrap().unwrap(), 0);
    assert_eq!(results.next().unwrap().unwrap(), 2);
    assert!(results.next().is_none());
    let gate = std::sync::Arc::new(std::sync::Barrier::new(2));
    let threads = ThreadPool::new(1).unwrap();
    let inside = std::sync::Arc::clone(&gate);
    let wait = move |number: u32| {
        inside.wait();
        number
    };
    let mut results = threads.imap(wait, [7]);
    assert!(matches!(results.next_timeout(Duration::from_millis(1)), Some(Err(PoolError::TimedOut))));
    gate.wait();
    assert_eq!(results.next_timeout(DEADLINE).unwrap().unwrap(), 7);
    finish(&pool);
}

fn nothing_is_stuck_behind_a_long_task() {
    let [arrived, go_on] = [Event::new().unwrap(), Event::new().unwrap()];
    let pool =
        Pool::builder().workers(2).initializer(set_global_event, (arrived.clone(), go_on.clone())).build().unwrap();
    // So that the tasks are known to be short.
    let many: Vec<u32> = (1..4_000).collect();
    let before = pool.map_async_chunked(wait_for_event_in_global, many.clone(), 1).unwrap();
    let long = pool.apply_async(wait_for_event_in_global, (0,)).unwrap();
    let after = pool.map_async_chunked(wait_for_event_in_global, many, 1).unwrap();
    arrived.wait();
    assert_eq!(before.get_timeout(DEADLINE).unwrap().len(), 3_999);
    assert_eq!(after.get_timeout(DEADLINE).unwrap().len(), 3_999, "one worker does what the other cannot");
    assert!(!long.ready());
    go_on.set();
    assert_eq!(long.get().unwrap(), 0);
    finish(&pool);
}

fn calls_from_many_threads() {
    let pool = Pool::new(2).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let pool = &pool;
            scope.spawn(move || {
                for number in 0..200 {
                    assert_eq!(pool.apply(cube, (thread * number,)).unwrap(), cube(thread * number));
                }
            });
        }
    });
    finish(&pool);
}
