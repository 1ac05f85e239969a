//! Blocks of a stream that wait for their tasks, or are read by them: each is a file without a name, which a worker opens through the
//! files of this process. A block is there until its task has ended, so that each attempt reads all of it.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::FileExt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::fs::MemfdFlags;

use fanlane_os::descriptors;

/// How many bytes of blocks are held in memory; a lane's next block beyond that is held on disk.
const MAX_MEMORY_BYTES: u64 = 128 << 20;
/// How many bytes of blocks are held beyond those that the lanes need at once.
const MAX_AHEAD_BYTES: u64 = 32 << 20;
/// Maximum number of blocks, each of which keeps a file open, beyond those that the lanes need at once.
const MAX_AHEAD_BLOCKS: usize = 128;
/// How often it is looked whether the run still goes on.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// The blocks that are held.
#[derive(Debug)]
pub struct HeldBlocks {
    state: Mutex<HeldState>,
    room: Condvar,
}

#[derive(Debug)]
struct HeldState {
    lanes: usize,
    blocks: HashMap<u64, HeldBlock>,
    bytes: u64,
    memory_bytes: u64,
    /// Memory of blocks whose tasks have ended: writing there needs no new pages.
    spare: Vec<File>,
    is_closed: bool,
}

#[derive(Debug)]
struct HeldBlock {
    file: File,
    bytes: u64,
    is_in_memory: bool,
}

impl HeldBlocks {
    /// No blocks, for so many lanes.
    pub fn new(lanes: u32) -> Self {
        let state = HeldState {
            lanes: lanes as usize,
            blocks: HashMap::new(),
            bytes: 0,
            memory_bytes: 0,
            spare: Vec::new(),
            is_closed: false,
        };
        Self { state: Mutex::new(state), room: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, HeldState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets how many lanes read blocks.
    pub fn set_lanes(&self, lanes: u32) {
        self.state().lanes = lanes as usize;
        self.room.notify_all();
    }

    /// Holds the block of the task at a place, once there is room; false if the run has ended, of which `goes_on` tells.
    ///
    /// # Errors
    /// When it can be held neither in memory nor on disk.
    pub fn put(&self, place: u64, parts: [&[u8]; 2], goes_on: &dyn Fn() -> bool) -> io::Result<bool> {
        let bytes = parts.iter().map(|part| part.len() as u64).sum::<u64>();
        let mut state = self.state();
        while !state.is_closed && !state.has_room(bytes) {
            if !goes_on() {
                return Ok(false);
            }
            state = self.room.wait_timeout(state, LOOK_INTERVAL).unwrap_or_else(PoisonError::into_inner).0;
        }
        if state.is_closed {
            return Ok(false);
        }
        let is_in_memory = state.memory_bytes + bytes <= MAX_MEMORY_BYTES;
        let spare = if is_in_memory { state.spare.pop() } else { None };
        drop(state);
        let file = match spare {
            Some(file) => file,
            None if is_in_memory => File::from(rustix::fs::memfd_create("block", MemfdFlags::CLOEXEC)?),
            None => tempfile::tempfile()?,
        };
        file.set_len(bytes)?;
        let mut at = 0;
        for part in parts {
            file.write_all_at(part, at)?;
            at += part.len() as u64;
        }
        let mut state = self.state();
        state.bytes += bytes;
        state.memory_bytes += if is_in_memory { bytes } else { 0 };
        state.blocks.insert(place, HeldBlock { file, bytes, is_in_memory });
        Ok(true)
    }

    /// Where workers open the block of the task at a place.
    pub fn path(&self, place: u64) -> Vec<u8> {
        let state = self.state();
        let path = state.blocks.get(&place).map(|block| descriptors::path_for_others(&block.file));
        path.unwrap_or_default().into_os_string().into_vec()
    }

    /// The task at a place has ended.
    pub fn release(&self, place: u64) {
        let mut state = self.state();
        let Some(HeldBlock { file, bytes, is_in_memory }) = state.blocks.remove(&place) else { return };
        state.bytes -= bytes;
        if is_in_memory {
            state.memory_bytes -= bytes;
            if state.spare.len() < state.lanes.max(2) {
                state.spare.push(file);
            }
        }
        drop(state);
        self.room.notify_all();
    }

    /// The run has ended: nothing is held any more.
    pub fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        let gone = (std::mem::take(&mut state.blocks), std::mem::take(&mut state.spare));
        drop(state);
        drop(gone);
        self.room.notify_all();
    }
}

impl HeldState {
    fn has_room(&self, bytes: u64) -> bool {
        let at_once = self.lanes.saturating_mul(2).max(2);
        let is_short = self.bytes + bytes <= MAX_AHEAD_BYTES && self.blocks.len() < at_once + MAX_AHEAD_BLOCKS;
        self.blocks.len() < at_once || is_short
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn read(held: &HeldBlocks, place: u64) -> Vec<u8> {
        std::fs::read(String::from_utf8(held.path(place)).expect("text")).expect("it is there")
    }

    #[test]
    fn a_block_is_read_as_often_as_wanted_until_it_is_released() {
        let held = HeldBlocks::new(1);
        assert!(held.put(0, [b"head\n", b"one\n"], &|| true).expect("held"));
        assert!(held.put(1, [b"", b"the second, which is longer\n"], &|| true).expect("held"));
        for _ in 0..2 {
            assert_eq!(read(&held, 0), b"head\none\n");
        }
        held.release(0);
        assert!(held.path(0).is_empty());
        assert!(held.put(2, [b"", b"3"], &|| true).expect("held"), "in the memory of the first one");
        assert_eq!((read(&held, 2), read(&held, 1)), (b"3".to_vec(), b"the second, which is longer\n".to_vec()));
        held.close();
        assert!(held.path(1).is_empty());
        assert!(!held.put(3, [b"", b"4"], &|| true).expect("nothing fails"));
    }

    #[test]
    fn who_puts_more_than_there_is_room_for_waits_until_a_task_has_ended() {
        let held = Arc::new(HeldBlocks::new(1));
        let block = vec![b'x'; 20 << 20];
        assert!(held.put(0, [b"", &block], &|| true).expect("held"));
        assert!(held.put(1, [b"", &block], &|| true).expect("held"), "each lane has its next one");
        assert!(!held.put(2, [b"", &block], &|| false).expect("nothing fails"), "the run has ended");
        let putting = {
            let held = Arc::clone(&held);
            std::thread::spawn(move || held.put(2, [b"", b"short"], &|| true))
        };
        held.release(0);
        assert!(putting.join().expect("it ends").expect("held"));
        held.set_lanes(16);
        for place in 3..12 {
            assert!(held.put(place, [b"", &block], &|| true).expect("held, the later ones on disk"));
        }
        assert_eq!(read(&held, 11), block);
    }
}
