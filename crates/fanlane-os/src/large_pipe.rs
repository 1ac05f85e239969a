//! Pipes for much data.

use std::io;
use std::os::fd::OwnedFd;

use rustix::pipe::{PipeFlags, fcntl_setpipe_size, pipe_with};

/// Wanted size, in bytes: the most that a user may have without rights where nothing else is set.
const PIPE_BYTES: usize = 1 << 20;

/// A pipe, reader and writer, that holds 1 MiB, or what the system holds in one where the user has used up the memory for larger
/// ones; a program that is started later inherits neither end.
///
/// # Errors
/// When no descriptors are left.
pub fn large_pipe(flags: PipeFlags) -> io::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC | flags)?;
    let _ = fcntl_setpipe_size(&writer, PIPE_BYTES);
    Ok((reader, writer))
}
