//! Which process it was, so that a later one with the same number is not taken for it.

use std::sync::OnceLock;

use crate::mp::process_tree;

/// A process by its number and the moment of its start. Fits into one word of shared memory; zero is nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessId(u64);

impl ProcessId {
    /// This process.
    pub fn own() -> Self {
        static OWN: OnceLock<ProcessId> = OnceLock::new();
        *OWN.get_or_init(|| {
            let pid = std::process::id();
            Self::of(pid, process_tree::live_start_ticks(pid).unwrap_or_default())
        })
    }

    const fn of(pid: u32, live_start_ticks: u64) -> Self {
        // The low half of the start is enough: a number does not come round twice within the same tick.
        Self((live_start_ticks << 32) | pid as u64)
    }

    /// What [`ProcessId::as_word`] made; `None` for nobody.
    pub const fn from_word(word: u64) -> Option<Self> {
        if word == 0 { None } else { Some(Self(word)) }
    }

    /// As one word, never zero.
    pub const fn as_word(self) -> u64 {
        self.0
    }

    /// The process's number.
    pub const fn pid(self) -> u32 {
        (self.0 & 0xffff_ffff) as u32
    }

    /// Whether it still runs; a process that only waits to be reaped does not.
    pub fn is_alive(self) -> bool {
        self == Self::own()
            || process_tree::live_start_ticks(self.pid()).is_some_and(|began| Self::of(self.pid(), began) == self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_living_the_dead_and_those_with_a_number_used_again_are_told_apart() {
        let own = ProcessId::own();
        assert_eq!(own.pid(), std::process::id());
        assert!(own.is_alive());
        assert_eq!(ProcessId::from_word(own.as_word()), Some(own));
        assert_eq!(ProcessId::from_word(0), None);
        let mut child = std::process::Command::new("/bin/cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let life = ProcessId::of(child.id(), process_tree::live_start_ticks(child.id()).unwrap());
        assert!(life.is_alive());
        assert!(!ProcessId::of(child.id(), 0).is_alive(), "an earlier process with this number");
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(!life.is_alive());
    }
}
