//! A mutex in shared memory that the system passes on when its owner dies.

use std::io;

use crate::shared_memory::Segment;

/// Maximum size of the mutex, in bytes.
pub const ROBUST_MUTEX_BYTES: usize = 64;

const _: () = assert!(size_of::<libc::pthread_mutex_t>() <= ROBUST_MUTEX_BYTES);

/// A mutex of the C library in shared memory, where it is initialised once.
#[derive(Debug, Clone, Copy)]
pub struct RobustMutex<'a> {
    segment: &'a Segment,
    offset: usize,
}

fn checked(code: libc::c_int) -> io::Result<()> {
    if code == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(code)) }
}

impl<'a> RobustMutex<'a> {
    /// The mutex at `offset`, a multiple of 64. All methods but [`RobustMutex::make`] need one that was made there.
    pub const fn at(segment: &'a Segment, offset: usize) -> Self {
        Self { segment, offset }
    }

    fn address(self) -> *mut libc::pthread_mutex_t {
        self.segment.place(self.offset).as_ptr()
    }

    /// Initialises it, in memory that no other process has opened yet.
    ///
    /// # Errors
    /// When the C library refuses.
    pub fn make(self) -> io::Result<()> {
        let mut attributes = std::mem::MaybeUninit::<libc::pthread_mutexattr_t>::uninit();
        let attributes = attributes.as_mut_ptr();
        #[expect(unsafe_code, reason = "robust mutexes are had from the C library alone")]
        // SAFETY: the attributes are initialised before they are used, and the mutex lies in memory of this process that
        // no other has opened yet.
        unsafe {
            checked(libc::pthread_mutexattr_init(attributes))?;
            checked(libc::pthread_mutexattr_setpshared(attributes, libc::PTHREAD_PROCESS_SHARED))?;
            checked(libc::pthread_mutexattr_setrobust(attributes, libc::PTHREAD_MUTEX_ROBUST))?;
            let made = checked(libc::pthread_mutex_init(self.address(), attributes));
            libc::pthread_mutexattr_destroy(attributes);
            made
        }
    }

    /// Locks it. Gives whether its last owner died with it: then what it protects is to be repaired before
    /// [`RobustMutex::make_consistent`] is called.
    ///
    /// # Panics
    /// When there is no mutex at the offset.
    pub fn lock(self) -> bool {
        #[expect(unsafe_code, reason = "robust mutexes are had from the C library alone")]
        // SAFETY: opening the memory checked its kind, which is written after the mutex was made.
        match unsafe { libc::pthread_mutex_lock(self.address()) } {
            0 => false,
            libc::EOWNERDEAD => true,
            other => panic!("a mutex in shared memory is broken: {}", io::Error::from_raw_os_error(other)),
        }
    }

    /// Declares what it protects repaired. To be called by its owner.
    pub fn make_consistent(self) {
        #[expect(unsafe_code, reason = "robust mutexes are had from the C library alone")]
        // SAFETY: the mutex was made; for one that this thread does not own the call is refused.
        unsafe {
            libc::pthread_mutex_consistent(self.address());
        }
    }

    /// Unlocks it. To be called by its owner.
    pub fn unlock(self) {
        #[expect(unsafe_code, reason = "robust mutexes are had from the C library alone")]
        // SAFETY: the mutex was made; for one that this thread does not own the call is refused.
        unsafe {
            libc::pthread_mutex_unlock(self.address());
        }
    }
}
