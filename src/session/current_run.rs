//! The run that the window shows: its model, filled by a thread of its own, and the handle that commands it.
//!
//! The thread, not the window, empties the engine's channel, so a window that stands still never makes a batch wait.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use crossbeam_channel::Receiver;

use crate::engine::{Engine, EngineError, RunCommand, RunHandle, RunOptions, event_pump};
use crate::event::{Event, TaskId};
use crate::host::{DetachedError, DetachedRun};
use crate::job::{Batch, Job};
use crate::model::RunModel;
use crate::mp::clock::monotonic_ns;
use crate::store::history::HistoryRecorder;

use super::hosted::HostLink;

/// Called from another thread when there is something new to show.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// A run with what it was started from.
pub struct CurrentRun {
    /// Tells this run from the other runs of the session.
    pub serial: u64,
    /// The job it was started from.
    pub job: Job,
    /// The tasks.
    pub batch: Arc<Batch>,
    model: Arc<Mutex<RunModel>>,
    control: Option<Box<dyn RunHandle>>,
    drain: Option<JoinHandle<()>>,
    /// The monotonic clock at its start; 0 while that is not known, or of no interest.
    epoch_ns: Arc<AtomicU64>,
    host: Option<HostLink>,
    past: Option<Past>,
}

/// What is known besides of a run that was read from the history.
struct Past {
    folder: PathBuf,
    obstacle: Option<String>,
}

/// Where what recorders have to tell waits for the window.
pub(super) type Said = Arc<Mutex<Vec<String>>>;

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
        engine: &dyn Engine,
        wake: Wake,
        recorder: Option<(HistoryRecorder, Said)>,
    ) -> Result<Self, EngineError> {
        let model = Arc::new(Mutex::new(RunModel::default()));
        let (sender, receiver) = event_pump::channel();
        let filled = Arc::clone(&model);
        let drain = std::thread::Builder::new()
            .name("run-model".to_owned())
            .spawn(move || drain(&receiver, &filled, &wake, recorder))
            .map_err(|source| EngineError::System { what: "starting a thread for the run's events", source })?;
        let control = engine.start(Arc::clone(&batch), options, sender)?;
        let (control, drain, epoch_ns) = (Some(control), Some(drain), Arc::new(AtomicU64::new(monotonic_ns())));
        Ok(Self { serial, job, batch, model, control, drain, epoch_ns, host: None, past: None })
    }

    /// A run in a process of its own: `connect` starts it there, or finds it, on the thread that then follows it.
    ///
    /// # Errors
    /// When no thread can be had.
    pub(super) fn hosted(
        serial: u64,
        job: Job,
        batch: Arc<Batch>,
        connect: impl FnOnce() -> Result<DetachedRun, DetachedError> + Send + 'static,
        wake: Wake,
        said: Said,
    ) -> std::io::Result<Self> {
        let model = Arc::new(Mutex::new(RunModel::default()));
        let (link, epoch_ns) = (HostLink::default(), Arc::new(AtomicU64::new(0)));
        let (its, filled, epoch) = (link.clone(), Arc::clone(&model), Arc::clone(&epoch_ns));
        let drain = std::thread::Builder::new().name("run-model".to_owned()).spawn(move || {
            if let Some(mut watching) = its.connect(connect) {
                epoch.store(watching.info.epoch_ns, Ordering::Relaxed);
                its.follow(&mut watching, &filled, &said, &wake);
            }
            wake();
        })?;
        Ok(Self {
            serial,
            job,
            batch,
            model,
            control: None,
            drain: Some(drain),
            epoch_ns,
            host: Some(link),
            past: None,
        })
    }

    /// What ties it to the process that it runs in, if that is not this one.
    pub(super) const fn host(&self) -> Option<&HostLink> {
        self.host.as_ref()
    }

    /// It can go on when this window is closed.
    pub fn can_stay(&self) -> bool {
        self.host.as_ref().is_some_and(HostLink::can_stay)
    }

    /// A run of which everything is known already.
    pub(super) fn recorded(serial: u64, job: Job, batch: Arc<Batch>, model: RunModel) -> Self {
        Self {
            serial,
            job,
            batch,
            model: Arc::new(Mutex::new(model)),
            control: None,
            drain: None,
            epoch_ns: Arc::default(),
            host: None,
            past: None,
        }
    }

    /// Says of a run that is not of the open job where its job's paths start, and why it cannot be run again, if so.
    pub(super) fn of_history(mut self, folder: PathBuf, obstacle: Option<String>) -> Self {
        self.past = Some(Past { folder, obstacle });
        self
    }

    /// Where the job's paths start, if that is not where those of the open job do.
    pub(super) fn folder(&self) -> Option<&Path> {
        self.past.as_ref().map(|past| &*past.folder)
    }

    /// Why this run cannot be run again; `None` if it can.
    pub fn obstacle_to_rerun(&self) -> Option<&str> {
        self.past.as_ref()?.obstacle.as_deref()
    }

    /// Something of this run is still to be written to the history.
    pub(super) fn is_recording(&self) -> bool {
        self.drain.as_ref().is_some_and(|drain| !drain.is_finished())
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
        match self.epoch_ns.load(Ordering::Relaxed) {
            0 => newest,
            _ if model.is_finished() => newest,
            epoch_ns => newest.max(monotonic_ns().saturating_sub(epoch_ns)),
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
        if let Some(host) = &self.host {
            host.command(command);
        }
    }

    /// Ends the run if it goes on and waits until nothing of it is left. A run in a process of its own is only let go.
    pub(super) fn end(&mut self) {
        if let Some(host) = &self.host {
            host.let_go();
        }
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

/// Fills the model with the events of a run until the last, and records them on the way.
fn drain(
    events: &Receiver<Event>,
    model: &Mutex<RunModel>,
    wake: &Wake,
    mut recorder: Option<(HistoryRecorder, Said)>,
) {
    let tell = |said: &Said, lines: Vec<String>| {
        if !lines.is_empty() {
            said.lock().unwrap_or_else(PoisonError::into_inner).extend(lines);
        }
    };
    let next = |batch: &mut Vec<Event>| {
        let goes_on = event_pump::receive(events, batch);
        if let Some((recorder, said)) = &mut recorder {
            batch.iter().for_each(|event| tell(said, recorder.add(event)));
        }
        if !goes_on && let Some((recorder, said)) = recorder.take() {
            tell(&said, recorder.finish());
        }
        goes_on
    };
    event_pump::pump(next, model, RunModel::take, || wake());
}
