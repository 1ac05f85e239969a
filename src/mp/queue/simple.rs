//! The simplest queue between processes.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Queue;
use crate::mp::error::Error;

/// A queue with the least that one can do with a queue: [`Queue`] without limits, timeouts and counts.
///
/// ```
/// let queue = fanlane::mp::SimpleQueue::new()?;
/// queue.put(&7)?;
/// assert!(!queue.is_empty());
/// assert_eq!(queue.get()?, 7);
/// queue.close();
/// assert!(queue.put(&8).is_err() && queue.get().is_err());
/// # Ok::<(), fanlane::mp::Error>(())
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
    /// When the system has no descriptors or no memory left.
    pub fn new() -> Result<Self, Error> {
        Queue::unbounded().map(Self)
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Nothing more can be put in; what is in it can still be taken.
    pub fn close(&self) {
        self.0.close();
    }
}

impl<T: Serialize> SimpleQueue<T> {
    /// Puts an item in.
    ///
    /// # Errors
    /// As [`Queue::put`].
    pub fn put(&self, item: &T) -> Result<(), Error> {
        self.0.put(item)
    }
}

impl<T: DeserializeOwned> SimpleQueue<T> {
    /// Takes the oldest item out; waits for one.
    ///
    /// # Errors
    /// As [`Queue::get`].
    pub fn get(&self) -> Result<T, Error> {
        self.0.get()
    }
}
