//! Shared memory with a shape: values and arrays, pieces with a name, lists, and results that are too large to copy.

mod array;
mod bytes;
mod list;
mod memory;
mod names;
mod nearness;
mod raw;
mod slot;

pub use array::{Array, Value};
pub use bytes::SharedBytes;
pub(crate) use bytes::{forget_dead_writers, stay_near_readers, with_arrived_bytes};
pub use list::{ListItem, ShareableList};
pub use memory::SharedMemory;
pub use raw::{RawArray, RawValue};
