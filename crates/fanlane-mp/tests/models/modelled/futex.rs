//! Sleeping and waking as the system does it: the number is compared while no wake-up can happen, and after the sleeper has
//! announced itself.
//!
//! Timeouts expire only once a process has died. As long as all live, every sleeper has to be woken: a lost wake-up is a
//! deadlock, which loom reports.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use loom::sync::atomic::fence;
use loom::sync::{Condvar, Mutex};

use crate::clock;
use crate::orders::processes;
use crate::shared_memory::AtomicU32;

/// The sleepers at one number.
#[derive(Debug)]
pub struct Sleepers {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    wakes: u32,
    time_is_over: bool,
}

impl Sleepers {
    pub fn new() -> Arc<Self> {
        let sleepers = Arc::new(Self { state: Mutex::new(State::default()), changed: Condvar::new() });
        processes::add_sleepers(&sleepers);
        sleepers
    }

    /// Expires the timeouts of all sleepers.
    pub fn end_timeouts(&self) {
        self.state.lock().unwrap().time_is_over = true;
        self.changed.notify_all();
    }
}

pub fn sleep(number: &AtomicU32, seen: u32, timeout: Duration) -> bool {
    if !processes::step() {
        return true;
    }
    let sleepers = number.sleepers();
    let mut state = sleepers.state.lock().unwrap();
    fence(Ordering::SeqCst);
    if number.as_seen_by_the_system() != seen {
        return true;
    }
    let wakes = state.wakes;
    // A wait without a deadline does not end by a death.
    let has_timeout = timeout < Duration::MAX;
    while state.wakes == wakes && !(has_timeout && state.time_is_over) {
        state = sleepers.changed.wait(state).unwrap();
    }
    let was_woken = state.wakes != wakes;
    drop(state);
    if !was_woken {
        clock::pass(timeout);
        // The other processes come first: the sleeper waits for their work.
        loom::thread::yield_now();
    }
    was_woken
}

pub fn wake_all(number: &AtomicU32) {
    if processes::step() {
        let sleepers = number.sleepers();
        sleepers.state.lock().unwrap().wakes += 1;
        sleepers.changed.notify_all();
    }
}
