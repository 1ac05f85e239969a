//! Memory that other processes may read and write at any moment, by its address: atomic words in it, and copies of its bytes.

use std::ptr::NonNull;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};

/// A range of memory. Its owner ensures that the memory stays mapped.
#[derive(Debug)]
pub struct VolatileSlice {
    address: NonNull<u8>,
    len: usize,
}

#[expect(unsafe_code, reason = "memory belongs to the process, not to a thread; access is atomic or unsafe")]
// SAFETY: every safe access goes through atomics.
unsafe impl Send for VolatileSlice {}
#[expect(unsafe_code, reason = "memory belongs to the process, not to a thread; access is atomic or unsafe")]
// SAFETY: as above.
unsafe impl Sync for VolatileSlice {}

impl VolatileSlice {
    /// The `len` bytes from `address` on, which is a multiple of eight.
    ///
    /// # Safety
    /// The memory is mapped and initialised as long as this value lives; meanwhile this process accesses it only through values
    /// of this type.
    #[expect(unsafe_code, reason = "the caller ensures that the memory is mapped")]
    pub const unsafe fn new(address: NonNull<u8>, len: usize) -> Self {
        Self { address, len }
    }

    /// Its address in this process.
    #[inline]
    pub const fn address(&self) -> NonNull<u8> {
        self.address
    }

    /// Its length in bytes.
    #[inline]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether its length is zero.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The address of a value at `offset`.
    ///
    /// # Panics
    /// When the value is not inside the memory or not aligned.
    #[inline]
    pub fn place<T>(&self, offset: usize) -> NonNull<T> {
        let end = offset.checked_add(size_of::<T>()).expect("an offset within memory");
        assert!(end <= self.len && offset.is_multiple_of(align_of::<T>()), "a place inside the shared memory");
        #[expect(unsafe_code, reason = "the address of a place inside the memory")]
        // SAFETY: the place is inside the memory, as was just checked.
        unsafe {
            self.address.add(offset).cast()
        }
    }

    /// The eight bytes at `offset`, which is a multiple of eight.
    ///
    /// # Panics
    /// When `offset` is outside the memory or not aligned.
    #[inline]
    pub fn word(&self, offset: usize) -> &AtomicU64 {
        #[expect(unsafe_code, reason = "shared memory is reached through its address")]
        // SAFETY: inside the memory and aligned; any bytes are a valid number; the memory outlives the reference.
        unsafe {
            self.place(offset).as_ref()
        }
    }

    /// The four bytes at `offset`, which is a multiple of four.
    ///
    /// # Panics
    /// When `offset` is outside the memory or not aligned.
    #[inline]
    pub fn half_word(&self, offset: usize) -> &AtomicU32 {
        #[expect(unsafe_code, reason = "shared memory is reached through its address")]
        // SAFETY: inside the memory and aligned; any bytes are a valid number; the memory outlives the reference.
        unsafe {
            self.place(offset).as_ref()
        }
    }

    fn byte(&self, offset: usize) -> &AtomicU8 {
        #[expect(unsafe_code, reason = "shared memory is reached through its address")]
        // SAFETY: inside the memory; any byte is a valid number; the memory outlives the reference.
        unsafe {
            self.place(offset).as_ref()
        }
    }

    /// Fills `bytes` from the memory at `offset`. Other processes may write meanwhile: each aligned group of eight bytes is then
    /// old or new.
    ///
    /// # Panics
    /// When the range is not inside the memory.
    #[inline]
    pub fn load(&self, offset: usize, bytes: &mut [u8]) {
        assert!(offset.checked_add(bytes.len()).is_some_and(|end| end <= self.len), "inside the shared memory");
        let to_word = (offset.next_multiple_of(8) - offset).min(bytes.len());
        let (head, rest) = bytes.split_at_mut(to_word);
        let (words, tail) = rest.as_chunks_mut::<8>();
        let words_end = offset + to_word + words.len() * 8;
        for (place, byte) in head.iter_mut().enumerate() {
            *byte = self.byte(offset + place).load(Ordering::Relaxed);
        }
        for (place, word) in words.iter_mut().enumerate() {
            *word = self.word(offset + to_word + place * 8).load(Ordering::Relaxed).to_ne_bytes();
        }
        for (place, byte) in tail.iter_mut().enumerate() {
            *byte = self.byte(words_end + place).load(Ordering::Relaxed);
        }
    }

    /// Copies `bytes` into the memory at `offset`. Other processes may read meanwhile: each aligned group of eight
    /// bytes is then old or new.
    ///
    /// # Panics
    /// When the range is not inside the memory.
    #[inline]
    pub fn store(&self, offset: usize, bytes: &[u8]) {
        assert!(offset.checked_add(bytes.len()).is_some_and(|end| end <= self.len), "inside the shared memory");
        let to_word = (offset.next_multiple_of(8) - offset).min(bytes.len());
        let (head, rest) = bytes.split_at(to_word);
        let (words, tail) = rest.as_chunks::<8>();
        let words_end = offset + to_word + words.len() * 8;
        for (place, byte) in head.iter().enumerate() {
            self.byte(offset + place).store(*byte, Ordering::Relaxed);
        }
        for (place, word) in words.iter().enumerate() {
            self.word(offset + to_word + place * 8).store(u64::from_ne_bytes(*word), Ordering::Relaxed);
        }
        for (place, byte) in tail.iter().enumerate() {
            self.byte(words_end + place).store(*byte, Ordering::Relaxed);
        }
    }

