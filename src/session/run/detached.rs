//! Detached runs: the window's link to one, and the list of those that are running when the window opens.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;

use super::whole::Fold;
use super::{CurrentRun, RecorderMessages, RunOrigin, StartRequest, Whole};
use crate::session::background::{on_a_thread, taken};
use crate::session::notices::{Notice, Topic, sentence};
use crate::session::{Page, Session, Wake};
use fanlane_core::engine::event_pump::{EVENTS_PER_LOCK, pump};
use fanlane_core::engine::{EngineChoice, RunCommand};
use fanlane_core::event::Event;
use fanlane_core::host::{
    DetachedError, DetachedHandle, DetachedInfo, DetachedOrder, DetachedRun, DetachedRuns, DetachedUpdate,
};
use fanlane_core::model::{Earlier, RunModel};

/// A window's link to the process of a detached run. Clones share one link.
#[derive(Clone, Default)]
pub(super) struct DetachedLink(Arc<Mutex<LinkState>>);

#[derive(Default)]
struct LinkState {
    handle: Option<DetachedHandle>,
    /// Commands that wait for the connection.
    pending: Vec<RunCommand>,
    /// The window no longer follows it.
    is_left: bool,
    /// It can continue when the window is closed.
    can_stay: bool,
    /// It is to be stopped when the window is closed or killed.
    ends_with_window: bool,
    /// Its number in the history.
    id: Option<i64>,
    /// A file that is locked while a process of it lives.
    lock_file: Option<PathBuf>,
    /// Why there is no connection.
    failure: Option<LinkFailure>,
}

/// A failure of a detached run's process.
pub(super) enum LinkFailure {
    /// It could not be started or found.
    Start(DetachedError),
    /// It ended before its run did, or can no longer be read.
    Lost(DetachedError),
}

impl DetachedLink {
    fn link(&self) -> MutexGuard<'_, LinkState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a command to the run, or keeps it until there is a connection.
    pub(super) fn command(&self, command: RunCommand) {
        let mut link = self.link();
        match &link.handle {
            Some(handle) => handle.command(command),
            None => link.pending.push(command),
        }
    }

    /// Stops following; the run continues if it can.
    pub(super) fn leave(&self) {
        let mut link = self.link();
        link.is_left = true;
        if let Some(handle) = &link.handle {
            handle.disconnect();
        }
    }

    pub(super) fn can_stay(&self) -> bool {
        self.link().can_stay
    }

    /// Its number in the history, once it has one.
    pub(super) fn id(&self) -> Option<i64> {
        self.link().id
    }

    pub(super) fn lock_file(&self) -> Option<PathBuf> {
        self.link().lock_file.clone()
    }

    pub(super) fn ends_with_window(&self) -> bool {
        let link = self.link();
        link.ends_with_window || !link.can_stay
    }

    /// Sets whether the run is stopped when the window is closed or killed.
    pub(super) fn end_with_window(&self, wanted: bool) {
        let mut link = self.link();
        link.ends_with_window = wanted;
        if let Some(handle) = link.handle.as_ref().filter(|_| link.can_stay) {
            handle.stop_on_disconnect(wanted);
        }
    }

    fn take_failure(&self) -> Option<LinkFailure> {
        self.link().failure.take()
    }

    /// Connects, and sends the pending commands.
    pub(super) fn connect(&self, connect: impl FnOnce() -> Result<DetachedRun, DetachedError>) -> Option<DetachedRun> {
        let connected = connect();
        let mut link = self.link();
        match connected {
            Err(error) => {
                link.failure = Some(LinkFailure::Start(error));
                None
            }
            Ok(watching) => {
                let handle = watching.handle();
                std::mem::take(&mut link.pending).into_iter().for_each(|command| handle.command(command));
                link.can_stay = watching.info.recorded;
                link.id = watching.info.run;
                link.lock_file = Some(watching.lock_file());
                if link.ends_with_window && link.can_stay {
                    handle.stop_on_disconnect(true);
                }
                if link.is_left {
                    return None;
                }
                link.handle = Some(handle);
                Some(watching)
            }
        }
    }

