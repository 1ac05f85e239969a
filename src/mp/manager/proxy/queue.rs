//! [`QueueProxy`] and [`JoinableQueueProxy`].

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{encode, proxy};
use crate::mp::manager::failure::ManagerError;

proxy! {
    /// A queue in a manager: first in, first out, for any number of producers and consumers.
    QueueProxy<T> = "Queue"
}

proxy! {
    /// A [`QueueProxy`] that counts what is not done yet.
    JoinableQueueProxy<T> = "JoinableQueue"
}

macro_rules! queue_methods {
    ($name:ident) => {
        /// # Errors
        /// Each method: when the manager cannot do it, or cannot be reached.
        impl<T: Serialize + DeserializeOwned> $name<T> {
            /// Puts an item in; waits for room, `None` for ever.
            ///
            /// # Errors
            /// Of the kind [`Full`](crate::mp::manager::FailureKind::Full) when the time is over.
            pub fn put(&self, item: &T, timeout: Option<Duration>) -> Result<(), ManagerError> {
                self.handle.wait("put", vec![encode(item)?], timeout)
            }

            /// Takes the first item out; waits for one, `None` for ever. What does not reach this process, because it
            /// is killed at that moment, goes back to its place.
            ///
            /// # Errors
            /// Of the kind [`Empty`](crate::mp::manager::FailureKind::Empty) when the time is over.
            pub fn get(&self, timeout: Option<Duration>) -> Result<T, ManagerError> {
                self.handle.wait("get", Vec::new(), timeout)
            }

            /// How many items are in it.
            pub fn qsize(&self) -> Result<usize, ManagerError> {
                self.handle.get("qsize", Vec::new())
            }

            /// Whether nothing is in it.
            pub fn is_empty(&self) -> Result<bool, ManagerError> {
                self.handle.get("empty", Vec::new())
            }

            /// Whether there is no room in it.
            pub fn is_full(&self) -> Result<bool, ManagerError> {
                self.handle.get("full", Vec::new())
            }
        }
    };
}

queue_methods!(QueueProxy);
queue_methods!(JoinableQueueProxy);

impl<T: Serialize + DeserializeOwned> JoinableQueueProxy<T> {
    /// An item that was taken out is done.
    ///
    /// # Errors
    /// When all that was put is done already.
    pub fn task_done(&self) -> Result<(), ManagerError> {
        self.handle.done("task_done", Vec::new())
    }

    /// Waits until all that was put is done, `None` for ever; whether it is.
    ///
    /// # Errors
    /// When the manager is gone.
    pub fn join(&self, timeout: Option<Duration>) -> Result<bool, ManagerError> {
        self.handle.wait("join", Vec::new(), timeout)
    }

    /// How many items are not done.
    ///
    /// # Errors
    /// When the manager is gone.
    pub fn unfinished(&self) -> Result<u64, ManagerError> {
        self.handle.get("unfinished", Vec::new())
    }
}
