//! Pages: of each task it is certain who has it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::Test;
use crate::cursor::{Cursor, Sequence};
use crate::orders::processes::{explore, explore_deaths, mortal, process};

pub const TESTS: &[Test] = &[
    ("cursor::a_task_is_begun_or_taken_back", a_task_is_begun_or_taken_back),
    ("cursor::what_a_dead_worker_has_begun_is_known", what_a_dead_worker_has_begun_is_known),
];

const TASKS: Sequence = 3;

fn a_task_is_begun_or_taken_back() -> usize {
    explore(4, || {
        let cursor = Arc::new(Cursor::create().unwrap());
        let view = Arc::clone(&cursor);
        let worker = process(2, move || (0..TASKS).take_while(|task| view.begin(*task)).count());
        // Some of them first, then all.
        let first = cursor.take_back(TASKS - 1);
        let last = cursor.take_back(TASKS);
        let begun = u32::try_from(worker.join().unwrap()).unwrap();
        assert!(first <= begun && begun <= last.max(first), "{first}, {last}: {begun} are begun");
        assert!(first < TASKS - 1 || begun >= first, "what was not taken back then");
        assert_eq!((cursor.next(), last), (begun, begun), "what was taken back is what was not begun");
    })
}

fn what_a_dead_worker_has_begun_is_known() -> usize {
    explore_deaths(4, |steps| {
        let cursor = Arc::new(Cursor::create().unwrap());
        let (view, done) = (Arc::clone(&cursor), Arc::new(AtomicU32::new(0)));
        let counted = Arc::clone(&done);
        let worker = mortal(2, steps, move || {
            for task in (0..TASKS).take_while(|task| view.begin(*task)) {
                counted.store(task + 1, Ordering::Relaxed);
            }
        });
        let taken = cursor.take_back(TASKS);
        worker.join().unwrap();
        let done = done.load(Ordering::Relaxed);
        assert_eq!(cursor.next(), taken, "nothing is begun after it was taken back");
        assert_eq!(taken, done, "a worker dies between its tasks or in one of which it is known");
    })
}
