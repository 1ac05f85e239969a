//! Numbers in shared memory that change together or not at all, whoever is killed meanwhile.
//!
//! They are changed under a robust mutex: where its holder dies, the system hands it to the next. Before a number is
//! changed, its old value is written into a journal; the changes become true when the journal is emptied, with one
//! store. Whoever gets the mutex of a dead holder puts back what the journal holds, so nobody ever sees a half change.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::mp::event_count::EventCount;
use crate::mp::memory::{AtomicU64, LEAST_PAGE_BYTES, Segment};
use crate::mp::robust::{ROBUST_MUTEX_BYTES, RobustMutex};

const KIND_AT: usize = 0;
const MUTEX_AT: usize = 64;
const JOURNAL_AT: usize = MUTEX_AT + ROBUST_MUTEX_BYTES;
/// Changes that one holder may make.
const JOURNAL_ENTRIES: usize = 15;
const EVENT_COUNTS_AT: usize = 384;
/// Event counts in each journaled memory.
const EVENT_COUNTS: usize = 3;
const WORDS_AT: usize = EVENT_COUNTS_AT + 64 * EVENT_COUNTS;
/// The words fill the first page; what lies behind it is the owner's.
pub const HEADER_BYTES: usize = LEAST_PAGE_BYTES;
/// The numbers that one journaled memory holds.
pub const WORDS: usize = (HEADER_BYTES - WORDS_AT) / 8;

const _: () = assert!(JOURNAL_AT + 8 + JOURNAL_ENTRIES * 16 <= EVENT_COUNTS_AT);

/// Shared memory whose first page holds numbers that change together.
#[derive(Debug)]
pub struct Journaled {
    segment: Segment,
}

impl Journaled {
    /// New memory, all numbers zero, with `extra_bytes` behind its first page. `kind` tells what it is to those who
    /// open it.
    ///
    /// # Errors
    /// When the system has no descriptors or no memory left.
    pub fn create(kind: &[u8; 8], extra_bytes: usize) -> io::Result<Self> {
        let segment = Segment::create("fanlane", HEADER_BYTES + extra_bytes)?;
        let journaled = Self { segment };
        journaled.mutex().make()?;
        journaled.segment.word(KIND_AT).store(u64::from_le_bytes(*kind), Ordering::Release);
        Ok(journaled)
    }

    /// Opens what another process made as the same `kind`.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] where it is something else.
    pub fn open(kind: &[u8; 8], descriptor: OwnedFd) -> io::Result<Self> {
        Self::checked(kind, Segment::open(descriptor)?)
    }

    /// The same with its first page alone mapped: what lies behind it grows.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] where it is something else.
    pub fn open_first_page(kind: &[u8; 8], descriptor: OwnedFd) -> io::Result<Self> {
        Self::checked(kind, Segment::map(Arc::new(descriptor), 0, HEADER_BYTES, false)?)
    }

    fn checked(kind: &[u8; 8], segment: Segment) -> io::Result<Self> {
        let is_it =
            segment.len() >= HEADER_BYTES && segment.word(KIND_AT).load(Ordering::Acquire) == u64::from_le_bytes(*kind);
        if !is_it {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "this shared memory holds something else"));
        }
        Ok(Self { segment })
    }

    /// The memory file.
    pub const fn descriptor(&self) -> &Arc<OwnedFd> {
        self.segment.descriptor()
    }

    /// The whole memory. What lies behind [`HEADER_BYTES`] is the owner's.
    pub const fn segment(&self) -> &Segment {
        &self.segment
    }

    /// One of the event counts that lie beside the numbers.
    pub fn event_count(&self, index: usize) -> EventCount<'_> {
        assert!(index < EVENT_COUNTS, "one of the event counts");
        let at = EVENT_COUNTS_AT + 64 * index;
        EventCount::new(self.segment.half_word(at), self.segment.half_word(at + 4))
    }

    /// A number, to be looked at without the mutex.
    pub fn peek(&self, index: usize) -> u64 {
        self.number(index).load(Ordering::Acquire)
    }

    fn number(&self, index: usize) -> &AtomicU64 {
        assert!(index < WORDS, "one of the numbers");
        self.segment.word(WORDS_AT + 8 * index)
    }

    fn journal(&self, place: usize) -> &AtomicU64 {
        self.segment.word(JOURNAL_AT + 8 * place)
    }

    const fn mutex(&self) -> RobustMutex<'_> {
        RobustMutex::at(&self.segment, MUTEX_AT)
    }

    /// Waits for its turn; from then on nobody else changes the numbers until the returned value goes.
    pub fn lock(&self) -> Locked<'_> {
        let holder_died = self.mutex().lock();
        let locked = Locked { journaled: self, was_panicking: std::thread::panicking(), is_abandoned: false };
        if holder_died {
            locked.put_back();
            self.mutex().make_consistent();
        }
        locked
    }
}

/// The right to change the numbers. Changes are true once this goes; while a panic unwinds they are taken back.
#[derive(Debug)]
pub struct Locked<'a> {
    journaled: &'a Journaled,
    /// What is done while a panic unwinds already, such as giving something back, is meant.
    was_panicking: bool,
    is_abandoned: bool,
}

