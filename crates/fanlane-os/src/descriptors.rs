//! The limit of open files of this process: raised to what the system allows, while programs that it starts keep the limit
//! that it was started with.

use std::fs;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewer_files_are_available_than_the_limit() {
        let (available, limit) = (available().expect("a limit"), limit().expect("a limit"));
        assert!(available > 0 && available < limit, "{available} of {limit}");
    }
}
