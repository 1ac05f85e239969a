//! The names of Rust's channels for the methods of a queue, whose other names are those of Python's queues.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Queue;
use crate::error::{RecvError, SendError};

/// In the words of Rust's channels.
///
/// ```
/// use fanlane_mp::{Queue, RecvError, SendError};
/// use std::time::Duration;
///
/// let queue = Queue::bounded(1)?;
/// queue.send(&7)?;
/// assert!(matches!(queue.try_send(&8), Err(SendError::Full)));
/// assert_eq!(queue.recv()?, 7);
/// assert!(matches!(queue.try_recv(), Err(RecvError::Empty)));
/// assert!(matches!(queue.recv_timeout(Duration::from_millis(1)), Err(RecvError::TimedOut)));
/// # Ok::<(), fanlane_mp::Error>(())
/// ```
impl<T: Serialize> Queue<T> {
    /// [`Queue::put`].
    ///
    /// # Errors
    /// As [`Queue::put`].
    pub fn send(&self, item: &T) -> Result<(), SendError> {
        self.put(item)
    }

    /// [`Queue::put_nowait`].
    ///
    /// # Errors
    /// As [`Queue::put_nowait`].
    pub fn try_send(&self, item: &T) -> Result<(), SendError> {
        self.put_nowait(item)
    }
}

impl<T: DeserializeOwned> Queue<T> {
    /// [`Queue::get`].
    ///
    /// # Errors
    /// As [`Queue::get`].
    pub fn recv(&self) -> Result<T, RecvError> {
        self.get()
    }

    /// [`Queue::get_nowait`].
    ///
    /// # Errors
    /// As [`Queue::get_nowait`].
    pub fn try_recv(&self) -> Result<T, RecvError> {
        self.get_nowait()
    }

    /// [`Queue::get_timeout`].
    ///
    /// # Errors
    /// As [`Queue::get_timeout`].
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvError> {
        self.get_timeout(timeout)
    }
}
