//! Mutual exclusion together with the value that it protects, in the manner of [`std::sync::Mutex`].

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

use bytemuck::Pod;
use serde::{Deserialize, Serialize};

use super::raw::RawValue;
use crate::error::SharedMemoryError;
use crate::sync::{Lock, LockGuard, OwnerDied};
use fanlane_os::clock;

/// A plain value in shared memory that can be reached only while its lock is owned. A clone is the same value.
///
/// The guard works on a copy, which is written back when the guard is dropped: a process that panics or dies while it has
/// the guard leaves the value as it was. A value of up to eight bytes is never half written. The next owner is told of a
/// death by [`OwnerDied`], which carries the guard like [`std::sync::PoisonError`]; unlike that, it is told once.
///
/// ```
/// use fanlane_mp::{Mutex, MutexGuard};
///
/// let counter = Mutex::new(40_u64)?;
/// *counter.lock()? += 1;
/// {
///     let mut guard: MutexGuard<'_, u64> = counter.lock().unwrap_or_else(|died| died.into_guard());
///     *guard += 1;
///     assert!(counter.try_lock()?.is_none());
/// }
/// let short = std::time::Duration::from_millis(1);
/// assert_eq!(counter.lock_timeout(short)?.map(|guard| *guard), Some(42));
/// # Ok::<(), fanlane_mp::Error>(())
/// ```
#[derive(Serialize, Deserialize)]
#[serde(bound = "T: Pod")]
pub struct Mutex<T> {
    lock: Lock,
    value: RawValue<T>,
}

impl<T> Clone for Mutex<T> {
    fn clone(&self) -> Self {
        Self { lock: self.lock.clone(), value: self.value.clone() }
    }
}

impl<T> fmt::Debug for Mutex<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Mutex")
    }
}

impl<T: Pod> Mutex<T> {
    /// A value whose lock has no owner.
    ///
    /// # Errors
    /// When no descriptors or memory are left.
    pub fn new(value: T) -> Result<Self, SharedMemoryError> {
        Ok(Self { lock: Lock::new()?, value: RawValue::new(value)? })
    }

    /// Takes the lock; waits for it.
    ///
    /// # Errors
    /// [`OwnerDied`], with the lock owned, when its last owner died.
    pub fn lock(&self) -> Result<MutexGuard<'_, T>, OwnerDied<MutexGuard<'_, T>>> {
        self.lock_until(None).map(|guard| guard.expect("it waits without a deadline"))
    }

    /// Takes the lock if nothing owns it; `None` otherwise.
    ///
    /// # Errors
    /// As [`Mutex::lock`].
    pub fn try_lock(&self) -> Result<Option<MutexGuard<'_, T>>, OwnerDied<MutexGuard<'_, T>>> {
        self.lock_until(Some(clock::now()))
    }

    /// As [`Mutex::lock`], at most for `timeout`; `None` when that is over first.
    ///
    /// # Errors
    /// As [`Mutex::lock`].
    pub fn lock_timeout(&self, timeout: Duration) -> Result<Option<MutexGuard<'_, T>>, OwnerDied<MutexGuard<'_, T>>> {
        self.lock_until(clock::deadline_after(timeout))
    }

    fn lock_until(&self, deadline: Option<Instant>) -> Result<Option<MutexGuard<'_, T>>, OwnerDied<MutexGuard<'_, T>>> {
        let guard = |lock| MutexGuard { copy: self.value.get(), shared: &self.value, _lock: lock };
        match self.lock.acquire_until(deadline) {
            Ok(lock) => Ok(lock.map(guard)),
            Err(OwnerDied { guard: lock, pid }) => Err(OwnerDied { guard: guard(lock), pid }),
        }
    }
}

/// The value of a [`Mutex`] while its lock is owned.
#[must_use = "the lock is released when this is dropped"]
pub struct MutexGuard<'a, T: Pod> {
    copy: T,
    shared: &'a RawValue<T>,
    _lock: LockGuard<'a>,
}

impl<T: Pod + fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.copy.fmt(formatter)
    }
}

impl<T: Pod> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.copy
    }
}

impl<T: Pod> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.copy
    }
}

impl<T: Pod> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.shared.set(self.copy);
        }
    }
}
