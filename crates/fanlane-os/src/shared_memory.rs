//! Memory shared between processes: a sealed memory file and its mapping in this process.
//!
//! The file has no name, so nothing of it is left when the last process that has it open ends, however that ends. It is
//! sealed against shrinking, so that no process can invalidate the mapping of another. What may be written, and when, is
//! defined by the structures built on it.

use std::io;
use std::ops::Deref;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::Arc;
// Structures built on this memory use these, so that models can replace them.
pub use std::sync::atomic::{AtomicU32, AtomicU64};

use rustix::fs::{MemfdFlags, SealFlags};
use rustix::mm::{MapFlags, ProtFlags};

use crate::volatile_slice::VolatileSlice;

/// Alignment of the offsets of mappings, a multiple of the page size of every machine.
pub const PAGE_BYTES: usize = 64 << 10;

/// Minimum page size of all machines.
pub const MIN_PAGE_BYTES: usize = 4 << 10;

/// Shared memory, mapped into this process for as long as this value lives.
#[derive(Debug)]
pub struct Segment {
    descriptor: Arc<OwnedFd>,
    slice: VolatileSlice,
}

impl Deref for Segment {
    type Target = VolatileSlice;

    fn deref(&self) -> &VolatileSlice {
        &self.slice
    }
}

/// Makes a memory file of `len` bytes, all zero, that can grow and never shrink.
///
/// # Errors
/// When no descriptors or memory are left.
pub fn create_file(label: &str, len: usize) -> io::Result<OwnedFd> {
    let file = rustix::fs::memfd_create(label, MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    rustix::fs::ftruncate(&file, len as u64)?;
    rustix::fs::fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::SEAL)?;
    Ok(file)
}

impl Segment {
    /// New memory of `len` bytes, all zero. `label` is what `/proc/PID/maps` shows.
    ///
    /// # Errors
    /// When no descriptors or memory are left.
    pub fn create(label: &str, len: usize) -> io::Result<Self> {
        Self::map(Arc::new(create_file(label, len)?), 0, len, false)
    }

    /// As [`Segment::create`], with every page present from the start, so that no first access costs a page fault.
    ///
    /// # Errors
    /// When no descriptors or memory are left.
    pub fn create_present(label: &str, len: usize) -> io::Result<Self> {
        Self::map(Arc::new(create_file(label, len)?), 0, len, true)
    }

    /// Maps the whole of a memory file that another process made.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] for what is no memory file or is not sealed against shrinking.
    pub fn open(descriptor: OwnedFd) -> io::Result<Self> {
        let len = checked_len(descriptor.as_fd())?;
        Self::map(Arc::new(descriptor), 0, len, false)
    }

    /// Maps `len` bytes from `offset`, a multiple of [`PAGE_BYTES`], of a memory file, with every page present from the
    /// start if `present` is set.
    ///
    /// # Errors
    /// When the file is shorter or cannot be mapped.
    pub fn map(descriptor: Arc<OwnedFd>, offset: usize, len: usize, present: bool) -> io::Result<Self> {
        if len == 0 || offset.checked_add(len).is_none_or(|end| end > checked_len(descriptor.as_fd()).unwrap_or(0)) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the shared memory is shorter than it should be"));
        }
        let flags = if present { MapFlags::SHARED | MapFlags::POPULATE } else { MapFlags::SHARED };
        #[expect(unsafe_code, reason = "only a system call maps memory")]
        // SAFETY: the system chooses a free address; the file covers the range and cannot shrink.
        let address = unsafe {
            rustix::mm::mmap(
                std::ptr::null_mut(),
                len,
                ProtFlags::READ | ProtFlags::WRITE,
                flags,
                &*descriptor,
                offset as u64,
            )
        }?;
        let address = NonNull::new(address.cast::<u8>()).ok_or(io::ErrorKind::OutOfMemory)?;
        #[expect(unsafe_code, reason = "mapped memory is reached through its address")]
        // SAFETY: it is mapped until this value goes, and begins at a page.
        let slice = unsafe { VolatileSlice::new(address, len) };
        Ok(Self { descriptor, slice })
    }

    /// Number of mapped bytes.
    #[inline]
    pub const fn len(&self) -> usize {
        self.slice.len()
    }

    /// Whether no bytes are mapped, which is never so.
    pub const fn is_empty(&self) -> bool {
        self.slice.is_empty()
    }

    /// The memory file.
    pub const fn descriptor(&self) -> &Arc<OwnedFd> {
        &self.descriptor
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        #[expect(unsafe_code, reason = "only a system call unmaps memory")]
        // SAFETY: this value made the mapping, and no reference into it outlives the value.
        let _ = unsafe { rustix::mm::munmap(self.slice.address().as_ptr().cast(), self.slice.len()) };
    }
}

/// The length of a memory file that is sealed against shrinking.
fn checked_len(file: BorrowedFd<'_>) -> io::Result<usize> {
    let is_sealed = rustix::fs::fcntl_get_seals(file).is_ok_and(|seals| seals.contains(SealFlags::SHRINK));
    if !is_sealed {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "this is no memory sealed against shrinking"));
    }
    usize::try_from(rustix::fs::fstat(file)?.st_size).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_mapping_stores_another_loads_at_any_offset() {
        let here = Segment::create("test", 100).unwrap();
        let there = Segment::open(here.descriptor().try_clone().unwrap()).unwrap();
        let bytes: Vec<u8> = (1..=50).collect();
        for offset in 0..50 {
            here.store(offset, &bytes);
            let mut read = [0; 50];
            there.load(offset, &mut read);
            assert_eq!(read[..], bytes[..]);
        }
        assert_eq!(there.len(), 100);
        assert!(!there.is_empty());
    }

    #[test]
    fn it_cannot_shrink_and_a_file_that_could_shrink_is_refused() {
        let segment = Segment::create("test", 4096).unwrap();
        let error = rustix::fs::ftruncate(segment.descriptor().as_fd(), 0).unwrap_err();
        assert_eq!(error, rustix::io::Errno::PERM);
        assert!(rustix::fs::ftruncate(segment.descriptor().as_fd(), 8192).is_ok(), "growing is allowed");
        let file = tempfile::tempfile().unwrap();
        file.set_len(4096).unwrap();
        assert_eq!(Segment::open(file.into()).unwrap_err().kind(), io::ErrorKind::InvalidData);
        let loose = rustix::fs::memfd_create("test", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).unwrap();
        assert_eq!(Segment::open(loose).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    #[should_panic(expected = "inside the shared memory")]
    fn a_place_outside_is_refused() {
        Segment::create("test", 64).unwrap().load(60, &mut [0; 8]);
    }
}
