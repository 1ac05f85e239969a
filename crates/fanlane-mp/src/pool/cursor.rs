//! What a worker has begun, in memory that outlives it: so after its death the pool knows which task it died of, and tasks
//! that it has not begun can be taken back without asking it. Behind that lie the mailboxes between it and its pool.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use fanlane_os::mailbox::{self, Mailbox};
use fanlane_os::shared_memory::{AtomicU64, Segment};

/// Tasks of one worker are numbered in the order in which it gets them; numbers wrap around.
pub type Sequence = u32;

/// Which tasks a worker has begun, and up to which those it has not begun are taken back.
#[derive(Debug)]
pub struct Cursor {
    segment: Arc<Segment>,
}

const BYTES: usize = 4096;
const MAILBOXES_AT: usize = 64;

const _: () = assert!(MAILBOXES_AT + mailbox::PAIR_BYTES <= BYTES);

impl Cursor {
    /// Nothing begun.
    pub fn create() -> io::Result<Self> {
        Segment::create("fanlane-worker", BYTES).map(|segment| Self { segment: Arc::new(segment) })
    }

    /// The worker's view.
    pub fn open(descriptor: OwnedFd) -> io::Result<Self> {
        Segment::open(descriptor).map(|segment| Self { segment: Arc::new(segment) })
    }

    /// The memory file.
    pub fn descriptor(&self) -> &Arc<OwnedFd> {
        self.segment.descriptor()
    }

    /// The mailboxes to the worker and from it.
    pub fn mailboxes(&self) -> [Mailbox; 2] {
        mailbox::pair(&self.segment, MAILBOXES_AT)
    }

    fn word(&self) -> &AtomicU64 {
        self.segment.word(0)
    }

    /// Begins a task; `false` where it was taken back.
    pub fn begin(&self, task: Sequence) -> bool {
        let begun = self.word().fetch_update(Ordering::AcqRel, Ordering::Acquire, |word| {
            let (_, taken_below) = parts(word);
            // The bound comes along, so that it is never half a round behind.
            (!is_before(task, taken_below)).then(|| whole(task.wrapping_add(1), task))
        });
        begun.is_ok()
    }

    /// Takes back all tasks below `end` that are not begun. Gives the first of those, if there are any.
    pub fn take_back(&self, end: Sequence) -> Sequence {
        let taken = self.word().fetch_update(Ordering::AcqRel, Ordering::Acquire, |word| {
            let (next, taken_below) = parts(word);
            Some(whole(next, if is_before(taken_below, end) { end } else { taken_below }))
        });
        parts(taken.unwrap_or_else(|word| word)).0
    }

    /// The task after the last that was begun.
    pub fn next(&self) -> Sequence {
        parts(self.word().load(Ordering::Acquire)).0
    }
}

const fn parts(word: u64) -> (Sequence, Sequence) {
    ((word & 0xffff_ffff) as u32, (word >> 32) as u32)
}

const fn whole(next: Sequence, taken_below: Sequence) -> u64 {
    (taken_below as u64) << 32 | next as u64
}

/// Whether `one` comes before `other`, around the wrap.
pub const fn is_before(one: Sequence, other: Sequence) -> bool {
    other.wrapping_sub(one).wrapping_sub(1) < u32::MAX / 2
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_task_is_begun_or_taken_back_and_never_both() {
        let here = Cursor::create().unwrap();
        let worker = Cursor::open(here.descriptor().try_clone().unwrap()).unwrap();
        for round in 0..200 {
            let (first, end) = (round * 100, round * 100 + 100);
            std::thread::scope(|scope| {
                let working = scope.spawn(|| (first..end).take_while(|task| worker.begin(*task)).count());
                let taken_from = here.take_back(end);
                let begun = first + u32::try_from(working.join().unwrap()).unwrap();
                assert_eq!(here.next().max(first), begun);
                assert_eq!(taken_from.max(first), begun, "what was taken back is what was not begun");
            });
        }
    }

    proptest! {
        /// A worker gets tasks in batches, begins some and finds others taken back; from any number on, so also around
        /// the wrap.
        #[test]
        fn it_says_what_a_list_of_tasks_says(first: Sequence, steps in prop::collection::vec((any::<bool>(), 0..20_u32), 1..60)) {
            let cursor = Cursor::create().unwrap();
            // As if all before had been done: no two that follow each other are half a round apart.
            for task in [first / 3, first / 3 * 2, first] {
                prop_assert!(cursor.begin(task));
            }
            let mut given = VecDeque::new();
            let (mut next, mut last_begun) = (first.wrapping_add(1), first);
            for (begins, count) in steps {
                if begins {
                    for _ in 0..count {
                        let Some(task) = given.pop_front() else { break };
                        prop_assert!(cursor.begin(task));
                        last_begun = task;
                    }
                } else {
                    // Those that are not begun are taken back; the worker has them on its list all the same.
                    prop_assert_eq!(cursor.take_back(next), last_begun.wrapping_add(1));
                    for task in given.drain(..) {
                        prop_assert!(!cursor.begin(task));
                    }
                    given.extend((0..count).map(|more| next.wrapping_add(more)));
                    next = next.wrapping_add(count);
                }
                prop_assert_eq!(cursor.next(), last_begun.wrapping_add(1));
            }
        }
    }

    #[test]
    fn numbers_wrap_around() {
        assert!(is_before(u32::MAX, 0) && is_before(0, 1) && !is_before(1, 1) && !is_before(0, u32::MAX));
        let cursor = Cursor::create().unwrap();
        for task in [u32::MAX / 2 - 1, u32::MAX - 1, u32::MAX, 0] {
            assert!(cursor.begin(task));
        }
        assert_eq!(cursor.take_back(5), 1);
        assert!(!cursor.begin(4) && cursor.begin(5));
    }
}