    /// Folds the events of the run into `model`, until its end.
    pub(super) fn follow(
        &self,
        watching: &mut DetachedRun,
        model: &Mutex<RunModel>,
        fold: &mut Fold,
        messages: &RecorderMessages,
        wake: &Wake,
    ) {
        let next = |batch: &mut Vec<Event>| loop {
            match watching.next_update() {
                Ok(Some(DetachedUpdate::Event(event))) => batch.push(event),
                Ok(Some(DetachedUpdate::Message(words))) => {
                    messages.lock().unwrap_or_else(PoisonError::into_inner).push(words)
                }
                Ok(Some(DetachedUpdate::Recorded(number))) => self.link().id = number,
                Ok(None) => return false,
                Err(error) => {
                    let mut link = self.link();
                    if !link.is_left {
                        link.failure = Some(LinkFailure::Lost(error));
                    }
                    return false;
                }
            }
            if batch.len() >= EVENTS_PER_LOCK || !watching.has_more() {
                return true;
            }
        };
        pump(next, model, |model, event| fold.take(model, event), || wake());
    }
}

/// The detached runs known to this window.
#[derive(Default)]
pub struct DetachedList {
    runs: Option<DetachedRuns>,
    found: Vec<(DetachedInfo, PathBuf)>,
    listing: Option<Receiver<Vec<(DetachedInfo, PathBuf)>>>,
    /// When the newest listing began.
    listed: Option<Instant>,
    /// Something has changed since the listing under way began.
    is_outdated: bool,
    opening: Option<Receiver<Result<DetachedRun, DetachedError>>>,
    /// The first listing is over.
    has_listed: bool,
    shows_found: bool,
    /// The run that was started last, to be started in this process if the detached process fails to start.
    requested: Option<StartRequest>,
}

impl DetachedList {
    /// With `shows_found`, a single run that the first listing finds is shown.
    pub(in crate::session) fn new(runs: Option<DetachedRuns>, shows_found: bool) -> Self {
        Self { runs, shows_found, ..Self::default() }
    }

    /// Whether the run with that number is running detached and can be watched.
    pub fn is_running(&self, run: i64) -> bool {
        self.found.iter().any(|(info, _)| info.run == Some(run) && !info.ended)
    }

    /// Lists the detached runs again.
    pub(in crate::session) fn list(&mut self, wake: &Wake) {
        self.is_outdated = self.listing.is_some();
        let Some(runs) = self.runs.clone().filter(|_| self.listing.is_none()) else { return };
        self.listed = Some(Instant::now());
        self.listing = on_a_thread(wake, move || runs.list());
    }

    /// The number of those under way, as they were listed last.
    pub(in crate::session) fn count(&self) -> usize {
        self.found.iter().filter(|(info, _)| !info.ended).count()
    }

    /// Lists them again if the last listing is older than `age`.
    pub(in crate::session) fn list_after(&mut self, age: Duration, wake: &Wake) {
        if self.listed.is_none_or(|listed| listed.elapsed() >= age) {
            self.list(wake);
        }
    }

    /// Takes in a listing; returns whether it was the first.
    fn poll_listing(&mut self) -> bool {
        match taken(&mut self.listing) {
            None => return false,
            Some(None) => {}
            Some(Some(found)) => self.found = found,
        }
        !std::mem::replace(&mut self.has_listed, true)
    }

    /// Takes a newly opened run, once there is a connection or an error.
    fn poll_opening(&mut self) -> Option<Result<DetachedRun, DetachedError>> {
        taken(&mut self.opening)?
    }
}

impl Session {
    /// Starts a detached run; returns the request where that is not possible.
    pub(super) fn start_detached(&mut self, request: StartRequest) -> Option<StartRequest> {
        let Some(runs) = self.detached.runs.clone() else { return Some(request) };
        let RunOrigin { job, batch, folder } = &request.origin;
        let order = DetachedOrder {
            batch: Arc::clone(batch),
            folder: std::path::absolute(folder).unwrap_or_else(|_| folder.clone()),
            engine: EngineChoice::Local,
            mode: job.mode,
            workers: self.machine.pool_of(job),
            history: self.history.folder().map(Path::to_owned),
            continues: request.continues.map(|(id, _)| id),
            earlier: request.continues.map_or_else(Earlier::default, |(_, earlier)| earlier),
            breakpoints: Vec::new(),
            window: true,
            stops_with_starter: false,
        };
        let connect = move || runs.start(&order);
        let Ok(run) = self.follow(request.origin.clone(), request.whole.clone(), connect) else { return Some(request) };
        self.show_started(run, &request);
        self.detached.requested = Some(request);
        None
    }

    fn follow(
        &mut self,
        origin: RunOrigin,
        whole: Option<Whole>,
        connect: impl FnOnce() -> Result<DetachedRun, DetachedError> + Send + 'static,
    ) -> std::io::Result<CurrentRun> {
        let serial = self.run.next_serial();
        CurrentRun::detached(serial, origin, whole, connect, Arc::clone(&self.wake), self.history.messages())
    }

