//! A queue with fewer methods.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Queue;
use crate::error::{RecvError, SendError, SharedMemoryError};

/// A [`Queue`] without limits, timeouts and counts.
///
/// ```
/// let queue = fanlane_mp::SimpleQueue::new()?;
/// queue.put(&7)?;
/// assert!(!queue.is_empty());
/// assert_eq!(queue.get()?, 7);
/// queue.close();
/// assert!(queue.put(&8).is_err() && queue.get().is_err());
/// # Ok::<(), fanlane_mp::Error>(())
/// ```
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct SimpleQueue<T>(Queue<T>);

impl<T> Clone for SimpleQueue<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> SimpleQueue<T> {
    /// An empty queue.
    ///
    /// # Errors
    /// When no descriptors or memory are left.
    pub fn new() -> Result<Self, SharedMemoryError> {
        Queue::unbounded().map(Self)
    }

    /// Whether it has no items.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Closes it: no more items can be put in, and those in it can still be taken.
    pub fn close(&self) {
        self.0.close();
    }
}

impl<T: Serialize> SimpleQueue<T> {
    /// Puts an item in.
    ///
    /// # Errors
    /// As [`Queue::put`].
    pub fn put(&self, item: &T) -> Result<(), SendError> {
        self.0.put(item)
    }
}

impl<T: DeserializeOwned> SimpleQueue<T> {
    /// Takes the oldest item out; waits for one.
    ///
    /// # Errors
    /// As [`Queue::get`].
    pub fn get(&self) -> Result<T, RecvError> {
        self.0.get()
    }
}
