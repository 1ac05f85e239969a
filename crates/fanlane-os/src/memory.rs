//! Memory of this process that is no longer used.

/// Gives freed memory back to the system. The C library keeps small pieces for later, however many there were; after a great
/// deal was freed, that is most of the process.
#[expect(unsafe_code, reason = "the C library has no safe interface to its own memory")]
pub fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it takes no pointer, and locks what it changes.
    unsafe {
        libc::malloc_trim(0);
    }
}
