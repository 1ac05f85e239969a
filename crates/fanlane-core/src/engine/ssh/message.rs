//! What the engine and its agent on a host say to each other about workers; what workers say travels in the channels.

use serde::{Deserialize, Serialize};

use crate::engine::dispatcher::ProcessEnd;
use crate::engine::protocol::Setup;

/// From the engine to an agent.
#[derive(Debug, Serialize, Deserialize)]
pub enum ToAgent {
    /// Say what your clock shows.
    Ping {
        /// The engine's clock, in nanoseconds.
        sent_ns: u64,
    },
    /// Start a worker, whose lane is this channel.
    Start {
        /// The channel; each is used once.
        channel: u32,
        /// The worker.
        worker: u32,
        /// Its lane.
        lane: u32,
        /// Its tasks, with times of the agent's clock.
        setup: Box<Setup>,
        /// Variables that it and its tasks have besides the agent's own.
        environment: Vec<(String, String)>,
    },
    /// End the worker of this channel without asking.
    Kill { channel: u32 },
    /// The lane has ended: say how the process does.
    Reap {
        /// The channel.
        channel: u32,
        /// It said good-bye.
        said_bye: bool,
    },
    /// Stop the tasks of this worker and its clock.
    Suspend { channel: u32 },
    /// Let them go on; the zero of the run's clock is here on the agent's.
    GoOn { channel: u32, epoch_ns: u64 },
}

/// From an agent to the engine.
#[derive(Debug, Serialize, Deserialize)]
pub enum FromAgent {
    /// What the host is; the first message.
    Facts(Box<HostFacts>),
    /// The answer to a ping.
    Pong {
        /// As it was sent.
        sent_ns: u64,
        /// The agent's clock, in nanoseconds.
        clock_ns: u64,
    },
    /// A worker was started.
    Started { channel: u32, pid: u32 },
    /// The tasks of a worker stand still.
    Suspended { channel: u32 },
    /// A worker has ended, or could not be started.
    Ended { channel: u32, end: ProcessEnd },
}

/// What a host is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostFacts {
    /// The version of its agent.
    pub version: String,
    /// The processor's architecture, such as `x86_64`.
    pub architecture: String,
    /// The system and its release, such as `Linux 6.1.0`.
    pub system: String,
    /// What the host calls itself.
    pub host_name: String,
    /// The number of logical cores that a program may use there.
    pub cores: u32,
    /// Its memory, in bytes.
    pub memory_bytes: Option<u64>,
    /// How much a user may still write to the disk of the home folder, in bytes.
    pub free_disk_bytes: Option<u64>,
    /// The load of the last minute: the average number of runnable processes.
    pub load: Option<String>,
    /// The search path of programs.
    pub path: String,
    /// The login shell.
    pub shell: String,
    /// The home folder.
    pub home: String,
    /// The agent's file.
    pub agent: String,
}
