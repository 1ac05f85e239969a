//! A run with its model, filled by a thread, and the handle that controls it.
//!
//! The thread, not the window, receives the engine's events, so a blocked window never delays a batch.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use crossbeam_channel::Receiver;

use crate::session::Wake;
use fanlane_core::engine::{Engine, EngineError, EngineTraits, RunCommand, RunHandle, RunOptions, event_pump};
use fanlane_core::event::{Event, OutcomeClass, TaskId};
use fanlane_core::host::{DetachedError, DetachedRun};
use fanlane_core::job::{Batch, Job};
use fanlane_core::model::{Earlier, RunModel, Waiting};
use fanlane_core::store::history::HistoryRecorder;
use fanlane_os::clock::monotonic_ns;

use super::detached::DetachedLink;
use super::whole::{Fold, Part, Shown, Whole};

/// The origin of a run.
#[derive(Clone)]
pub struct RunOrigin {
    /// The job.
    pub job: Job,
    /// The tasks.
    pub batch: Arc<Batch>,
    /// The folder for the job's relative paths.
    pub folder: PathBuf,
}

/// A run with its origin.
pub struct CurrentRun {
    /// Its serial number in the session.
    pub serial: u64,
    /// Its job.
    pub job: Job,
    /// The tasks.
    pub batch: Arc<Batch>,
    folder: PathBuf,
    model: Arc<Mutex<RunModel>>,
    part: Option<Part>,
    /// The tasks that the first of its runs left out.
    earlier: Earlier,
    source: RunSource,
    /// Why it cannot be run again.
    obstacle_to_rerun: Option<String>,
}

/// The source of a run's events.
enum RunSource {
    /// This process.
    Here {
        /// `None` once it has been joined.
        handle: Option<Box<dyn RunHandle>>,
        /// What its engine can do.
        traits: EngineTraits,
        pump: Option<JoinHandle<()>>,
        /// The monotonic clock at its start.
        epoch_ns: u64,
        /// Its number in the history; 0 until it has one.
        id: Arc<AtomicI64>,
    },
    /// A detached run.
    Detached {
        link: DetachedLink,
        pump: Option<JoinHandle<()>>,
        /// The monotonic clock at its start; 0 until the connection is made.
        epoch_ns: Arc<AtomicU64>,
    },
    /// A run of the past, whose model is complete.
    Recorded {
        /// Its number in the history.
        id: Option<i64>,
    },
}

/// Messages of recorders that the window has not shown yet.
pub(in crate::session) type RecorderMessages = Arc<Mutex<Vec<String>>>;

impl CurrentRun {
    /// Starts a run in this process.
    ///
    /// # Errors
    /// Those of the engine, or that no thread can be started.
    pub(super) fn start(
        serial: u64,
        origin: RunOrigin,
        whole: Option<Whole>,
        options: RunOptions,
        engine: &dyn Engine,
        wake: Wake,
        recorder: Option<(HistoryRecorder, RecorderMessages)>,
    ) -> Result<Self, EngineError> {
        let (sender, receiver) = event_pump::channel();
        let batch = Arc::clone(&origin.batch);
        let (shown, mut fold) = Shown::of(origin, whole);
        let (filled, id) = (Arc::clone(&shown.model), Arc::new(AtomicI64::new(0)));
        let told = Arc::clone(&id);
        let pump = std::thread::Builder::new()
            .name("run-model".to_owned())
            .spawn(move || pump(&receiver, &filled, &mut fold, &wake, recorder, &told))
            .map_err(|source| EngineError::System { what: "starting a thread for the run's events", source })?;
        let handle = engine.start(batch, options, sender)?;
        let source = RunSource::Here {
            handle: Some(handle),
            traits: engine.traits(),
            pump: Some(pump),
            epoch_ns: monotonic_ns(),
            id,
        };
        Ok(Self::new(serial, shown, source))
    }

    /// A detached run: `connect` starts or finds it, on the thread that then follows it.
    ///
    /// # Errors
    /// When no thread can be started.
    pub(super) fn detached(
        serial: u64,
        origin: RunOrigin,
        whole: Option<Whole>,
        connect: impl FnOnce() -> Result<DetachedRun, DetachedError> + Send + 'static,
        wake: Wake,
        messages: RecorderMessages,
    ) -> std::io::Result<Self> {
        let (shown, mut fold) = Shown::of(origin, whole);
        let (link, epoch_ns) = (DetachedLink::default(), Arc::new(AtomicU64::new(0)));
        let (own, filled, epoch) = (link.clone(), Arc::clone(&shown.model), Arc::clone(&epoch_ns));
        let pump = std::thread::Builder::new().name("run-model".to_owned()).spawn(move || {
            if let Some(mut watching) = own.connect(connect) {
                epoch.store(watching.info.epoch_ns, Ordering::Relaxed);
                own.follow(&mut watching, &filled, &mut fold, &messages, &wake);
            }
            wake();
        })?;
        Ok(Self::new(serial, shown, RunSource::Detached { link, pump: Some(pump), epoch_ns }))
    }

