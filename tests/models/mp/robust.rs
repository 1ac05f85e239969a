//! A mutex that goes to the next when its holder dies, who is told so until somebody has mended what it guards.

use std::sync::Arc;

use loom::sync::{Condvar, Mutex};

use super::memory::Segment;
use crate::processes;

pub const ROBUST_MUTEX_BYTES: usize = 64;

#[derive(Debug)]
pub struct Turns {
    state: Mutex<State>,
    given_back: Condvar,
}

#[derive(Debug, Default)]
struct State {
    holder: Option<u32>,
    holder_died: bool,
    /// It was given back without being mended: nobody can have it any more.
    is_lost: bool,
}

impl Turns {
    pub fn new() -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(State::default()), given_back: Condvar::new() })
    }

    /// Takes it from one who died.
    pub fn abandon(&self) {
        let mut state = self.state.lock().unwrap();
        state.holder = None;
        state.holder_died = true;
        drop(state);
        self.given_back.notify_one();
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
        while state.holder.is_some() {
            assert_ne!(state.holder, Some(processes::own()), "nobody waits for itself");
            state = turns.given_back.wait(state).unwrap();
        }
        assert!(!state.is_lost, "whoever got it from the dead said that it is mended");
        state.holder = Some(processes::own());
        processes::holds(turns);
        state.holder_died
    }

    pub fn make_consistent(self) {
        if processes::step() {
            self.segment.turns().state.lock().unwrap().holder_died = false;
        }
    }

    pub fn unlock(self) {
        if processes::step() {
            let turns = self.segment.turns();
            let mut state = turns.state.lock().unwrap();
            assert_eq!(state.holder, Some(processes::own()), "it is given back by its holder");
            state.holder = None;
            state.is_lost = state.holder_died;
            drop(state);
            processes::holds_no_more(turns);
            turns.given_back.notify_one();
        }
    }
}
