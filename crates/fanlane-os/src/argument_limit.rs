//! How much a program can be given in its arguments.

/// Maximum size of one argument in bytes, with the NUL byte at its end.
pub const MAX_WORD_BYTES: u64 = 128 << 10;

/// The system gives no program more than this, whatever the limit of the stack is.
const MAX_BYTES: u64 = 6 << 20;

/// Number of bytes that a program started in the environment of this process can have in arguments. Each of them counts with
/// the byte at its end and with the pointer to it.
pub fn argument_room() -> u64 {
    let environment = std::env::vars_os().map(|(name, value)| name.len() + value.len() + 2 + size_of::<usize>());
    let environment = u64::try_from(environment.sum::<usize>()).unwrap_or(u64::MAX);
    of_system().saturating_sub(environment)
}

fn of_system() -> u64 {
    #[expect(unsafe_code, reason = "rustix has no call for it")]
    // SAFETY: the function only reads a number.
    let bytes = unsafe { libc::sysconf(libc::_SC_ARG_MAX) };
    u64::try_from(bytes).map_or(MAX_WORD_BYTES, |bytes| bytes.min(MAX_BYTES))
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    /// Whether a program starts with arguments of this size in all.
    fn starts_with(bytes: u64) -> bool {
        let word = "x".repeat(1023 - size_of::<usize>());
        let words = (0..bytes / 1024).map(|_| &word);
        Command::new("true").args(words).stdin(Stdio::null()).status().is_ok_and(|status| status.success())
    }

    #[test]
    fn the_room_is_what_a_program_is_given() {
        let room = argument_room();
        assert!(starts_with(room - 8192), "{room}");
        assert!(!starts_with(of_system() + 8192), "{room}");
        let word = |bytes: u64| Command::new("true").arg("x".repeat(usize::try_from(bytes).expect("small"))).status();
        assert!(word(MAX_WORD_BYTES - 1).is_ok() && word(MAX_WORD_BYTES).is_err());
    }
}
