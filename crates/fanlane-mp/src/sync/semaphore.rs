//! Counted permits between processes.

use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::{OwnerDied, acquire_methods, dead, held, shared_by_descriptor, until};
use crate::error::{LockError, SharedMemoryError};
use fanlane_os::journaled::{Journaled, Locked, WORDS};
use fanlane_os::process_id::ProcessId;

const VALUE: usize = 0;
/// The maximum of the value.
const LIMIT: usize = 1;
/// The first of the holders, each with its number of permits.
const HOLDERS: usize = 8;
const PERMIT_ADDED: usize = 0;

/// Maximum number of processes that hold permits of one semaphore at the same time; others wait as if there were none.
pub const MAX_HOLDERS: usize = (WORDS - HOLDERS) / 2;

/// A number of permits. Dropping a permit's guard gives the permit back; [`Permit::keep`] keeps it for good, and
/// [`Semaphore::release`] adds one.
///
/// ```
/// let semaphore = fanlane_mp::Semaphore::new(1)?;
/// let permit = semaphore.acquire().expect("no owner has died");
/// assert!(semaphore.try_acquire().expect("no owner has died").is_none());
/// permit.keep();
/// semaphore.release()?;
/// assert_eq!(semaphore.value(), 1);
/// # Ok::<(), fanlane_mp::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Semaphore {
    journaled: Arc<Journaled>,
}

shared_by_descriptor!(Semaphore, b"fl_sema1");

impl Semaphore {
    /// A semaphore with this number of permits.
    ///
    /// # Errors
    /// When no descriptors or memory are left.
    pub fn new(permits: u32) -> Result<Self, SharedMemoryError> {
        Self::with_limit(permits, u64::MAX)
    }

    fn with_limit(permits: u32, limit: u64) -> Result<Self, SharedMemoryError> {
        let semaphore = Self::make()?;
        let mut locked = semaphore.journaled.lock();
        locked.set(VALUE, permits.into());
        locked.set(LIMIT, limit);
        drop(locked);
        Ok(semaphore)
    }

    /// The number of permits that can be taken now.
    pub fn value(&self) -> u64 {
        self.journaled.peek(VALUE)
    }

    fn acquire_until(&self, deadline: Option<Instant>) -> Result<Option<Permit<'_>>, OwnerDied<Permit<'_>>> {
        let own = ProcessId::own().as_word();
        let taken = until(&self.journaled, PERMIT_ADDED, deadline, |locked, checks_owners| {
            let died = if checks_owners { recover_one(locked) } else { None };
            let place = place_of(locked, own).or_else(|| place_of(locked, 0))?;
            if locked.get(VALUE) == 0 {
                return None;
            }
            locked.add(VALUE, -1);
            locked.set(place, own);
            locked.add(place + 1, 1);
            Some(died)
        });
        held(taken, || Permit { semaphore: self })
    }

    /// Adds a permit.
    ///
    /// # Errors
    /// [`LockError::ReleasedTooOften`] for a [`BoundedSemaphore`] that has all its permits.
    pub fn release(&self) -> Result<(), LockError> {
        let mut locked = self.journaled.lock();
        if locked.get(VALUE) >= locked.get(LIMIT) {
            return Err(LockError::ReleasedTooOften("the semaphore was released more often than it was acquired"));
        }
        locked.add(VALUE, 1);
        drop(locked);
        self.journaled.event_count(PERMIT_ADDED).notify();
        Ok(())
    }

    fn let_go(&self, gives_back: bool) {
        let mut locked = self.journaled.lock();
        if let Some(place) = place_of(&locked, ProcessId::own().as_word()) {
            locked.add(place + 1, -1);
            if locked.get(place + 1) == 0 {
                locked.set(place, 0);
            }
        }
        if gives_back && locked.get(VALUE) < locked.get(LIMIT) {
            locked.add(VALUE, 1);
        }
        drop(locked);
        if gives_back {
            self.journaled.event_count(PERMIT_ADDED).notify();
        }
    }
}

acquire_methods!(
    Semaphore,
    Permit,
    "Takes a permit; waits for one",
    try "Takes a permit if there is one; `None` otherwise.",
    "[`OwnerDied`], with a permit, when the call had to wait and a holder of permits has died: its permits are available again."
);

fn place_of(locked: &Locked<'_>, holder: u64) -> Option<usize> {
    (HOLDERS..HOLDERS + 2 * MAX_HOLDERS).step_by(2).find(|place| locked.get(*place) == holder)
}

/// Takes back the permits of a dead holder; gives its process id.
fn recover_one(locked: &mut Locked<'_>) -> Option<u32> {
    let places = (HOLDERS..HOLDERS + 2 * MAX_HOLDERS).step_by(2);
    let (place, pid) = places.into_iter().find_map(|place| Some((place, dead(locked.get(place))?)))?;
    let permits = locked.get(place + 1);
    locked.set(VALUE, locked.get(VALUE).saturating_add(permits));
    locked.set(place, 0);
    locked.set(place + 1, 0);
    locked.commit();
    Some(pid)
}

/// One permit of a semaphore.
#[derive(Debug)]
#[must_use = "the permit is given back when this is dropped"]
pub struct Permit<'a> {
    semaphore: &'a Semaphore,
}

impl Permit<'_> {
    /// Keeps the permit for good: it is not given back, and the death of its holder changes nothing.
    pub fn keep(self) {
        self.semaphore.let_go(false);
        std::mem::forget(self);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.semaphore.let_go(true);
    }
}

/// A [`Semaphore`] that never has more permits than at the start: one release too many is an error.
///
/// ```
/// let semaphore = fanlane_mp::BoundedSemaphore::new(2)?;
/// assert!(semaphore.release().is_err());
/// assert_eq!(semaphore.value(), 2);
/// # Ok::<(), fanlane_mp::Error>(())
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BoundedSemaphore(Semaphore);

impl BoundedSemaphore {
    /// A semaphore with this number of permits.
    ///
    /// # Errors
    /// When no descriptors or memory are left.
    pub fn new(permits: u32) -> Result<Self, SharedMemoryError> {
        Semaphore::with_limit(permits, permits.into()).map(Self)
    }
}

impl std::ops::Deref for BoundedSemaphore {
    type Target = Semaphore;

    fn deref(&self) -> &Semaphore {
        &self.0
    }
}
