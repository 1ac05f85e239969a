//! Large results in shared memory that is used again and again: written once, read in place, never copied.
//!
//! Each process has slots, memory files whose pages are present, for what it writes. A value is a slot with a count of
//! those that have it, in whichever process; with the last of them gone the slot is free for its writer's next value.
//! Readers keep the slots that they have mapped. A reader that is killed keeps its count, so that slot is not used
//! again: it goes with its writer.

use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::flow_control::{FlowControl, MAX_AHEAD_BYTES, MIN_HELD};
use super::slot::{Slot, file_of};
use crate::error::{SharedMemoryError, SystemError};
use fanlane_os::fd_passing::{Passed, refuse};

/// Maximum number of slots that a process writes to.
const MAX_SLOTS: usize = 64;
/// Maximum number of slots of other processes that are kept mapped.
const MAX_FOREIGN_SLOTS: usize = 256;

/// Slots of this process.
static OWN: Mutex<Vec<Arc<Slot>>> = Mutex::new(Vec::new());
/// Slots of other processes that are mapped here, the latest last.
static FOREIGN: Mutex<VecDeque<Arc<Slot>>> = Mutex::new(VecDeque::new());

thread_local! {
    static ARRIVED_BYTES: Cell<usize> = const { Cell::new(0) };
}

/// Does `work`; gives also the number of bytes in shared memory that arrived in it.
pub(crate) fn with_arrived_bytes<R>(work: impl FnOnce() -> R) -> (R, usize) {
    let before = ARRIVED_BYTES.replace(0);
    let result = work();
    (result, ARRIVED_BYTES.replace(before))
}

/// Bytes in shared memory: what a task returns where a copy would take long. They can be returned from a pool's task
/// and sent through a connection, and are read where they are. A clone is the same bytes. When the last is dropped, their
/// writer uses the memory again.
///
/// ```
/// use fanlane_mp::{self as mp, Pool, SharedBytes, function};
///
/// fn large(fill: u8) -> Result<SharedBytes, String> {
///     SharedBytes::build(1 << 20, |bytes| bytes.fill(fill)).map_err(|error| error.to_string())
/// }
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     mp::init([function!(large)]);
///     let pool = Pool::new(1)?;
///     let bytes = pool.apply(large, (7,))??;
///     assert!(bytes.len() == 1 << 20 && bytes.iter().all(|byte| *byte == 7));
///     Ok(())
/// }
/// ```
pub struct SharedBytes {
    slot: Arc<Slot>,
    len: usize,
}

impl fmt::Debug for SharedBytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SharedBytes").field("len", &self.len).finish_non_exhaustive()
    }
}

/// Limits how far this process gets ahead of the readers of what it writes; `None`: no limit.
static FLOW_CONTROL: Mutex<Option<FlowControl>> = Mutex::new(None);

/// From now on this process does not write values far ahead of their readers. For a worker, whose values others read.
pub(crate) fn enable_flow_control() {
    *FLOW_CONTROL.lock().unwrap_or_else(PoisonError::into_inner) = Some(FlowControl::default());
}

fn wait_for_readers(len: usize) {
    let mut flow_control = FLOW_CONTROL.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(flow_control) = &mut *flow_control {
        flow_control.wait(|| is_ahead(len));
    }
}

/// Whether other processes hold so much of what was written here that `len` more bytes are too many.
fn is_ahead(len: usize) -> bool {
    let own = OWN.lock().unwrap_or_else(PoisonError::into_inner);
    let held = own.iter().filter(|slot| !slot.is_free() && Arc::strong_count(slot) == 1).map(|slot| slot.room());
    let (count, bytes) = held.fold((0, len), |(count, bytes), room| (count + 1, bytes + room));
    count >= MIN_HELD && bytes > MAX_AHEAD_BYTES
}

impl SharedBytes {
    /// Bytes that `fill` writes. The slice holds arbitrary bytes before that. In a worker of a pool the call may wait for some
    /// milliseconds while readers hold much of what the worker wrote before.
    ///
    /// # Errors
    /// When the system has no descriptors or no memory left.
    pub fn build(len: usize, fill: impl FnOnce(&mut [u8])) -> Result<Self, SharedMemoryError> {
        wait_for_readers(len);
        Self::build_at_once(len, fill)
    }

    fn build_at_once(len: usize, fill: impl FnOnce(&mut [u8])) -> Result<Self, SharedMemoryError> {
        let bytes = Self::take(len).map_err(SystemError::during("no shared memory for a result can be had"))?;
        #[expect(unsafe_code, reason = "the slot belongs to this value alone")]
        // SAFETY: the slot had no holder when it was taken, and has none but `bytes` yet.
        fill(unsafe { bytes.slot.bytes_mut(len) });
        Ok(bytes)
    }

    /// A copy of `bytes` in shared memory.
    ///
    /// # Errors
    /// As [`SharedBytes::build`].
    pub fn copy_of(bytes: &[u8]) -> Result<Self, SharedMemoryError> {
        Self::build(bytes.len(), |place| place.copy_from_slice(bytes))
    }

