//! Whether commands may be started: while this process ends, or stops what it has started, none begins behind its back.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Open, but for the time of a suspension, until the process ends.
#[derive(Debug)]
pub struct LaunchGate {
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Debug)]
struct GateState {
    position: Position,
    /// Number of launches under way.
    within: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    Open,
    Held,
    Closed,
}

/// A launch under way, until it is dropped.
#[derive(Debug)]
pub struct Within<'a>(&'a LaunchGate);

impl LaunchGate {
    pub const fn new() -> Self {
        Self { state: Mutex::new(GateState { position: Position::Open, within: 0 }), changed: Condvar::new() }
    }

    /// Enters for the time of one launch. Where the gate is not open the calling thread stands still: until it is opened again, or
    /// its process ends.
    pub fn enter(&self) -> Within<'_> {
        let mut state = self.state();
        while state.position != Position::Open {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.within += 1;
        Within(self)
    }

    /// Lets none enter any more, and waits for launches under way. Returns at the deadline where one does not end, because the
    /// system holds it.
    pub fn close(&self, deadline: Instant) {
        self.set(Position::Closed);
        self.wait_for_launches(deadline);
    }

    /// As [`LaunchGate::close`], until [`LaunchGate::open`].
    pub fn hold(&self, deadline: Instant) {
        self.set(Position::Held);
        self.wait_for_launches(deadline);
    }

    /// Opens it again, if it was held.
    pub fn open(&self) {
        self.set(Position::Open);
    }

    /// Once closed, it stays so.
    fn set(&self, position: Position) {
        let mut state = self.state();
        if state.position != Position::Closed {
            state.position = position;
            self.changed.notify_all();
        }
    }

    fn wait_for_launches(&self, deadline: Instant) {
        let mut state = self.state();
        while state.within > 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            if left == Duration::ZERO {
                return;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn state(&self) -> MutexGuard<'_, GateState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Within<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.within -= 1;
        if state.within == 0 && state.position != Position::Open {
            self.0.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_launch_under_way_is_waited_for_and_none_begins_after_it() {
        for held in [false, true] {
            let gate = Arc::new(LaunchGate::new());
            let within = gate.enter();
            let (closed, told) = mpsc::channel();
            let own = Arc::clone(&gate);
            let closing = std::thread::spawn(move || {
                let deadline = Instant::now() + LONG;
                if held {
                    own.hold(deadline)
                } else {
                    own.close(deadline)
                }
                closed.send(()).expect("it is waited for");
            });
            while gate.state().position == Position::Open {
                std::thread::yield_now();
            }
            assert!(told.try_recv().is_err(), "it was closed during a launch");
            drop(within);
            told.recv_timeout(LONG).expect("it closes");
            closing.join().expect("it closes");
            let (entered, told) = mpsc::channel();
            let own = Arc::clone(&gate);
            let entering = std::thread::spawn(move || {
                let _within = own.enter();
                entered.send(()).expect("it is waited for");
            });
            gate.open();
            if held {
                told.recv_timeout(LONG).expect("it enters");
                entering.join().expect("it enters");
            } else {
                assert_eq!(gate.state().position, Position::Closed, "for good");
                assert!(told.try_recv().is_err());
            }
        }
    }

    #[test]
    fn a_launch_that_does_not_end_holds_up_the_end_for_a_while_only() {
        let gate = LaunchGate::new();
        let _within = gate.enter();
        gate.close(Instant::now());
    }
}
