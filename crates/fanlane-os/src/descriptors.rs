//! The limit of open files of this process: raised to what the system allows, while programs that it starts keep the limit
//! that it was started with.

use std::fs;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The limit that this process was started with, if it has raised its own.
static INITIAL_LIMIT: OnceLock<u64> = OnceLock::new();

/// Raises the limit of this process to its hard limit. For programs; a library leaves the limit alone.
pub fn raise() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if let Some(initial) = current
        && current != maximum
        && setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).is_ok()
    {
        // Only the first call sees the limit that the process was started with.
        let _ = INITIAL_LIMIT.set(initial);
    }
}

/// The limit for programs that this process starts, if that is lower than its own.
pub fn initial_limit() -> Option<u64> {
    INITIAL_LIMIT.get().copied()
}

/// How many more files this process can open; `None` if the system does not tell.
pub fn available() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile).current?;
    let open = fs::read_dir("/proc/self/fd").ok()?.count() as u64;
    Some(limit.saturating_sub(open))
}

/// The maximum number of files that this process can have open at the same time; `None` for no limit.
pub fn limit() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

/// A short path to what a descriptor of this process is open on, valid as long as it is open.
pub fn path_of(file: &impl AsRawFd) -> PathBuf {
    Path::new("/proc/self/fd").join(file.as_raw_fd().to_string())
}

/// A short path at which other processes of this user open what a descriptor of this process is open on, valid as long as it is
/// open here. Opening a pipe there gives the same end of it; opening a file gives a place in it that is shared with no one.
pub fn path_for_others(file: &impl AsRawFd) -> PathBuf {
    Path::new("/proc").join(std::process::id().to_string()).join("fd").join(file.as_raw_fd().to_string())
}

/// Closes all inherited descriptors but the standard streams and `kept`: an inherited pipe that stays open keeps its readers
/// waiting for its end.
///
/// To be called before this process has opened anything else, on its only thread.
#[expect(unsafe_code, reason = "an inherited descriptor has no owner in this process")]
pub fn close_inherited(kept: &impl AsRawFd) {
    let Ok(open) = fs::read_dir("/proc/self/fd") else { return };
    let numbers: Vec<i32> = open.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    for number in numbers.into_iter().filter(|number| *number > 2 && *number != kept.as_raw_fd()) {
        // SAFETY: nothing but `kept` is open here, as the caller promises. The descriptor that the folder was read through is
        // closed already, and its number is free.
        unsafe { libc::close(number) };
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::Command;

    use super::*;

    #[test]
    fn another_process_reads_a_file_without_a_name_at_its_path() {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(b"whole").expect("written");
        let read = Command::new("cat").arg(path_for_others(&file)).output().expect("cat runs");
        assert_eq!(read.stdout, b"whole");
    }

    #[test]
    fn fewer_files_are_available_than_the_limit() {
        let (available, limit) = (available().expect("a limit"), limit().expect("a limit"));
        assert!(available > 0 && available < limit, "{available} of {limit}");
    }
}
