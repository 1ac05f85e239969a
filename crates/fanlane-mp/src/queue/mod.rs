//! Queues between processes: first in, first out, for any number of producers and consumers.
//!
//! A queue is a ring of bytes in shared memory. No thread feeds it: when `put` returns, the item is in the queue, and stays
//! there when its producer ends. An item is taken out with one change of a word, so a process that is killed while it puts
//! or takes leaves the queue as if it had not begun, or as if it had finished. The ring grows with its content and does not
//! shrink.

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{LockError, RecvError, SendError, SharedMemoryError, SystemError};
use fanlane_os::clock;
use fanlane_os::clock::deadline_after;
use fanlane_os::journaled::{HEADER_BYTES, Journaled, Locked};
use fanlane_os::shared_memory::{PAGE_BYTES, Segment};
use fanlane_os::{fd_passing, passed_by_descriptor};

mod channel;
mod ring;
mod simple;

pub use simple::SimpleQueue;

const KIND: &[u8; 8] = b"flqueue1";

// The words. Head and tail are positions in the ring that only increase.
const HEAD: usize = 0;
const TAIL: usize = 1;
const CAPACITY: usize = 2;
const COUNT: usize = 3;
const UNFINISHED: usize = 4;
const MAX_ITEMS: usize = 5;
const CLOSED: usize = 6;

// The event counts.
const ITEM_ADDED: usize = 0;
const ITEM_TAKEN: usize = 1;
const ALL_DONE: usize = 2;

const FIRST_CAPACITY: usize = PAGE_BYTES;

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// A queue shared between processes. A clone is the same queue. It can be an argument of a process and be sent through a
/// connection.
///
/// ```
/// use fanlane_mp::Queue;
///
/// let queue = Queue::bounded(2)?;
/// queue.put(&"first")?;
/// queue.put(&"second")?;
/// assert_eq!(queue.qsize(), 2);
/// assert!(queue.put_nowait(&"third").is_err());
/// # let queue: Queue<String> = queue.retyped();
/// assert_eq!(queue.get()?, "first");
/// # Ok::<(), fanlane_mp::Error>(())
/// ```
pub struct Queue<T> {
    journaled: Arc<Journaled>,
    /// Mapped anew after another process has grown it. Accessed only while the words are locked.
    ring: Arc<Mutex<Segment>>,
    items: PhantomData<fn(T) -> T>,
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self { journaled: Arc::clone(&self.journaled), ring: Arc::clone(&self.ring), items: PhantomData }
    }
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Queue").field("qsize", &self.qsize()).finish_non_exhaustive()
    }
}

/// For how long an operation waits.
#[derive(Clone, Copy)]
enum Wait {
    Never,
    Until(Option<Instant>),
}

impl Wait {
    fn after(timeout: Duration) -> Self {
        Self::Until(deadline_after(timeout))
    }

    fn is_over(self) -> bool {
        match self {
            Self::Never => true,
            Self::Until(deadline) => deadline.is_some_and(|deadline| clock::now() >= deadline),
        }
    }

    const fn deadline(self) -> Option<Instant> {
        match self {
            Self::Never => None,
            Self::Until(deadline) => deadline,
        }
    }
}

impl<T> Queue<T> {
    /// A queue without a limit but memory.
    ///
    /// # Errors
    /// When no descriptors or memory are left.
    pub fn unbounded() -> Result<Self, SharedMemoryError> {
        Self::with_limit(0)
    }

    /// A queue of at most `max_items` items; 0 counts as 1.
    ///
    /// # Errors
    /// When no descriptors or memory are left.
    pub fn bounded(max_items: usize) -> Result<Self, SharedMemoryError> {
        Self::with_limit(max_items.max(1))
    }

    fn with_limit(max_items: usize) -> Result<Self, SharedMemoryError> {
        let make = || {
            let journaled = Journaled::create(KIND, PAGE_BYTES - HEADER_BYTES + FIRST_CAPACITY)?;
            let ring = Segment::map(Arc::clone(journaled.descriptor()), PAGE_BYTES, FIRST_CAPACITY, false)?;
            let mut locked = journaled.lock();
            locked.set(CAPACITY, FIRST_CAPACITY as u64);
            locked.set(MAX_ITEMS, max_items as u64);
            drop(locked);
            Ok(Self { journaled: Arc::new(journaled), ring: Arc::new(Mutex::new(ring)), items: PhantomData })
        };
        Ok(make().map_err(SystemError::during("a queue cannot be made"))?)
    }

