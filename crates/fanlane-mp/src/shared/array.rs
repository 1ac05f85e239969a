//! Values and arrays in shared memory, each with its lock.

use std::fmt;

use bytemuck::Pod;
use serde::{Deserialize, Serialize};

use crate::error::{LockError, SharedMemoryError};
use crate::shared::raw::RawArray;
use crate::sync::{RLock, RLockGuard};

/// An array of plain values in shared memory. Every access holds its lock; several that belong together are made while
/// [`Array::get_lock`] is held. A clone is the same array.
///
/// ```
/// let array = fanlane_mp::Array::new(&[1_u32, 2, 3])?;
/// array.set(1, 7)?;
/// array.update(|values| values.reverse())?;
/// assert_eq!((array.get(0)?, array.to_vec()?), (3, vec![3, 7, 1]));
/// assert_eq!(fanlane_mp::Array::<f64>::zeroed(2)?.to_vec()?, [0.0, 0.0]);
/// # Ok::<(), fanlane_mp::Error>(())
/// ```
#[derive(Serialize, Deserialize)]
#[serde(bound = "T: Pod")]
pub struct Array<T> {
    raw: RawArray<T>,
    lock: RLock,
}

impl<T> Clone for Array<T> {
    fn clone(&self) -> Self {
        Self { raw: self.raw.clone(), lock: self.lock.clone() }
    }
}

impl<T> fmt::Debug for Array<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.raw.fmt(formatter)
    }
}

/// Takes the lock for one access; the death of its last owner is the error of one access.
fn held(lock: &RLock) -> Result<RLockGuard<'_>, LockError> {
    Ok(lock.acquire()?)
}

impl<T: Pod> Array<T> {
    /// An array that holds these values.
    ///
    /// # Errors
    /// When the system has no descriptors or no memory left.
    pub fn new(values: &[T]) -> Result<Self, SharedMemoryError> {
        Ok(Self { raw: RawArray::new(values)?, lock: RLock::new()? })
    }

    /// An array of `len` zeros.
    ///
    /// # Errors
    /// When the system has no descriptors or no memory left.
    pub fn zeroed(len: usize) -> Result<Self, SharedMemoryError> {
        Ok(Self { raw: RawArray::zeroed(len)?, lock: RLock::new()? })
    }

    /// The number of values.
    pub const fn len(&self) -> usize {
        self.raw.len()
    }

    /// Whether it has no values.
    pub const fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    /// The lock that every access holds.
    pub const fn get_lock(&self) -> &RLock {
        &self.lock
    }

    /// A value.
    ///
    /// # Errors
    /// [`LockError::OwnerDied`] once, when a process died while it owned the lock.
    ///
    /// # Panics
    /// When `index` is not inside the array.
    pub fn get(&self, index: usize) -> Result<T, LockError> {
        held(&self.lock).map(|_guard| self.raw.get(index))
    }

    /// Writes a value.
    ///
    /// # Errors
    /// As [`Array::get`].
    ///
    /// # Panics
    /// When `index` is not inside the array.
    pub fn set(&self, index: usize, value: T) -> Result<(), LockError> {
        held(&self.lock).map(|_guard| self.raw.set(index, value))
    }

    /// A copy of all values, from one moment.
    ///
    /// # Errors
    /// As [`Array::get`].
    pub fn to_vec(&self) -> Result<Vec<T>, LockError> {
        held(&self.lock).map(|_guard| self.raw.to_vec())
    }

    /// Changes the values in one step.
    ///
    /// # Errors
    /// As [`Array::get`].
    pub fn update<R>(&self, change: impl FnOnce(&mut [T]) -> R) -> Result<R, LockError> {
        let _guard = held(&self.lock)?;
        let mut values = self.raw.to_vec();
        let result = change(&mut values);
        self.raw.write(0, &values);
        Ok(result)
    }
}

