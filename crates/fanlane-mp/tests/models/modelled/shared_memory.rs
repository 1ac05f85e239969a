//! Shared memory under loom: its words, whose values may be old where nothing orders one process after another, and its
//! plain bytes, which no process may read while another writes them.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use loom::cell::UnsafeCell;
use loom::sync::atomic::fence;

use crate::futex::Sleepers;
use crate::orders::processes;
use crate::robust::MutexState;

/// Small pages, since each word in the first is one of loom: 20 are for the structures.
pub const MIN_PAGE_BYTES: usize = 736;
pub const PAGE_BYTES: usize = 1024;

/// Where halves of words are: the event counts of journaled memory.
const EVENT_COUNTS: [usize; 3] = [384, 448, 512];

/// Loom takes what is sequentially consistent for acquire and release. It knows fences in full, and one before each such
/// access orders them all.
fn fence_for(order: Ordering) {
    if order == Ordering::SeqCst {
        fence(Ordering::SeqCst);
    }
}

macro_rules! number {
    ($name:ident, $loom:ty, $type:ty { $($more:tt)* } { $($methods:tt)* }) => {
        #[derive(Debug)]
        pub struct $name {
            value: $loom,
            $($more)*
        }

        impl $name {
            pub fn load(&self, order: Ordering) -> $type {
                // A dead process must not wait for its turn while it unwinds.
                if processes::is_dead() {
                    return 0;
                }
                fence_for(order);
                self.value.load(order)
            }

            pub fn store(&self, value: $type, order: Ordering) {
                if !processes::step() {
                    return;
                }
                fence_for(order);
                if order == Ordering::SeqCst {
                    // Such a store is ordered with all other changes of the word; loom guarantees that only for a swap.
                    self.value.swap(value, order);
                } else {
                    self.value.store(value, order);
                }
            }

            fn change(&self, order: Ordering, change: impl FnOnce(&$loom) -> $type) -> $type {
                if processes::step() {
                    fence_for(order);
                    change(&self.value)
                } else {
                    0
                }
            }

            pub fn swap(&self, new: $type, order: Ordering) -> $type {
                self.change(order, |value| value.swap(new, order))
            }

            pub fn fetch_add(&self, more: $type, order: Ordering) -> $type {
                self.change(order, |value| value.fetch_add(more, order))
            }

            pub fn fetch_sub(&self, less: $type, order: Ordering) -> $type {
                self.change(order, |value| value.fetch_sub(less, order))
            }

            pub fn compare_exchange(
                &self,
                seen: $type,
                new: $type,
                set: Ordering,
                fetch: Ordering,
            ) -> Result<$type, $type> {
                if !processes::step() {
                    return Err(0);
                }
                fence_for(set);
                self.value.compare_exchange(seen, new, set, fetch)
            }

            pub fn fetch_update(
                &self,
                set: Ordering,
                fetch: Ordering,
                mut change: impl FnMut($type) -> Option<$type>,
            ) -> Result<$type, $type> {
                let mut now = self.load(fetch);
                while let Some(new) = change(now) {
                    if !processes::step() {
                        break;
                    }
                    match self.value.compare_exchange(now, new, set, fetch) {
                        Ok(old) => return Ok(old),
                        Err(other) => now = other,
                    }
                }
                Err(now)
            }

            $($methods)*
        }
    };
}

number!(AtomicU64, loom::sync::atomic::AtomicU64, u64 {} {
    pub fn new(value: u64) -> Self {
        Self { value: loom::sync::atomic::AtomicU64::new(value) }
    }
});

number!(AtomicU32, loom::sync::atomic::AtomicU32, u32 { sleepers: Arc<Sleepers>, } {
    pub fn new(value: u32) -> Self {
        Self { value: loom::sync::atomic::AtomicU32::new(value), sleepers: Sleepers::new() }
    }

    pub fn sleepers(&self) -> &Sleepers {
        &self.sleepers
    }

    pub fn as_seen_by_the_system(&self) -> u32 {
        self.value.load(Ordering::Relaxed)
    }
});

/// The content of a memory file.
pub struct Memory {
    descriptor: Arc<OwnedFd>,
    words: Vec<AtomicU64>,
    half_words: BTreeMap<usize, AtomicU32>,
    bytes: UnsafeCell<Vec<u8>>,
    turns: Arc<MutexState>,
}

