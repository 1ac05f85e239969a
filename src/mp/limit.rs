//! What a program that is started may be given little of.

use rustix::process::{Resource, getrlimit};

/// Something of which a program may be given little.
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

    /// Its number for the system.
    pub const fn number(self) -> libc::__rlimit_resource_t {
        match self {
            Self::Memory => libc::RLIMIT_AS,
            Self::Cpu => libc::RLIMIT_CPU,
            Self::Descriptors => libc::RLIMIT_NOFILE,
        }
    }

    /// A limit that the system sets without question: none beyond what this process may have itself.
    pub fn bounded(self, most: u64, hard: u64) -> libc::rlimit {
        let bound = getrlimit(self.resource()).maximum.unwrap_or(libc::RLIM_INFINITY);
        libc::rlimit { rlim_cur: most.min(bound), rlim_max: hard.min(bound) }
    }
}
