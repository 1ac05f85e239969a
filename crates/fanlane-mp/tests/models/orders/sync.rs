//! Locks, semaphores, barriers, events and conditions: what a dead process owned passes to the next owner, which is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use loom::cell::UnsafeCell;

use crate::Test;
use crate::orders::processes::{explore, explore_deaths, mortal, process};
use crate::sync::{Barrier, Condition, Event, Lock, Semaphore};

pub const TESTS: &[Test] = &[
    ("sync::a_lock_lets_one_in_at_a_time", a_lock_lets_one_in_at_a_time),
    ("sync::the_lock_of_a_dead_owner_passes_to_the_next", the_lock_of_a_dead_owner_passes_to_the_next),
    ("sync::permits_of_a_dead_process_are_available_again", permits_of_a_dead_process_are_available_again),
    ("sync::all_processes_at_a_barrier_go_on", all_processes_at_a_barrier_go_on),
    ("sync::an_event_wakes_all_waiters", an_event_wakes_all_waiters),
    ("sync::a_death_in_set_strands_no_waiter", a_death_in_set_strands_no_waiter),
    ("sync::a_process_that_is_about_to_wait_is_notified", a_process_that_is_about_to_wait_is_notified),
    ("sync::a_dead_waiter_swallows_no_notification", a_dead_waiter_swallows_no_notification),
];

/// A value protected by a lock.
#[derive(Default)]
struct Protected(UnsafeCell<u32>);

#[expect(unsafe_code, reason = "loom's threads take turns on one of the system's")]
// SAFETY: loom checks each access.
unsafe impl Sync for Protected {}

impl Protected {
    fn touch(&self) {
        #[expect(unsafe_code, reason = "whether it is safe is what is tested")]
        // SAFETY: loom fails the model if another process does so at the same time.
        self.0.with_mut(|number| unsafe { *number += 1 });
    }
}

fn a_lock_lets_one_in_at_a_time() -> usize {
    explore(3, || {
        let lock = Lock::new().unwrap();
        let value = Arc::new(Protected::default());
        let others = [2, 3].map(|number| {
            let (lock, value) = (lock.clone(), Arc::clone(&value));
            process(number, move || {
                let guard = lock.acquire().unwrap();
                value.touch();
                drop(guard);
            })
        });
        others.into_iter().for_each(|other| other.join().unwrap());
        value.touch();
    })
}

fn the_lock_of_a_dead_owner_passes_to_the_next() -> usize {
    explore_deaths(3, |steps| {
        let lock = Lock::new().unwrap();
        let value = Arc::new(Protected::default());
        let (its_lock, its_value) = (lock.clone(), Arc::clone(&value));
        let dies = mortal(2, steps, move || {
            let guard = its_lock.acquire().unwrap();
            its_value.touch();
            drop(guard);
        });
        match lock.acquire() {
            Ok(_guard) => value.touch(),
            Err(died) => {
                assert_eq!(died.pid, 2);
                value.touch();
            }
        }
        let died = dies.join().unwrap().is_none();
        // It can also have died after this process released the lock, and is reported then.
        let last = lock.acquire();
        assert!(last.is_ok() || died);
    })
}

fn permits_of_a_dead_process_are_available_again() -> usize {
    explore_deaths(3, |steps| {
        let semaphore = Semaphore::new(1).unwrap();
        let its = semaphore.clone();
        let dies = mortal(2, steps, move || drop(its.acquire().unwrap()));
        let permit = semaphore.acquire().unwrap_or_else(|died| died.into_guard());
        assert_eq!(semaphore.value(), 0, "there is no other");
        drop(permit);
        dies.join().unwrap();
        drop(semaphore.acquire().unwrap_or_else(|died| died.into_guard()));
        assert_eq!(semaphore.value(), 1);
    })
}

fn all_processes_at_a_barrier_go_on() -> usize {
    explore(3, || {
        let barrier = Barrier::new(2).unwrap();
        let there = barrier.clone();
        let other = process(2, move || [there.wait().unwrap(), there.wait().unwrap()]);
        let places = [barrier.wait().unwrap(), barrier.wait().unwrap()];
        let others = other.join().unwrap();
        for (one, other) in places.into_iter().zip(others) {
            assert_eq!(one + other, 1, "they arrive one after the other");
        }
        assert_eq!(barrier.n_waiting(), 0);
    })
}

fn an_event_wakes_all_waiters() -> usize {
    explore(2, || {
        let event = Event::new().unwrap();
        let waiters = [2, 3].map(|number| {
            let event = event.clone();
            process(number, move || event.wait())
        });
        event.set();
        // A waiter that comes too late for the first waits for the second.
        event.clear();
        event.set();
        waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
    })
}

fn a_death_in_set_strands_no_waiter() -> usize {
    explore_deaths(3, |steps| {
        let event = Event::new().unwrap();
        let (sets, waits) = (event.clone(), event.clone());
        let sets = mortal(2, steps, move || sets.set());
        let waits = process(3, move || waits.wait());
        sets.join().unwrap();
        if !event.is_set() {
            event.set();
        }
        waits.join().unwrap();
    })
}

/// It counts as waiting from the moment at which it releases the lock.
fn a_process_that_is_about_to_wait_is_notified() -> usize {
    explore(3, || {
        let condition = Condition::new().unwrap();
        let is_so = Arc::new(AtomicBool::new(false));
        let (its, for_it) = (condition.clone(), Arc::clone(&is_so));
        let waits = process(2, move || wait_until(&its, &for_it));
        let guard = condition.acquire().unwrap();
        is_so.store(true, Ordering::Relaxed);
        guard.notify_one();
        drop(guard);
        waits.join().unwrap();
    })
}

fn a_dead_waiter_swallows_no_notification() -> usize {
    explore_deaths(1, |steps| {
        let condition = Condition::new().unwrap();
        let (its, other) = (condition.clone(), condition.clone());
        let is_so = Arc::new(AtomicBool::new(false));
        let (for_it, for_other) = (Arc::clone(&is_so), Arc::clone(&is_so));
        let dies = mortal(2, steps, move || wait_until(&its, &for_it));
        let lives = process(3, move || wait_until(&other, &for_other));
        let guard = condition.acquire().unwrap_or_else(|died| died.into_guard());
        is_so.store(true, Ordering::Relaxed);
        guard.notify_all();
        drop(guard);
        dies.join().unwrap();
        lives.join().unwrap();
    })
}

fn wait_until(condition: &Condition, is_so: &AtomicBool) {
    let mut guard = condition.acquire().unwrap_or_else(|died| died.into_guard());
    while !is_so.load(Ordering::Relaxed) {
        // The death of an owner does no harm to a flag.
        let _ = guard.wait();
    }
}
