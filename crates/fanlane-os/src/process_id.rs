//! The identity of a process, which a later process with the same pid does not share.

use std::sync::OnceLock;

use crate::process_tree;

/// A process by its pid and the time of its start. Fits into one word of shared memory, in which zero means no process.
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
        // The low half of the start is enough: a pid is not used twice within one tick.
        Self((live_start_ticks << 32) | pid as u64)
    }

    /// From a word of [`ProcessId::as_word`]; `None` for zero.
    pub const fn from_word(word: u64) -> Option<Self> {
        if word == 0 { None } else { Some(Self(word)) }
    }

    /// As one word, never zero.
    pub const fn as_word(self) -> u64 {
        self.0
    }

    /// The pid.
    pub const fn pid(self) -> u32 {
        (self.0 & 0xffff_ffff) as u32
    }

    /// Whether it runs; a process that has ended and waits to be reaped does not.
    pub fn is_alive(self) -> bool {
        self == Self::own()
            || process_tree::live_start_ticks(self.pid()).is_some_and(|start| Self::of(self.pid(), start) == self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn live_and_dead_processes_and_those_with_a_reused_pid_are_told_apart() {
        let own = ProcessId::own();
        assert_eq!(own.pid(), std::process::id());
        assert!(own.is_alive());
        assert_eq!(ProcessId::from_word(own.as_word()), Some(own));
        assert_eq!(ProcessId::from_word(0), None);
        let mut child = std::process::Command::new("/bin/cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let process = ProcessId::of(child.id(), process_tree::live_start_ticks(child.id()).unwrap());
        assert!(process.is_alive());
        assert!(!ProcessId::of(child.id(), 0).is_alive(), "an earlier process with this pid");
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(!process.is_alive());
    }
}
