//! [`SemaphoreProxy`] and [`BoundedSemaphoreProxy`].

use std::marker::PhantomData;
use std::time::Duration;

use super::{Handle, count, proxy, timeout_value};
use crate::manager::dynamic_value::from_value;
use crate::manager::failure::ManagerError;

proxy! {
    /// A number of slots in a manager.
    SemaphoreProxy<> = "Semaphore"
}

proxy! {
    /// A number of slots in a manager; no more can be released than were acquired.
    BoundedSemaphoreProxy<> = "BoundedSemaphore"
}

/// A slot that this thread holds; dropping it releases the slot, and so does the end of the thread or process.
#[derive(Debug)]
pub struct HeldSlot<'a> {
    handle: &'a Handle,
    in_this_thread: PhantomData<*const ()>,
}

impl Drop for HeldSlot<'_> {
    fn drop(&mut self) {
        // If the manager is gone, so is the semaphore.
        let _ = self.handle.done("release", Vec::new());
    }
}

fn acquire(handle: &Handle, timeout: Option<Duration>, holds: bool) -> Result<bool, ManagerError> {
    let arguments = vec![timeout_value(timeout), holds.into()];
    Ok(from_value(handle.call_within("acquire", arguments, timeout.into())?)?)
}

macro_rules! semaphore_methods {
    ($name:ident) => {
        /// # Errors
        /// Each method: when the manager is gone.
        impl $name {
            /// Acquires a slot, which any client may release; `false`: not in time. `None`: no limit.
            pub fn acquire(&self, timeout: Option<Duration>) -> Result<bool, ManagerError> {
                acquire(&self.handle, timeout, false)
            }

            /// Holds a slot while the result lives; `None`: not in time.
            pub fn hold(&self, timeout: Option<Duration>) -> Result<Option<HeldSlot<'_>>, ManagerError> {
                let held = acquire(&self.handle, timeout, true)?;
                Ok(held.then_some(HeldSlot { handle: &self.handle, in_this_thread: PhantomData }))
            }

            /// Releases `slots` slots.
            ///
            /// # Errors
            /// Of the kind [`NotHeld`](crate::manager::FailureKind::NotHeld) when a bounded semaphore has all its slots.
            pub fn release(&self, slots: usize) -> Result<(), ManagerError> {
                self.handle.done("release", vec![count(slots)])
            }

            /// The number of free slots.
            pub fn get_value(&self) -> Result<usize, ManagerError> {
                self.handle.get("get_value", Vec::new())
            }
        }
    };
}

semaphore_methods!(SemaphoreProxy);
semaphore_methods!(BoundedSemaphoreProxy);
