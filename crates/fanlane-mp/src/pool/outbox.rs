//! The results of a worker on their way to its pool. Those of short chunks are gathered and sent together; they do not wait
//! for a long chunk behind them, because a second thread, the sender, sends what is gathered while a chunk is being done.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::cursor::Sequence;
use super::message::FromWorker;
use super::wire::{MAX_DESCRIPTORS, Wire};
use crate::error::TaskError;
use crate::function::Run;
use fanlane_os::fd_passing;

/// How often the sender checks for results, as long as it finds some.
const SEND_INTERVAL: Duration = Duration::from_millis(5);
/// Results of this size are sent at once.
pub const GATHER_BYTES: usize = 64 << 10;

/// Holds results until they are sent. The thread that does chunks keeps it locked, and unlocks it for the sender during a
/// chunk behind others whose results are gathered. Where there are none the sender is not woken and does not check.
pub struct Outbox {
    outgoing: Mutex<Outgoing>,
    is_needed: Condvar,
}

/// The outbox, locked.
pub type LockedOutbox<'a> = MutexGuard<'a, Outgoing>;

/// Results that are not sent yet, and the way that they take.
pub struct Outgoing {
    pub wire: Wire,
    pub gathered: Gathered,
    /// The number of the first chunk of those, or of the next.
    first: Sequence,
    sender_sleeps: bool,
    /// The sender could not send something, or only a part of it.
    is_cut: bool,
}

/// Results of chunks that follow one another.
#[derive(Default)]
pub struct Gathered {
    chunks: u32,
    items: u32,
    /// How long they took, in nanoseconds.
    pub busy_ns: u64,
    failures: Vec<(u32, TaskError)>,
    values: Vec<u8>,
    descriptors: Vec<Arc<OwnedFd>>,
}

/// Sends one message.
pub fn send_message(
    wire: &mut Wire,
    message: &FromWorker,
    values: &[u8],
    descriptors: &[Arc<OwnedFd>],
) -> io::Result<()> {
    let mut head = Vec::new();
    fd_passing::encode(message, &mut head).map_err(io::Error::other)?;
    wire.send([&head, values], descriptors)
}

impl Outbox {
    /// Nothing to send.
    pub fn new(wire: Wire) -> Self {
        let outgoing = Outgoing { wire, gathered: Gathered::default(), first: 0, sender_sleeps: false, is_cut: false };
        Self { outgoing: Mutex::new(outgoing), is_needed: Condvar::new() }
    }

    /// Locks it; waits until the sender has sent what it is sending.
    pub fn lock(&self) -> LockedOutbox<'_> {
        self.outgoing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does `work`, during which the sender may send what is gathered.
    pub fn work_unlocked<'a>(&'a self, mut outgoing: LockedOutbox<'a>, work: impl FnOnce()) -> LockedOutbox<'a> {
        if std::mem::take(&mut outgoing.sender_sleeps) {
            self.is_needed.notify_one();
        }
        drop(outgoing);
        work();
        self.lock()
    }

    /// Starts the sender.
    pub fn start_sender(self: &Arc<Self>) -> io::Result<()> {
        let outbox = Arc::clone(self);
        let sending = move || outbox.send_gathered();
        std::thread::Builder::new().name("results' sender".to_owned()).spawn(sending).map(drop)
    }

    fn send_gathered(&self) {
        let mut outgoing = self.lock();
        loop {
            if outgoing.gathered.is_empty() {
                outgoing.sender_sleeps = true;
                while outgoing.sender_sleeps {
                    outgoing = self.is_needed.wait(outgoing).unwrap_or_else(PoisonError::into_inner);
                }
            } else if outgoing.flush().is_err() {
                outgoing.is_cut = true;
                return;
            }
            drop(outgoing);
            std::thread::sleep(SEND_INTERVAL);
            outgoing = self.lock();
        }
    }
}

impl Outgoing {
    /// The next results will be those of chunk `first` and the ones after it.
    pub const fn expect(&mut self, first: Sequence) {
        self.first = first;
    }

    /// Adds the results of the chunk that was done last, and leaves none in `latest`.
    pub fn add(&mut self, latest: &mut Gathered) -> io::Result<()> {
        if latest.goes_at_once() {
            self.flush()?;
        }
        if self.gathered.is_empty() {
            std::mem::swap(&mut self.gathered, latest);
        } else {
            self.gathered.append(latest);
        }
        Ok(())
    }

    /// Sends what is gathered.
    pub fn flush(&mut self) -> io::Result<()> {
        let gathered = &mut self.gathered;
        if gathered.is_empty() {
            return Ok(());
        }
        if self.is_cut {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let message = FromWorker::Results {
            first: self.first,
            chunks: gathered.chunks,
            busy_ns: gathered.busy_ns,
            failures: std::mem::take(&mut gathered.failures),
        };
        send_message(&mut self.wire, &message, &gathered.values, &gathered.descriptors)?;
        self.first = self.first.wrapping_add(gathered.chunks);
        gathered.clear();
        Ok(())
    }
}

impl Gathered {
    /// Whether there is nothing to send.
    pub const fn is_empty(&self) -> bool {
        self.chunks == 0
    }

    /// Whether nothing is to be gathered with it: it is large, or has descriptors, which are counted anew in each message.
    pub const fn goes_at_once(&self) -> bool {
        self.values.len() >= GATHER_BYTES || !self.descriptors.is_empty()
    }

    fn clear(&mut self) {
        self.chunks = 0;
        self.items = 0;
        self.busy_ns = 0;
        self.failures.clear();
        self.values.clear();
        self.descriptors.clear();
    }

    /// Takes over results without descriptors.
    fn append(&mut self, latest: &mut Self) {
        let before = self.items;
        self.failures.extend(latest.failures.drain(..).map(|(item, error)| (before + item, error)));
        self.values.extend_from_slice(&latest.values);
        self.chunks += latest.chunks;
        self.items += latest.items;
        latest.clear();
    }

    /// Does a chunk of `items`, whose arguments are at the front of `args`.
    pub fn do_chunk(&mut self, function: Option<&'static dyn Run>, name: &str, items: u32, args: &mut &[u8]) {
        let mut done = 0;
        while done < items {
            let Some(function) = function else {
                self.failures.push((self.items + done, TaskError::NotRegistered(name.to_owned())));
                done += 1;
                continue;
            };
            let kept = self.descriptors.len();
            let values = &mut self.values;
            let (good, fault) = fd_passing::with_more_descriptors(&mut self.descriptors, || {
                function.run_items(args, items - done, values)
            });
            done += good;
            if self.descriptors.len() > MAX_DESCRIPTORS {
                // A chunk with more of them than go into a frame: its results cannot be sent.
                self.descriptors.truncate(kept);
            }
            if let Some(fault) = fault {
                self.failures.push((self.items + done, fault));
                done += 1;
            }
        }
        self.items += items;
        self.chunks += 1;
    }
}
