//! Room for the main thread: its stack is what the shell allows (`ulimit -s`), which may be less than a program needs.

use std::panic::resume_unwind;
use std::thread;

use rustix::process::{Resource, getrlimit};

/// A main thread with less than this has its work done on another one, in bytes.
const MIN_STACK_BYTES: u64 = 2 << 20;
/// The stack of that one, in bytes: what a main thread has usually.
const STACK_BYTES: usize = 8 << 20;

/// Does `work` on the calling thread, or on one with the usual stack where the limit of the main thread is too low. Programs
/// that are started have that limit in either case.
pub fn with_room<T: Send + 'static>(work: fn() -> T) -> T {
    if getrlimit(Resource::Stack).current.is_none_or(|bytes| bytes >= MIN_STACK_BYTES) {
        return work();
    }
    match thread::Builder::new().stack_size(STACK_BYTES).spawn(work) {
        Ok(working) => working.join().unwrap_or_else(|panic| resume_unwind(panic)),
        Err(_) => work(),
    }
}
