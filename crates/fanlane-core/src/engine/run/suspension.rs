//! The suspension of a run as a whole, such as at Ctrl-Z. Not to be confused with a pause, which starts no further task: here all
//! tasks stand still, and the clock of the run.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::effects::Driver;
use crate::engine::launcher::WorkerHandle;

/// How long all workers together may take to stop their tasks.
const SUSPEND_TIMEOUT: Duration = Duration::from_secs(1);

impl Driver {
    /// Suspends the run while `pause` goes on. The dispatcher takes nothing in meanwhile, and no worker is started.
    pub fn suspend_during(&self, pause: &mut dyn FnMut()) {
        let _starting = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
        let core = self.core();
        self.clock.stop();
        let mut seen = HashSet::new();
        let processes = core.members.values().map(|member| &member.process);
        // By the handle: processes of several machines may have one number.
        let is_new = |process: &&Arc<dyn WorkerHandle>| seen.insert(Arc::as_ptr(process).cast::<()>());
        let processes: Vec<&Arc<dyn WorkerHandle>> = processes.filter(is_new).collect();
        processes.iter().for_each(|process| process.suspend());
        let deadline = Instant::now() + SUSPEND_TIMEOUT;
        processes.iter().for_each(|process| process.wait_suspended(deadline));
        pause();
        let epoch_ns = self.clock.go_on();
        processes.iter().for_each(|process| process.go_on(epoch_ns));
    }
}
