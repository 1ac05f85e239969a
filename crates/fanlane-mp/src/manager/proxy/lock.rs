//! [`LockProxy`], [`RLockProxy`] and [`ConditionProxy`].
//!
//! The owner of a lock is a thread, by its connection to the manager. When that ends (with the thread, its process or its
//! machine) the lock is free, and the next owner is told.

use std::marker::PhantomData;
use std::time::{Duration, Instant};

use super::{Handle, count, proxy, timeout_value};
use crate::manager::client::ServerWait;
use crate::manager::dynamic_value::DynamicValue;
use crate::manager::failure::ManagerError;
use crate::manager::registry::OWNER_DIED;

/// A lock that this thread holds; dropping it releases the lock.
#[derive(Debug)]
pub struct Held<'a> {
    handle: &'a Handle,
    owner_died: bool,
    released: bool,
    in_this_thread: PhantomData<*const ()>,
}

impl<'a> Held<'a> {
    /// Acquires the lock; `None`: not in time.
    fn acquire(handle: &'a Handle, timeout: Option<Duration>) -> Result<Option<Self>, ManagerError> {
        let answer = handle.wait_for_value("acquire", Vec::new(), timeout)?;
        let owner_died = answer == DynamicValue::from(OWNER_DIED);
        let is_held = owner_died || answer == DynamicValue::Bool(true);
        Ok(is_held.then_some(Self { handle, owner_died, released: false, in_this_thread: PhantomData }))
    }

    /// Whether the previous owner was gone before it released the lock: what the lock protects may be half done.
    pub const fn owner_died(&self) -> bool {
        self.owner_died
    }

    /// Releases the lock and reports errors of that.
    ///
    /// # Errors
    /// When the manager is gone, or the connection broke meanwhile and the lock is lost.
    pub fn release(mut self) -> Result<(), ManagerError> {
        self.released = true;
        self.handle.done("release", Vec::new())
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if !self.released {
            // If the manager is gone, so is the lock.
            let _ = self.handle.done("release", Vec::new());
        }
    }
}

proxy! {
    /// A lock in a manager.
    LockProxy<> = "Lock"
}

proxy! {
    /// A lock in a manager that its owner can acquire again.
    RLockProxy<> = "RLock"
}

macro_rules! lock_methods {
    ($name:ident) => {
        impl $name {
            /// Acquires it, without a limit on the wait.
            ///
            /// # Errors
            /// When the manager is gone, or this thread would wait for itself.
            pub fn acquire(&self) -> Result<Held<'_>, ManagerError> {
                Ok(Held::acquire(&self.handle, None)?.expect("without a timeout there is no other answer"))
            }

            /// Acquires it unless that takes longer than `timeout`; zero does not wait.
            ///
            /// # Errors
            /// When the manager is gone.
            pub fn acquire_within(&self, timeout: Duration) -> Result<Option<Held<'_>>, ManagerError> {
                Held::acquire(&self.handle, Some(timeout))
            }
        }
    };
}

lock_methods!(LockProxy);
lock_methods!(RLockProxy);
lock_methods!(ConditionProxy);

impl LockProxy {
    /// Whether it is held.
    ///
    /// # Errors
    /// When the manager is gone.
    pub fn is_locked(&self) -> Result<bool, ManagerError> {
        self.handle.get("locked", Vec::new())
    }
}

proxy! {
    /// A reentrant lock in a manager, and the threads that have released it until they are notified.
    ConditionProxy<> = "Condition"
}

impl ConditionProxy {
    /// Releases the lock, waits to be notified, and acquires it again; whether it was notified in time. `None`: no limit.
    ///
    /// # Errors
    /// When this thread does not hold the lock.
    pub fn wait(&self, timeout: Option<Duration>) -> Result<bool, ManagerError> {
        // The answer comes when the lock is acquired again, which may take longer than the timeout.
        let answer = self.handle.call_within("wait", vec![timeout_value(timeout)], ServerWait::Unbounded)?;
        Ok(answer == DynamicValue::Bool(true))
    }

    /// Waits until `is_so` returns true, which is checked at each notification; whether it did in time.
    ///
    /// # Errors
    /// The error of `is_so`, and when this thread does not hold the lock.
    pub fn wait_for(
        &self,
        mut is_so: impl FnMut() -> Result<bool, ManagerError>,
        timeout: Option<Duration>,
    ) -> Result<bool, ManagerError> {
        let until = timeout.map(|timeout| Instant::now() + timeout);
        loop {
            if is_so()? {
                return Ok(true);
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(false);
            }
            self.wait(left)?;
        }
    }

    /// Wakes at most `most` waiting threads; returns their number.
    ///
    /// # Errors
    /// When this thread does not hold the lock.
    pub fn notify(&self, most: usize) -> Result<usize, ManagerError> {
        self.handle.get("notify", vec![count(most)])
    }

    /// Wakes all waiting threads; returns their number.
    ///
    /// # Errors
    /// When this thread does not hold the lock.
    pub fn notify_all(&self) -> Result<usize, ManagerError> {
        self.handle.get("notify_all", Vec::new())
    }
}
