//! A mutex in shared memory that the system hands on when its holder dies.

use std::io;

use crate::mp::memory::Segment;

/// So many bytes it takes at most.
pub const ROBUST_MUTEX_BYTES: usize = 64;

const _: () = assert!(size_of::<libc::pthread_mutex_t>() <= ROBUST_MUTEX_BYTES);

/// A mutex of the C library at a place in shared memory, which it is made in once.
#[derive(Debug, Clone, Copy)]
pub struct RobustMutex<'a> {
    segment: &'a Segment,
    offset: usize,
}

fn checked(code: libc::c_int) -> io::Result<()> {
    if code == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(code)) }
}

impl<'a> RobustMutex<'a> {
    /// The mutex at `offset`, which is a multiple of 64. All but [`RobustMutex::make`] is for one that was made there.
    pub const fn at(segment: &'a Segment, offset: usize) -> Self {
        Self { segment, offset }
    }

    fn address(self) -> *mut libc::pthread_mutex_t {
        self.segment.place(self.offset).as_ptr()
    }

    /// Makes it, where nobody else has seen the memory yet.
    ///
    /// # Errors
    /// When the C library refuses.
    pub fn make(self) -> io::Result<()> {
        let mut attributes = std::mem::MaybeUninit::<libc::pthread_mutexattr_t>::uninit();
        let attributes = attributes.as_mut_ptr();
        #[expect(unsafe_code, reason = "robust mutexes are had from the C library alone")]
        // SAFETY: the attributes are initialised before they are used, and the mutex lies in memory of our own that
        // nobody else has seen yet.
        unsafe {
            checked(libc::pthread_mutexattr_init(attributes))?;
            checked(libc::pthread_mutexattr_setpshared(attributes, libc::PTHREAD_PROCESS_SHARED))?;
            checked(libc::pthread_mutexattr_setrobust(attributes, libc::PTHREAD_MUTEX_ROBUST))?;
            let made = checked(libc::pthread_mutex_init(self.address(), attributes));
            libc::pthread_mutexattr_destroy(attributes);
            made
        }
    }

    /// Waits for its turn. Says whether its last holder died with it: then what it guards is to be mended before
    /// [`RobustMutex::make_consistent`] is called.
    ///
    /// # Panics
    /// Where no such mutex is.
    pub fn lock(self) -> bool {
        #[expect(unsafe_code, reason = "robust mutexes are had from the C library alone")]
        // SAFETY: whoever opened this memory checked its kind, which is written after the mutex was made.
        match unsafe { libc::pthread_mutex_lock(self.address()) } {
            0 => false,
            libc::EOWNERDEAD => true,
            other => panic!("a mutex in shared memory is broken: {}", io::Error::from_raw_os_error(other)),
        }
    }

    /// Says that what it guards is mended. To be called by its holder.
    pub fn make_consistent(self) {
        #[expect(unsafe_code, reason = "robust mutexes are had from the C library alone")]
        // SAFETY: the mutex was made; of one that this thread does not hold the call is refused.
        unsafe {
            libc::pthread_mutex_consistent(self.address());
        }
    }

    /// Lets the next have it. To be called by its holder.
    pub fn unlock(self) {
        #[expect(unsafe_code, reason = "robust mutexes are had from the C library alone")]
        // SAFETY: the mutex was made; of one that this thread does not hold the call is refused.
        unsafe {
            libc::pthread_mutex_unlock(self.address());
        }
    }
}
