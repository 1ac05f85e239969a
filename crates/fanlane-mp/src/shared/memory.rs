//! Named shared memory.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::names::{Published, look_up, publish};
use crate::error::{SharedMemoryError, SystemError};
use fanlane_os::clock;
use fanlane_os::fd_passing::{Passed, refuse};
use fanlane_os::shared_memory::Segment;

/// A piece of shared memory that other processes of the same user open by its name, as long as its creator keeps it.
/// When the creator ends, however it ends, the name is gone; processes that have the memory open keep it. It can be an
/// argument of a process as well.
///
/// ```
/// use fanlane_mp::SharedMemory;
///
/// let memory = SharedMemory::create(None, 100)?;
/// memory.write(0, b"hello");
/// let same = SharedMemory::open(memory.name())?;
/// let mut bytes = [0; 5];
/// same.read(0, &mut bytes);
/// assert_eq!((&bytes, same.len()), (b"hello", 100));
/// # Ok::<(), fanlane_mp::Error>(())
/// ```
#[derive(Debug)]
pub struct SharedMemory {
    name: String,
    segment: Segment,
    /// Present in its creator.
    published: Option<Published>,
}

impl SharedMemory {
    /// New memory of `len` bytes, all zero; with an unused name where `name` is `None`.
    ///
    /// # Errors
    /// [`SharedMemoryError::Name`] where the name is taken; [`SharedMemoryError::DoesNotFit`] for no bytes; what the system refuses.
    pub fn create(name: Option<&str>, len: usize) -> Result<Self, SharedMemoryError> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        if len == 0 {
            return Err(SharedMemoryError::DoesNotFit("shared memory has at least one byte"));
        }
        let name = name.map_or_else(
            || {
                let number = NUMBER.fetch_add(1, Ordering::Relaxed);
                format!("psm_{:x}_{:x}_{number}", std::process::id(), clock::monotonic_ns())
            },
            str::to_owned,
        );
        let segment = Segment::create("fanlane-shared", len)
            .map_err(SystemError::during("no shared memory of that size can be had"))?;
        let published = publish(&name, segment.descriptor())?;
        Ok(Self { name, segment, published: Some(published) })
    }

    /// Opens what another process, or this one, has created.
    ///
    /// # Errors
    /// [`SharedMemoryError::Name`] where no process has published it.
    pub fn open(name: &str) -> Result<Self, SharedMemoryError> {
        let segment = Segment::open(look_up(name)?)
            .map_err(|error: io::Error| SharedMemoryError::Name { name: name.to_owned(), reason: error.to_string() })?;
        Ok(Self { name: name.to_owned(), segment, published: None })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its size in bytes.
    pub const fn len(&self) -> usize {
        self.segment.len()
    }

    /// Whether its size is 0, which it never is.
    pub const fn is_empty(&self) -> bool {
        self.segment.is_empty()
    }

    /// Copies bytes from `offset` on. Others may write meanwhile: aligned groups of eight bytes are old or new.
    ///
    /// # Panics
    /// When the range is not inside the memory.
    pub fn read(&self, offset: usize, bytes: &mut [u8]) {
        self.segment.load(offset, bytes);
    }

    /// Writes bytes from `offset` on. Others may read meanwhile: aligned groups of eight bytes are old or new.
    ///
    /// # Panics
    /// When the range is not inside the memory.
    pub fn write(&self, offset: usize, bytes: &[u8]) {
        self.segment.store(offset, bytes);
    }

    /// All bytes in place.
    ///
    /// # Safety
    /// No thread of any process writes the memory as long as the slice lives.
    #[expect(unsafe_code, reason = "the caller ensures that nothing writes meanwhile")]
    pub unsafe fn as_slice(&self) -> &[u8] {
        // SAFETY: as the caller promises.
        unsafe { self.segment.slice(0, self.segment.len()) }
    }

    /// All bytes in place, to be written.
    ///
    /// # Safety
    /// No other code of any process reads or writes the memory as long as the slice lives.
    #[expect(unsafe_code, clippy::mut_from_ref, reason = "the caller ensures that nothing else uses the memory")]
    pub unsafe fn as_mut_slice(&self) -> &mut [u8] {
        // SAFETY: as the caller promises.
        unsafe { self.segment.slice_mut(0, self.segment.len()) }
    }

    /// Removes the name: the memory can no longer be opened. Processes that have it open keep it. Has no effect in a process
    /// that has not created it.
    pub fn unlink(&mut self) {
        self.published = None;
    }
}

impl Serialize for SharedMemory {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (Passed(Arc::clone(self.segment.descriptor())), &self.name).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SharedMemory {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (passed, name) = <(Passed, String)>::deserialize(deserializer)?;
        let descriptor = Arc::into_inner(passed.0).ok_or_else(|| refuse("a descriptor is held twice"))?;
        let segment = Segment::open(descriptor).map_err(|error| refuse(error.to_string()))?;
        Ok(Self { name, segment, published: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_taken_once_and_gone_when_unlinked() {
        let name = format!("test-{}", std::process::id());
        let mut memory = SharedMemory::create(Some(&name), 10).unwrap();
        let error = SharedMemory::create(Some(&name), 10).unwrap_err();
        assert!(error.to_string().contains("is taken"), "{error}");
        let open = SharedMemory::open(&name).unwrap();
        memory.unlink();
        let error = SharedMemory::open(&name).unwrap_err();
        assert!(error.to_string().contains("no process has it"), "{error}");
        memory.write(0, b"x");
        let mut byte = [0];
        open.read(0, &mut byte);
        assert_eq!(byte, *b"x");
        assert!(!open.is_empty());
        assert!(matches!(SharedMemory::create(None, 0), Err(SharedMemoryError::DoesNotFit(_))));
        assert!(SharedMemory::create(Some(""), 1).is_err() && SharedMemory::open(&"x".repeat(65)).is_err());
    }

    #[test]
    #[expect(unsafe_code, reason = "that is what is tested")]
    fn the_bytes_can_be_reached_in_place() {
        let memory = SharedMemory::create(None, 4).unwrap();
        // SAFETY: nothing else has opened it.
        unsafe {
            memory.as_mut_slice().copy_from_slice(b"abcd");
            assert_eq!(memory.as_slice(), b"abcd");
        }
    }
}
