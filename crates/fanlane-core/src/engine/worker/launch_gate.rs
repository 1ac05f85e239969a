//! Whether commands may be started: while this process ends, none begins behind the back of what ends them all.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, TryLockError};
use std::time::{Duration, Instant};

/// Open until the process ends.
#[derive(Debug)]
pub struct LaunchGate {
    is_open: RwLock<bool>,
}

impl LaunchGate {
    pub const fn new() -> Self {
        Self { is_open: RwLock::new(true) }
    }

    /// Enters for the time of one launch. Where the gate is closed the calling thread stands still: its process ends.
    pub fn enter(&self) -> RwLockReadGuard<'_, bool> {
        loop {
            let open = self.is_open.read().unwrap_or_else(PoisonError::into_inner);
            if *open {
                return open;
            }
            drop(open);
            std::thread::park();
        }
    }

    /// Closes the gate once no launch is under way. Returns at the deadline where one does not end, because the system holds it.
    pub fn close(&self, deadline: Instant) {
        const PAUSE: Duration = Duration::from_micros(250);
        loop {
            match self.is_open.try_write() {
                Ok(mut open) => {
                    *open = false;
                    return;
                }
                Err(TryLockError::Poisoned(open)) => {
                    *open.into_inner() = false;
                    return;
                }
                Err(TryLockError::WouldBlock) if Instant::now() >= deadline => return,
                Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn a_launch_under_way_is_waited_for_and_none_begins_after_it() {
        let gate = Arc::new(LaunchGate::new());
        let (launched, closed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let within = gate.enter();
        let closing = {
            let (gate, launched, closed) = (Arc::clone(&gate), Arc::clone(&launched), Arc::clone(&closed));
            std::thread::spawn(move || {
                gate.close(Instant::now() + Duration::from_secs(60));
                assert!(launched.load(Ordering::SeqCst), "it was closed during a launch");
                closed.store(true, Ordering::SeqCst);
            })
        };
        launched.store(true, Ordering::SeqCst);
        drop(within);
        closing.join().expect("it closes");
        assert!(closed.load(Ordering::SeqCst) && !*gate.is_open.read().expect("it is free"));
    }

    #[test]
    fn a_launch_that_does_not_end_holds_up_the_end_for_a_while_only() {
        let gate = LaunchGate::new();
        let _within = gate.enter();
        gate.close(Instant::now());
    }
}
