//! How many files this process may have open: as many as the system lets it, and what was given to it at first, which is
//! what the programs that it starts are to have.

use std::fs;
use std::sync::OnceLock;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The limit that this process was started with, where it has raised its own.
static GIVEN: OnceLock<u64> = OnceLock::new();

/// Lets this process have as many files open as it may. To be asked for by a program, never by a library.
pub fn raise() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if let Some(given) = current
        && current != maximum
        && setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).is_ok()
    {
        // The first is the one that was given.
        let _ = GIVEN.set(given);
    }
}

/// What programs that this process starts are to have, where that is less than its own.
pub fn given() -> Option<u64> {
    GIVEN.get().copied()
}

/// How many more files this process may open; `None` where the system does not say.
pub fn room() -> Option<u64> {
    let most = getrlimit(Resource::Nofile).current?;
    let open = fs::read_dir("/proc/self/fd").ok()?.count() as u64;
    Some(most.saturating_sub(open))
}

/// How many files this process may have open at once; `None`: without limit.
pub fn most() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_for_fewer_files_than_may_be_open() {
        let (room, most) = (room().expect("a limit"), most().expect("a limit"));
        assert!(room > 0 && room < most, "{room} of {most}");
    }
}
