//! [`SemaphoreProxy`] and [`BoundedSemaphoreProxy`].

use std::marker::PhantomData;
use std::time::Duration;

use super::{Handle, count, proxy};
use crate::mp::manager::dynamic_value::{DynamicValue, from_value};
use crate::mp::manager::failure::ManagerError;

proxy! {
    /// A number of slots in a manager.
    SemaphoreProxy<> = "Semaphore"
}

proxy! {
    /// A number of slots in a manager, of which no more can be given back than were taken.
    BoundedSemaphoreProxy<> = "BoundedSemaphore"
}

/// A slot that is held; dropping it gives it back, and so does the end of its thread or process.
#[derive(Debug)]
pub struct HeldSlot<'a> {
    handle: &'a Handle,
    in_this_thread: PhantomData<*const ()>,
}

impl Drop for HeldSlot<'_> {
    fn drop(&mut self) {
        // Where the manager is gone there is nothing left to give back.
        let _ = self.handle.done("release", Vec::new());
    }
}

fn acquire(handle: &Handle, timeout: Option<Duration>, to_hold: bool) -> Result<bool, ManagerError> {
    let secs = timeout.map_or(DynamicValue::Nil, |timeout| DynamicValue::Float(timeout.as_secs_f64()));
    Ok(from_value(handle.call_for("acquire", vec![secs, to_hold.into()], timeout.into())?)?)
}

macro_rules! semaphore_methods {
    ($name:ident) => {
        /// # Errors
        /// Each method: when the manager is gone.
        impl $name {
            /// Takes a slot, which anybody may give back; `false` if none was to be had in time, `None` for ever.
            pub fn acquire(&self, timeout: Option<Duration>) -> Result<bool, ManagerError> {
                acquire(&self.handle, timeout, false)
            }

            /// Takes a slot for as long as the result lives; `None` if none was to be had in time.
            pub fn hold(&self, timeout: Option<Duration>) -> Result<Option<HeldSlot<'_>>, ManagerError> {
                let held = acquire(&self.handle, timeout, true)?;
                Ok(held.then_some(HeldSlot { handle: &self.handle, in_this_thread: PhantomData }))
            }

            /// Gives so many slots back.
            ///
            /// # Errors
            /// Of the kind [`NotHeld`](crate::mp::manager::FailureKind::NotHeld) where a bounded one has all its slots.
            pub fn release(&self, slots: usize) -> Result<(), ManagerError> {
                self.handle.done("release", vec![count(slots)])
            }

            /// How many slots are free.
            pub fn get_value(&self) -> Result<usize, ManagerError> {
                self.handle.get("get_value", Vec::new())
            }
        }
    };
}

semaphore_methods!(SemaphoreProxy);
semaphore_methods!(BoundedSemaphoreProxy);
