//! Locks, semaphores, conditions, events and barriers between processes.
//!
//! Each knows who holds it or waits at it. Whoever waits looks now and then whether those live; one that died without
//! giving back is reported to the next, who gets what the dead had.

mod barrier;
mod condition;
mod event;
mod lock;
mod rlock;
mod semaphore;

use std::time::{Duration, Instant};

pub use barrier::Barrier;
pub use condition::{Condition, ConditionGuard};
pub use event::Event;
pub use lock::{Lock, LockGuard};
pub use rlock::{RLock, RLockGuard};
pub use semaphore::{BoundedSemaphore, Permit, Semaphore};

use crate::mp::clock;
use crate::mp::journaled::{Journaled, Locked};
use crate::mp::process_id::ProcessId;

/// How often one who waits looks whether those it waits for live.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// One who held this has died without giving it back. What it guards may be half done; it is held now by whoever gets
/// this.
#[derive(Debug, thiserror::Error)]
#[error("process {pid}, which held this, has died: what it guards may be half done")]
pub struct OwnerDied<G> {
    /// What was waited for: it is held.
    pub guard: G,
    /// The number of the process that died.
    pub pid: u32,
}

impl<G> OwnerDied<G> {
    /// Goes on in spite of it.
    pub fn into_guard(self) -> G {
        self.guard
    }

    fn map<H>(self, change: impl FnOnce(G) -> H) -> OwnerDied<H> {
        OwnerDied { guard: change(self.guard), pid: self.pid }
    }
}

/// What may come of an attempt.
type Attempt<R> = Option<R>;

/// Tries until something comes of it, or until `deadline`. The attempt is told whether it should look for the dead.
fn until<R>(
    journaled: &Journaled,
    event_count: usize,
    deadline: Option<Instant>,
    mut attempt: impl FnMut(&mut Locked<'_>, bool) -> Attempt<R>,
) -> Option<R> {
    let event_count = journaled.event_count(event_count);
    let mut looks = false;
    loop {
        let count = event_count.count();
        if let Some(result) = attempt(&mut journaled.lock(), looks) {
            return Some(result);
        }
        let now = clock::now();
        if deadline.is_some_and(|deadline| now >= deadline) {
            // The last look, in which the dead count.
            return if looks { None } else { attempt(&mut journaled.lock(), true) };
        }
        let look_at = now + LOOK_EVERY;
        looks = !event_count.wait(count, Some(deadline.map_or(look_at, |deadline| deadline.min(look_at))));
    }
}

/// The process in a number, if it has died.
fn dead(word: u64) -> Option<u32> {
    ProcessId::from_word(word).filter(|life| !life.is_alive()).map(ProcessId::pid)
}

/// What all of these have in common: they are made in shared memory and travel as its descriptor.
macro_rules! shared_by_descriptor {
    ($type:ty, $kind:expr) => {
        impl $type {
            fn descriptor(&self) -> &std::sync::Arc<std::os::fd::OwnedFd> {
                self.journaled.descriptor()
            }

            fn from_descriptor(descriptor: std::os::fd::OwnedFd) -> std::io::Result<Self> {
                crate::mp::journaled::Journaled::open($kind, descriptor).map(|journaled| Self { journaled: std::sync::Arc::new(journaled) })
            }

            fn make() -> Result<Self, crate::mp::error::Error> {
                crate::mp::journaled::Journaled::create($kind, 0)
                    .map(|journaled| Self { journaled: std::sync::Arc::new(journaled) })
                    .map_err(crate::mp::error::Error::io("no shared memory for it can be had"))
            }
        }

        crate::mp::fd_passing::passed_by_descriptor!([] $type);
    };
}
use shared_by_descriptor;
