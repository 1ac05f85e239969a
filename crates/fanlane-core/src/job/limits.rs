//! The limits of one task of a job: memory, CPU time, output. Only commands have limits: a call shares its worker's
//! process. How they are enforced is not decided here.

use serde::{Deserialize, Serialize};

/// Limits of one task; what is not given is not limited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Address space of each process of a task, in bytes, as `ulimit -v` counts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// CPU time of each process of a task, in whole seconds; SIGXCPU follows, and SIGKILL a second later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_secs: Option<u64>,
    /// Bytes that a task may print on both streams together; a task that prints more is ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_bytes: Option<u64>,
}

/// Minimum address space with which a program starts, in bytes.
pub(super) const MIN_MEMORY_BYTES: u64 = 4 << 20;

impl Limits {
    /// Nothing is limited.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}
