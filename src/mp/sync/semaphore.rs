//! Counted permits between processes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::{OwnerDied, dead, shared_by_descriptor, until};
use crate::mp::clock;
use crate::mp::clock::deadline_after;
use crate::mp::error::Error;
use crate::mp::journaled::{Journaled, Locked, WORDS};
use crate::mp::process_id::ProcessId;

const VALUE: usize = 0;
/// The most that the value may be.
const MOST: usize = 1;
/// From here on each holder and how many permits it holds.
const HOLDERS: usize = 8;
const PERMIT_CAME: usize = 0;

/// So many processes may hold permits of one semaphore at a time; others wait as if there were none.
pub const MOST_HOLDERS: usize = (WORDS - HOLDERS) / 2;

/// A number of permits. One that is taken is given back when its guard goes, or kept for good with [`Permit::keep`];
/// anybody may add one with [`Semaphore::release`].
///
/// ```
/// let semaphore = fanlane::mp::Semaphore::new(1)?;
/// let permit = semaphore.acquire().expect("nobody has died");
/// assert!(semaphore.try_acquire().expect("nobody has died").is_none());
/// permit.keep();
/// semaphore.release()?;
/// assert_eq!(semaphore.value(), 1);
/// # Ok::<(), fanlane::mp::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Semaphore {
    journaled: Arc<Journaled>,
}

shared_by_descriptor!(Semaphore, b"fl_sema1");

impl Semaphore {
    /// A semaphore with so many permits.
    ///
    /// # Errors
    /// When the system has no descriptors or no memory left.
    pub fn new(permits: u32) -> Result<Self, Error> {
        Self::with_most(permits, u64::MAX)
    }

    fn with_most(permits: u32, most: u64) -> Result<Self, Error> {
        let semaphore = Self::make()?;
        let mut locked = semaphore.journaled.lock();
        locked.set(VALUE, permits.into());
        locked.set(MOST, most);
        drop(locked);
        Ok(semaphore)
    }

    /// How many permits can be taken now.
    pub fn value(&self) -> u64 {
        self.journaled.peek(VALUE)
    }

    /// Takes a permit; waits for one.
    ///
    /// # Errors
    /// [`OwnerDied`], with a permit, when it would have had to wait and one who held permits has died: those are
    /// there again.
    pub fn acquire(&self) -> Result<Permit<'_>, OwnerDied<Permit<'_>>> {
        self.acquire_until(None).map(|permit| permit.expect("it waits without end"))
    }

    /// Takes a permit if there is one.
    ///
    /// # Errors
    /// [`OwnerDied`], as [`Semaphore::acquire`].
    pub fn try_acquire(&self) -> Result<Option<Permit<'_>>, OwnerDied<Permit<'_>>> {
        self.acquire_until(Some(clock::now()))
    }

    /// Takes a permit; waits at most so long.
    ///
    /// # Errors
    /// [`OwnerDied`], as [`Semaphore::acquire`].
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<Option<Permit<'_>>, OwnerDied<Permit<'_>>> {
        self.acquire_until(deadline_after(timeout))
    }

    fn acquire_until(&self, deadline: Option<Instant>) -> Result<Option<Permit<'_>>, OwnerDied<Permit<'_>>> {
        let own = ProcessId::own().as_word();
        let taken = until(&self.journaled, PERMIT_CAME, deadline, |locked, looks| {
            let died = if looks { recover_one(locked) } else { None };
            let place = place_of(locked, own).or_else(|| place_of(locked, 0))?;
            if locked.get(VALUE) == 0 {
                return None;
            }
            locked.add(VALUE, -1);
            locked.set(place, own);
            locked.add(place + 1, 1);
            Some(died)
        });
        let permit = || Permit { semaphore: self };
        match taken {
            None => Ok(None),
            Some(None) => Ok(Some(permit())),
            Some(Some(pid)) => Err(OwnerDied { guard: permit(), pid }),
        }
    }

    /// Adds a permit.
    ///
    /// # Errors
    /// [`Error::Misuse`] for a [`BoundedSemaphore`] that has as many as it may.
    pub fn release(&self) -> Result<(), Error> {
        let mut locked = self.journaled.lock();
        if locked.get(VALUE) >= locked.get(MOST) {
            return Err(Error::Misuse("the semaphore was released more often than it was acquired"));
        }
        locked.add(VALUE, 1);
        drop(locked);
        self.journaled.event_count(PERMIT_CAME).notify();
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
        if gives_back && locked.get(VALUE) < locked.get(MOST) {
            locked.add(VALUE, 1);
        }
        drop(locked);
        if gives_back {
            self.journaled.event_count(PERMIT_CAME).notify();
        }
    }
}

fn place_of(locked: &Locked<'_>, holder: u64) -> Option<usize> {
    (HOLDERS..HOLDERS + 2 * MOST_HOLDERS).step_by(2).find(|place| locked.get(*place) == holder)
}

/// Takes back what a dead holder has; gives its number.
fn recover_one(locked: &mut Locked<'_>) -> Option<u32> {
    let places = (HOLDERS..HOLDERS + 2 * MOST_HOLDERS).step_by(2);
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
#[must_use = "the permit is given back when this goes"]
pub struct Permit<'a> {
    semaphore: &'a Semaphore,
}

impl Permit<'_> {
    /// Keeps the permit for good: it is not given back, and its holder's death changes nothing.
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

/// A [`Semaphore`] that never has more permits than at first: one release too many is an error.
///
/// ```
/// let semaphore = fanlane::mp::BoundedSemaphore::new(2)?;
/// assert!(semaphore.release().is_err());
/// assert_eq!(semaphore.value(), 2);
/// # Ok::<(), fanlane::mp::Error>(())
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BoundedSemaphore(Semaphore);

impl BoundedSemaphore {
    /// A semaphore with so many permits.
    ///
    /// # Errors
    /// When the system has no descriptors or no memory left.
    pub fn new(permits: u32) -> Result<Self, Error> {
        Semaphore::with_most(permits, permits.into()).map(Self)
    }
}

impl std::ops::Deref for BoundedSemaphore {
    type Target = Semaphore;

    fn deref(&self) -> &Semaphore {
        &self.0
    }
}
