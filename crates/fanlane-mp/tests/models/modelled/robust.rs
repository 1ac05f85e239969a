//! A mutex that passes on when its owner dies; each next owner is told so until one has repaired what it protects.

use std::sync::Arc;

use loom::sync::{Condvar, Mutex};

use crate::orders::processes;
use crate::shared_memory::Segment;

pub const ROBUST_MUTEX_BYTES: usize = 64;

#[derive(Debug)]
pub struct MutexState {
    state: Mutex<Ownership>,
    unlocked: Condvar,
}

#[derive(Debug, Default)]
struct Ownership {
    owner: Option<u32>,
    owner_died: bool,
    /// It was unlocked without repair: it cannot be locked any more.
    is_lost: bool,
}

impl MutexState {
    pub fn new() -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(Ownership::default()), unlocked: Condvar::new() })
    }

    /// Takes it from an owner that died.
    pub fn abandon(&self) {
        let mut state = self.state.lock().unwrap();
        state.owner = None;
        state.owner_died = true;
        drop(state);
        self.unlocked.notify_one();
    }
}

#[derive(Debug, Clone, Copy)]
pub struct RobustMutex<'a> {
    segment: &'a Segment,
}

impl<'a> RobustMutex<'a> {
    pub const fn at(segment: &'a Segment, _offset: usize) -> Self {
        Self { segment }
    }

    pub fn make(self) -> std::io::Result<()> {
        Ok(())
    }

    pub fn lock(self) -> bool {
        if !processes::step() {
            return false;
        }
        let turns = self.segment.turns();
        let mut state = turns.state.lock().unwrap();
        while state.owner.is_some() {
            assert_ne!(state.owner, Some(processes::own()), "no process waits for itself");
            state = turns.unlocked.wait(state).unwrap();
        }
        assert!(!state.is_lost, "the next owner after a death has declared it repaired");
        state.owner = Some(processes::own());
        processes::holds(turns);
        state.owner_died
    }

    pub fn make_consistent(self) {
        if processes::step() {
            self.segment.turns().state.lock().unwrap().owner_died = false;
        }
    }

    pub fn unlock(self) {
        if processes::step() {
            let turns = self.segment.turns();
            let mut state = turns.state.lock().unwrap();
            assert_eq!(state.owner, Some(processes::own()), "it is unlocked by its owner");
            state.owner = None;
            state.is_lost = state.owner_died;
            drop(state);
            processes::holds_no_more(turns);
            turns.unlocked.notify_one();
        }
    }
}
