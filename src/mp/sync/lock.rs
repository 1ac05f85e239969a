//! Mutual exclusion between processes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{OwnerDied, dead, shared_by_descriptor, until};
use crate::mp::clock;
use crate::mp::clock::deadline_after;
use crate::mp::error::Error;
use crate::mp::journaled::Journaled;
use crate::mp::process_id::ProcessId;

const OWNER: usize = 0;
const GIVEN_BACK: usize = 0;

/// A lock that one thread of one process holds at a time. It is given back when the guard goes.
///
/// ```
/// let lock = fanlane::mp::Lock::new()?;
/// let guard = lock.acquire().expect("nobody has died");
/// assert!(lock.is_locked() && lock.try_acquire().expect("nobody has died").is_none());
/// drop(guard);
/// assert!(!lock.is_locked());
/// # Ok::<(), fanlane::mp::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Lock {
    journaled: Arc<Journaled>,
}

shared_by_descriptor!(Lock, b"fl_lock1");

impl Lock {
    /// A lock that nobody holds.
    ///
    /// # Errors
    /// When the system has no descriptors or no memory left.
    pub fn new() -> Result<Self, Error> {
        Self::make()
    }

    /// Takes it; waits for it.
    ///
    /// # Errors
    /// [`OwnerDied`], with the lock held, when its last holder died.
    pub fn acquire(&self) -> Result<LockGuard<'_>, OwnerDied<LockGuard<'_>>> {
        self.acquire_until(None).map(|guard| guard.expect("it waits without end"))
    }

    /// Takes it if nobody holds it.
    ///
    /// # Errors
    /// [`OwnerDied`], with the lock held, when its last holder died.
    pub fn try_acquire(&self) -> Result<Option<LockGuard<'_>>, OwnerDied<LockGuard<'_>>> {
        self.acquire_until(Some(clock::now()))
    }

    /// Takes it; waits at most so long.
    ///
    /// # Errors
    /// [`OwnerDied`], with the lock held, when its last holder died.
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<Option<LockGuard<'_>>, OwnerDied<LockGuard<'_>>> {
        self.acquire_until(deadline_after(timeout))
    }

    /// Whether somebody holds it, at some moment during the call; also one who has died, until the next takes it.
    pub fn is_locked(&self) -> bool {
        self.journaled.peek(OWNER) != 0
    }

    fn acquire_until(&self, deadline: Option<Instant>) -> Result<Option<LockGuard<'_>>, OwnerDied<LockGuard<'_>>> {
        let guard = |()| LockGuard { lock: self };
        match take(&self.journaled, deadline) {
            None => Ok(None),
            Some(Ok(())) => Ok(Some(guard(()))),
            Some(Err(died)) => Err(died.map(guard)),
        }
    }
}

/// The right to what the lock guards. Whoever has to hold it can be asked to show it:
///
/// ```
/// use fanlane::mp::{Lock, LockGuard, RawValue};
///
/// fn add(total: &RawValue<u64>, number: u64, _held: &LockGuard<'_>) {
///     total.set(total.get() + number);
/// }
///
/// let (lock, total) = (Lock::new()?, RawValue::new(40)?);
/// let guard = lock.acquire().expect("nobody has died");
/// add(&total, 2, &guard);
/// drop(guard);
/// assert_eq!(total.get(), 42);
/// # Ok::<(), fanlane::mp::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "the lock is given back when this goes"]
pub struct LockGuard<'a> {
    lock: &'a Lock,
}

impl Drop for LockGuard<'_> {
    fn drop(&mut self) {
        give_back(&self.lock.journaled);
    }
}

/// Makes this process the owner; `None` when `deadline` comes first.
pub(super) fn take(journaled: &Journaled, deadline: Option<Instant>) -> Option<Result<(), OwnerDied<()>>> {
    until(journaled, GIVEN_BACK, deadline, |locked, looks| {
        let owner = locked.get(OWNER);
        let pid = if looks { dead(owner) } else { None };
        if owner != 0 && pid.is_none() {
            return None;
        }
        locked.set(OWNER, ProcessId::own().as_word());
        Some(pid.map_or(Ok(()), |pid| Err(OwnerDied { guard: (), pid })))
    })
}

/// Makes nobody the owner.
pub(super) fn give_back(journaled: &Journaled) {
    journaled.lock().set(OWNER, 0);
    journaled.event_count(GIVEN_BACK).notify();
}
