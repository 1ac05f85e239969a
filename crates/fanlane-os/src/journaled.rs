//! Words in shared memory that change together or not at all, whichever process is killed meanwhile.
//!
//! They are changed under a robust mutex, which the system passes on when its owner dies. Before a word is changed, its old
//! value is written into an undo journal; the changes are committed when the journal is emptied, with one store. The next
//! owner of a dead owner's mutex restores the values in the journal, so no process ever sees a partial change.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::event_count::EventCount;
use crate::robust::{ROBUST_MUTEX_BYTES, RobustMutex};
use crate::shared_memory::{AtomicU64, MIN_PAGE_BYTES, Segment};

const KIND_AT: usize = 0;
const MUTEX_AT: usize = 64;
const JOURNAL_AT: usize = MUTEX_AT + ROBUST_MUTEX_BYTES;
/// Maximum number of changes between two commits.
const JOURNAL_ENTRIES: usize = 15;
const EVENT_COUNTS_AT: usize = 384;
/// Number of event counts beside the words.
const EVENT_COUNTS: usize = 3;
const WORDS_AT: usize = EVENT_COUNTS_AT + 64 * EVENT_COUNTS;
/// The words fill the first page; the memory after it is for the user of this type.
pub const HEADER_BYTES: usize = MIN_PAGE_BYTES;
/// Number of words.
pub const WORDS: usize = (HEADER_BYTES - WORDS_AT) / 8;

const _: () = assert!(JOURNAL_AT + 8 + JOURNAL_ENTRIES * 16 <= EVENT_COUNTS_AT);

/// Shared memory whose first page holds words that change together.
#[derive(Debug)]
pub struct Journaled {
    segment: Segment,
}

impl Journaled {
    /// New memory, all words zero, with `extra_bytes` after its first page. `kind` names its content for [`Journaled::open`].
    ///
    /// # Errors
    /// When no descriptors or memory are left.
    pub fn create(kind: &[u8; 8], extra_bytes: usize) -> io::Result<Self> {
        let segment = Segment::create("fanlane", HEADER_BYTES + extra_bytes)?;
        let journaled = Self { segment };
        journaled.mutex().make()?;
        journaled.segment.word(KIND_AT).store(u64::from_le_bytes(*kind), Ordering::Release);
        Ok(journaled)
    }

    /// Opens memory that another process made with the same `kind`.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] for memory of another kind.
    pub fn open(kind: &[u8; 8], descriptor: OwnedFd) -> io::Result<Self> {
        Self::checked(kind, Segment::open(descriptor)?)
    }

    /// As [`Journaled::open`], with only its first page mapped: the memory after it can grow.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] for memory of another kind.
    pub fn open_first_page(kind: &[u8; 8], descriptor: OwnedFd) -> io::Result<Self> {
        Self::checked(kind, Segment::map(Arc::new(descriptor), 0, HEADER_BYTES, false)?)
    }

    fn checked(kind: &[u8; 8], segment: Segment) -> io::Result<Self> {
        let is_it =
            segment.len() >= HEADER_BYTES && segment.word(KIND_AT).load(Ordering::Acquire) == u64::from_le_bytes(*kind);
        if !is_it {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "this shared memory is of another kind"));
        }
        Ok(Self { segment })
    }

    /// The memory file.
    pub const fn descriptor(&self) -> &Arc<OwnedFd> {
        self.segment.descriptor()
    }

    /// The whole memory. What follows [`HEADER_BYTES`] is for the user of this type.
    pub const fn segment(&self) -> &Segment {
        &self.segment
    }

    /// One of the event counts beside the words.
    pub fn event_count(&self, index: usize) -> EventCount<'_> {
        assert!(index < EVENT_COUNTS, "the index of an event count");
        let at = EVENT_COUNTS_AT + 64 * index;
        EventCount::new(self.segment.half_word(at), self.segment.half_word(at + 4))
    }

    /// A word, read without the mutex.
    #[inline]
    pub fn peek(&self, index: usize) -> u64 {
        self.value(index).load(Ordering::Acquire)
    }

    fn value(&self, index: usize) -> &AtomicU64 {
        assert!(index < WORDS, "the index of a word");
        self.segment.word(WORDS_AT + 8 * index)
    }

    fn journal(&self, place: usize) -> &AtomicU64 {
        self.segment.word(JOURNAL_AT + 8 * place)
    }

    const fn mutex(&self) -> RobustMutex<'_> {
        RobustMutex::at(&self.segment, MUTEX_AT)
    }

    /// Locks the words: no other thread or process changes them until the returned value is dropped.
    pub fn lock(&self) -> Locked<'_> {
        let owner_died = self.mutex().lock();
        let locked = Locked { journaled: self, was_panicking: std::thread::panicking(), is_abandoned: false };
        if owner_died {
            locked.undo();
            self.mutex().make_consistent();
        }
        locked
    }
}

