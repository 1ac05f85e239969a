//! Values and arrays in shared memory without any lock.

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytemuck::Pod;
use serde::{Deserialize, Serialize};

use crate::error::{SharedMemoryError, SystemError};
use fanlane_os::passed_by_descriptor;
use fanlane_os::shared_memory::Segment;

const KIND: u64 = u64::from_le_bytes(*b"fl_array");
const KIND_AT: usize = 0;
const LEN_AT: usize = 8;
const ITEM_BYTES_AT: usize = 16;
const ITEMS_AT: usize = 64;

/// An array of plain values in shared memory, without a lock: its users order reads and writes themselves.
/// Values of up to eight bytes are read and written whole. A clone is the same array.
///
/// ```
/// let array = fanlane_mp::RawArray::new(&[1_u32, 2, 3])?;
/// array.set(1, 7);
/// assert_eq!((array.get(1), array.to_vec()), (7, vec![1, 7, 3]));
///
/// let table = fanlane_mp::RawArray::<f64>::zeroed(1_000)?;
/// table.write(10, &[0.5, 0.25]);
/// let mut part = [0.0; 3];
/// table.read(9, &mut part);
/// assert_eq!((part, table.len(), table.is_empty()), ([0.0, 0.5, 0.25], 1_000, false));
/// # Ok::<(), fanlane_mp::Error>(())
/// ```
pub struct RawArray<T> {
    segment: Arc<Segment>,
    len: usize,
    items: PhantomData<fn(T) -> T>,
}

impl<T> Clone for RawArray<T> {
    fn clone(&self) -> Self {
        Self { segment: Arc::clone(&self.segment), len: self.len, items: PhantomData }
    }
}

impl<T> fmt::Debug for RawArray<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("RawArray").field("len", &self.len).finish_non_exhaustive()
    }
}

impl<T: Pod> RawArray<T> {
    /// An array that holds these values.
    ///
    /// # Errors
    /// When the system has no descriptors or no memory left.
    pub fn new(values: &[T]) -> Result<Self, SharedMemoryError> {
        let array = Self::zeroed(values.len())?;
        array.write(0, values);
        Ok(array)
    }

    /// An array of `len` zeros.
    ///
    /// # Errors
    /// When the system has no descriptors or no memory left.
    pub fn zeroed(len: usize) -> Result<Self, SharedMemoryError> {
        let bytes = len.checked_mul(size_of::<T>()).and_then(|bytes| bytes.checked_add(ITEMS_AT));
        let make = || Segment::create("fanlane-array", bytes.ok_or(io::ErrorKind::OutOfMemory)?);
        let segment = make().map_err(SystemError::during("no shared memory for an array can be had"))?;
        segment.word(LEN_AT).store(len as u64, Ordering::Relaxed);
        segment.word(ITEM_BYTES_AT).store(size_of::<T>() as u64, Ordering::Relaxed);
        segment.word(KIND_AT).store(KIND, Ordering::Release);
        Ok(Self { segment: Arc::new(segment), len, items: PhantomData })
    }

    pub(super) fn descriptor(&self) -> &Arc<OwnedFd> {
        self.segment.descriptor()
    }

    pub(super) fn from_descriptor(descriptor: OwnedFd) -> io::Result<Self> {
        let segment = Segment::open(descriptor)?;
        let fault = || io::Error::new(io::ErrorKind::InvalidData, "this shared memory holds no such array");
        let word = |at: usize| segment.word(at).load(Ordering::Acquire);
        let is_it = segment.len() >= ITEMS_AT && word(KIND_AT) == KIND && word(ITEM_BYTES_AT) == size_of::<T>() as u64;
        let len = if is_it { usize::try_from(word(LEN_AT)).map_err(io::Error::other)? } else { return Err(fault()) };
        let fits = len.checked_mul(size_of::<T>()).is_some_and(|bytes| bytes <= segment.len() - ITEMS_AT);
        if fits { Ok(Self { segment: Arc::new(segment), len, items: PhantomData }) } else { Err(fault()) }
    }

    /// The number of values.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether it has no values.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn place(&self, index: usize, count: usize) -> usize {
        let end = index.checked_add(count);
        assert!(end.is_some_and(|end| end <= self.len), "{index} is inside an array of {}", self.len);
        ITEMS_AT + index * size_of::<T>()
    }

    /// A value.
    ///
    /// # Panics
    /// When `index` is not inside the array.
    pub fn get(&self, index: usize) -> T {
        let mut value = T::zeroed();
        self.segment.load(self.place(index, 1), bytemuck::bytes_of_mut(&mut value));
        value
    }

    /// Writes a value.
    ///
    /// # Panics
    /// When `index` is not inside the array.
    pub fn set(&self, index: usize, value: T) {
        self.segment.store(self.place(index, 1), bytemuck::bytes_of(&value));
    }

    /// Copies values from `start` on.
    ///
    /// # Panics
    /// When the range is not inside the array.
    pub fn read(&self, start: usize, values: &mut [T]) {
        let place = self.place(start, values.len());
        self.segment.load(place, bytemuck::cast_slice_mut(values));
    }

    /// Writes values from `start` on.
    ///
    /// # Panics
    /// When the range is not inside the array.
    pub fn write(&self, start: usize, values: &[T]) {
        self.segment.store(self.place(start, values.len()), bytemuck::cast_slice(values));
    }

    /// A copy of all values.
    pub fn to_vec(&self) -> Vec<T> {
        let mut values = vec![T::zeroed(); self.len];
        self.read(0, &mut values);
        values
    }
}

passed_by_descriptor!([T: Pod] RawArray<T>);

/// One plain value in shared memory, without a lock. Up to eight bytes are read and written whole. A clone is the same
/// value.
///
/// ```
/// let value = fanlane_mp::RawValue::new(2.5)?;
/// value.set(value.get() * 2.0);
/// assert_eq!(value.get(), 5.0);
/// # Ok::<(), fanlane_mp::Error>(())
/// ```
#[derive(Serialize, Deserialize)]
#[serde(bound = "T: Pod")]
pub struct RawValue<T>(RawArray<T>);

impl<T> Clone for RawValue<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> fmt::Debug for RawValue<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RawValue")
    }
}

impl<T: Pod> RawValue<T> {
    /// A value.
    ///
    /// # Errors
    /// When the system has no descriptors or no memory left.
    pub fn new(value: T) -> Result<Self, SharedMemoryError> {
        RawArray::new(&[value]).map(Self)
    }

    /// The value.
    pub fn get(&self) -> T {
        self.0.get(0)
    }

    /// Replaces the value.
    pub fn set(&self, value: T) {
        self.0.set(0, value);
    }
}
