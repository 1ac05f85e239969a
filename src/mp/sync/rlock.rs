//! A lock that its holder may take again.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{OwnerDied, dead, shared_by_descriptor, until};
use crate::mp::clock;
use crate::mp::clock::deadline_after;
use crate::mp::error::Error;
use crate::mp::journaled::Journaled;
use crate::mp::process_id::ProcessId;

const OWNER: usize = 0;
const THREAD: usize = 1;
const DEPTH: usize = 2;
const GIVEN_BACK: usize = 0;

/// A lock that one thread of one process holds at a time, as often as it likes. It is free when all of the thread's
/// guards are gone.
///
/// ```
/// use fanlane::mp::{RLock, RLockGuard};
///
/// let lock = RLock::new()?;
/// let outer: RLockGuard<'_> = lock.acquire().expect("nobody has died");
/// let inner = lock.acquire().expect("nobody has died");
/// let is_free = || std::thread::scope(|scope| {
///     scope.spawn(|| lock.try_acquire().is_ok_and(|guard| guard.is_some())).join().expect("it does not panic")
/// });
/// assert!(!is_free());
/// drop(inner);
/// assert!(!is_free());
/// assert!(lock.is_locked());
/// drop(outer);
/// assert!(is_free() && !lock.is_locked());
/// # Ok::<(), fanlane::mp::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct RLock {
    journaled: Arc<Journaled>,
}

shared_by_descriptor!(RLock, b"flrlock1");

impl RLock {
    /// A lock that nobody holds.
    ///
    /// # Errors
    /// When the system has no descriptors or no memory left.
    pub fn new() -> Result<Self, Error> {
        Self::make()
    }

    /// Takes it; waits while another thread or process holds it.
    ///
    /// # Errors
    /// [`OwnerDied`], with the lock held, when its last holder died.
    pub fn acquire(&self) -> Result<RLockGuard<'_>, OwnerDied<RLockGuard<'_>>> {
        self.acquire_until(None).map(|guard| guard.expect("it waits without end"))
    }

    /// Takes it if no other thread or process holds it.
    ///
    /// # Errors
    /// [`OwnerDied`], with the lock held, when its last holder died.
    pub fn try_acquire(&self) -> Result<Option<RLockGuard<'_>>, OwnerDied<RLockGuard<'_>>> {
        self.acquire_until(Some(clock::now()))
    }

    /// Takes it; waits at most so long.
    ///
    /// # Errors
    /// [`OwnerDied`], with the lock held, when its last holder died.
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<Option<RLockGuard<'_>>, OwnerDied<RLockGuard<'_>>> {
        self.acquire_until(deadline_after(timeout))
    }

    /// Whether some thread holds it, this one or another, at some moment during the call; also one that has died, until the
    /// next takes it.
    pub fn is_locked(&self) -> bool {
        self.journaled.peek(OWNER) != 0
    }

    fn acquire_until(&self, deadline: Option<Instant>) -> Result<Option<RLockGuard<'_>>, OwnerDied<RLockGuard<'_>>> {
        let (own, thread) = (ProcessId::own().as_word(), own_thread());
        let taken = until(&self.journaled, GIVEN_BACK, deadline, |locked, looks| {
            let owner = locked.get(OWNER);
            if owner == own && locked.get(THREAD) == thread {
                locked.add(DEPTH, 1);
                return Some(None);
            }
            let pid = if looks { dead(owner) } else { None };
            if owner != 0 && pid.is_none() {
                return None;
            }
            locked.set(OWNER, own);
            locked.set(THREAD, thread);
            locked.set(DEPTH, 1);
            Some(pid)
        });
        let guard = || RLockGuard { lock: self, of_its_thread: PhantomData };
        match taken {
            None => Ok(None),
            Some(None) => Ok(Some(guard())),
            Some(Some(pid)) => Err(OwnerDied { guard: guard(), pid }),
        }
    }
}

fn own_thread() -> u64 {
    thread_local! {
        static OWN: u64 = u64::from(rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs());
    }
    OWN.with(|own| *own)
}

/// The right to what the lock guards. It stays in its thread.
#[derive(Debug)]
#[must_use = "the lock is given back when this goes"]
pub struct RLockGuard<'a> {
    lock: &'a RLock,
    of_its_thread: PhantomData<*const ()>,
}

impl Drop for RLockGuard<'_> {
    fn drop(&mut self) {
        let mut locked = self.lock.journaled.lock();
        locked.add(DEPTH, -1);
        let is_free = locked.get(DEPTH) == 0;
        if is_free {
            locked.set(OWNER, 0);
        }
        drop(locked);
        if is_free {
            self.lock.journaled.event_count(GIVEN_BACK).notify();
        }
    }
}
