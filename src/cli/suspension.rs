//! Ctrl-Z during a run of this terminal: the report gives the terminal back, the run is suspended with its tasks and clocks, and
//! this process stops, until the shell continues it.

use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use fanlane_core::engine::RunHandle;

/// How long the report may take to give the terminal back: it may itself wait for a reader that was stopped before.
const DRAWING_TIMEOUT: Duration = Duration::from_millis(300);

/// Where a report learns that it is to draw nothing for a while.
pub type Pauses = Receiver<Pause>;

/// A time in which the terminal belongs to the shell.
#[derive(Debug)]
pub struct Pause {
    ready: Sender<()>,
    over: Receiver<Duration>,
}

impl Pause {
    /// Says that the terminal is given back, and waits for the end; returns how long the run was suspended.
    pub fn wait(self) -> Duration {
        // Where this was not waited for, the pause is over already.
        let _ = self.ready.send(());
        self.over.recv().unwrap_or_default()
    }
}

/// Asks a report to give the terminal back.
#[derive(Debug)]
pub struct Suspender(Sender<Pause>);

impl Suspender {
    /// A suspender, and where its report learns of pauses.
    pub fn new() -> (Self, Pauses) {
        let (asks, pauses) = unbounded();
        (Self(asks), pauses)
    }

    /// Suspends a run while `stop`, which stops this process, goes on. It is called on another thread than that of the report,
    /// which may not be able to answer: a job of a shell counts as stopped when all of its processes are.
    pub fn suspend(&self, run: &dyn RunHandle, stop: &dyn Fn()) {
        let ((ready, is_ready), (over, is_over)) = (bounded(1), bounded(1));
        if self.0.send(Pause { ready, over: is_over }).is_ok() {
            let _ = is_ready.recv_timeout(DRAWING_TIMEOUT);
        }
        let lasted = suspend(run, stop);
        let _ = over.send(lasted);
    }
}

/// As [`Suspender::suspend`], by the thread of the report itself, which has given the terminal back; returns how long it lasted.
pub fn suspend(run: &dyn RunHandle, stop: &dyn Fn()) -> Duration {
    let begun = Instant::now();
    run.suspend_during(&mut || stop());
    begun.elapsed()
}
