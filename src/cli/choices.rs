//! Choices that flags of several commands offer.

use clap::ValueEnum;

use fanlane_core::job::{Mode, Transport};

/// How a batch is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ModeArg {
    /// One process, one task at a time.
    One,
    /// One process, N threads.
    Threads,
    /// N processes.
    Pool,
}

impl From<ModeArg> for Mode {
    fn from(mode: ModeArg) -> Self {
        match mode {
            ModeArg::One => Self::One,
            ModeArg::Threads => Self::Threads,
            ModeArg::Pool => Self::Pool,
        }
    }
}

/// How large results come from their workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TransportArg {
    /// Through a socket, copied by the system.
    Pipe,
    /// In memory that is shared with the worker.
    SharedMemory,
}

impl TransportArg {
    /// The value of the flag.
    pub const fn flag(self) -> &'static str {
        match self {
            Self::Pipe => "pipe",
            Self::SharedMemory => "shared-memory",
        }
    }
}

impl From<TransportArg> for Transport {
    fn from(transport: TransportArg) -> Self {
        match transport {
            TransportArg::Pipe => Self::Pipe,
            TransportArg::SharedMemory => Self::SharedMemory,
        }
    }
}

impl From<Transport> for TransportArg {
    fn from(transport: Transport) -> Self {
        match transport {
            Transport::Pipe => Self::Pipe,
            Transport::SharedMemory => Self::SharedMemory,
        }
    }
}
