//! Locks, semaphores, conditions, events and barriers between processes.
//!
//! Each records its owners and waiters. A waiter checks at intervals that the owners are alive; one that died without
//! releasing is reported to the next owner, which gets what the dead process had.

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

use crate::error::{Error, LockError};
use fanlane_os::clock;
use fanlane_os::journaled::{Journaled, Locked};
use fanlane_os::process_id::ProcessId;

/// How often a waiter checks that the owners it waits for are alive.
const OWNER_CHECK_INTERVAL: Duration = Duration::from_millis(20);

/// The process that owned this died without releasing it. What is protected may be half changed; the caller owns it now.
#[derive(Debug, thiserror::Error)]
#[error("process {pid}, which owned this, has died: what is protected by it may be half changed")]
pub struct OwnerDied<G> {
    /// The guard of what was waited for: the caller owns it.
    pub guard: G,
    /// The id of the process that died.
    pub pid: u32,
}

impl<G> OwnerDied<G> {
    /// Gives the guard, to go on in spite of the death.
    pub fn into_guard(self) -> G {
        self.guard
    }
}

/// Without the guard, which is dropped: for callers to which the death is the end of the matter.
impl<G> From<OwnerDied<G>> for LockError {
    fn from(died: OwnerDied<G>) -> Self {
        Self::OwnerDied { pid: died.pid }
    }
}

impl<G> From<OwnerDied<G>> for Error {
    fn from(died: OwnerDied<G>) -> Self {
        LockError::from(died).into()
    }
}

/// Attempts until there is a result; `None` when `deadline` comes first. The attempt is told whether it should check that
/// owners are alive.
fn until<R>(
    journaled: &Journaled,
    changed: usize,
    deadline: Option<Instant>,
    mut attempt: impl FnMut(&mut Locked<'_>, bool) -> Option<R>,
) -> Option<R> {
    let changed = journaled.event_count(changed);
    let mut checks_owners = false;
    loop {
        let count = changed.count();
        if let Some(result) = attempt(&mut journaled.lock(), checks_owners) {
            return Some(result);
        }
        let now = clock::now();
        if deadline.is_some_and(|deadline| now >= deadline) {
            // A last attempt, with the check.
            return if checks_owners { None } else { attempt(&mut journaled.lock(), true) };
        }
        let check_at = now + OWNER_CHECK_INTERVAL;
        checks_owners = !changed.wait(count, Some(deadline.map_or(check_at, |deadline| deadline.min(check_at))));
    }
}

/// The id of the process in a word, if that has died.
fn dead(word: u64) -> Option<u32> {
    ProcessId::from_word(word).filter(|process| !process.is_alive()).map(ProcessId::pid)
}

/// Turns what [`until`] gave, the id of a dead owner if there was one, into the guard or the error that carries it.
fn held<G>(taken: Option<Option<u32>>, guard: impl FnOnce() -> G) -> Result<Option<G>, OwnerDied<G>> {
    match taken {
        None => Ok(None),
        Some(None) => Ok(Some(guard())),
        Some(Some(pid)) => Err(OwnerDied { guard: guard(), pid }),
    }
}

/// The public ways to acquire something that has an `acquire_until`, with their documentation: how it waits, what is tried,
/// and the errors of each.
macro_rules! acquire_methods {
    ($type:ident, $guard:ident, $wait:literal, $(try $try:literal,)? $errors:literal) => {
        impl $type {
            #[doc = concat!($wait, ".")]
            ///
            /// # Errors
            #[doc = $errors]
            pub fn acquire(&self) -> Result<$guard<'_>, OwnerDied<$guard<'_>>> {
                self.acquire_until(None).map(|guard| guard.expect("it waits without a deadline"))
            }

            $(
                #[doc = $try]
                ///
                /// # Errors
                #[doc = $errors]
                pub fn try_acquire(&self) -> Result<Option<$guard<'_>>, OwnerDied<$guard<'_>>> {
                    self.acquire_until(Some(fanlane_os::clock::now()))
                }
            )?

            #[doc = concat!($wait, ", at most for `timeout`; `None` when that is over first.")]
            ///
            /// # Errors
            #[doc = $errors]
            pub fn acquire_timeout(
                &self,
                timeout: std::time::Duration,
            ) -> Result<Option<$guard<'_>>, OwnerDied<$guard<'_>>> {
                self.acquire_until(fanlane_os::clock::deadline_after(timeout))
            }
        }
    };
}
use acquire_methods;

/// What all types of this module have in common: they are made in shared memory and passed as its descriptor.
macro_rules! shared_by_descriptor {
    ($type:ty, $kind:expr) => {
        impl $type {
            fn descriptor(&self) -> &std::sync::Arc<std::os::fd::OwnedFd> {
                self.journaled.descriptor()
            }

            fn from_descriptor(descriptor: std::os::fd::OwnedFd) -> std::io::Result<Self> {
                fanlane_os::journaled::Journaled::open($kind, descriptor).map(|journaled| Self { journaled: std::sync::Arc::new(journaled) })
            }

            fn make() -> Result<Self, crate::error::SharedMemoryError> {
                fanlane_os::journaled::Journaled::create($kind, 0)
                    .map(|journaled| Self { journaled: std::sync::Arc::new(journaled) })
                    .map_err(|error| crate::error::SystemError::during("no shared memory for it can be had")(error).into())
            }
        }

        fanlane_os::passed_by_descriptor!([] $type);
    };
}
use shared_by_descriptor;
