//! Queues between processes: first in, first out, for any number of producers and consumers.
//!
//! A queue is a ring of bytes in shared memory. There is no thread that feeds it: when `put` returns, the item is in the
//! queue, and stays there when its producer ends. An item is taken out with one change of a number, so one who is
//! killed while putting or taking leaves the queue as if it had not begun, or as if it had finished. The ring grows with
//! what is in it and does not shrink.

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::mp::clock;
use crate::mp::clock::deadline_after;
use crate::mp::error::Error;
use crate::mp::fd_passing::{self, passed_by_descriptor};
use crate::mp::journaled::{HEADER_BYTES, Journaled, Locked};
use crate::mp::memory::{PAGE_BYTES, Segment};

mod ring;
mod simple;

pub use simple::SimpleQueue;

const KIND: &[u8; 8] = b"flqueue1";

// The numbers. Head and tail are places in the ring, counted on without end.
const HEAD: usize = 0;
const TAIL: usize = 1;
const CAPACITY: usize = 2;
const COUNT: usize = 3;
const UNFINISHED: usize = 4;
const MOST_ITEMS: usize = 5;
const CLOSED: usize = 6;

// The event counts.
const ITEM_CAME: usize = 0;
const ITEM_WENT: usize = 1;
const ALL_DONE: usize = 2;

const FIRST_CAPACITY: usize = PAGE_BYTES;

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// A queue that processes share. A clone is the same queue. It can be an argument of a process, and go through a
/// connection.
///
/// ```
/// use fanlane::mp::Queue;
///
/// let queue = Queue::bounded(2)?;
/// queue.put(&"first")?;
/// queue.put(&"second")?;
/// assert_eq!(queue.qsize(), 2);
/// assert!(queue.put_nowait(&"third").is_err());
/// # let queue: Queue<String> = queue.retyped();
/// assert_eq!(queue.get()?, "first");
/// # Ok::<(), fanlane::mp::Error>(())
/// ```
pub struct Queue<T> {
    journaled: Arc<Journaled>,
    /// Mapped anew when another process has let it grow. Reached only with the guard held.
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

/// Until when somebody waits.
#[derive(Clone, Copy)]
enum Patience {
    None,
    Until(Option<Instant>),
}

impl Patience {
    fn after(timeout: Duration) -> Self {
        Self::Until(deadline_after(timeout))
    }

    fn is_over(self) -> bool {
        match self {
            Self::None => true,
            Self::Until(deadline) => deadline.is_some_and(|deadline| clock::now() >= deadline),
        }
    }

    const fn deadline(self) -> Option<Instant> {
        match self {
            Self::None => None,
            Self::Until(deadline) => deadline,
        }
    }
}

impl<T> Queue<T> {
    /// A queue that holds as much as there is memory for.
    ///
    /// # Errors
    /// When the system has no descriptors or no memory left.
    pub fn unbounded() -> Result<Self, Error> {
        Self::with_limit(0)
    }

    /// A queue that holds at most so many items, and at least one.
    ///
    /// # Errors
    /// When the system has no descriptors or no memory left.
    pub fn bounded(most_items: usize) -> Result<Self, Error> {
        Self::with_limit(most_items.max(1))
    }

    fn with_limit(most_items: usize) -> Result<Self, Error> {
        let make = || {
            let journaled = Journaled::create(KIND, PAGE_BYTES - HEADER_BYTES + FIRST_CAPACITY)?;
            let ring = Segment::map(Arc::clone(journaled.descriptor()), PAGE_BYTES, FIRST_CAPACITY, false)?;
            let mut locked = journaled.lock();
            locked.set(CAPACITY, FIRST_CAPACITY as u64);
            locked.set(MOST_ITEMS, most_items as u64);
            drop(locked);
            Ok(Self { journaled: Arc::new(journaled), ring: Arc::new(Mutex::new(ring)), items: PhantomData })
        };
        make().map_err(Error::io("a queue cannot be made"))
    }

    fn descriptor(&self) -> &Arc<OwnedFd> {
        self.journaled.descriptor()
    }

    fn from_descriptor(descriptor: OwnedFd) -> io::Result<Self> {
        let journaled = Journaled::open_first_page(KIND, descriptor)?;
        let ring = Segment::map(Arc::clone(journaled.descriptor()), PAGE_BYTES, FIRST_CAPACITY, false)?;
        Ok(Self { journaled: Arc::new(journaled), ring: Arc::new(Mutex::new(ring)), items: PhantomData })
    }

    /// The same queue for items of another type that is encoded alike, such as `String` for `&str`.
    pub fn retyped<U>(self) -> Queue<U> {
        Queue { journaled: self.journaled, ring: self.ring, items: PhantomData }
    }

    /// How many items are in it, exactly, at some moment during the call.
    pub fn qsize(&self) -> usize {
        usize::try_from(self.journaled.lock().get(COUNT)).unwrap_or(usize::MAX)
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.qsize() == 0
    }

    /// Whether a bounded queue holds as much as it may.
    pub fn is_full(&self) -> bool {
        is_full(&self.journaled.lock())
    }

    /// Nothing more can be put in; what is in it can still be taken. Whoever waits to put or, once it is empty, to get
    /// learns of it.
    pub fn close(&self) {
        self.journaled.lock().set(CLOSED, 1);
        for event_count in [ITEM_CAME, ITEM_WENT] {
            self.journaled.event_count(event_count).notify();
        }
    }

