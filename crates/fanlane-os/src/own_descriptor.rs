//! The descriptors that this process was started with: which of its standard streams were closed, and files that are named by
//! a descriptor of it, such as `/dev/stderr`.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering};

/// The standard streams that were closed, a bit for each.
static CLOSED: AtomicU8 = AtomicU8::new(0);

/// Looks at the standard streams before `main`, since the runtime library opens the null device in place of closed ones.
#[expect(unsafe_code, reason = "only a function of the loader's list runs before the runtime library")]
#[used]
// SAFETY: the loader calls it once, before `main`; it makes system calls that need nothing that is initialised by then.
#[unsafe(link_section = ".init_array")]
static LOOK_AT_STREAMS: extern "C" fn() = {
    extern "C" fn look() {
        for stream in 0..3 {
            // SAFETY: asking for the flags of a descriptor changes nothing.
            if unsafe { libc::fcntl(stream, libc::F_GETFD) } < 0 {
                CLOSED.fetch_or(1 << stream, Ordering::Relaxed);
            }
        }
    }
    look
};

/// Whether a standard stream (0, 1 or 2) was closed when this process began. Now it is the null device.
pub fn was_closed(stream: RawFd) -> bool {
    (0..3).contains(&stream) && CLOSED.load(Ordering::Relaxed) & (1 << stream) != 0
}

/// The error of using a stream that was closed.
pub fn closed_error() -> io::Error {
    io::Error::other("it is closed; open it, or send it to /dev/null")
}

/// The descriptor that a path names: `/dev/stdout`, `/dev/stderr`, `/dev/fd/N`, `/proc/self/fd/N`. `None`: it names another
/// file. The duplicate shares its place in the file with this process's own.
///
/// # Errors
/// When the descriptor is not open.
#[expect(unsafe_code, reason = "a number is no descriptor before the system says so")]
pub fn of_path(path: &Path) -> Option<io::Result<OwnedFd>> {
    let number = number_of(path.as_os_str())?;
    if was_closed(number) {
        return Some(Err(closed_error()));
    }
    // SAFETY: borrowed for one call, which fails for what is no open descriptor.
    let named = unsafe { BorrowedFd::borrow_raw(number) };
    Some(rustix::io::fcntl_dupfd_cloexec(named, 3).map_err(io::Error::from))
}

fn number_of(path: &OsStr) -> Option<RawFd> {
    const FOLDERS: [&[u8]; 2] = [b"/dev/fd/", b"/proc/self/fd/"];
    match path.as_bytes() {
        b"/dev/stdin" => Some(0),
        b"/dev/stdout" => Some(1),
        b"/dev/stderr" => Some(2),
        path => {
            let digits = FOLDERS.into_iter().find_map(|folder| path.strip_prefix(folder))?;
            let digits = str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
            digits.parse().ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_descriptors_are_told_from_names_of_files() {
        for (path, number) in [
            ("/dev/stdout", Some(1)),
            ("/dev/stderr", Some(2)),
            ("/dev/fd/63", Some(63)),
            ("/proc/self/fd/7", Some(7)),
            ("/dev/fd/", None),
            ("/dev/fd/+1", None),
            ("/dev/null", None),
            ("stdout", None),
            ("/dev/fd/1/x", None),
        ] {
            assert_eq!(number_of(OsStr::new(path)), number, "{path}");
        }
        assert!(of_path(Path::new("/dev/fd/987654")).is_some_and(|opened| opened.is_err()));
    }
}
