//! A place where processes wait for each other.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{dead, shared_by_descriptor, until};
use crate::mp::clock::deadline_after;
use crate::mp::error::Error;
use crate::mp::journaled::{Journaled, WORDS};
use crate::mp::process_id::ProcessId;

const PARTIES: usize = 0;
/// How often it has opened or was reset.
const GENERATION: usize = 1;
const ARRIVED: usize = 2;
/// 0; 1 where it is broken; above, the number of the process that died at it.
const BROKEN: usize = 3;
/// One more than the generation that a reset ended.
const RESET: usize = 4;
/// From here on those who have arrived.
const THERE: usize = 8;
const CHANGED: usize = 0;

/// So many processes can meet at one barrier.
pub const MOST_PARTIES: usize = WORDS - THERE;

/// A barrier that opens when so many have come to it. It can be used again and again.
///
/// ```
/// let barrier = fanlane::mp::Barrier::new(1)?;
/// assert_eq!(barrier.wait()?, 0);
/// # Ok::<(), fanlane::mp::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Barrier {
    journaled: Arc<Journaled>,
}

shared_by_descriptor!(Barrier, b"flbarri1");

impl Barrier {
    /// A barrier for so many, from 1 to 432.
    ///
    /// # Errors
    /// [`Error::Misuse`] for another number; when the system has no descriptors or no memory left.
    pub fn new(parties: usize) -> Result<Self, Error> {
        if parties == 0 || parties > MOST_PARTIES {
            return Err(Error::Misuse("a barrier is for 1 to 432 processes"));
        }
        let barrier = Self::make()?;
        barrier.journaled.lock().set(PARTIES, parties as u64);
        Ok(barrier)
    }

    /// Waits for the others. Gives each its place in the order of arrival, from 0.
    ///
    /// # Errors
    /// [`Error::BrokenBarrier`]; [`Error::OwnerDied`] when one of those who wait has died, which breaks it.
    pub fn wait(&self) -> Result<usize, Error> {
        self.meet(None, || {})
    }

    /// The same; waits at most so long.
    ///
    /// # Errors
    /// Also [`Error::TimedOut`], which breaks the barrier for the others.
    pub fn wait_timeout(&self, timeout: Duration) -> Result<usize, Error> {
        self.meet(deadline_after(timeout), || {})
    }

    /// The same; the last to come does `action` before the barrier opens. If that panics the barrier is broken.
    ///
    /// # Errors
    /// As [`Barrier::wait`].
    pub fn wait_with(&self, action: impl FnOnce()) -> Result<usize, Error> {
        self.meet(None, action)
    }

    fn meet(&self, deadline: Option<Instant>, action: impl FnOnce()) -> Result<usize, Error> {
        let mut locked = self.journaled.lock();
        if locked.get(BROKEN) != 0 {
            return Err(broken(locked.get(BROKEN)));
        }
        let (generation, arrived) = (locked.get(GENERATION), locked.get(ARRIVED));
        let place = usize::try_from(arrived).expect("a barrier is for few");
        if arrived >= locked.get(PARTIES) {
            return Err(Error::Misuse("more processes came to the barrier than it is for"));
        }
        locked.set(THERE + place, ProcessId::own().as_word());
        locked.set(ARRIVED, arrived + 1);
        let is_last = arrived + 1 == locked.get(PARTIES);
        drop(locked);
        if is_last {
            return self.open(action).map(|()| place);
        }
        let met = until(&self.journaled, CHANGED, deadline, |locked, looks| {
            if locked.get(RESET) == generation + 1 {
                return Some(Err(Error::BrokenBarrier));
            }
            if locked.get(GENERATION) != generation {
                return Some(Ok(place));
            }
            let there = THERE..THERE + usize::try_from(locked.get(ARRIVED)).unwrap_or(0).min(MOST_PARTIES);
            if looks && let Some(pid) = there.into_iter().find_map(|one| dead(locked.get(one))) {
                locked.set(BROKEN, u64::from(pid.max(2)));
            }
            match locked.get(BROKEN) {
                0 => None,
                why => Some(Err(broken(why))),
            }
        });
        match met {
            Some(Ok(place)) => Ok(place),
            Some(Err(error)) => {
                self.journaled.event_count(CHANGED).notify();
                Err(error)
            }
            None => {
                self.abort();
                Err(Error::TimedOut)
            }
        }
    }

    fn open(&self, action: impl FnOnce()) -> Result<(), Error> {
        struct AbortOnPanic<'a>(&'a Barrier);
        impl Drop for AbortOnPanic<'_> {
            fn drop(&mut self) {
                self.0.abort();
            }
        }
        let on_panic = AbortOnPanic(self);
        action();
        std::mem::forget(on_panic);
        let mut locked = self.journaled.lock();
        if locked.get(BROKEN) != 0 {
            return Err(broken(locked.get(BROKEN)));
        }
        locked.set(ARRIVED, 0);
        locked.add(GENERATION, 1);
        drop(locked);
        self.journaled.event_count(CHANGED).notify();
        Ok(())
    }

    /// Breaks it: all who wait and all who come fail, until it is reset.
    pub fn abort(&self) {
        self.journaled.lock().set(BROKEN, 1);
        self.journaled.event_count(CHANGED).notify();
    }

    /// Makes it as new. Those who wait fail.
    pub fn reset(&self) {
        let mut locked = self.journaled.lock();
        if locked.get(ARRIVED) > 0 {
            locked.set(RESET, locked.get(GENERATION) + 1);
            locked.set(ARRIVED, 0);
            locked.add(GENERATION, 1);
        }
        locked.set(BROKEN, 0);
        drop(locked);
        self.journaled.event_count(CHANGED).notify();
    }

    /// For how many it is.
    pub fn parties(&self) -> usize {
        usize::try_from(self.journaled.peek(PARTIES)).unwrap_or(usize::MAX)
    }

    /// How many wait at it.
    pub fn n_waiting(&self) -> usize {
        usize::try_from(self.journaled.peek(ARRIVED)).unwrap_or(usize::MAX)
    }

    /// Whether it is broken.
    pub fn is_broken(&self) -> bool {
        self.journaled.peek(BROKEN) != 0
    }
}

fn broken(why: u64) -> Error {
    match u32::try_from(why) {
        Ok(pid) if pid > 1 => Error::OwnerDied { pid },
        _ => Error::BrokenBarrier,
    }
}
