//! A memory file for one large result after the other: written by its writer while nobody has it, and read in place by
//! any number of processes.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use fanlane_os::memory::{AtomicU64, Segment};
use fanlane_os::process_id::ProcessId;

const KIND: u64 = u64::from_le_bytes(*b"fl_slot1");
const KIND_AT: usize = 0;
const HOLDERS_AT: usize = 8;
const WRITER_AT: usize = 16;
/// Not 0: the writer does not use it again.
const RETIRED_AT: usize = 24;
const BYTES_AT: usize = 4096;

/// Bytes with a count of those that have them, in whichever process.
#[derive(Debug)]
pub struct Slot {
    segment: Segment,
    /// What the system knows the file by.
    pub file: (u64, u64),
}

impl Slot {
    /// A new one with room for `len` bytes or somewhat more, that somebody has.
    pub fn create(len: usize) -> io::Result<Self> {
        const STEP_BYTES: usize = 1 << 20;
        let room = if len > STEP_BYTES { len.next_multiple_of(STEP_BYTES) } else { len.next_power_of_two() };
        let segment = Segment::create_present("fanlane-result", BYTES_AT + room)?;
        segment.word(HOLDERS_AT).store(1, Ordering::Relaxed);
        segment.word(WRITER_AT).store(ProcessId::own().as_word(), Ordering::Relaxed);
        segment.word(KIND_AT).store(KIND, Ordering::Release);
        let file = file_of(segment.descriptor())?;
        Ok(Self { segment, file })
    }

    /// Another process's, whose count the caller has a part in.
    pub fn open(descriptor: OwnedFd, file: (u64, u64)) -> io::Result<Self> {
        let mut len = rustix::fs::fstat(&descriptor)?.st_size.unsigned_abs();
        // No more than an address holds.
        len = len.min(isize::MAX as u64);
        let segment = Segment::map(Arc::new(descriptor), 0, usize::try_from(len).map_err(io::Error::other)?, true)?;
        if segment.len() < BYTES_AT || segment.word(KIND_AT).load(Ordering::Acquire) != KIND {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "this shared memory holds no result"));
        }
        Ok(Self { segment, file })
    }

    pub const fn descriptor(&self) -> &Arc<OwnedFd> {
        self.segment.descriptor()
    }

    fn holders(&self) -> &AtomicU64 {
        self.segment.word(HOLDERS_AT)
    }

    /// Nobody has it. What they did with it, they did before.
    pub fn is_free(&self) -> bool {
        self.holders().load(Ordering::Acquire) == 0
    }

    /// Its writer has a free one, to write to it.
    pub fn take(&self) {
        self.holders().store(1, Ordering::Relaxed);
    }

    /// One more has it. For one who has it already.
    pub fn share(&self) {
        self.holders().fetch_add(1, Ordering::Relaxed);
    }

    /// One who had it has it no more.
    pub fn let_go(&self) {
        self.holders().fetch_sub(1, Ordering::Release);
    }

    /// The first `len` bytes.
    ///
    /// # Safety
    /// The caller has the slot as long as the slice lives, and it is written already.
    #[expect(unsafe_code, reason = "that nobody writes meanwhile is for the caller to see to")]
    pub unsafe fn bytes(&self, len: usize) -> &[u8] {
        // SAFETY: a slot is written only by who took it while nobody had it, and the caller has it.
        unsafe { self.segment.slice(BYTES_AT, len) }
    }

    /// The first `len` bytes, to be written.
    ///
    /// # Safety
    /// The caller took or created the slot and has not shared it yet, as long as the slice lives.
    #[expect(unsafe_code, clippy::mut_from_ref, reason = "that nobody else has it is for the caller to see to")]
    pub unsafe fn bytes_mut(&self, len: usize) -> &mut [u8] {
        // SAFETY: as the caller promises.
        unsafe { self.segment.slice_mut(BYTES_AT, len) }
    }

    /// It is large enough for so many bytes, and not much too large.
    pub fn suits(&self, len: usize) -> bool {
        const LAVISH: usize = 4;
        self.room() >= len && self.room() / LAVISH <= len.max(4096)
    }

    /// So many bytes go into it.
    pub const fn room(&self) -> usize {
        self.segment.len() - BYTES_AT
    }

    /// Its writer does not use it again, so readers need not keep it.
    pub fn retire(&self) {
        self.segment.word(RETIRED_AT).store(1, Ordering::Relaxed);
    }

    pub fn is_retired(&self) -> bool {
        self.segment.word(RETIRED_AT).load(Ordering::Relaxed) != 0
    }

    pub fn writer_lives(&self) -> bool {
        let writer = self.segment.word(WRITER_AT).load(Ordering::Relaxed);
        ProcessId::from_word(writer).is_some_and(ProcessId::is_alive)
    }
}

/// What the system knows a file by.
pub fn file_of(descriptor: &Arc<OwnedFd>) -> io::Result<(u64, u64)> {
    let status = rustix::fs::fstat(&**descriptor)?;
    Ok((status.st_dev, status.st_ino))
}
