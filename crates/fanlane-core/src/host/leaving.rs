//! How a job leaves the queue when its run has ended, also on a full disk and at a restart of the machine.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::start::DetachedRuns;
use crate::store::queue::{QueueError, TakenJob};
use fanlane_os::child::OWN_EXECUTABLE;

/// How often it is tried again.
const LEAVE_INTERVAL: Duration = Duration::from_secs(1);

/// A job of the queue whose run has ended.
pub(super) struct Leaving {
    pub taken: TakenJob,
    /// The run's number in the history.
    pub run: Option<i64>,
    /// All of its tasks are done.
    pub is_done: bool,
    /// A signal ended the run before all of it was done.
    pub is_interrupted: bool,
    /// The folder of the sockets of detached runs, if the next job is to be started.
    pub runs: Option<PathBuf>,
}

impl Leaving {
    /// Takes the job out of the queue, or holds it with words if it was interrupted.
    pub(super) fn leave(&self) -> Result<(), QueueError> {
        if self.is_interrupted {
            self.taken.interrupted(self.run)?;
        } else {
            self.taken.end(self.is_done)?;
        }
        if let Some(folder) = &self.runs {
            // Where the process that starts the next one was killed; what uses the queue next tries again.
            let _ = DetachedRuns::in_folder(OWN_EXECUTABLE.into(), folder.clone()).serve_queue(self.taken.queue());
        }
        Ok(())
    }

    /// Tries it again until `timeout` while the queue cannot be written, as on a full disk. As long as this lives, the queue knows
    /// that the job has not broken off.
    pub(super) fn try_again(&self, timeout: Duration) {
        let until = Instant::now() + timeout;
        while Instant::now() < until && self.leave().is_err() {
            std::thread::sleep(LEAVE_INTERVAL);
        }
    }
}