    /// Follows a detached run, by its number in the history.
    pub(in crate::session) fn watch_run(&mut self, run: i64) {
        let found = self.detached.found.iter().find(|(info, _)| info.run == Some(run));
        match found.map(|(_, folder)| folder.clone()) {
            Some(folder) => self.watch(folder),
            None => {
                let text = format!("Run {run} is no longer running.");
                self.notices.show(Notice::error(text).about(Topic::PastRun));
            }
        }
    }

    /// Follows the detached run whose process has this folder.
    pub(in crate::session) fn watch(&mut self, folder: PathBuf) {
        if self.is_busy() {
            let text = "Nothing was opened. A run is under way: wait for its end, or stop it.";
            return self.notices.show(Notice::error(text).about(Topic::PastRun));
        }
        let Some(runs) = self.detached.runs.clone() else { return };
        self.detached.opening = on_a_thread(&self.wake, move || runs.watch(folder));
    }

    /// Takes in the results of the threads that list and open detached runs.
    pub(in crate::session) fn poll_detached(&mut self) {
        let is_free = self.detached.opening.is_none() && !self.is_busy() && self.run.current().is_none();
        if self.detached.poll_listing() && is_free {
            self.show_found();
        }
        if self.detached.is_outdated && self.detached.listing.is_none() {
            self.detached.list(&self.wake);
        }
        match self.detached.poll_opening() {
            None => {}
            Some(Ok(watching)) => self.show_watched(watching),
            Some(Err(error)) => self
                .notices
                .show(Notice::error(format!("The detached run cannot be watched. {}", sentence(&error.to_string())))),
        }
        if let Some(failure) =
            self.run.current().and_then(CurrentRun::detached_link).and_then(DetachedLink::take_failure)
        {
            self.handle_failure(failure);
        }
        // Once it runs, what it would be started with elsewhere is not needed any more.
        if self.run.current().is_none_or(|run| run.history_id().is_some() || !run.is_under_way()) {
            self.detached.requested = None;
        }
    }

    fn handle_failure(&mut self, failure: LinkFailure) {
        match failure {
            LinkFailure::Lost(DetachedError::Refused(words)) => self.notices.show(Notice::error(sentence(&words))),
            LinkFailure::Lost(reason) => self.notices.show(Notice::error(format!(
                "The run broke off. {} What it had done is on the page Runs, which can also resume it.",
                sentence(&reason.to_string())
            ))),
            LinkFailure::Start(error) => match self.detached.requested.take() {
                Some(request) if error.is_of_this_place() => {
                    self.start_here(StartRequest { takes_place: true, ..request });
                    self.notices.show(Notice::info(format!(
                        "This run ends with the window, since it could not be detached. {}",
                        sentence(&error.to_string())
                    )));
                }
                _ => {
                    let text = format!("Nothing was started. {}", sentence(&error.to_string()));
                    self.notices.show(Notice::error(text));
                }
            },
        }
    }

    /// Shows the detached run that the first listing found, or a notice if there are several.
    fn show_found(&mut self) {
        let running: Vec<_> = self.detached.found.iter().filter(|(info, _)| !info.ended).collect();
        match &*running {
            [] => {}
            [(_, folder)] if self.detached.shows_found => {
                let folder = folder.clone();
                self.watch(folder);
            }
            several => {
                let runs = match several.len() {
                    1 => "A run is".to_owned(),
                    count => format!("{count} runs are"),
                };
                let advice = "to follow one, select it on the page Runs and press Watch.";
                self.notices.show(Notice::info(format!("{runs} running detached: {advice}")));
            }
        }
    }

    fn show_watched(&mut self, watching: DetachedRun) {
        let Some(batch) = watching.batch().cloned().filter(|_| !self.is_busy()) else { return };
        let job = batch.given_job().clone();
        let name = job.display_name();
        let which = watching.info.run.map_or_else(|| format!("{name},"), |id| format!("{id}, {name},"));
        let origin = RunOrigin { job, batch, folder: watching.job_folder() };
        match self.follow(origin, None, move || Ok(watching)) {
            Ok(run) => {
                self.run.show(run);
                self.page = Page::LIVE;
                let text = format!("Reconnected to run {which} which kept running.");
                self.notices.show(Notice::info(text).about(Topic::PastRun));
            }
            Err(error) => {
                let text = format!("The run cannot be followed: no thread can be started: {error}.");
                self.notices.show(Notice::error(text));
            }
        }
    }
}
