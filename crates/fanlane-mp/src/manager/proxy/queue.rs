//! [`QueueProxy`] and [`JoinableQueueProxy`].

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{encode, proxy};
use crate::manager::failure::ManagerError;

proxy! {
    /// A queue in a manager: first in, first out, for any number of producers and consumers.
    QueueProxy<T> = "Queue"
}

proxy! {
    /// A queue in a manager that also counts unfinished items.
    JoinableQueueProxy<T> = "JoinableQueue"
}

macro_rules! queue_methods {
    ($name:ident) => {
        /// # Errors
        /// Each method: when the manager cannot do it, or cannot be reached.
        impl<T: Serialize + DeserializeOwned> $name<T> {
            /// Adds an item; waits while the queue is full. `None`: no limit.
            ///
            /// # Errors
            /// Of the kind [`Full`](crate::manager::FailureKind::Full) when the timeout ends.
            pub fn put(&self, item: &T, timeout: Option<Duration>) -> Result<(), ManagerError> {
                self.handle.wait("put", vec![encode(item)?], timeout)
            }

            /// Removes the first item and returns it; waits while the queue is empty. `None`: no limit. An item that does
            /// not reach this process, because it is killed at that moment, goes back to its place.
            ///
            /// # Errors
            /// Of the kind [`Empty`](crate::manager::FailureKind::Empty) when the timeout ends.
            pub fn get(&self, timeout: Option<Duration>) -> Result<T, ManagerError> {
                self.handle.wait("get", Vec::new(), timeout)
            }

            /// The number of items.
            pub fn qsize(&self) -> Result<usize, ManagerError> {
                self.handle.get("qsize", Vec::new())
            }

            /// Whether it has no items.
            pub fn is_empty(&self) -> Result<bool, ManagerError> {
                self.handle.get("empty", Vec::new())
            }

            /// Whether it has its maximum number of items.
            pub fn is_full(&self) -> Result<bool, ManagerError> {
                self.handle.get("full", Vec::new())
            }
        }
    };
}

queue_methods!(QueueProxy);
queue_methods!(JoinableQueueProxy);

impl<T: Serialize + DeserializeOwned> JoinableQueueProxy<T> {
    /// Marks an item that was removed as done.
    ///
    /// # Errors
    /// When all items are done already.
    pub fn task_done(&self) -> Result<(), ManagerError> {
        self.handle.done("task_done", Vec::new())
    }

    /// Waits until all items are done; whether they are. `None`: no limit.
    ///
    /// # Errors
    /// When the manager is gone.
    pub fn join(&self, timeout: Option<Duration>) -> Result<bool, ManagerError> {
        self.handle.wait("join", Vec::new(), timeout)
    }

    /// The number of items that are not done.
    ///
    /// # Errors
    /// When the manager is gone.
    pub fn unfinished(&self) -> Result<u64, ManagerError> {
        self.handle.get("unfinished", Vec::new())
    }
}
