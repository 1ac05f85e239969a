//! [`LockProxy`], [`RLockProxy`] and [`ConditionProxy`]: what a thread holds and lets go of.
//!
//! The holder is the thread, as its connection to the manager. When that ends (the thread does, its process is killed,
//! its machine is gone) the lock is free, and whoever acquires it next is told.

use std::marker::PhantomData;
use std::time::{Duration, Instant};

use super::{Handle, count, proxy};
use crate::mp::manager::dynamic_value::DynamicValue;
use crate::mp::manager::failure::ManagerError;
use crate::mp::manager::registry::OWNER_DIED;

/// A lock that is held; dropping it releases it. It stays in its thread.
#[derive(Debug)]
pub struct Held<'a> {
    handle: &'a Handle,
    owner_died: bool,
    released: bool,
    in_this_thread: PhantomData<*const ()>,
}

impl<'a> Held<'a> {
    /// `None`: it was not to be had in time.
    fn of(handle: &'a Handle, answer: &DynamicValue) -> Option<Self> {
        let owner_died = *answer == DynamicValue::from(OWNER_DIED);
        let is_held = owner_died || *answer == DynamicValue::Bool(true);
        is_held.then_some(Self { handle, owner_died, released: false, in_this_thread: PhantomData })
    }

    /// Whoever held it last was gone before it was released: what it protects may be half done.
    pub const fn owner_died(&self) -> bool {
        self.owner_died
    }

    /// Releases it, and says whether that was done.
    ///
    /// # Errors
    /// When the manager is gone, or the connection was lost meanwhile and the lock with it.
    pub fn release(mut self) -> Result<(), ManagerError> {
        self.released = true;
        self.handle.done("release", Vec::new())
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if !self.released {
            // Where the manager is gone there is nothing left to release.
            let _ = self.handle.done("release", Vec::new());
        }
    }
}

proxy! {
    /// A lock in a manager.
    LockProxy<> = "Lock"
}

proxy! {
    /// A lock in a manager that its holder can acquire again.
    RLockProxy<> = "RLock"
}

macro_rules! lock_methods {
    ($name:ident) => {
        impl $name {
            /// Acquires it, however long that takes.
            ///
            /// # Errors
            /// When the manager is gone, or this thread would wait for itself.
            pub fn acquire(&self) -> Result<Held<'_>, ManagerError> {
                let answer = acquire(&self.handle, None)?;
                Ok(Held::of(&self.handle, &answer).expect("without a timeout it is waited for"))
            }

            /// Acquires it if it is to be had within `timeout`; zero does not wait.
            ///
            /// # Errors
            /// When the manager is gone.
            pub fn acquire_within(&self, timeout: Duration) -> Result<Option<Held<'_>>, ManagerError> {
                let answer = acquire(&self.handle, Some(timeout))?;
                Ok(Held::of(&self.handle, &answer))
            }
        }
    };
}

lock_methods!(LockProxy);
lock_methods!(RLockProxy);
lock_methods!(ConditionProxy);

impl LockProxy {
    /// Whether somebody holds it.
    ///
    /// # Errors
    /// When the manager is gone.
    pub fn is_locked(&self) -> Result<bool, ManagerError> {
        self.handle.get("locked", Vec::new())
    }
}

fn acquire(handle: &Handle, timeout: Option<Duration>) -> Result<DynamicValue, ManagerError> {
    let secs = timeout.map_or(DynamicValue::Nil, |timeout| DynamicValue::Float(timeout.as_secs_f64()));
    handle.call_for("acquire", vec![secs], timeout.into())
}

proxy! {
    /// A reentrant lock in a manager, and those who have let go of it until they are notified.
    ConditionProxy<> = "Condition"
}

impl ConditionProxy {
    /// Lets go of it, waits to be notified, and has it again; whether it was notified in time, `None` for ever.
    ///
    /// # Errors
    /// When this thread does not hold it.
    pub fn wait(&self, timeout: Option<Duration>) -> Result<bool, ManagerError> {
        // It has to have the lock again before it is answered, which may take longer than its timeout.
        let secs = timeout.map_or(DynamicValue::Nil, |timeout| DynamicValue::Float(timeout.as_secs_f64()));
        let answer = self.handle.call_for("wait", vec![secs], None.into())?;
        Ok(answer == DynamicValue::Bool(true))
    }

    /// Waits until `is_so` says yes, looking each time it is notified; whether it did in time.
    ///
    /// # Errors
    /// What `is_so` says, and when this thread does not hold it.
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

    /// Wakes at most so many of those that wait; how many it were.
    ///
    /// # Errors
    /// When this thread does not hold it.
    pub fn notify(&self, most: usize) -> Result<usize, ManagerError> {
        self.handle.get("notify", vec![count(most)])
    }

    /// Wakes all that wait; how many it were.
    ///
    /// # Errors
    /// When this thread does not hold it.
    pub fn notify_all(&self) -> Result<usize, ManagerError> {
        self.handle.get("notify_all", Vec::new())
    }
}
