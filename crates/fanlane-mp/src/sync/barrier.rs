//! A barrier: processes wait until all have arrived.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{dead, shared_by_descriptor, until};
use crate::error::BarrierError;
use fanlane_os::clock::deadline_after;
use fanlane_os::journaled::{Journaled, WORDS};
use fanlane_os::process_id::ProcessId;

const PARTIES: usize = 0;
/// How often it was opened or reset.
const GENERATION: usize = 1;
const ARRIVED: usize = 2;
/// 0 for intact, 1 for broken, above that the pid of a participant that died.
const BROKEN: usize = 3;
/// One more than the last generation that was ended by a reset.
const RESET: usize = 4;
/// The first of the processes that have arrived.
const PARTICIPANTS: usize = 8;
const CHANGED: usize = 0;

/// Maximum number of processes of one barrier.
pub const MAX_PARTIES: usize = WORDS - PARTICIPANTS;

/// A barrier that opens when a number of processes wait at it. It can be used any number of times.
///
/// ```
/// let barrier = fanlane_mp::Barrier::new(1)?;
/// assert_eq!(barrier.wait()?, 0);
/// # Ok::<(), fanlane_mp::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Barrier {
    journaled: Arc<Journaled>,
}

shared_by_descriptor!(Barrier, b"flbarri1");

impl Barrier {
    /// A barrier for a number of processes, from 1 to 432.
    ///
    /// # Errors
    /// [`BarrierError::Parties`] for another number; [`BarrierError::SharedMemory`] when no descriptors or memory are left.
    pub fn new(parties: usize) -> Result<Self, BarrierError> {
        if parties == 0 || parties > MAX_PARTIES {
            return Err(BarrierError::Parties(parties));
        }
        let barrier = Self::make()?;
        barrier.journaled.lock().set(PARTIES, parties as u64);
        Ok(barrier)
    }

    /// Waits until all processes have arrived. Gives the place of this one in the order of arrival, from 0.
    ///
    /// # Errors
    /// [`BarrierError::Broken`]; [`BarrierError::ParticipantDied`] when a waiting process has died, which breaks it.
    pub fn wait(&self) -> Result<usize, BarrierError> {
        self.arrive(None, || {})
    }

    /// As [`Barrier::wait`], for at most `timeout`.
    ///
    /// # Errors
    /// Also [`BarrierError::TimedOut`], which breaks the barrier for all.
    pub fn wait_timeout(&self, timeout: Duration) -> Result<usize, BarrierError> {
        self.arrive(deadline_after(timeout), || {})
    }

    /// As [`Barrier::wait`]; the last process to arrive calls `action` before the barrier opens. A panic of it breaks the
    /// barrier.
    ///
    /// # Errors
    /// As [`Barrier::wait`].
    pub fn wait_with(&self, action: impl FnOnce()) -> Result<usize, BarrierError> {
        self.arrive(None, action)
    }

    fn arrive(&self, deadline: Option<Instant>, action: impl FnOnce()) -> Result<usize, BarrierError> {
        let mut locked = self.journaled.lock();
        if locked.get(BROKEN) != 0 {
            return Err(broken(locked.get(BROKEN)));
        }
        let (generation, arrived) = (locked.get(GENERATION), locked.get(ARRIVED));
        let place = usize::try_from(arrived).expect("a barrier is for at most 432");
        if arrived >= locked.get(PARTIES) {
            return Err(BarrierError::TooManyArrived);
        }
        locked.set(PARTICIPANTS + place, ProcessId::own().as_word());
        locked.set(ARRIVED, arrived + 1);
        let is_last = arrived + 1 == locked.get(PARTIES);
        drop(locked);
        if is_last {
            return self.open(action).map(|()| place);
        }
        let opened = until(&self.journaled, CHANGED, deadline, |locked, checks_owners| {
            if locked.get(RESET) == generation + 1 {
                return Some(Err(BarrierError::Broken));
            }
            if locked.get(GENERATION) != generation {
                return Some(Ok(place));
            }
            let participants =
                PARTICIPANTS..PARTICIPANTS + usize::try_from(locked.get(ARRIVED)).unwrap_or(0).min(MAX_PARTIES);
            if checks_owners && let Some(pid) = participants.into_iter().find_map(|one| dead(locked.get(one))) {
                locked.set(BROKEN, u64::from(pid.max(2)));
            }
            match locked.get(BROKEN) {
                0 => None,
                why => Some(Err(broken(why))),
            }
        });
        match opened {
            Some(Ok(place)) => Ok(place),
            Some(Err(error)) => {
                self.journaled.event_count(CHANGED).notify();
                Err(error)
            }
            None => {
                self.abort();
                Err(BarrierError::TimedOut)
            }
        }
    }

    fn open(&self, action: impl FnOnce()) -> Result<(), BarrierError> {
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

    /// Breaks it: all processes that wait or arrive get an error, until it is reset.
    pub fn abort(&self) {
        self.journaled.lock().set(BROKEN, 1);
        self.journaled.event_count(CHANGED).notify();
    }

    /// Restores it to its initial state. Processes that wait get an error.
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

    /// The number of processes that it is for.
    pub fn parties(&self) -> usize {
        usize::try_from(self.journaled.peek(PARTIES)).unwrap_or(usize::MAX)
    }

    /// The number of processes that wait.
    pub fn n_waiting(&self) -> usize {
        usize::try_from(self.journaled.peek(ARRIVED)).unwrap_or(usize::MAX)
    }

    /// Whether it is broken.
    pub fn is_broken(&self) -> bool {
        self.journaled.peek(BROKEN) != 0
    }
}

fn broken(why: u64) -> BarrierError {
    match u32::try_from(why) {
        Ok(pid) if pid > 1 => BarrierError::ParticipantDied { pid },
        _ => BarrierError::Broken,
    }
}
