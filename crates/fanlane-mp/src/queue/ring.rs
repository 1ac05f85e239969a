//! The ring of bytes of a queue: how items are put in and taken out, and how it grows. All of it is called with the words
//! locked.

use std::io;
use std::sync::{Arc, MutexGuard, PoisonError};

use rustix::fs::FallocateFlags;

use super::{CAPACITY, COUNT, HEAD, Queue, TAIL, UNFINISHED};
use fanlane_os::journaled::Locked;
use fanlane_os::shared_memory::{PAGE_BYTES, Segment};

/// Size of the length before each item.
const LENGTH_BYTES: usize = 8;

impl<T> Queue<T> {
    /// The ring with its present capacity.
    fn ring(&self, locked: &Locked<'_>) -> io::Result<MutexGuard<'_, Segment>> {
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let capacity = size(locked, CAPACITY);
        if ring.len() != capacity {
            *ring = Segment::map(Arc::clone(self.journaled.descriptor()), PAGE_BYTES, capacity, false)?;
        }
        Ok(ring)
    }

    pub(super) fn push(&self, locked: &mut Locked<'_>, bytes: &[u8]) -> io::Result<()> {
        let needed = LENGTH_BYTES + bytes.len().next_multiple_of(LENGTH_BYTES);
        let mut ring = self.ring(locked)?;
        if size(locked, TAIL) - size(locked, HEAD) + needed > ring.len() {
            drop(ring);
            self.grow(locked, needed)?;
            ring = self.ring(locked)?;
        }
        let tail = size(locked, TAIL);
        store_around(&ring, tail, &(bytes.len() as u64).to_le_bytes());
        store_around(&ring, tail + LENGTH_BYTES, bytes);
        locked.set(TAIL, (tail + needed) as u64);
        locked.add(COUNT, 1);
        locked.add(UNFINISHED, 1);
        Ok(())
    }

    pub(super) fn pop(&self, locked: &mut Locked<'_>, buffer: &mut Vec<u8>) -> io::Result<()> {
        let ring = self.ring(locked)?;
        let head = size(locked, HEAD);
        let mut len = [0; LENGTH_BYTES];
        load_around(&ring, head, &mut len);
        let len = usize::try_from(u64::from_le_bytes(len)).map_err(io::Error::other)?;
        buffer.clear();
        buffer.resize(len, 0);
        load_around(&ring, head + LENGTH_BYTES, buffer);
        locked.set(HEAD, (head + LENGTH_BYTES + len.next_multiple_of(LENGTH_BYTES)) as u64);
        locked.add(COUNT, -1);
        Ok(())
    }

    /// Makes room for `needed` more bytes. What has wrapped around to the beginning of the ring is copied to behind its former
    /// end; no bytes in use are overwritten, so the old ring is intact until the words change.
    fn grow(&self, locked: &mut Locked<'_>, needed: usize) -> io::Result<()> {
        let (head, tail, old) = (size(locked, HEAD), size(locked, TAIL), size(locked, CAPACITY));
        let used = tail - head;
        let capacity = (used + needed).max(old * 2).next_power_of_two();
        let file = self.journaled.descriptor();
        // The memory is allocated now, so that a lack of it is an error here and not a fault at a later access.
        rustix::fs::fallocate(file, FallocateFlags::empty(), PAGE_BYTES as u64, capacity as u64)?;
        let ring = Segment::map(Arc::clone(file), PAGE_BYTES, capacity, false)?;
        let begin = head % old;
        let mut wrapped = vec![0; (begin + used).saturating_sub(old)];
        ring.load(0, &mut wrapped);
        ring.store(old, &wrapped);
        locked.set(HEAD, begin as u64);
        locked.set(TAIL, (begin + used) as u64);
        locked.set(CAPACITY, capacity as u64);
        locked.commit();
        Ok(())
    }
}

fn size(locked: &Locked<'_>, index: usize) -> usize {
    usize::try_from(locked.get(index)).expect("positions in memory fit into an address")
}

fn store_around(ring: &Segment, place: usize, bytes: &[u8]) {
    let offset = place % ring.len();
    let (first, rest) = bytes.split_at(bytes.len().min(ring.len() - offset));
    ring.store(offset, first);
    ring.store(0, rest);
}

fn load_around(ring: &Segment, place: usize, bytes: &mut [u8]) {
    let offset = place % ring.len();
    let len = bytes.len();
    let (first, rest) = bytes.split_at_mut(len.min(ring.len() - offset));
    ring.load(offset, first);
    ring.load(0, rest);
}