    /// The bytes in place.
    ///
    /// # Safety
    /// No thread of any process writes them as long as the slice lives.
    ///
    /// # Panics
    /// When the range is not inside the memory.
    #[expect(unsafe_code, reason = "the caller ensures that nothing writes meanwhile")]
    pub unsafe fn slice(&self, offset: usize, len: usize) -> &[u8] {
        assert!(offset.checked_add(len).is_some_and(|end| end <= self.len), "inside the shared memory");
        // SAFETY: inside the memory, initialised, and not written to, as the caller promises.
        unsafe { std::slice::from_raw_parts(self.address.add(offset).as_ptr(), len) }
    }

    /// The bytes in place, to be written.
    ///
    /// # Safety
    /// No other thread of any process reads or writes them as long as the slice lives.
    ///
    /// # Panics
    /// When the range is not inside the memory.
    #[expect(unsafe_code, clippy::mut_from_ref, reason = "the caller ensures exclusive access")]
    pub unsafe fn slice_mut(&self, offset: usize, len: usize) -> &mut [u8] {
        assert!(offset.checked_add(len).is_some_and(|end| end <= self.len), "inside the shared memory");
        // SAFETY: inside the memory, initialised, and not accessed elsewhere, as the caller promises.
        unsafe { std::slice::from_raw_parts_mut(self.address.add(offset).as_ptr(), len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Heap memory in place of a mapping, for environments without mappings.
    fn with_slice(len: usize, work: impl FnOnce(&VolatileSlice)) {
        let mut words = vec![0_u64; len.div_ceil(8)];
        let address = NonNull::from(&mut words[..]).cast();
        #[expect(unsafe_code, reason = "that is what is tested")]
        // SAFETY: the vector outlives the slice, and nothing else accesses it meanwhile.
        work(&unsafe { VolatileSlice::new(address, len) });
    }

    #[test]
    fn what_is_stored_at_any_offset_is_loaded_and_nothing_beside_it_changes() {
        with_slice(61, |slice| {
            for (offset, len) in (0..17).flat_map(|offset| [0, 1, 7, 8, 9, 30, 44].map(|len| (offset, len))) {
                slice.store(0, &[0xee; 61]);
                let bytes: Vec<u8> = (1..).take(len).collect();
                slice.store(offset, &bytes);
                let mut all = [0; 61];
                slice.load(0, &mut all);
                let mut read = vec![0; len];
                slice.load(offset, &mut read);
                assert_eq!(read, bytes);
                assert_eq!(all[offset..offset + len], bytes);
                assert!(all[..offset].iter().chain(&all[offset + len..]).all(|byte| *byte == 0xee));
            }
        });
    }

    #[test]
    fn words_halves_and_bytes_are_the_same_memory() {
        with_slice(32, |slice| {
            slice.word(8).store(u64::from_ne_bytes([1, 2, 3, 4, 5, 6, 7, 8]), Ordering::Relaxed);
            assert_eq!(slice.half_word(12).load(Ordering::Relaxed).to_ne_bytes(), [5, 6, 7, 8]);
            #[expect(unsafe_code, reason = "that is what is tested")]
            // SAFETY: nothing else has the slice.
            unsafe {
                slice.slice_mut(10, 2).copy_from_slice(&[9, 9]);
                assert_eq!(slice.slice(8, 8), [1, 2, 9, 9, 5, 6, 7, 8]);
            }
        });
    }

    #[test]
    fn one_who_reads_while_another_writes_sees_whole_words() {
        const LEN: usize = 64;
        const ROUNDS: u8 = if cfg!(miri) { 20 } else { 200 };
        with_slice(LEN, |slice| {
            std::thread::scope(|scope| {
                scope.spawn(|| (1..=ROUNDS).for_each(|round| slice.store(0, &[round; LEN])));
                let mut last = 0;
                while last < ROUNDS {
                    let mut bytes = [0; LEN];
                    slice.load(0, &mut bytes);
                    assert!(bytes.as_chunks::<8>().0.iter().all(|word| *word == [word[0]; 8]), "{bytes:?}");
                    last = bytes[0];
                    std::thread::yield_now();
                }
            });
        });
    }

    #[test]
    fn a_place_outside_or_between_is_refused() {
        let refuses = |work: fn(&VolatileSlice)| {
            with_slice(16, |slice| {
                let work = std::panic::AssertUnwindSafe(|| work(slice));
                assert!(std::panic::catch_unwind(work).is_err());
            });
        };
        refuses(|slice| _ = slice.word(16).load(Ordering::Relaxed));
        refuses(|slice| _ = slice.word(4).load(Ordering::Relaxed));
        refuses(|slice| _ = slice.half_word(14).load(Ordering::Relaxed));
        refuses(|slice| _ = slice.word(usize::MAX - 3).load(Ordering::Relaxed));
        refuses(|slice| slice.load(9, &mut [0; 8]));
        refuses(|slice| slice.store(usize::MAX, &[1, 2]));
    }
}