    /// A run whose events are all known. `obstacle_to_rerun` says why it cannot be run again.
    pub(in crate::session) fn recorded(
        id: Option<i64>,
        serial: u64,
        origin: RunOrigin,
        model: RunModel,
        earlier: Earlier,
        obstacle_to_rerun: Option<String>,
    ) -> Self {
        let shown = Shown { origin, model: Arc::new(Mutex::new(model)), part: None, earlier };
        let mut run = Self::new(serial, shown, RunSource::Recorded { id });
        run.obstacle_to_rerun = obstacle_to_rerun.or(run.obstacle_to_rerun.take());
        run
    }

    fn new(serial: u64, shown: Shown, source: RunSource) -> Self {
        let Shown { origin: RunOrigin { job, batch, folder }, model, part, earlier } = shown;
        let obstacle_to_rerun = job.task.obstacle().map(|obstacle| format!("It cannot be run again: {obstacle}."));
        Self { serial, job, batch, folder, model, part, earlier, source, obstacle_to_rerun }
    }

    /// This run, which has ended, with tasks of it that run again.
    pub(super) fn whole(&self, tasks: Vec<TaskId>) -> Whole {
        let (job, batch, folder) = (self.job.clone(), Arc::clone(&self.batch), self.folder.clone());
        Whole { origin: RunOrigin { job, batch, folder }, model: Arc::clone(&self.model), tasks, earlier: self.earlier }
    }

    /// The tasks that a run of only these leaves out.
    pub(super) fn left_out(&self, tasks: &[TaskId]) -> Earlier {
        let model = self.model();
        let mut earlier = self.earlier;
        for record in model.records.iter_from(0).filter(|record| tasks.binary_search(&record.task).is_err()) {
            match record.outcome.class() {
                OutcomeClass::Done => earlier.done += 1,
                _ => earlier.failed += 1,
            }
        }
        earlier
    }

    /// Its number in the history, as far as this window knows it.
    pub fn history_id(&self) -> Option<i64> {
        match &self.source {
            RunSource::Here { id, .. } => Some(id.load(Ordering::Relaxed)).filter(|id| *id > 0),
            RunSource::Detached { link, .. } => link.id(),
            RunSource::Recorded { id } => *id,
        }
    }

    /// `run 12`, or its job's name.
    pub fn title(&self) -> String {
        self.history_id().map_or_else(|| self.job.display_name().to_owned(), |id| format!("run {id}"))
    }

    /// What is known of why its tasks wait.
    pub fn waiting<'a>(&'a self, model: &'a RunModel) -> Waiting<'a> {
        Waiting { batch: Some(&self.batch), model, now_ns: self.now_ns(model) }
    }

    /// Its number of workers; `None` before it has begun.
    pub fn workers(&self) -> Option<u32> {
        let model = self.model();
        model.header.as_ref().map(|_| model.progress.workers)
    }

    /// The link to the process of a detached run.
    pub(super) const fn detached_link(&self) -> Option<&DetachedLink> {
        match &self.source {
            RunSource::Detached { link, .. } => Some(link),
            RunSource::Here { .. } | RunSource::Recorded { .. } => None,
        }
    }

    /// A file that is locked for as long as a process of a detached run lives; `None` without a connection to it.
    pub(in crate::session) fn lock_file(&self) -> Option<PathBuf> {
        self.detached_link().and_then(DetachedLink::lock_file)
    }

    /// It can continue when this window is closed.
    pub fn can_stay(&self) -> bool {
        self.detached_link().is_some_and(DetachedLink::can_stay)
    }

    /// The folder for the job's relative paths.
    pub(in crate::session) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Why this run cannot be run again; `None` if it can.
    pub fn obstacle_to_rerun(&self) -> Option<&str> {
        self.obstacle_to_rerun.as_deref()
    }

    fn pump(&self) -> Option<&JoinHandle<()>> {
        match &self.source {
            RunSource::Here { pump, .. } | RunSource::Detached { pump, .. } => pump.as_ref(),
            RunSource::Recorded { .. } => None,
        }
    }

    /// The history does not have all of this run yet.
    pub(super) fn is_recording(&self) -> bool {
        self.pump().is_some_and(|pump| !pump.is_finished())
    }