impl Locked<'_> {
    /// A number.
    pub fn get(&self, index: usize) -> u64 {
        self.journaled.number(index).load(Ordering::Relaxed)
    }

    /// Changes a number.
    ///
    /// # Panics
    /// After more changes than the journal holds.
    pub fn set(&mut self, index: usize, value: u64) {
        let number = self.journaled.number(index);
        let old = number.load(Ordering::Relaxed);
        if old == value {
            return;
        }
        let count = self.journaled.journal(0).load(Ordering::Relaxed);
        let entry = usize::try_from(count).expect("the journal is short");
        assert!(entry < JOURNAL_ENTRIES, "the journal has room");
        self.store(self.journaled.journal(1 + entry * 2), index as u64);
        self.store(self.journaled.journal(2 + entry * 2), old);
        self.store(self.journaled.journal(0), count + 1);
        self.store(number, value);
    }

    /// Adds to a number, or takes from it; it wraps around.
    pub fn add(&mut self, index: usize, difference: i64) {
        self.set(index, self.get(index).wrapping_add_signed(difference));
    }

    /// Makes the changes so far true; further ones may follow.
    pub fn commit(&mut self) {
        if self.journaled.journal(0).load(Ordering::Relaxed) != 0 {
            self.store(self.journaled.journal(0), 0);
        }
    }

    fn put_back(&self) {
        let count = self.journaled.journal(0).load(Ordering::Acquire);
        let entries = usize::try_from(count).unwrap_or(0).min(JOURNAL_ENTRIES);
        for entry in (0..entries).rev() {
            let index = usize::try_from(self.journaled.journal(1 + entry * 2).load(Ordering::Relaxed)).unwrap_or(WORDS);
            let old = self.journaled.journal(2 + entry * 2).load(Ordering::Relaxed);
            if index < WORDS {
                self.journaled.number(index).store(old, Ordering::Release);
            }
        }
        self.journaled.journal(0).store(0, Ordering::Release);
    }

    /// Every store is in its order: it counts in which state a kill leaves the memory.
    fn store(&mut self, word: &AtomicU64, value: u64) {
        #[cfg(test)]
        if tests::is_to_die_now() {
            self.is_abandoned = true;
            panic!("died holding the mutex");
        }
        word.store(value, Ordering::Release);
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        if self.is_abandoned {
            return;
        }
        if std::thread::panicking() && !self.was_panicking {
            self.put_back();
        } else {
            self.commit();
            if self.is_abandoned {
                return;
            }
        }
        self.journaled.mutex().unlock();
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::cell::Cell;

    use proptest::prelude::*;

    use super::*;

    thread_local! {
        static STORES_LEFT: Cell<Option<u32>> = const { Cell::new(None) };
    }

    pub(super) fn is_to_die_now() -> bool {
        STORES_LEFT.with(|left| match left.get() {
            Some(0) => true,
            Some(some) => {
                left.set(Some(some - 1));
                false
            }
            None => false,
        })
    }

    /// Does `work` on a thread that dies, holding what it holds, before its store number `stores`. Says whether it
    /// died.
    pub(crate) fn die_after(stores: u32, work: impl FnOnce() + Send) -> bool {
        std::thread::scope(|scope| {
            let dying = scope.spawn(move || {
                STORES_LEFT.set(Some(stores));
                work();
            });
            dying.join().is_err()
        })
    }

    #[test]
    fn a_holder_that_dies_anywhere_leaves_all_or_nothing() {
        let journaled = Journaled::create(b"testtest", 0).unwrap();
        let mut outcomes = [0, 0];
        for stores in 0.. {
            let before = journaled.lock().get(0);
            let died = die_after(stores, || {
                let mut locked = journaled.lock();
                locked.add(0, 1);
                locked.add(1, 2);
                locked.add(0, 1);
                locked.add(2, -1);
            });
            let locked = journaled.lock();
            let now = locked.get(0);
            assert!(now == before || now == before + 2, "{now} after {before}");
            assert_eq!((locked.get(1), locked.get(2)), (now, 0_u64.wrapping_sub(now / 2)));
            outcomes[usize::from(now != before)] += 1;
            if !died {
                break;
            }
        }
        // Four changes of four stores each, and the one that makes them true.
        assert_eq!(outcomes, [17, 1]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// What a holder does: to which number, which value; or, without a number, that its changes so far are true.
        #[test]
        fn the_numbers_are_those_of_an_array_whoever_dies_where(
            holders in prop::collection::vec((prop::collection::vec((prop::option::weighted(0.8, 0..4_usize), any::<u64>()), 0..8), 0..40_u32), 1..6),
        ) {
            let journaled = Journaled::create(b"testtest", 0).unwrap();
            let mut expected = [0; 4];
            for (changes, stores) in holders {
                let mut now = expected;
                let mut each = vec![now];
                for (index, value) in &changes {
                    match index {
                        Some(index) => now[*index] = *value,
                        None => each.push(now),
                    }
                }
                each.push(now);
                let died = die_after(stores, || {
                    let mut locked = journaled.lock();
                    for (index, value) in &changes {
                        match index {
                            Some(index) => locked.set(*index, *value),
                            None => locked.commit(),
                        }
                    }
                });
                let locked = journaled.lock();
                let found = [0, 1, 2, 3].map(|index| locked.get(index));
                prop_assert!(if died { each.contains(&found) } else { found == now }, "{found:?} after {each:?}");
                expected = found;
            }
        }
    }

    #[test]
    fn a_panic_takes_its_changes_back() {
        let journaled = Journaled::create(b"testtest", 0).unwrap();
        std::thread::scope(|scope| {
            let panics = scope.spawn(|| {
                let mut locked = journaled.lock();
                locked.set(0, 7);
                locked.commit();
                locked.set(0, 8);
                panic!("expected");
            });
            assert!(panics.join().is_err());
        });
        assert_eq!(journaled.lock().get(0), 7);
        assert_eq!(journaled.peek(0), 7);
    }

    #[test]
    fn another_kind_is_refused() {
        let journaled = Journaled::create(b"testtest", 0).unwrap();
        let descriptor = || journaled.descriptor().try_clone().unwrap();
        assert!(Journaled::open(b"testtest", descriptor()).is_ok());
        assert_eq!(Journaled::open(b"othertes", descriptor()).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
