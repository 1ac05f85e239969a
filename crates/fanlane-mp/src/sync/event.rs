//! An event: a flag that processes wait for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::shared_by_descriptor;
use crate::error::SharedMemoryError;
use fanlane_os::clock::deadline_after;
use fanlane_os::journaled::Journaled;

const IS_SET: usize = 0;
/// How often it was set.
const SETS: usize = 1;
const WAS_SET: usize = 0;

/// A flag that is set or not. Setting it lets all waiters go on, also if it is cleared at once.
///
/// ```
/// let event = fanlane_mp::Event::new()?;
/// assert!(!event.wait_timeout(std::time::Duration::from_millis(1)));
/// event.set();
/// event.wait();
/// event.clear();
/// assert!(!event.is_set());
/// # Ok::<(), fanlane_mp::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Event {
    journaled: Arc<Journaled>,
}

shared_by_descriptor!(Event, b"flevent1");

impl Event {
    /// An event that is not set.
    ///
    /// # Errors
    /// When no descriptors or memory are left.
    pub fn new() -> Result<Self, SharedMemoryError> {
        Self::make()
    }

    /// Sets it: all waiters go on.
    pub fn set(&self) {
        let mut locked = self.journaled.lock();
        locked.set(IS_SET, 1);
        locked.add(SETS, 1);
        drop(locked);
        self.journaled.event_count(WAS_SET).notify();
    }

    /// Clears it.
    pub fn clear(&self) {
        self.journaled.lock().set(IS_SET, 0);
    }

    /// Whether it is set.
    pub fn is_set(&self) -> bool {
        self.journaled.peek(IS_SET) != 0
    }

    /// Waits until it is set.
    pub fn wait(&self) {
        self.wait_until(None);
    }

    /// As [`Event::wait`]; `false` when `timeout` is over first.
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        self.wait_until(deadline_after(timeout))
    }

    fn wait_until(&self, deadline: Option<Instant>) -> bool {
        let event_count = self.journaled.event_count(WAS_SET);
        let sets = self.journaled.peek(SETS);
        loop {
            let count = event_count.count();
            if self.is_set() || self.journaled.peek(SETS) != sets {
                return true;
            }
            if !event_count.wait(count, deadline) {
                return false;
            }
        }
    }
}