    fn descriptor(&self) -> &Arc<OwnedFd> {
        self.journaled.descriptor()
    }

    fn from_descriptor(descriptor: OwnedFd) -> io::Result<Self> {
        let journaled = Journaled::open_first_page(KIND, descriptor)?;
        let ring = Segment::map(Arc::clone(journaled.descriptor()), PAGE_BYTES, FIRST_CAPACITY, false)?;
        Ok(Self { journaled: Arc::new(journaled), ring: Arc::new(Mutex::new(ring)), items: PhantomData })
    }

    /// The same queue for items of another type with the same encoding, such as `String` for `&str`.
    pub fn retyped<U>(self) -> Queue<U> {
        Queue { journaled: self.journaled, ring: self.ring, items: PhantomData }
    }

    /// The exact number of items at some moment during the call.
    pub fn qsize(&self) -> usize {
        usize::try_from(self.journaled.lock().get(COUNT)).unwrap_or(usize::MAX)
    }

    /// Whether it has no items.
    pub fn is_empty(&self) -> bool {
        self.qsize() == 0
    }

    /// Whether a bounded queue is at its limit.
    pub fn is_full(&self) -> bool {
        is_full(&self.journaled.lock())
    }

    /// Closes it: no more items can be put in, and those in it can still be taken. Waiting calls end with
    /// [`SendError::Closed`] and, once it is empty, [`RecvError::Closed`].
    pub fn close(&self) {
        self.journaled.lock().set(CLOSED, 1);
        for changed in [ITEM_ADDED, ITEM_TAKEN] {
            self.journaled.event_count(changed).notify();
        }
    }

    /// Whether it was closed.
    pub fn is_closed(&self) -> bool {
        self.journaled.peek(CLOSED) != 0
    }

    /// Marks the work on one item taken from the queue as done.
    ///
    /// # Errors
    /// [`LockError::ReleasedTooOften`] when it is called more often than items were put in.
    pub fn task_done(&self) -> Result<(), LockError> {
        let mut locked = self.journaled.lock();
        let unfinished = locked.get(UNFINISHED);
        if unfinished == 0 {
            return Err(LockError::ReleasedTooOften(
                "task_done was called more often than items were put into the queue",
            ));
        }
        locked.set(UNFINISHED, unfinished - 1);
        drop(locked);
        if unfinished == 1 {
            self.journaled.event_count(ALL_DONE).notify();
        }
        Ok(())
    }

    /// Waits until every item that was put in is marked as done.
    pub fn join(&self) {
        self.wait_all_done(None);
    }

    /// As [`Queue::join`]; `false` when `timeout` is over first, for example because a process died after it took an item.
    pub fn join_timeout(&self, timeout: Duration) -> bool {
        self.wait_all_done(deadline_after(timeout).or_else(|| Some(clock::now())))
    }

    fn wait_all_done(&self, deadline: Option<Instant>) -> bool {
        let event_count = self.journaled.event_count(ALL_DONE);
        loop {
            let count = event_count.count();
            if self.journaled.lock().get(UNFINISHED) == 0 {
                return true;
            }
            if !event_count.wait(count, deadline) {
                return false;
            }
        }
    }

    fn put_bytes(&self, bytes: &[u8], wait: Wait) -> Result<(), SendError> {
        let went = self.journaled.event_count(ITEM_TAKEN);
        loop {
            let count = went.count();
            {
                let mut locked = self.journaled.lock();
                if locked.get(CLOSED) != 0 {
                    return Err(SendError::Closed);
                }
                if !is_full(&locked) {
                    self.push(&mut locked, bytes).map_err(SystemError::during("the queue cannot grow"))?;
                    break;
                }
            }
            if wait.is_over() || !went.wait(count, wait.deadline()) {
                return Err(if matches!(wait, Wait::Never) { SendError::Full } else { SendError::TimedOut });
            }
        }
        self.journaled.event_count(ITEM_ADDED).notify();
        Ok(())
    }

