//! Mutual exclusion between processes.

use std::sync::Arc;
use std::time::Instant;

use super::{OwnerDied, acquire_methods, dead, held, shared_by_descriptor, until};
use crate::error::SharedMemoryError;
use fanlane_os::journaled::Journaled;
use fanlane_os::process_id::ProcessId;

const OWNER: usize = 0;
const RELEASED: usize = 0;

/// A lock that one thread of one process owns at a time. Dropping the guard releases it.
///
/// ```
/// let lock = fanlane_mp::Lock::new()?;
/// let guard = lock.acquire().expect("no owner has died");
/// assert!(lock.is_locked() && lock.try_acquire().expect("no owner has died").is_none());
/// drop(guard);
/// assert!(!lock.is_locked());
/// # Ok::<(), fanlane_mp::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Lock {
    journaled: Arc<Journaled>,
}

shared_by_descriptor!(Lock, b"fl_lock1");

impl Lock {
    /// A lock without an owner.
    ///
    /// # Errors
    /// When no descriptors or memory are left.
    pub fn new() -> Result<Self, SharedMemoryError> {
        Self::make()
    }

    /// Whether it is owned, at some moment during the call; also by a process that has died, until the next takes it.
    pub fn is_locked(&self) -> bool {
        self.journaled.peek(OWNER) != 0
    }

    pub(crate) fn acquire_until(
        &self,
        deadline: Option<Instant>,
    ) -> Result<Option<LockGuard<'_>>, OwnerDied<LockGuard<'_>>> {
        held(take(&self.journaled, deadline), || LockGuard { lock: self })
    }
}

acquire_methods!(
    Lock,
    LockGuard,
    "Takes the lock; waits for it",
    try "Takes the lock if nothing owns it; `None` otherwise.",
    "[`OwnerDied`], with the lock owned, when its last owner died."
);

/// The right to what the lock protects. A function can require it as an argument:
///
/// ```
/// use fanlane_mp::{Lock, LockGuard, RawValue};
///
/// fn add(total: &RawValue<u64>, number: u64, _held: &LockGuard<'_>) {
///     total.set(total.get() + number);
/// }
///
/// let (lock, total) = (Lock::new()?, RawValue::new(40)?);
/// let guard = lock.acquire().expect("no owner has died");
/// add(&total, 2, &guard);
/// drop(guard);
/// assert_eq!(total.get(), 42);
/// # Ok::<(), fanlane_mp::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "the lock is released when this is dropped"]
pub struct LockGuard<'a> {
    lock: &'a Lock,
}

impl Drop for LockGuard<'_> {
    fn drop(&mut self) {
        release(&self.lock.journaled);
    }
}

/// Makes this process the owner; `None` when `deadline` comes first, else the id of the last owner if that has died.
pub(super) fn take(journaled: &Journaled, deadline: Option<Instant>) -> Option<Option<u32>> {
    until(journaled, RELEASED, deadline, |locked, checks_owners| {
        let owner = locked.get(OWNER);
        let died = if checks_owners { dead(owner) } else { None };
        if owner != 0 && died.is_none() {
            return None;
        }
        locked.set(OWNER, ProcessId::own().as_word());
        Some(died)
    })
}

/// Leaves it without an owner.
pub(super) fn release(journaled: &Journaled) {
    journaled.lock().set(OWNER, 0);
    journaled.event_count(RELEASED).notify();
}
