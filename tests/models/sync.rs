//! Locks, semaphores, events and conditions: what a dead one held goes on to the next, who is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use loom::cell::UnsafeCell;

use crate::Test;
use crate::mp::sync::{Barrier, Condition, Event, Lock, Semaphore};
use crate::processes::{explore, explore_deaths, mortal, process};

pub const TESTS: &[Test] = &[
    ("sync::a_lock_lets_one_in_at_a_time", a_lock_lets_one_in_at_a_time),
    ("sync::the_lock_of_a_dead_holder_goes_to_the_next", the_lock_of_a_dead_holder_goes_to_the_next),
    ("sync::permits_of_the_dead_are_there_again", permits_of_the_dead_are_there_again),
    ("sync::all_who_meet_at_a_barrier_go_on", all_who_meet_at_a_barrier_go_on),
    ("sync::an_event_wakes_all_who_wait", an_event_wakes_all_who_wait),
    ("sync::one_who_dies_in_setting_keeps_nobody_waiting", one_who_dies_in_setting_keeps_nobody_waiting),
    ("sync::one_who_is_about_to_wait_is_notified", one_who_is_about_to_wait_is_notified),
    ("sync::a_dead_waiter_swallows_no_notification", a_dead_waiter_swallows_no_notification),
];

/// What a lock is for.
#[derive(Default)]
struct Guards(UnsafeCell<u32>);

#[expect(unsafe_code, reason = "loom's threads take turns on one of the system's")]
// SAFETY: loom checks each access.
unsafe impl Sync for Guards {}

impl Guards {
    fn touch(&self) {
        #[expect(unsafe_code, reason = "whether it is safe is what is tested")]
        // SAFETY: loom ends the model where another does so at the same time.
        self.0.with_mut(|value| unsafe { *value += 1 });
    }
}

fn a_lock_lets_one_in_at_a_time() -> usize {
    explore(3, || {
        let lock = Lock::new().unwrap();
        let guards = Arc::new(Guards::default());
        let others = [2, 3].map(|number| {
            let (lock, guards) = (lock.clone(), Arc::clone(&guards));
            process(number, move || {
                let guard = lock.acquire().unwrap();
                guards.touch();
                drop(guard);
            })
        });
        others.into_iter().for_each(|other| other.join().unwrap());
        guards.touch();
    })
}

fn the_lock_of_a_dead_holder_goes_to_the_next() -> usize {
    explore_deaths(3, |steps| {
        let lock = Lock::new().unwrap();
        let guards = Arc::new(Guards::default());
        let (its_lock, its_guards) = (lock.clone(), Arc::clone(&guards));
        let dies = mortal(2, steps, move || {
            let guard = its_lock.acquire().unwrap();
            its_guards.touch();
            drop(guard);
        });
        match lock.acquire() {
            Ok(_guard) => guards.touch(),
            Err(died) => {
                assert_eq!(died.pid, 2);
                guards.touch();
            }
        }
        let died = dies.join().unwrap().is_none();
        // It can have died after us as well, and is told of then.
        let last = lock.acquire();
        assert!(last.is_ok() || died);
    })
}

fn permits_of_the_dead_are_there_again() -> usize {
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

fn all_who_meet_at_a_barrier_go_on() -> usize {
    explore(3, || {
        let barrier = Barrier::new(2).unwrap();
        let there = barrier.clone();
        let other = process(2, move || [there.wait().unwrap(), there.wait().unwrap()]);
        let places = [barrier.wait().unwrap(), barrier.wait().unwrap()];
        let others = other.join().unwrap();
        for (one, other) in places.into_iter().zip(others) {
            assert_eq!(one + other, 1, "they come one after the other");
        }
        assert_eq!(barrier.n_waiting(), 0);
    })
}

fn an_event_wakes_all_who_wait() -> usize {
    explore(2, || {
        let event = Event::new().unwrap();
        let waiters = [2, 3].map(|number| {
            let event = event.clone();
            process(number, move || event.wait())
        });
        event.set();
        // Whoever came too late waits for the next time.
        event.clear();
        event.set();
        waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
    })
}

fn one_who_dies_in_setting_keeps_nobody_waiting() -> usize {
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

/// From the moment at which it lets the lock go.
fn one_who_is_about_to_wait_is_notified() -> usize {
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
        // That a holder has died is no harm to a flag.
        let _ = guard.wait();
    }
}
