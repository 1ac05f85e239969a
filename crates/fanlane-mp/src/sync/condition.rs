//! Waiting for what another process changes, with a lock that is released meanwhile.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::lock::{release, take};
use super::{OwnerDied, acquire_methods, held, shared_by_descriptor, until};
use crate::error::{LockError, SharedMemoryError};
use fanlane_os::clock::deadline_after;
use fanlane_os::journaled::Journaled;

// Number 0 is the owner of the lock.
/// The number of the next waiter.
const NEXT: usize = 1;
const WAITING: usize = 2;
/// How many of the waiters with a number below [`GRANTED_BELOW`] may go on.
const GRANTS: usize = 3;
const GRANTED_BELOW: usize = 4;

const NOTIFIED: usize = 1;

/// A lock together with a way to release it and wait until another process notifies.
///
/// A waiter that is killed does not swallow a notification that another waiter could have had. The price is that a waiter
/// may go on without one: wait with [`ConditionGuard::wait_while`].
///
/// ```
/// use fanlane_mp::{Condition, RawValue};
/// use std::time::Duration;
///
/// let condition = Condition::new()?;
/// let ready = RawValue::new(0_u8)?;
/// std::thread::scope(|scope| {
///     scope.spawn(|| {
///         let guard = condition.acquire().expect("no owner has died");
///         ready.set(1);
///         guard.notify_all();
///     });
///     let mut guard = condition.acquire().expect("no owner has died");
///     guard.wait_while(|| ready.get() == 0)
/// })?;
///
/// let mut guard = condition.acquire().expect("no owner has died");
/// // Nothing waits, so this has no effect.
/// guard.notify(2);
/// assert!(!guard.wait_timeout(Duration::from_millis(1))?);
/// assert!(!guard.wait_while_timeout(Duration::from_millis(1), || ready.get() == 1)?);
/// # drop(guard);
/// # Ok::<(), fanlane_mp::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Condition {
    journaled: Arc<Journaled>,
}

shared_by_descriptor!(Condition, b"fl_cond1");

impl Condition {
    /// A condition whose lock has no owner.
    ///
    /// # Errors
    /// When no descriptors or memory are left.
    pub fn new() -> Result<Self, SharedMemoryError> {
        Self::make()
    }

    fn acquire_until(
        &self,
        deadline: Option<Instant>,
    ) -> Result<Option<ConditionGuard<'_>>, OwnerDied<ConditionGuard<'_>>> {
        held(take(&self.journaled, deadline), || ConditionGuard { condition: self })
    }
}

acquire_methods!(
    Condition,
    ConditionGuard,
    "Takes the lock; waits for it",
    "[`OwnerDied`], with the lock owned, when its last owner died."
);

/// The right to what the condition's lock protects, and to wait and notify.
#[derive(Debug)]
#[must_use = "the lock is released when this is dropped"]
pub struct ConditionGuard<'a> {
    condition: &'a Condition,
}

impl ConditionGuard<'_> {
    /// Releases the lock, waits for a notification, and takes the lock again.
    ///
    /// # Errors
    /// [`LockError::OwnerDied`], with the lock owned again, when its last owner died.
    pub fn wait(&mut self) -> Result<(), LockError> {
        self.wait_until(None).map(|_| ())
    }

    /// As [`ConditionGuard::wait`]; `false` when `timeout` is over first. The lock is owned again in either case.
    ///
    /// # Errors
    /// As [`ConditionGuard::wait`].
    pub fn wait_timeout(&mut self, timeout: Duration) -> Result<bool, LockError> {
        self.wait_until(deadline_after(timeout))
    }

    /// Waits for as long as `waits_on` gives `true`; it is asked first, and after each notification.
    ///
    /// # Errors
    /// As [`ConditionGuard::wait`].
    pub fn wait_while(&mut self, mut waits_on: impl FnMut() -> bool) -> Result<(), LockError> {
        while waits_on() {
            self.wait()?;
        }
        Ok(())
    }

    /// As [`ConditionGuard::wait_while`]; `false` when `timeout` is over first.
    ///
    /// # Errors
    /// As [`ConditionGuard::wait`].
    pub fn wait_while_timeout(
        &mut self,
        timeout: Duration,
        mut waits_on: impl FnMut() -> bool,
    ) -> Result<bool, LockError> {
        let deadline = deadline_after(timeout);
        while waits_on() {
            if !self.wait_until(deadline)? {
                return Ok(!waits_on());
            }
        }
        Ok(true)
    }

    fn wait_until(&mut self, deadline: Option<Instant>) -> Result<bool, LockError> {
        let journaled = &self.condition.journaled;
        let mut locked = journaled.lock();
        let number = locked.get(NEXT);
        locked.add(NEXT, 1);
        locked.add(WAITING, 1);
        drop(locked);
        release(journaled);
        let notified = until(journaled, NOTIFIED, deadline, |locked, _| {
            if locked.get(GRANTS) == 0 || number >= locked.get(GRANTED_BELOW) {
                return None;
            }
            locked.add(GRANTS, -1);
            locked.add(WAITING, -1);
            Some(())
        });
        if notified.is_none() {
            journaled.lock().add(WAITING, -1);
        }
        match take(journaled, None) {
            Some(Some(pid)) => Err(LockError::OwnerDied { pid }),
            _ => Ok(notified.is_some()),
        }
    }

    /// Lets one waiter go on.
    pub fn notify_one(&self) {
        self.notify(1);
    }

    /// Lets up to `count` waiters go on.
    pub fn notify(&self, count: u64) {
        let journaled = &self.condition.journaled;
        let mut locked = journaled.lock();
        let grants = locked.get(GRANTS);
        let more = count.min(locked.get(WAITING).saturating_sub(grants));
        locked.set(GRANTS, grants + more);
        locked.set(GRANTED_BELOW, locked.get(NEXT));
        drop(locked);
        if more > 0 {
            journaled.event_count(NOTIFIED).notify();
        }
    }

    /// Lets all waiters go on.
    pub fn notify_all(&self) {
        self.notify(u64::MAX);
    }
}

impl Drop for ConditionGuard<'_> {
    fn drop(&mut self) {
        release(&self.condition.journaled);
    }
}