/// The right to change the words. Dropping it commits the changes; while a panic unwinds they are undone.
#[derive(Debug)]
pub struct Locked<'a> {
    journaled: &'a Journaled,
    /// A change made while a panic unwinds already, such as a release, is intended.
    was_panicking: bool,
    is_abandoned: bool,
}

impl Locked<'_> {
    /// A word.
    #[inline]
    pub fn get(&self, index: usize) -> u64 {
        self.journaled.value(index).load(Ordering::Relaxed)
    }

    /// Changes a word.
    ///
    /// # Panics
    /// After more changes than the journal has entries.
    #[inline]
    pub fn set(&mut self, index: usize, value: u64) {
        let word = self.journaled.value(index);
        let old = word.load(Ordering::Relaxed);
        if old == value {
            return;
        }
        let count = self.journaled.journal(0).load(Ordering::Relaxed);
        let entry = usize::try_from(count).expect("the journal is short");
        assert!(entry < JOURNAL_ENTRIES, "the journal has room");
        self.store(self.journaled.journal(1 + entry * 2), index as u64);
        self.store(self.journaled.journal(2 + entry * 2), old);
        self.store(self.journaled.journal(0), count + 1);
        self.store(word, value);
    }

    /// Adds to a word, with wrap-around.
    #[inline]
    pub fn add(&mut self, index: usize, difference: i64) {
        self.set(index, self.get(index).wrapping_add_signed(difference));
    }

    /// Commits the changes so far; further ones may follow.
    pub fn commit(&mut self) {
        if self.journaled.journal(0).load(Ordering::Relaxed) != 0 {
            self.store(self.journaled.journal(0), 0);
        }
    }

    fn undo(&self) {
        let count = self.journaled.journal(0).load(Ordering::Acquire);
        let entries = usize::try_from(count).unwrap_or(0).min(JOURNAL_ENTRIES);
        for entry in (0..entries).rev() {
            let index = usize::try_from(self.journaled.journal(1 + entry * 2).load(Ordering::Relaxed)).unwrap_or(WORDS);
            let old = self.journaled.journal(2 + entry * 2).load(Ordering::Relaxed);
            if index < WORDS {
                self.journaled.value(index).store(old, Ordering::Release);
            }
        }
        self.journaled.journal(0).store(0, Ordering::Release);
    }

    /// Stores are ordered, since a kill between any two must leave the memory recoverable.
    fn store(&mut self, word: &AtomicU64, value: u64) {
        #[cfg(any(test, feature = "deaths"))]
        if deaths::is_due() {
            self.is_abandoned = true;
            panic!("died while it owned the mutex");
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
            self.undo();
        } else {
            self.commit();
            if self.is_abandoned {
                return;
            }
        }
        self.journaled.mutex().unlock();
    }
}

/// Deaths of an owner between its stores, for tests of the structures built on this one.
#[cfg(any(test, feature = "deaths"))]
pub mod deaths {
    use std::cell::Cell;

    thread_local! {
        static STORES_LEFT: Cell<Option<u32>> = const { Cell::new(None) };
    }

    /// Whether this thread is to die before the store that it is about to make.
    pub fn is_due() -> bool {
        let left = STORES_LEFT.get();
        STORES_LEFT.set(left.map(|left| left.saturating_sub(1)));
        left == Some(0)
    }

    /// Calls `work` on a thread that dies, without releasing anything, before its store number `stores`. Gives whether it
    /// died.
    pub fn die_after(stores: u32, work: impl FnOnce() + Send) -> bool {
        std::thread::scope(|scope| {
            let dying = scope.spawn(move || {
                STORES_LEFT.set(Some(stores));
                work();
            });
            dying.join().is_err()
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::deaths::die_after;
    use super::*;

    #[test]
    fn an_owner_that_dies_anywhere_leaves_all_or_nothing() {
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
        // Four changes of four stores each, and the store that commits them.
        assert_eq!(outcomes, [17, 1]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// What an owner does: sets a word to a value or, without a word, commits.
        #[test]
        fn the_words_are_those_of_an_array_wherever_an_owner_dies(
            owners in prop::collection::vec((prop::collection::vec((prop::option::weighted(0.8, 0..4_usize), any::<u64>()), 0..8), 0..40_u32), 1..6),
        ) {
            let journaled = Journaled::create(b"testtest", 0).unwrap();
            let mut expected = [0; 4];
            for (changes, stores) in owners {
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
    fn a_panic_undoes_its_changes() {
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
