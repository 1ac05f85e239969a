//! A lock that its owner may take again.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Instant;

use super::{OwnerDied, acquire_methods, dead, held, shared_by_descriptor, until};
use crate::error::SharedMemoryError;
use fanlane_os::journaled::Journaled;
use fanlane_os::process_id::ProcessId;

const OWNER: usize = 0;
const THREAD: usize = 1;
const DEPTH: usize = 2;
const RELEASED: usize = 0;

/// A lock that one thread of one process owns at a time, and may take any number of times. It is released when all of the
/// thread's guards are dropped.
///
/// ```
/// use fanlane_mp::{RLock, RLockGuard};
///
/// let lock = RLock::new()?;
/// let outer: RLockGuard<'_> = lock.acquire().expect("no owner has died");
/// let inner = lock.acquire().expect("no owner has died");
/// let is_free = || std::thread::scope(|scope| {
///     scope.spawn(|| lock.try_acquire().is_ok_and(|guard| guard.is_some())).join().expect("it does not panic")
/// });
/// assert!(!is_free());
/// drop(inner);
/// assert!(!is_free());
/// assert!(lock.is_locked());
/// drop(outer);
/// assert!(is_free() && !lock.is_locked());
/// # Ok::<(), fanlane_mp::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct RLock {
    journaled: Arc<Journaled>,
}

shared_by_descriptor!(RLock, b"flrlock1");

impl RLock {
    /// A lock without an owner.
    ///
    /// # Errors
    /// When no descriptors or memory are left.
    pub fn new() -> Result<Self, SharedMemoryError> {
        Self::make()
    }

    /// Whether some thread owns it, this one or another, at some moment during the call; also one that has died, until the
    /// next takes it.
    pub fn is_locked(&self) -> bool {
        self.journaled.peek(OWNER) != 0
    }

    fn acquire_until(&self, deadline: Option<Instant>) -> Result<Option<RLockGuard<'_>>, OwnerDied<RLockGuard<'_>>> {
        let (own, thread) = (ProcessId::own().as_word(), own_thread());
        let taken = until(&self.journaled, RELEASED, deadline, |locked, checks_owners| {
            let owner = locked.get(OWNER);
            if owner == own && locked.get(THREAD) == thread {
                locked.add(DEPTH, 1);
                return Some(None);
            }
            let died = if checks_owners { dead(owner) } else { None };
            if owner != 0 && died.is_none() {
                return None;
            }
            locked.set(OWNER, own);
            locked.set(THREAD, thread);
            locked.set(DEPTH, 1);
            Some(died)
        });
        held(taken, || RLockGuard { lock: self, of_its_thread: PhantomData })
    }
}

acquire_methods!(
    RLock,
    RLockGuard,
    "Takes the lock; waits while another thread or process owns it",
    try "Takes the lock if no other thread or process owns it; `None` otherwise.",
    "[`OwnerDied`], with the lock owned, when its last owner died."
);

fn own_thread() -> u64 {
    thread_local! {
        static OWN: u64 = u64::from(rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs());
    }
    OWN.with(|own| *own)
}

/// The right to what the lock protects. It stays in its thread.
#[derive(Debug)]
#[must_use = "the lock is released when this is dropped"]
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
            self.lock.journaled.event_count(RELEASED).notify();
        }
    }
}
