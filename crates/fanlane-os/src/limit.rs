//! Resource limits of programs that are started.

use rustix::process::{Resource, getrlimit};

/// A resource that can be limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Address space, in bytes.
    Memory,
    /// CPU time, in seconds.
    Cpu,
    /// Open files.
    Descriptors,
}

impl Limit {
    const fn resource(self) -> Resource {
        match self {
            Self::Memory => Resource::As,
            Self::Cpu => Resource::Cpu,
            Self::Descriptors => Resource::Nofile,
        }
    }

    /// The number of the resource in system calls.
    pub const fn number(self) -> libc::__rlimit_resource_t {
        match self {
            Self::Memory => libc::RLIMIT_AS,
            Self::Cpu => libc::RLIMIT_CPU,
            Self::Descriptors => libc::RLIMIT_NOFILE,
        }
    }

    /// A limit that the system accepts: capped to the hard limit of this process.
    pub fn bounded(self, soft: u64, hard: u64) -> libc::rlimit {
        let bound = getrlimit(self.resource()).maximum.unwrap_or(libc::RLIM_INFINITY);
        libc::rlimit { rlim_cur: soft.min(bound), rlim_max: hard.min(bound) }
    }
}
