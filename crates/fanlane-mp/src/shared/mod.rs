//! Shared memory with a shape: values and arrays, pieces with a name, lists, and results that are too large to copy.

mod array;
mod bytes;
mod flow_control;
mod list;
mod memory;
mod mutex;
mod names;
mod raw;
mod slot;

pub use array::{Array, Value};
pub use bytes::SharedBytes;
pub use bytes::forget_dead_writers;
pub(crate) use bytes::{enable_flow_control, with_arrived_bytes};
pub use list::{ListItem, ShareableList};
pub use memory::SharedMemory;
pub use mutex::{Mutex, MutexGuard};
pub use raw::{RawArray, RawValue};