    /// A task's displayed number; in a rerun, its number in the earlier run.
    pub fn number(&self, task: TaskId) -> u64 {
        if task.0 < self.batch.len() { self.batch.number(task) } else { task.number() }
    }

    /// The model of the run. The lock is held for no longer than a frame: events wait meanwhile.
    pub fn model(&self) -> MutexGuard<'_, RunModel> {
        lock(&self.model)
    }

    /// The model for a thread that outlives the caller.
    pub(super) fn shared_model(&self) -> Arc<Mutex<RunModel>> {
        Arc::clone(&self.model)
    }

    /// The current time on the run's clock, in nanoseconds since its start; after the run, its end.
    pub fn now_ns(&self, model: &RunModel) -> u64 {
        let newest = model.progress.last_ns;
        let epoch_ns = match &self.source {
            RunSource::Here { epoch_ns, .. } => *epoch_ns,
            RunSource::Detached { epoch_ns, .. } => epoch_ns.load(Ordering::Relaxed),
            RunSource::Recorded { .. } => 0,
        };
        if epoch_ns == 0 || model.is_finished() {
            return newest;
        }
        newest.max(model.progress.resumed.0 + monotonic_ns().saturating_sub(epoch_ns))
    }

    /// The run has not ended. A recorded run has ended when its model says so.
    pub fn is_under_way(&self) -> bool {
        (!self.model().is_finished() || self.is_about_to_go_on()) && self.expects_events()
    }

    /// It goes on with some of its tasks, but has not begun to.
    fn is_about_to_go_on(&self) -> bool {
        self.part.as_ref().is_some_and(|part| !part.has_begun())
    }

    /// Events can still arrive; false for an interrupted run.
    pub fn expects_events(&self) -> bool {
        self.pump().is_none_or(|pump| !pump.is_finished())
    }

    /// Whether the run can be asked this; the engine of a detached run can do everything.
    pub fn allows(&self, command: RunCommand) -> bool {
        match &self.source {
            RunSource::Here { traits, .. } => traits.allow(command),
            RunSource::Detached { .. } => true,
            RunSource::Recorded { .. } => false,
        }
    }

    /// Sends a command to the run.
    pub(super) fn command(&self, command: RunCommand) {
        if !self.allows(command) {
            return;
        }
        let in_part = |part: &Part| part.command(command);
        let Some(command) = self.part.as_ref().map_or(Some(command), in_part) else { return };
        match &self.source {
            RunSource::Here { handle: Some(handle), .. } => handle.command(command),
            RunSource::Detached { link, .. } => link.command(command),
            RunSource::Here { handle: None, .. } | RunSource::Recorded { .. } => {}
        }
    }

    /// Stops the run if it is running, and waits for its end. A detached run continues.
    pub(super) fn end(&mut self) {
        let is_finished = self.model().is_finished();
        let pump = match &mut self.source {
            RunSource::Here { handle, pump, .. } => {
                if let Some(handle) = handle.take() {
                    if !is_finished {
                        handle.command(RunCommand::Stop);
                    }
                    handle.join();
                }
                pump.take()
            }
            RunSource::Detached { link, pump, .. } => {
                link.leave();
                pump.take()
            }
            RunSource::Recorded { .. } => None,
        };
        if let Some(pump) = pump {
            // A panic of the thread was printed by it; the model keeps what it has.
            drop(pump.join());
        }
    }
}

impl Drop for CurrentRun {
    fn drop(&mut self) {
        self.end();
    }
}

/// The model, also after a panic of the thread that fills it.
pub(super) fn lock(model: &Mutex<RunModel>) -> MutexGuard<'_, RunModel> {
    model.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Fills the model with the events of a run and records them, until the last.
fn pump(
    events: &Receiver<Event>,
    model: &Mutex<RunModel>,
    fold: &mut Fold,
    wake: &Wake,
    mut recorder: Option<(HistoryRecorder, RecorderMessages)>,
    id: &AtomicI64,
) {
    let show = |messages: &RecorderMessages, lines: Vec<String>| {
        if !lines.is_empty() {
            messages.lock().unwrap_or_else(PoisonError::into_inner).extend(lines);
        }
    };
    let next = |batch: &mut Vec<Event>| {
        let goes_on = event_pump::receive(events, batch);
        if let Some((recorder, messages)) = &mut recorder {
            batch.iter().for_each(|event| show(messages, recorder.add(event)));
            id.store(recorder.id().unwrap_or(0), Ordering::Relaxed);
        }
        if !goes_on && let Some((recorder, messages)) = recorder.take() {
            show(&messages, recorder.finish());
        }
        goes_on
    };
    event_pump::pump(next, model, |model, event| fold.take(model, event), || wake());
}
