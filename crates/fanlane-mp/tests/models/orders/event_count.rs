//! Event counts: a waiter goes on once what it waits for has happened.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::Test;
use crate::event_count::EventCount;
use crate::orders::processes::{explore, explore_deaths, mortal, process};
use crate::shared_memory::{AtomicU32, AtomicU64};

pub const TESTS: &[Test] = &[
    ("event_count::one_notification_wakes_all_waiters", one_notification_wakes_all_waiters),
    ("event_count::a_waiter_sees_the_last_of_several_notifications", a_waiter_sees_the_last_of_several_notifications),
    ("event_count::a_waiter_that_is_killed_swallows_nothing", a_waiter_that_is_killed_swallows_nothing),
    ("event_count::a_notifier_that_is_killed_strands_no_waiter", a_notifier_that_is_killed_strands_no_waiter),
];

/// An event count and what it is rung for.
struct Board {
    notifications: AtomicU32,
    sleepers: AtomicU32,
    events: AtomicU64,
}

impl Board {
    fn new() -> Arc<Self> {
        Arc::new(Self { notifications: AtomicU32::new(0), sleepers: AtomicU32::new(0), events: AtomicU64::new(0) })
    }

    fn event_count(&self) -> EventCount<'_> {
        EventCount::new(&self.notifications, &self.sleepers)
    }

    fn happen(&self) {
        self.events.fetch_add(1, Ordering::Release);
        self.event_count().notify();
    }

    fn wait_for(&self, events: u64) {
        loop {
            let count = self.event_count().count();
            if self.events.load(Ordering::Acquire) >= events {
                return;
            }
            assert!(self.event_count().wait(count, None), "it waits without end");
        }
    }
}

fn one_notification_wakes_all_waiters() -> usize {
    explore(3, || {
        let board = Board::new();
        let waiters = [2, 3].map(|number| {
            let board = Arc::clone(&board);
            process(number, move || board.wait_for(1))
        });
        board.happen();
        waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
    })
}

fn a_waiter_sees_the_last_of_several_notifications() -> usize {
    explore(3, || {
        let board = Board::new();
        let notifiers = [2, 3].map(|number| {
            let board = Arc::clone(&board);
            process(number, move || board.happen())
        });
        board.wait_for(2);
        notifiers.into_iter().for_each(|notifier| notifier.join().unwrap());
    })
}

/// If only one sleeper were woken, it could be the dead one.
fn a_waiter_that_is_killed_swallows_nothing() -> usize {
    explore_deaths(3, |steps| {
        let board = Board::new();
        let (one, other) = (Arc::clone(&board), Arc::clone(&board));
        let dies = mortal(2, steps, move || one.wait_for(1));
        let lives = process(3, move || other.wait_for(1));
        board.happen();
        dies.join().unwrap();
        lives.join().unwrap();
    })
}

/// It may have cleared the mark of sleepers already and not have woken them yet.
fn a_notifier_that_is_killed_strands_no_waiter() -> usize {
    explore_deaths(3, |steps| {
        let board = Board::new();
        let (one, other) = (Arc::clone(&board), Arc::clone(&board));
        let dies = mortal(2, steps, move || other.happen());
        let waits = process(3, move || one.wait_for(1));
        if dies.join().unwrap().is_none() && board.events.load(Ordering::Acquire) == 0 {
            board.happen();
        }
        waits.join().unwrap();
    })
}