/// One plain value in shared memory, with its lock. A clone is the same value.
///
/// ```
/// let value = fanlane_mp::Value::new(40_i64)?;
/// value.update(|number| *number += 2)?;
/// assert_eq!(value.get()?, 42);
/// # Ok::<(), fanlane_mp::Error>(())
/// ```
#[derive(Serialize, Deserialize)]
#[serde(bound = "T: Pod")]
pub struct Value<T>(Array<T>);

impl<T> Clone for Value<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> fmt::Debug for Value<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Value")
    }
}

impl<T: Pod> Value<T> {
    /// A value.
    ///
    /// # Errors
    /// When the system has no descriptors or no memory left.
    pub fn new(value: T) -> Result<Self, SharedMemoryError> {
        Array::new(&[value]).map(Self)
    }

    /// The lock that every access holds.
    pub const fn get_lock(&self) -> &RLock {
        self.0.get_lock()
    }

    /// The value.
    ///
    /// # Errors
    /// [`LockError::OwnerDied`] once, when a process died while it owned the lock.
    pub fn get(&self) -> Result<T, LockError> {
        self.0.get(0)
    }

    /// Replaces the value.
    ///
    /// # Errors
    /// As [`Value::get`].
    pub fn set(&self, value: T) -> Result<(), LockError> {
        self.0.set(0, value)
    }

    /// Changes the value in one step.
    ///
    /// # Errors
    /// As [`Value::get`].
    pub fn update<R>(&self, change: impl FnOnce(&mut T) -> R) -> Result<R, LockError> {
        let _guard = held(self.0.get_lock())?;
        let mut value = self.0.raw.get(0);
        let result = change(&mut value);
        self.0.raw.set(0, value);
        Ok(result)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Set(usize, [u8; 3]),
        Write(usize, Vec<[u8; 3]>),
        Reverse(usize),
        Read(usize, usize),
    }

    fn any_step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..20_usize, any::<[u8; 3]>()).prop_map(|(index, value)| Step::Set(index, value)),
            (0..20_usize, prop::collection::vec(any::<[u8; 3]>(), 0..9))
                .prop_map(|(from, values)| Step::Write(from, values)),
            (0..20_usize).prop_map(Step::Reverse),
            (0..20_usize, 0..20_usize).prop_map(|(from, count)| Step::Read(from, count)),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Through two mappings. Three bytes are at every place within a word, and across two.
        #[test]
        fn it_is_a_slice(
            first in prop::collection::vec(any::<[u8; 3]>(), 1..20),
            steps in prop::collection::vec((any_step(), any::<bool>()), 0..30),
        ) {
            let here = Array::new(&first).unwrap();
            let raw = RawArray::from_descriptor(here.raw.descriptor().try_clone().unwrap()).unwrap();
            let there = Array { raw, lock: here.lock.clone() };
            let mut expected = first;
            let len = expected.len();
            for (step, from_here) in steps {
                let (one, other) = if from_here { (&here, &there) } else { (&there, &here) };
                match step {
                    Step::Set(index, value) => {
                        one.set(index % len, value).unwrap();
                        expected[index % len] = value;
                    }
                    Step::Write(from, values) => {
                        let from = from % len;
                        let values = &values[..values.len().min(len - from)];
                        one.raw.write(from, values);
                        expected[from..from + values.len()].copy_from_slice(values);
                    }
                    Step::Reverse(to) => {
                        one.update(|values| values[..=to % len].reverse()).unwrap();
                        expected[..=to % len].reverse();
                    }
                    Step::Read(from, count) => {
                        let from = from % len;
                        let mut values = vec![[0; 3]; count.min(len - from)];
                        one.raw.read(from, &mut values);
                        prop_assert_eq!(&values, &expected[from..from + values.len()]);
                    }
                }
                prop_assert_eq!(other.get(len - 1).unwrap(), expected[len - 1]);
                prop_assert_eq!(other.to_vec().unwrap(), &expected[..]);
            }
        }
    }
}
