//! How a batch is to be run.

use std::convert::Infallible;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::OutputLevel;
use super::python::PythonCall;
use crate::event::TaskId;
use crate::job::Mode;

/// Maximum time for which a gate holds back a run.
const GATE_TIMEOUT: Duration = Duration::from_secs(3);

/// Holds back the first task of a run until something has happened elsewhere, such as that the run is in the history.
/// Workers are started meanwhile.
#[derive(Clone, Debug)]
pub struct StartGate {
    opened: Receiver<Infallible>,
    until: Instant,
}

/// Opens its [`StartGate`] when it is dropped.
#[derive(Debug)]
pub struct GateKeeper(#[expect(dead_code, reason = "the gate opens when it is dropped")] Sender<Infallible>);

impl StartGate {
    /// A closed gate, which opens by itself after 3 seconds.
    pub fn closed() -> (GateKeeper, Self) {
        let (keeper, opened) = bounded(0);
        (GateKeeper(keeper), Self { opened, until: Instant::now() + GATE_TIMEOUT })
    }

    /// Waits for it to open, no longer than `wait`; returns whether it is open.
    pub fn opens_within(&self, wait: Duration) -> bool {
        let wait = wait.min(self.until.saturating_duration_since(Instant::now()));
        self.opened.recv_timeout(wait) == Err(RecvTimeoutError::Disconnected) || Instant::now() >= self.until
    }
}

impl PartialEq for StartGate {
    fn eq(&self, other: &Self) -> bool {
        self.opened.same_channel(&other.opened)
    }
}

impl Eq for StartGate {}

/// How a batch is to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunOptions {
    /// How the batch is run.
    pub mode: Mode,
    /// Size of the pool, 0 to [`crate::job::MAX_WORKERS`]; 0 starts paused. Mode `one` always has one.
    pub workers: u32,
    /// Cores and workers are sampled during the run.
    pub monitor: bool,
    /// An absolute folder, made when it is first needed, that takes the whole of each stream that is too long for memory, and
    /// a command whose stream it cannot take has failed; `None`: only head and tail are kept. The caller takes the files
    /// out of it and removes it after the run.
    pub spill_folder: Option<PathBuf>,
    /// How many tasks an idle worker is given at a time, none of which is taken back for another worker, as Python's pool
    /// does it; `None`: as many as keep it busy, and what it has not begun is taken back where another worker is idle.
    pub chunk: Option<NonZeroU32>,
    /// What the first task waits for.
    pub gate: Option<StartGate>,
    /// How much of what tasks print is told while they run, from the start; [`RunCommand::Watch`](super::RunCommand::Watch)
    /// changes it.
    pub output: OutputLevel,
    /// The tasks before which the run pauses; [`RunCommand::SetBreakpoint`](super::RunCommand::SetBreakpoint) changes them.
    pub breakpoints: Vec<TaskId>,
    /// Each command has the terminal of this process while it runs, and is not captured; for mode `one`, with one worker.
    pub terminal: bool,
    /// The mean time of a task, as far as it is known; by it engines elsewhere make chunks.
    pub task_time: Option<Duration>,
    /// The Python function of the batch as it was found; `None`: it is looked at first.
    pub python: Option<PythonCall>,
}

impl RunOptions {
    /// A run that is not monitored, keeps the head and the tail of long streams, and balances its workers.
    pub const fn new(mode: Mode, workers: u32) -> Self {
        let output = OutputLevel::Nothing;
        Self {
            mode,
            workers,
            monitor: false,
            spill_folder: None,
            chunk: None,
            gate: None,
            output,
            breakpoints: Vec::new(),
            terminal: false,
            task_time: None,
            python: None,
        }
    }

    /// Sets the mean time of a task.
    #[must_use]
    pub fn task_time(self, task_time: Option<Duration>) -> Self {
        Self { task_time, ..self }
    }

    /// Sets the Python function as it was found.
    #[must_use]
    pub fn python(self, python: Option<PythonCall>) -> Self {
        Self { python, ..self }
    }

    /// Sets whether cores and workers are sampled during the run.
    #[must_use]
    pub fn monitor(self, monitor: bool) -> Self {
        Self { monitor, ..self }
    }

    /// Sets the folder for streams that are too long for memory.
    #[must_use]
    pub fn spill_folder(self, spill_folder: Option<PathBuf>) -> Self {
        Self { spill_folder, ..self }
    }

    /// Sets how many tasks an idle worker is given at a time.
    #[must_use]
    pub fn chunk(self, chunk: Option<NonZeroU32>) -> Self {
        Self { chunk, ..self }
    }

    /// Sets what the first task waits for.
    #[must_use]
    pub fn gate(self, gate: Option<StartGate>) -> Self {
        Self { gate, ..self }
    }

    /// Sets the tasks before which the run pauses.
    #[must_use]
    pub fn breakpoints(self, breakpoints: Vec<TaskId>) -> Self {
        Self { breakpoints, ..self }
    }

    /// Sets whether commands have the terminal.
    #[must_use]
    pub fn terminal(self, terminal: bool) -> Self {
        Self { terminal, ..self }
    }

    /// Sets how much of what tasks print is told while they run.
    #[must_use]
    pub fn output(self, output: OutputLevel) -> Self {
        Self { output, ..self }
    }
}