    fn get_bytes(&self, wait: Wait, buffer: &mut Vec<u8>) -> Result<(), RecvError> {
        let came = self.journaled.event_count(ITEM_ADDED);
        loop {
            let count = came.count();
            let is_bounded;
            {
                let mut locked = self.journaled.lock();
                is_bounded = locked.get(MAX_ITEMS) != 0;
                if locked.get(COUNT) > 0 {
                    self.pop(&mut locked, buffer).map_err(SystemError::during("the queue cannot be read"))?;
                    drop(locked);
                    if is_bounded {
                        self.journaled.event_count(ITEM_TAKEN).notify();
                    }
                    return Ok(());
                }
                if locked.get(CLOSED) != 0 {
                    return Err(RecvError::Closed);
                }
            }
            if wait.is_over() || !came.wait(count, wait.deadline()) {
                return Err(if matches!(wait, Wait::Never) { RecvError::Empty } else { RecvError::TimedOut });
            }
        }
    }
}

impl<T: Serialize> Queue<T> {
    /// Puts an item in; waits for room in a bounded queue.
    ///
    /// # Errors
    /// [`SendError::Closed`], [`SendError::Encode`], [`SendError::System`] when no memory is left.
    pub fn put(&self, item: &T) -> Result<(), SendError> {
        self.put_within(item, Wait::Until(None))
    }

    /// As [`Queue::put`], for at most `timeout`.
    ///
    /// # Errors
    /// Also [`SendError::TimedOut`].
    pub fn put_timeout(&self, item: &T, timeout: Duration) -> Result<(), SendError> {
        self.put_within(item, Wait::after(timeout))
    }

    /// As [`Queue::put`], without waiting.
    ///
    /// # Errors
    /// Also [`SendError::Full`].
    pub fn put_nowait(&self, item: &T) -> Result<(), SendError> {
        self.put_within(item, Wait::Never)
    }

    fn put_within(&self, item: &T, wait: Wait) -> Result<(), SendError> {
        let mut buffer = SCRATCH.take();
        buffer.clear();
        let put =
            fd_passing::encode(item, &mut buffer).map_err(SendError::from).and_then(|()| self.put_bytes(&buffer, wait));
        keep_scratch(buffer);
        put
    }
}

impl<T: DeserializeOwned> Queue<T> {
    /// Takes the oldest item out; waits for one.
    ///
    /// # Errors
    /// [`RecvError::Closed`] when it is closed and empty; [`RecvError::Decode`] for an item of another type, which is lost
    /// then.
    pub fn get(&self) -> Result<T, RecvError> {
        self.get_within(Wait::Until(None))
    }

    /// As [`Queue::get`], for at most `timeout`.
    ///
    /// # Errors
    /// Also [`RecvError::TimedOut`].
    pub fn get_timeout(&self, timeout: Duration) -> Result<T, RecvError> {
        self.get_within(Wait::after(timeout))
    }

    /// As [`Queue::get`], without waiting.
    ///
    /// # Errors
    /// Also [`RecvError::Empty`].
    pub fn get_nowait(&self) -> Result<T, RecvError> {
        self.get_within(Wait::Never)
    }

    fn get_within(&self, wait: Wait) -> Result<T, RecvError> {
        let mut buffer = SCRATCH.take();
        let got = self.get_bytes(wait, &mut buffer).and_then(|()| Ok(fd_passing::decode(&buffer)?));
        keep_scratch(buffer);
        got
    }
}

/// A buffer is used again unless it is large.
fn keep_scratch(buffer: Vec<u8>) {
    const MAX_KEPT_BYTES: usize = 1 << 20;
    if buffer.capacity() <= MAX_KEPT_BYTES {
        SCRATCH.set(buffer);
    }
}

fn is_full(locked: &Locked<'_>) -> bool {
    let limit = locked.get(MAX_ITEMS);
    limit != 0 && locked.get(COUNT) >= limit
}

passed_by_descriptor!([T] Queue<T>);

#[cfg(test)]
mod tests;