    /// A copy of `bytes` in shared memory, if all slots of this process together then take at most about `max_bytes`;
    /// `None` while readers hold too many of them. Two values may be in transit in any case.
    ///
    /// ```
    /// # use fanlane_mp::SharedBytes;
    /// let copy = SharedBytes::copy_within(b"abc", 1 << 20)?.expect("nothing else is on its way");
    /// assert_eq!(&copy[..], b"abc");
    /// # Ok::<(), fanlane_mp::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`SharedBytes::build`].
    pub fn copy_within(bytes: &[u8], max_bytes: usize) -> Result<Option<Self>, SharedMemoryError> {
        {
            let mut own = OWN.lock().unwrap_or_else(PoisonError::into_inner);
            let (mut held, mut held_bytes) = (0, 0);
            for slot in own.iter().filter(|slot| !slot.is_free()) {
                held += 1;
                held_bytes += slot.room();
            }
            // A slot that is not used again costs more than it saves, and so do more slots than the caches hold.
            if held >= MAX_SLOTS || held >= MIN_HELD && held_bytes + bytes.len() > max_bytes {
                return Ok(None);
            }
            let mut all: usize = own.iter().map(|slot| slot.room()).sum();
            // The largest are dropped first; a slot that fits this value stays.
            own.sort_by_key(|slot| slot.room());
            while all + bytes.len() > max_bytes
                && let Some(place) = own.iter().rposition(|slot| slot.is_free() && !slot.suits(bytes.len()))
            {
                let slot = own.remove(place);
                all -= slot.room();
                slot.retire();
            }
        }
        Self::build_at_once(bytes.len(), |place| place.copy_from_slice(bytes)).map(Some)
    }

    /// The smallest free slot that is large enough and not much too large; else a new one.
    fn take(len: usize) -> io::Result<Self> {
        let mut own = OWN.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |slot: &&Arc<Slot>| slot.suits(len) && slot.is_free();
        if let Some(slot) = own.iter().filter(fits).min_by_key(|slot| slot.room()) {
            slot.take();
            return Ok(Self { slot: Arc::clone(slot), len });
        }
        if own.len() >= MAX_SLOTS {
            own.retain(|slot| {
                let stays = !slot.is_free();
                if !stays {
                    slot.retire();
                }
                stays
            });
        }
        let slot = Arc::new(Slot::create(len)?);
        if own.len() < MAX_SLOTS {
            own.push(Arc::clone(&slot));
        } else {
            slot.retire();
        }
        Ok(Self { slot, len })
    }

    /// A copy of the bytes in private memory, for keeping: the slot is then free for its writer.
    pub fn into_vec(self) -> Vec<u8> {
        self.to_vec()
    }
}

impl Deref for SharedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        #[expect(unsafe_code, reason = "it is read in place")]
        // SAFETY: a slot is written only while it has no holder but its writer, and this value holds it.
        unsafe {
            self.slot.bytes(self.len)
        }
    }
}

impl PartialEq for SharedBytes {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for SharedBytes {}

impl Clone for SharedBytes {
    fn clone(&self) -> Self {
        self.slot.share();
        Self { slot: Arc::clone(&self.slot), len: self.len }
    }
}

impl Drop for SharedBytes {
    fn drop(&mut self) {
        self.slot.let_go();
    }
}

impl Serialize for SharedBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let written = (Passed(Arc::clone(self.slot.descriptor())), self.len as u64).serialize(serializer)?;
        // The message in transit holds the slot too; its receiver takes that over.
        self.slot.share();
        Ok(written)
    }
}

impl<'de> Deserialize<'de> for SharedBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (passed, len) = <(Passed, u64)>::deserialize(deserializer)?;
        let arrive = || -> io::Result<Self> {
            let file = file_of(&passed.0)?;
            let is_it = |slot: &&Arc<Slot>| slot.file == file;
            let own = OWN.lock().unwrap_or_else(PoisonError::into_inner).iter().find(is_it).cloned();
            let slot = match own {
                Some(slot) => slot,
                None => {
                    let mut foreign = FOREIGN.lock().unwrap_or_else(PoisonError::into_inner);
                    match foreign.iter().find(is_it).cloned() {
                        Some(slot) => slot,
                        None => {
                            let descriptor = Arc::into_inner(passed.0).ok_or(io::ErrorKind::InvalidData)?;
                            let slot = Arc::new(Slot::open(descriptor, file)?);
                            foreign.retain(|slot| !slot.is_retired());
                            if foreign.len() >= MAX_FOREIGN_SLOTS {
                                foreign.pop_front();
                            }
                            foreign.push_back(Arc::clone(&slot));
                            slot
                        }
                    }
                }
            };
            let len = usize::try_from(len).map_err(io::Error::other)?;
            if len > slot.room() {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a result is longer than its memory"));
            }
            ARRIVED_BYTES.set(ARRIVED_BYTES.get() + len);
            Ok(Self { slot, len })
        };
        arrive().map_err(|error| refuse(format!("a result in shared memory did not arrive: {error}")))
    }
}

/// Unmaps slots whose writers have ended; existing values stay as they are.
pub fn forget_dead_writers() {
    FOREIGN.lock().unwrap_or_else(PoisonError::into_inner).retain(|slot| !slot.is_retired() && slot.writer_lives());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipe;

    #[test]
    fn a_slot_is_used_again_when_it_has_no_holder() {
        let (here, there) = pipe().unwrap();
        // A size that no other test uses.
        let len = 3_333_333;
        let address = |bytes: &SharedBytes| bytes.as_ptr();
        let first = SharedBytes::build(len, |bytes| bytes.fill(1)).unwrap();
        let at = address(&first);
        here.send(&first).unwrap();
        drop(first);
        let second = SharedBytes::copy_of(&vec![2; len]).unwrap();
        assert_ne!(address(&second), at, "the first is in transit");
        let received: SharedBytes = there.recv().unwrap();
        assert!(received.iter().all(|byte| *byte == 1));
        let copy = received.clone();
        drop(received);
        let third = SharedBytes::build(len, |_| {}).unwrap();
        assert_ne!(address(&third), at, "a clone holds it");
        assert_eq!(copy.into_vec(), vec![1; len]);
        assert_eq!(address(&SharedBytes::build(len - 5, |_| {}).unwrap()), at);
        assert!(second.iter().all(|byte| *byte == 2));
    }
}
