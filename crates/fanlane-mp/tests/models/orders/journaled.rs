//! Journaled memory: its words change together or not at all.

use std::sync::Arc;

use crate::Test;
use crate::journaled::{Journaled, Locked};
use crate::orders::processes::{explore, explore_deaths, mortal, process};

pub const TESTS: &[Test] = &[
    ("journaled::an_owner_that_dies_leaves_all_or_nothing", an_owner_that_dies_leaves_all_or_nothing),
    ("journaled::a_process_that_repairs_may_die_as_well", a_process_that_repairs_may_die_as_well),
    ("journaled::committed_changes_stay", committed_changes_stay),
    ("journaled::a_reader_without_the_mutex_sees_changes_in_their_order", a_reader_sees_changes_in_their_order),
];

fn journaled() -> Arc<Journaled> {
    Arc::new(Journaled::create(b"testtest", 0).unwrap())
}

/// One number counts, in two halves, another has its double.
fn count(journaled: &Journaled) {
    let mut locked = journaled.lock();
    count_with(&mut locked);
}

fn count_with(locked: &mut Locked<'_>) {
    locked.add(0, 1);
    locked.add(1, 4);
    locked.add(0, 1);
}

fn counted(journaled: &Journaled) -> u64 {
    let locked = journaled.lock();
    assert_eq!(locked.get(1), 2 * locked.get(0), "they changed together");
    locked.get(0) / 2
}

fn an_owner_that_dies_leaves_all_or_nothing() -> usize {
    explore_deaths(3, |steps| {
        let journaled = journaled();
        let (one, other) = (Arc::clone(&journaled), Arc::clone(&journaled));
        let dies = mortal(2, steps, move || count(&one));
        let lives = process(3, move || {
            counted(&other);
            count(&other);
        });
        let died = dies.join().unwrap().is_none();
        lives.join().unwrap();
        let now = counted(&journaled);
        assert!(if died { (1..=2).contains(&now) } else { now == 2 }, "{now}");
    })
}

fn a_process_that_repairs_may_die_as_well() -> usize {
    // It has the mutex and has made three changes of four stores each; nothing is committed yet.
    const IN_THE_MIDDLE: u32 = 13;
    explore_deaths(2, |steps| {
        let journaled = journaled();
        let (first, second) = (Arc::clone(&journaled), Arc::clone(&journaled));
        let dies = mortal(2, IN_THE_MIDDLE, move || count(&first));
        let repairs = mortal(3, steps, move || count(&second));
        assert!(dies.join().unwrap().is_none());
        let repaired = repairs.join().unwrap().is_some();
        let now = counted(&journaled);
        assert!(now == 1 || now == 0 && !repaired, "{now}");
    })
}

/// Changes committed before the death are not undone with the rest.
fn committed_changes_stay() -> usize {
    explore_deaths(3, |steps| {
        let journaled = journaled();
        let view = Arc::clone(&journaled);
        let dies = mortal(2, steps, move || {
            let mut locked = view.lock();
            count_with(&mut locked);
            locked.commit();
            count_with(&mut locked);
        });
        let before = counted(&journaled);
        let died = dies.join().unwrap().is_none();
        let after = counted(&journaled);
        assert!(before <= after && (died || after == 2), "{before}, then {after}");
    })
}

fn a_reader_sees_changes_in_their_order() -> usize {
    explore(4, || {
        let journaled = journaled();
        let view = Arc::clone(&journaled);
        let reader = process(2, move || {
            let second = view.peek(1);
            let first = view.peek(0);
            assert!(first >= second, "{first} was changed before {second}");
            assert!(view.peek(0) >= first, "time goes on");
        });
        for number in 1..=2 {
            let mut locked = journaled.lock();
            locked.set(0, number);
            locked.set(1, number);
        }
        reader.join().unwrap();
        assert_eq!((journaled.peek(0), journaled.peek(1)), (2, 2));
    })
}
