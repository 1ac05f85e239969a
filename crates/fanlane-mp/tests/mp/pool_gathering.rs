//! Results that a pool's workers have gathered: they come though the next task takes long, each of them once.

use std::hint::black_box;
use std::sync::OnceLock;

use fanlane_mp::{Array, Event, Pool, PoolError, SharedBytes, TaskError};

use crate::{DEADLINE, Test};

pub const TESTS: &[Test] = &[
    ("pool_gathering::short_tasks_are_heard_of_while_a_long_one_goes_on", short_tasks_are_heard_of),
    ("pool_gathering::what_was_done_before_a_worker_is_killed_is_done_once", what_was_done_is_done_once),
    ("pool_gathering::tasks_of_any_length_give_each_result_once", tasks_of_any_length_give_each_result_once),
];

struct Scene {
    arrived: Event,
    go_on: Event,
    runs: Array<u32>,
}

static SCENE: OnceLock<Scene> = OnceLock::new();

/// An initializer.
pub fn set_scene(arrived: Event, go_on: Event, runs: Array<u32>) {
    assert!(SCENE.set(Scene { arrived, go_on, runs }).is_ok());
}

/// Counts that it has been called, and does not end if the number is zero, until the test allows it.
pub fn count_and_wait_if_zero(number: usize) -> usize {
    let scene = SCENE.get().unwrap();
    scene.runs.update(|runs| runs[number] += 1).unwrap();
    if number == 0 {
        scene.arrived.set();
        scene.go_on.wait();
    }
    number
}

/// What the test sees of its workers' scene.
fn scene(numbers: usize) -> Scene {
    let [arrived, go_on] = [(); 2].map(|()| Event::new().unwrap());
    Scene { arrived, go_on, runs: Array::zeroed(numbers).unwrap() }
}

fn pool_of(workers: usize, scene: &Scene) -> Pool {
    let args = (scene.arrived.clone(), scene.go_on.clone(), scene.runs.clone());
    Pool::builder().workers(workers).retries(1).initializer(set_scene, args).build().unwrap()
}

fn short_tasks_are_heard_of() {
    for short in [3, 4, 7, 40, 400] {
        let scene = scene(short + 1);
        let pool = pool_of(1, &scene);
        let inputs: Vec<usize> = (1..=short).chain([0]).collect();
        for chunk_size in [1, 3] {
            let before = short / chunk_size * chunk_size;
            scene.arrived.clear();
            scene.go_on.clear();
            let mut results = pool.imap_unordered_chunked(count_and_wait_if_zero, inputs.clone(), chunk_size);
            for number in &inputs[..before] {
                assert_eq!(results.next_timeout(DEADLINE).unwrap().unwrap(), *number);
            }
            assert!(scene.arrived.wait_timeout(DEADLINE));
            assert!(!scene.go_on.is_set(), "the long task goes on");
            scene.go_on.set();
            assert!(results.map(Result::unwrap).eq(inputs[before..].iter().copied()));
        }
        pool.close();
        pool.join().unwrap();
    }
}

fn what_was_done_is_done_once() {
    for short in [3, 40, 400] {
        let scene = scene(short + 1);
        let pool = pool_of(1, &scene);
        let mut inputs: Vec<usize> = (1..=short).collect();
        let before = short - short / 8;
        inputs.insert(before, 0);
        let mut results = pool.imap(count_and_wait_if_zero, inputs.clone());
        for number in &inputs[..before] {
            assert_eq!(results.next_timeout(DEADLINE).unwrap().unwrap(), *number);
        }
        assert!(scene.arrived.wait_timeout(DEADLINE));
        let pid = rustix::process::Pid::from_raw(pool.pids()[0].cast_signed()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        scene.go_on.set();
        assert!(results.map(Result::unwrap).eq(inputs[before..].iter().copied()));
        let runs = scene.runs.to_vec().unwrap();
        assert!(runs[0] == 2 && runs[1..].iter().all(|runs| *runs == 1), "{runs:?}");
        pool.close();
        pool.join().unwrap();
    }
}

/// The next of a row of numbers that look as if they had no order.
fn scrambled(number: u64) -> u64 {
    let number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ number >> 31
}

/// What comes of a task: most are small, some large, some are a descriptor.
type Mixed = (u64, Vec<u8>, Option<SharedBytes>);

/// So long are the bytes of a task's value, and those that are a descriptor.
fn mixed_lengths(seed: u64) -> (usize, Option<usize>) {
    let kind = scrambled(seed ^ 1);
    let large = if kind.is_multiple_of(61) { 90_000 } else { kind as usize % 20 };
    (large, kind.is_multiple_of(23).then_some(40_000))
}

fn is_odd_one(seed: u64) -> bool {
    scrambled(seed ^ 2).is_multiple_of(17)
}

/// Most take next to no time, some a fraction of a millisecond, few many of them.
pub fn take_any_time(seed: u64) -> Mixed {
    std::panic::set_hook(Box::new(|_| {}));
    let steps = match scrambled(seed) % 256 {
        0..3 => 2_000_000,
        3..40 => 5_000,
        _ => 5,
    };
    black_box((0..steps).fold(seed, |number, _| scrambled(black_box(number))));
    assert!(!is_odd_one(seed), "{seed} is odd");
    let (plain, shared) = mixed_lengths(seed);
    let shared = shared.map(|len| SharedBytes::build(len, |bytes| bytes.fill(seed as u8)).unwrap());
    (seed, vec![seed as u8; plain], shared)
}

fn tasks_of_any_length_give_each_result_once() {
    const TASKS: u64 = 3_000;
    let pool = Pool::new(2).unwrap();
    for (round, chunk_size) in [1, 1, 3, 8].into_iter().enumerate() {
        let seeds = || (0..TASKS).map(|number| scrambled(number + round as u64 * TASKS));
        let mut count = 0;
        for (seed, outcome) in seeds().zip(pool.imap_chunked(take_any_time, seeds(), chunk_size)) {
            match outcome {
                Ok((number, plain, shared)) => {
                    assert!(number == seed && !is_odd_one(seed));
                    assert_eq!((plain.len(), shared.as_ref().map(|shared| shared.len())), mixed_lengths(seed));
                    let is_of_seed = |byte: &u8| *byte == seed as u8;
                    assert!(plain.iter().all(is_of_seed) && shared.iter().flat_map(|shared| &**shared).all(is_of_seed));
                }
                Err(PoolError::Task(TaskError::Panicked(words))) => {
                    assert!(is_odd_one(seed) && words == format!("{seed} is odd"), "{seed}: {words}");
                }
                Err(other) => panic!("{seed}: {other}"),
            }
            count += 1;
        }
        assert_eq!(count, TASKS);
    }
    pool.close();
    pool.join().unwrap();
}
