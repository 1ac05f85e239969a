//! The run that the window shows: its model, filled by a thread of its own, and the handle that commands it.
//!
//! The thread, not the window, empties the engine's channel, so a window that stands still never makes a batch wait.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender};

use crate::engine::{EngineError, Run, RunCommand, RunOptions};
use crate::event::{Event, TaskId};
use crate::job::{Batch, Job};
use crate::model::RunModel;

/// How many events may wait between the engine and the model.
const CHANNEL_EVENTS: usize = 1024;
/// How many events are taken in under one lock, so that the window gets its turn.
const EVENTS_PER_LOCK: usize = 64;

/// Called from another thread when there is something new to show.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// What a session needs of a run under way. The engine's [`Run`] is one; tests bring their own.
pub trait RunControl: Send {
    /// Asks something of the run.
    fn command(&self, command: RunCommand);
    /// Waits until the run has ended and nothing of it is left.
    fn join(self: Box<Self>);
}

impl RunControl for Run {
    fn command(&self, command: RunCommand) {
        Self::command(self, command);
    }

    fn join(self: Box<Self>) {
        Self::join(*self);
    }
}

/// Starts runs: the engine's [`Run::start`], or what a test puts in its place.
pub type StartRun =
    Arc<dyn Fn(Arc<Batch>, RunOptions, Sender<Event>) -> Result<Box<dyn RunControl>, EngineError> + Send + Sync>;

/// The engine as a [`StartRun`].
pub fn engine() -> StartRun {
    Arc::new(|batch, options, events| Ok(Box::new(Run::start(batch, options, events)?)))
}

/// A run with what it was started from.
pub struct CurrentRun {
    /// Tells this run from the other runs of the session.
    pub serial: u64,
    /// The job it was started from.
    pub job: Job,
    /// The tasks.
    pub batch: Arc<Batch>,
    model: Arc<Mutex<RunModel>>,
    control: Option<Box<dyn RunControl>>,
    drain: Option<JoinHandle<()>>,
    started: Option<Instant>,
}

impl CurrentRun {
    /// Starts a run.
    ///
    /// # Errors
    /// Whatever the engine says, or that no thread can be had.
    pub(super) fn start(
        serial: u64,
        job: Job,
        batch: Arc<Batch>,
        options: RunOptions,
        start: &StartRun,
        wake: Wake,
    ) -> Result<Self, EngineError> {
        let model = Arc::new(Mutex::new(RunModel::default()));
        let (sender, receiver) = crossbeam_channel::bounded(CHANNEL_EVENTS);
        let filled = Arc::clone(&model);
        let drain = std::thread::Builder::new()
            .name("run-model".to_owned())
            .spawn(move || drain(&receiver, &filled, &wake))
            .map_err(|source| EngineError::System { what: "starting a thread for the run's events", source })?;
        let control = start(Arc::clone(&batch), options, sender)?;
        let (control, drain, started) = (Some(control), Some(drain), Some(Instant::now()));
        Ok(Self { serial, job, batch, model, control, drain, started })
    }

    /// A run of which everything is known already.
    pub(super) fn recorded(serial: u64, job: Job, batch: Arc<Batch>, model: RunModel) -> Self {
        Self { serial, job, batch, model: Arc::new(Mutex::new(model)), control: None, drain: None, started: None }
    }

    /// A task's number as people see it: in a run of some tasks again, the number that it had before.
    pub fn number(&self, task: TaskId) -> u64 {
        if task.0 < self.batch.len() { self.batch.number(task) } else { task.number() }
    }

    /// What is known of the run. Hold it no longer than a frame takes: the events wait meanwhile.
    pub fn model(&self) -> MutexGuard<'_, RunModel> {
        lock(&self.model)
    }

    /// The model for a thread that outlives the caller.
    pub(super) fn shared_model(&self) -> Arc<Mutex<RunModel>> {
        Arc::clone(&self.model)
    }

    /// The present on the run's clock, in nanoseconds since its start: it stands still once the run has ended.
    pub fn now_ns(&self, model: &RunModel) -> u64 {
        let newest = model.progress.last_ns;
        match self.started {
            Some(started) if !model.is_finished() => {
                newest.max(u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX))
            }
            _ => newest,
        }
    }

    /// The run has not ended. A run that was never under way here (a recorded one) has ended when its model says so.
    pub fn is_under_way(&self) -> bool {
        !self.model().is_finished() && self.is_draining()
    }

    /// Events can still come.
    pub fn is_draining(&self) -> bool {
        self.drain.as_ref().is_none_or(|drain| !drain.is_finished())
    }

    /// Asks something of the run.
    pub(super) fn command(&self, command: RunCommand) {
        if let Some(control) = &self.control {
            control.command(command);
        }
    }

    /// Ends the run if it goes on and waits until nothing of it is left.
    pub(super) fn end(&mut self) {
        if let Some(control) = self.control.take() {
            if !self.model().is_finished() {
                control.command(RunCommand::Stop);
            }
            control.join();
        }
        if let Some(drain) = self.drain.take() {
            // A panic there was printed there; the model is as good as it got.
            drop(drain.join());
        }
    }
}

impl Drop for CurrentRun {
    fn drop(&mut self) {
        self.end();
    }
}

/// The model, also after a panic of the thread that fills it: what it knew is better than nothing.
pub(super) fn lock(model: &Mutex<RunModel>) -> MutexGuard<'_, RunModel> {
    model.lock().unwrap_or_else(PoisonError::into_inner)
}

fn drain(events: &Receiver<Event>, model: &Mutex<RunModel>, wake: &Wake) {
    let mut waiting = Vec::with_capacity(EVENTS_PER_LOCK);
    while let Ok(first) = events.recv() {
        waiting.push(first);
        waiting.extend(events.try_iter().take(EVENTS_PER_LOCK - 1));
        {
            let mut model = lock(model);
            for event in waiting.drain(..) {
                model.take(event);
            }
        }
        wake();
        // The lock is not fair: without this the window might wait while events pour in.
        std::thread::yield_now();
    }
    // The last look: the channel is closed, so a run that broke off is seen as ended.
    wake();
}
