//! Pools in tests under the usual test harness, as programs that use the library write them.

use fanlane_mp::{Pool, Process, init_before_main};

fn cube(x: i64) -> i64 {
    x * x * x
}

fn end_with(code: i32) {
    std::process::exit(code);
}

init_before_main![cube, end_with];

#[test]
fn workers_of_a_pool_work_under_the_test_harness() {
    assert_eq!(Pool::new(2).unwrap().map(cube, 1..=6).unwrap(), [1, 8, 27, 64, 125, 216]);
}

#[test]
fn a_process_of_its_own_runs_under_the_test_harness() {
    assert_eq!(Process::spawn(end_with, (3,)).unwrap().join().unwrap(), 3);
}
