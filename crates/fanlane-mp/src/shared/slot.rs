//! A memory file for one large result after the other: written by its writer while it has no holder, and read in place
//! by any number of processes.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use fanlane_os::process_id::ProcessId;
use fanlane_os::shared_memory::{AtomicU64, Segment};

const KIND: u64 = u64::from_le_bytes(*b"fl_slot1");
const KIND_AT: usize = 0;
const HOLDERS_AT: usize = 8;
const WRITER_AT: usize = 16;
/// Not 0 when the writer does not use it again.
const RETIRED_AT: usize = 24;
const BYTES_AT: usize = 4096;

/// Bytes with a count of their holders in all processes.
#[derive(Debug)]
pub struct Slot {
    segment: Segment,
    /// Device and inode of the file.
    pub file: (u64, u64),
}

impl Slot {
    /// A new slot with room for `len` bytes or somewhat more, and one holder.
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

    /// A slot of another process, whose count includes the caller.
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

    /// Whether it has no holder. All accesses of former holders have happened before.
    pub fn is_free(&self) -> bool {
        self.holders().load(Ordering::Acquire) == 0
    }

    /// Makes the writer the holder of a free slot, to write to it.
    pub fn take(&self) {
        self.holders().store(1, Ordering::Relaxed);
    }

    /// Adds a holder. The caller holds it already.
    pub fn share(&self) {
        self.holders().fetch_add(1, Ordering::Relaxed);
    }

    /// Removes a holder.
    pub fn let_go(&self) {
        self.holders().fetch_sub(1, Ordering::Release);
    }

    /// The first `len` bytes.
    ///
    /// # Safety
    /// The caller holds the slot as long as the slice lives, and it is written already.
    #[expect(unsafe_code, reason = "the caller ensures that nothing writes meanwhile")]
    pub unsafe fn bytes(&self, len: usize) -> &[u8] {
        // SAFETY: a slot is written only while it has no holder but its writer, and the caller holds it.
        unsafe { self.segment.slice(BYTES_AT, len) }
    }

    /// The first `len` bytes, to be written.
    ///
    /// # Safety
    /// The caller took or created the slot and has not shared it yet, as long as the slice lives.
    #[expect(unsafe_code, clippy::mut_from_ref, reason = "the caller ensures that there is no other holder")]
    pub unsafe fn bytes_mut(&self, len: usize) -> &mut [u8] {
        // SAFETY: as the caller promises.
        unsafe { self.segment.slice_mut(BYTES_AT, len) }
    }

    /// Whether it is large enough for `len` bytes, and not much too large.
    pub fn suits(&self, len: usize) -> bool {
        const MAX_EXCESS: usize = 4;
        self.room() >= len && self.room() / MAX_EXCESS <= len.max(4096)
    }

    /// Its capacity in bytes.
    pub const fn room(&self) -> usize {
        self.segment.len() - BYTES_AT
    }

    /// Marks that its writer does not use it again, so that readers need not keep it mapped.
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

/// Device and inode of a file.
pub fn file_of(descriptor: &Arc<OwnedFd>) -> io::Result<(u64, u64)> {
    let status = rustix::fs::fstat(&**descriptor)?;
    Ok((status.st_dev, status.st_ino))
}
