//! The most that one task of a job may take: memory, CPU time, output. Only commands have limits: a call shares its
//! worker's process. How they are enforced is not decided here.

use serde::{Deserialize, Serialize};

/// What a task may take at the most; nothing is limited that is not given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Memory that each process of a task may ask for, in bytes: its address space, as `ulimit -v` counts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// CPU time of each process of a task, in whole seconds; then comes SIGXCPU, and SIGKILL a second later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_secs: Option<u64>,
    /// What a task may print on both streams together, in bytes; then it is ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_bytes: Option<u64>,
}

/// With less address space no program of today begins.
const MIN_MEMORY_BYTES: u64 = 4 << 20;

impl Limits {
    /// This system has a way to enforce them; where it has none, a job with limits is refused.
    pub const ARE_ENFORCED: bool = cfg!(target_os = "linux");

    /// Nothing is limited.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// What is wrong with the values, by field.
    pub fn problem(&self) -> Option<String> {
        if !Self::ARE_ENFORCED && !self.is_none() {
            return Some("this system has no way to limit a task; remove them".to_owned());
        }
        if let Some(bytes) = self.memory_bytes.filter(|bytes| *bytes < MIN_MEMORY_BYTES) {
            return Some(format!("memory_bytes is {bytes}; no program begins with less than {MIN_MEMORY_BYTES}"));
        }
        if self.cpu_secs == Some(0) {
            return Some("cpu_secs is 0; give a task 1 second at the least, or remove it".to_owned());
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_that_nothing_could_run_with_are_refused() {
        for (limits, word) in [
            (Limits { memory_bytes: Some(4096), ..Limits::default() }, "memory_bytes"),
            (Limits { cpu_secs: Some(0), ..Limits::default() }, "cpu_secs"),
        ] {
            assert!(limits.problem().is_some_and(|problem| problem.starts_with(word)), "{limits:?}");
        }
        let fine = Limits { memory_bytes: Some(1 << 30), cpu_secs: Some(1), output_bytes: Some(0) };
        assert_eq!(fine.problem(), None);
        assert!(Limits::default().is_none() && !fine.is_none());
    }
}
