//! Waiting, with a lock let go meanwhile, for what another process changes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::lock::{give_back, take};
use super::{OwnerDied, shared_by_descriptor, until};
use crate::mp::clock::deadline_after;
use crate::mp::error::Error;
use crate::mp::journaled::Journaled;

// Number 0 is the owner of the lock.
/// The next who waits has this number.
const NEXT: usize = 1;
const WAITING: usize = 2;
/// So many of those whose number is below the next may go on.
const GRANTS: usize = 3;
const GRANTED_BELOW: usize = 4;

const NOTIFIED: usize = 1;

/// A lock together with the means to wait, while it is let go, until another process notifies.
///
/// A waiter that is killed does not swallow a notification that another could have had; for that, a waiter may now and
/// then go on though it was not meant: wait with [`ConditionGuard::wait_while`].
///
/// ```
/// use fanlane::mp::{Condition, RawValue};
/// use std::time::Duration;
///
/// let condition = Condition::new()?;
/// let ready = RawValue::new(0_u8)?;
/// std::thread::scope(|scope| {
///     scope.spawn(|| {
///         let guard = condition.acquire().expect("nobody has died");
///         ready.set(1);
///         guard.notify_all();
///     });
///     let mut guard = condition.acquire().expect("nobody has died");
///     guard.wait_while(|| ready.get() == 0)
/// })?;
///
/// let mut guard = condition.acquire().expect("nobody has died");
/// // Nobody waits, so nobody hears of it.
/// guard.notify(2);
/// assert!(!guard.wait_timeout(Duration::from_millis(1))?);
/// assert!(!guard.wait_while_timeout(Duration::from_millis(1), || ready.get() == 1)?);
/// # drop(guard);
/// # Ok::<(), fanlane::mp::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Condition {
    journaled: Arc<Journaled>,
}

shared_by_descriptor!(Condition, b"fl_cond1");

impl Condition {
    /// A condition whose lock nobody holds.
    ///
    /// # Errors
    /// When the system has no descriptors or no memory left.
    pub fn new() -> Result<Self, Error> {
        Self::make()
    }

    /// Takes the lock; waits for it.
    ///
    /// # Errors
    /// [`OwnerDied`], with the lock held, when its last holder died.
    pub fn acquire(&self) -> Result<ConditionGuard<'_>, OwnerDied<ConditionGuard<'_>>> {
        let guard = |()| ConditionGuard { condition: self };
        take(&self.journaled, None).expect("it waits without end").map(guard).map_err(|died| died.map(guard))
    }

    /// Takes the lock; waits at most so long.
    ///
    /// # Errors
    /// [`OwnerDied`], with the lock held, when its last holder died.
    pub fn acquire_timeout(
        &self,
        timeout: Duration,
    ) -> Result<Option<ConditionGuard<'_>>, OwnerDied<ConditionGuard<'_>>> {
        let guard = |()| ConditionGuard { condition: self };
        match take(&self.journaled, deadline_after(timeout)) {
            None => Ok(None),
            Some(Ok(())) => Ok(Some(guard(()))),
            Some(Err(died)) => Err(died.map(guard)),
        }
    }
}

/// The right to what the condition's lock guards, and to wait and notify.
#[derive(Debug)]
#[must_use = "the lock is given back when this goes"]
pub struct ConditionGuard<'a> {
    condition: &'a Condition,
}

impl ConditionGuard<'_> {
    /// Lets the lock go, waits to be notified, and takes the lock again.
    ///
    /// # Errors
    /// [`Error::OwnerDied`], with the lock held again, when its last holder died.
    pub fn wait(&mut self) -> Result<(), Error> {
        self.wait_until(None).map(|_| ())
    }

    /// The same; `false` when `timeout` is over first. The lock is held again in either case.
    ///
    /// # Errors
    /// As [`ConditionGuard::wait`].
    pub fn wait_timeout(&mut self, timeout: Duration) -> Result<bool, Error> {
        self.wait_until(deadline_after(timeout))
    }

    /// Waits again and again as long as `waits_on` says so.
    ///
    /// # Errors
    /// As [`ConditionGuard::wait`].
    pub fn wait_while(&mut self, mut waits_on: impl FnMut() -> bool) -> Result<(), Error> {
        while waits_on() {
            self.wait()?;
        }
        Ok(())
    }

    /// The same; `false` when `timeout` is over first.
    ///
    /// # Errors
    /// As [`ConditionGuard::wait`].
    pub fn wait_while_timeout(&mut self, timeout: Duration, mut waits_on: impl FnMut() -> bool) -> Result<bool, Error> {
        let deadline = deadline_after(timeout);
        while waits_on() {
            if !self.wait_until(deadline)? {
                return Ok(!waits_on());
            }
        }
        Ok(true)
    }

    fn wait_until(&mut self, deadline: Option<Instant>) -> Result<bool, Error> {
        let journaled = &self.condition.journaled;
        let mut locked = journaled.lock();
        let number = locked.get(NEXT);
        locked.add(NEXT, 1);
        locked.add(WAITING, 1);
        drop(locked);
        give_back(journaled);
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
            Some(Err(OwnerDied { pid, .. })) => Err(Error::OwnerDied { pid }),
            _ => Ok(notified.is_some()),
        }
    }

    /// Lets one of those who wait go on.
    pub fn notify_one(&self) {
        self.notify(1);
    }

    /// Lets so many of those who wait go on.
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

    /// Lets all who wait go on.
    pub fn notify_all(&self) {
        self.notify(u64::MAX);
    }
}

impl Drop for ConditionGuard<'_> {
    fn drop(&mut self) {
        give_back(&self.condition.journaled);
    }
}