#[expect(unsafe_code, reason = "loom's threads take turns on one of the system's")]
// SAFETY: loom runs all threads of a model on one thread of the system's, and checks each access to the cell.
unsafe impl Send for Memory {}
#[expect(unsafe_code, reason = "loom's threads take turns on one of the system's")]
// SAFETY: as above.
unsafe impl Sync for Memory {}

/// A view of some bytes of a memory file.
pub struct Segment {
    descriptor: Arc<OwnedFd>,
    memory: Arc<Memory>,
    offset: usize,
    len: usize,
}

impl std::fmt::Debug for Segment {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Segment").field("offset", &self.offset).field("len", &self.len).finish_non_exhaustive()
    }
}

impl Segment {
    pub fn create(_label: &str, len: usize) -> io::Result<Self> {
        // Any descriptor will do: it identifies the memory.
        let descriptor = Arc::new(OwnedFd::from(std::fs::File::open("/dev/null")?));
        let words = (0..len.min(MIN_PAGE_BYTES) / 8).map(|_| AtomicU64::new(0)).collect();
        let half_words = EVENT_COUNTS.iter().filter(|at| **at < len).flat_map(|at| [*at, at + 4]);
        let memory = Arc::new(Memory {
            descriptor: Arc::clone(&descriptor),
            words,
            half_words: half_words.map(|at| (at, AtomicU32::new(0))).collect(),
            bytes: UnsafeCell::new(vec![0; len]),
            turns: MutexState::new(),
        });
        processes::add_memory(&memory);
        Ok(Self { descriptor, memory, offset: 0, len })
    }

    pub fn create_present(label: &str, len: usize) -> io::Result<Self> {
        Self::create(label, len)
    }

    pub fn open(_descriptor: OwnedFd) -> io::Result<Self> {
        Err(io::Error::other("processes of a model share the values themselves"))
    }

    pub fn map(descriptor: Arc<OwnedFd>, offset: usize, len: usize, _present: bool) -> io::Result<Self> {
        let memory = processes::find_memory(|memory| Arc::ptr_eq(&memory.descriptor, &descriptor));
        Ok(Self { descriptor, memory: memory.expect("memory of this model"), offset, len })
    }

    pub const fn len(&self) -> usize {
        self.len
    }

    pub const fn descriptor(&self) -> &Arc<OwnedFd> {
        &self.descriptor
    }

    pub fn turns(&self) -> &Arc<MutexState> {
        &self.memory.turns
    }

    pub fn word(&self, offset: usize) -> &AtomicU64 {
        &self.memory.words[(self.offset + offset) / 8]
    }

    pub fn half_word(&self, offset: usize) -> &AtomicU32 {
        &self.memory.half_words[&(self.offset + offset)]
    }

    pub fn load(&self, offset: usize, bytes: &mut [u8]) {
        if !processes::is_dead() {
            #[expect(unsafe_code, reason = "loom checks that nothing writes them meanwhile")]
            // SAFETY: loom fails the model if something does.
            bytes.copy_from_slice(unsafe { self.slice(offset, bytes.len()) });
        }
    }

    pub fn store(&self, offset: usize, bytes: &[u8]) {
        if !bytes.is_empty() && processes::step() {
            #[expect(unsafe_code, reason = "loom checks for exclusive access")]
            // SAFETY: loom fails the model without it.
            unsafe { self.slice_mut(offset, bytes.len()) }.copy_from_slice(bytes);
        }
    }

    #[expect(unsafe_code, reason = "as in the library")]
    pub unsafe fn slice(&self, offset: usize, len: usize) -> &[u8] {
        let place = self.offset + offset;
        assert!(offset + len <= self.len, "inside the memory");
        // SAFETY: as the caller promises; loom checks it.
        self.memory.bytes.with(|bytes| unsafe { &(&*bytes)[place..place + len] })
    }

    #[expect(unsafe_code, clippy::mut_from_ref, reason = "as in the library")]
    pub unsafe fn slice_mut(&self, offset: usize, len: usize) -> &mut [u8] {
        let place = self.offset + offset;
        assert!(offset + len <= self.len, "inside the memory");
        // SAFETY: as the caller promises; loom checks it.
        self.memory.bytes.with_mut(|bytes| unsafe { &mut (&mut *bytes)[place..place + len] })
    }
}
