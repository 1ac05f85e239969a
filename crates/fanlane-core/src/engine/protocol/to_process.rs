//! What the engine asks of a worker's process as a whole, as three numbers on its control socket: a socket may come along
//! with them.

use std::io;

/// From the engine to a process as a whole, on its control socket; it answers [`ToProcess::Suspend`] with one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToProcess {
    /// Open a lane; its socket comes along, and the memory of its mailboxes if it has any.
    OpenLane {
        /// The worker.
        worker: u32,
        /// Its lane.
        lane: u32,
    },
    /// Stop your tasks and your clock.
    Suspend,
    /// Let them go on.
    GoOn {
        /// The zero of the run's clock on the monotonic clock from now on.
        epoch_ns: u64,
    },
}

impl ToProcess {
    const OPEN_LANE: u32 = 0;
    const SUSPEND: u32 = 1;
    const GO_ON: u32 = 2;

    /// As it is sent.
    pub const fn numbers(self) -> [u32; 3] {
        match self {
            Self::OpenLane { worker, lane } => [Self::OPEN_LANE, worker, lane],
            Self::Suspend => [Self::SUSPEND, 0, 0],
            Self::GoOn { epoch_ns } => [Self::GO_ON, (epoch_ns >> 32) as u32, epoch_ns as u32],
        }
    }

    /// As it was received.
    ///
    /// # Errors
    /// When it has no meaning.
    pub fn of_numbers(numbers: [u32; 3]) -> io::Result<Self> {
        match numbers {
            [Self::OPEN_LANE, worker, lane] => Ok(Self::OpenLane { worker, lane }),
            [Self::SUSPEND, ..] => Ok(Self::Suspend),
            [Self::GO_ON, high, low] => Ok(Self::GoOn { epoch_ns: u64::from(high) << 32 | u64::from(low) }),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_to_a_process_comes_back_from_its_numbers() {
        for sent in [
            ToProcess::OpenLane { worker: 7, lane: u32::MAX },
            ToProcess::Suspend,
            ToProcess::GoOn { epoch_ns: u64::MAX - 1 },
            ToProcess::GoOn { epoch_ns: 5 },
        ] {
            assert_eq!(ToProcess::of_numbers(sent.numbers()).unwrap(), sent);
        }
        assert!(ToProcess::of_numbers([9, 0, 0]).is_err());
    }
}