    /// Whether it was closed.
    pub fn is_closed(&self) -> bool {
        self.journaled.peek(CLOSED) != 0
    }

    /// Says that what was to be done with an item taken from the queue is done.
    ///
    /// # Errors
    /// [`Error::Misuse`] when it is said more often than items were put in.
    pub fn task_done(&self) -> Result<(), Error> {
        let mut locked = self.journaled.lock();
        let unfinished = locked.get(UNFINISHED);
        if unfinished == 0 {
            return Err(Error::Misuse("task_done was called more often than items were put into the queue"));
        }
        locked.set(UNFINISHED, unfinished - 1);
        drop(locked);
        if unfinished == 1 {
            self.journaled.event_count(ALL_DONE).notify();
        }
        Ok(())
    }

    /// Waits until everything that was put in is said to be done.
    pub fn join(&self) {
        self.wait_all_done(None);
    }

    /// The same; `false` where `timeout` is over first, for example because one who took an item died with it.
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

    fn put_bytes(&self, bytes: &[u8], patience: Patience) -> Result<(), Error> {
        let went = self.journaled.event_count(ITEM_WENT);
        loop {
            let count = went.count();
            {
                let mut locked = self.journaled.lock();
                if locked.get(CLOSED) != 0 {
                    return Err(Error::Closed);
                }
                if !is_full(&locked) {
                    self.push(&mut locked, bytes).map_err(Error::io("the queue cannot grow"))?;
                    break;
                }
            }
            if patience.is_over() || !went.wait(count, patience.deadline()) {
                return Err(if matches!(patience, Patience::None) { Error::Full } else { Error::TimedOut });
            }
        }
        self.journaled.event_count(ITEM_CAME).notify();
        Ok(())
    }

    fn get_bytes(&self, patience: Patience, buffer: &mut Vec<u8>) -> Result<(), Error> {
        let came = self.journaled.event_count(ITEM_CAME);
        loop {
            let count = came.count();
            let is_bounded;
            {
                let mut locked = self.journaled.lock();
                is_bounded = locked.get(MOST_ITEMS) != 0;
                if locked.get(COUNT) > 0 {
                    self.pop(&mut locked, buffer).map_err(Error::io("the queue cannot be read"))?;
                    drop(locked);
                    if is_bounded {
                        self.journaled.event_count(ITEM_WENT).notify();
                    }
                    return Ok(());
                }
                if locked.get(CLOSED) != 0 {
                    return Err(Error::Closed);
                }
            }
            if patience.is_over() || !came.wait(count, patience.deadline()) {
                return Err(if matches!(patience, Patience::None) { Error::Empty } else { Error::TimedOut });
            }
        }
    }
}

impl<T: Serialize> Queue<T> {
    /// Puts an item in; waits for room in a bounded queue.
    ///
    /// # Errors
    /// [`Error::Closed`], [`Error::Encode`], [`Error::Io`] when there is no memory left.
    pub fn put(&self, item: &T) -> Result<(), Error> {
        self.put_within(item, Patience::Until(None))
    }

    /// The same; waits at most so long.
    ///
    /// # Errors
    /// Also [`Error::TimedOut`].
    pub fn put_timeout(&self, item: &T, timeout: Duration) -> Result<(), Error> {
        self.put_within(item, Patience::after(timeout))
    }

    /// The same; does not wait.
    ///
    /// # Errors
    /// Also [`Error::Full`].
    pub fn put_nowait(&self, item: &T) -> Result<(), Error> {
        self.put_within(item, Patience::None)
    }

    fn put_within(&self, item: &T, patience: Patience) -> Result<(), Error> {
        let mut buffer = SCRATCH.take();
        buffer.clear();
        let put = fd_passing::encode(item, &mut buffer).and_then(|()| self.put_bytes(&buffer, patience));
        keep_scratch(buffer);
        put
    }
}

impl<T: DeserializeOwned> Queue<T> {
    /// Takes the oldest item out; waits for one.
    ///
    /// # Errors
    /// [`Error::Closed`] when it is closed and empty; [`Error::Decode`] for an item of another type, which is gone
    /// then.
    pub fn get(&self) -> Result<T, Error> {
        self.get_within(Patience::Until(None))
    }

    /// The same; waits at most so long.
    ///
    /// # Errors
    /// Also [`Error::TimedOut`].
    pub fn get_timeout(&self, timeout: Duration) -> Result<T, Error> {
        self.get_within(Patience::after(timeout))
    }

    /// The same; does not wait.
    ///
    /// # Errors
    /// Also [`Error::Empty`].
    pub fn get_nowait(&self) -> Result<T, Error> {
        self.get_within(Patience::None)
    }

    fn get_within(&self, patience: Patience) -> Result<T, Error> {
        let mut buffer = SCRATCH.take();
        let got = self.get_bytes(patience, &mut buffer).and_then(|()| fd_passing::decode(&buffer));
        keep_scratch(buffer);
        got
    }
}

/// A buffer is used again unless it is large.
fn keep_scratch(buffer: Vec<u8>) {
    const MOST_KEPT_BYTES: usize = 1 << 20;
    if buffer.capacity() <= MOST_KEPT_BYTES {
        SCRATCH.set(buffer);
    }
}

fn is_full(locked: &Locked<'_>) -> bool {
    let most = locked.get(MOST_ITEMS);
    most != 0 && locked.get(COUNT) >= most
}

passed_by_descriptor!([T] Queue<T>);

#[cfg(test)]
mod tests;
