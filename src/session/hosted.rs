//! A run in a process of its own, as the window follows it: what ties the two, and the runs that go on in the background
//! when the window is opened.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crossbeam_channel::{Receiver, TryRecvError};

use super::current_run::{CurrentRun, Said, Wake};
use super::expand::sentence;
use super::notice::Notice;
use super::runs::on_a_thread;
use super::{Page, Session};
use crate::engine::RunCommand;
use crate::engine::event_pump::{EVENTS_PER_LOCK, pump};
use crate::event::Event;
use crate::host::{
    DetachedError, DetachedHandle, DetachedInfo, DetachedOrder, DetachedRun, DetachedRuns, DetachedUpdate,
};
use crate::job::{Batch, Job};
use crate::model::{Earlier, RunModel};

/// What ties a window to the process that its run is in. Its clones are one.
#[derive(Clone, Default)]
pub(super) struct HostLink(Arc<Mutex<Link>>);

#[derive(Default)]
struct Link {
    handle: Option<DetachedHandle>,
    /// What was asked for before there was a connection.
    wishes: Vec<RunCommand>,
    /// Nobody follows it any more.
    is_let_go: bool,
    /// It goes on when the window is closed, unless it shall not.
    can_stay: bool,
    /// It shall be stopped when the window is closed or killed.
    ends_with_window: bool,
    /// Its number in the history.
    number: Option<i64>,
    /// Why there is no connection, or none any more.
    fault: Option<Fault>,
}

/// What went wrong with a host.
pub(super) enum Fault {
    /// It could not be started, or not be found.
    Start(DetachedError),
    /// It ended before its run did, or cannot be listened to any more.
    Lost(DetachedError),
}

impl HostLink {
    fn link(&self) -> MutexGuard<'_, Link> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks something of the run.
    pub(super) fn command(&self, command: RunCommand) {
        let mut link = self.link();
        match &link.handle {
            Some(handle) => handle.command(command),
            None => link.wishes.push(command),
        }
    }

    /// Ends the following; the run goes on where it can.
    pub(super) fn let_go(&self) {
        let mut link = self.link();
        link.is_let_go = true;
        if let Some(handle) = &link.handle {
            handle.disconnect();
        }
    }

    pub(super) fn can_stay(&self) -> bool {
        self.link().can_stay
    }

    /// Its number in the history, once it has one.
    pub(super) fn number(&self) -> Option<i64> {
        self.link().number
    }

    pub(super) fn ends_with_window(&self) -> bool {
        let link = self.link();
        link.ends_with_window || !link.can_stay
    }

    /// Has the run stopped when the window is closed or killed, or go on.
    pub(super) fn end_with_window(&self, wanted: bool) {
        let mut link = self.link();
        link.ends_with_window = wanted;
        if let Some(handle) = link.handle.as_ref().filter(|_| link.can_stay) {
            handle.stop_on_disconnect(wanted);
        }
    }

    fn take_fault(&self) -> Option<Fault> {
        self.link().fault.take()
    }

    /// Makes the connection, and says on it what was asked for meanwhile.
    pub(super) fn connect(&self, connect: impl FnOnce() -> Result<DetachedRun, DetachedError>) -> Option<DetachedRun> {
        let connected = connect();
        let mut link = self.link();
        match connected {
            Err(error) => {
                link.fault = Some(Fault::Start(error));
                None
            }
            Ok(watching) => {
                let handle = watching.handle();
                std::mem::take(&mut link.wishes).into_iter().for_each(|wish| handle.command(wish));
                link.can_stay = watching.info.recorded;
                link.number = watching.info.run;
                if link.ends_with_window && link.can_stay {
                    handle.stop_on_disconnect(true);
                }
                if link.is_let_go {
                    return None;
                }
                link.handle = Some(handle);
                Some(watching)
            }
        }
    }

    /// Takes in what the host says, until its last word.
    pub(super) fn follow(&self, watching: &mut DetachedRun, model: &Mutex<RunModel>, said: &Said, wake: &Wake) {
        let next = |batch: &mut Vec<Event>| loop {
            match watching.next_update() {
                Ok(Some(DetachedUpdate::Event(event))) => batch.push(event),
                Ok(Some(DetachedUpdate::Message(words))) => {
                    said.lock().unwrap_or_else(PoisonError::into_inner).push(words)
                }
                Ok(Some(DetachedUpdate::Recorded(number))) => self.link().number = number,
                Ok(None) => return false,
                Err(error) => {
                    let mut link = self.link();
                    if !link.is_let_go {
                        link.fault = Some(Fault::Lost(error));
                    }
                    return false;
                }
            }
            if batch.len() >= EVENTS_PER_LOCK || !watching.has_more() {
                return true;
            }
        };
        pump(next, model, RunModel::take, || wake());
    }
}

/// A run that was started in a process of its own, to be started in this one should that fail.
pub(super) struct Ordered {
    pub job: Job,
    pub batch: Arc<Batch>,
    pub folder: PathBuf,
    pub continues: Option<(i64, Earlier)>,
}

/// The runs that go on in processes of their own, as far as this window knows.
#[derive(Default)]
pub(super) struct Background {
    hosts: Option<DetachedRuns>,
    found: Vec<(DetachedInfo, PathBuf)>,
    looking: Option<Receiver<Vec<(DetachedInfo, PathBuf)>>>,
    opening: Option<Receiver<Result<DetachedRun, DetachedError>>>,
    /// The first look is over.
    has_looked: bool,
    shows_found: bool,
    ordered: Option<Ordered>,
}

impl Background {
    /// `shows_found`: a run that is found at first is shown.
    pub(super) fn new(hosts: Option<DetachedRuns>, shows_found: bool) -> Self {
        Self { hosts, has_looked: false, shows_found, ..Self::default() }
    }
}

impl Session {
    /// The run of that number goes on in a process of its own, and can be watched.
    pub fn is_in_background(&self, run: i64) -> bool {
        self.background.found.iter().any(|(info, _)| info.run == Some(run) && !info.ended)
    }

    /// Whether this window follows the run of that number and may decide what becomes of it without a window; if so, whether
    /// it is stopped then.
    pub fn ends_with_window(&self, run: i64) -> Option<bool> {
        let host = self.run.as_ref().filter(|run| run.is_under_way())?.host()?;
        (host.number() == Some(run) && host.can_stay()).then(|| host.ends_with_window())
    }

    pub(super) fn end_with_window(&self, wanted: bool) {
        if let Some(host) = self.run.as_ref().and_then(CurrentRun::host) {
            host.end_with_window(wanted);
        }
    }

    /// Looks anew which runs go on in the background.
    pub(super) fn look_for_hosts(&mut self) {
        let Some(hosts) = self.background.hosts.clone().filter(|_| self.background.looking.is_none()) else { return };
        self.background.looking = on_a_thread(&self.wake, move || hosts.list());
    }

    /// Starts a run in a process of its own; gives it back where that cannot be.
    pub(super) fn start_hosted(&mut self, ordered: Ordered, workers: u32) -> Option<Ordered> {
        let Some(hosts) = self.background.hosts.clone() else { return Some(ordered) };
        let Ordered { job, batch, folder, continues } = &ordered;
        let order = DetachedOrder {
            batch: Arc::clone(batch),
            folder: std::path::absolute(folder).unwrap_or_else(|_| folder.clone()),
            mode: job.mode,
            workers,
            history: self.runs.folder().map(Path::to_owned),
            continues: continues.map(|(id, _)| id),
            earlier: continues.map_or_else(Earlier::default, |(_, earlier)| earlier),
            window: true,
            stops_with_starter: false,
        };
        let serial = self.next_serial();
        let connect = move || hosts.start(&order);
        let (job, batch, folder) = (job.clone(), Arc::clone(batch), folder.clone());
        let run = CurrentRun::hosted(serial, job, batch, connect, Arc::clone(&self.wake), self.runs.said());
        let Ok(run) = run else { return Some(ordered) };
        self.background.ordered = Some(ordered);
        self.notices.clear();
        self.show_run(run.of_history(folder, None));
        self.page = Page::Live;
        None
    }

    /// Watches a run of the history that goes on in the background.
    pub(super) fn watch_run(&mut self, run: i64) {
        let found = self.background.found.iter().find(|(info, _)| info.run == Some(run));
        match found.map(|(_, folder)| folder.clone()) {
            Some(folder) => self.watch(folder),
            None => self.tell(Notice::error(format!("Run {run} does not go on in the background any more."))),
        }
    }

    fn watch(&mut self, folder: PathBuf) {
        if self.is_busy() {
            return self.tell(Notice::error("Nothing was opened. A run is under way: wait for its end, or stop it."));
        }
        let Some(hosts) = self.background.hosts.clone() else { return };
        self.background.opening = on_a_thread(&self.wake, move || hosts.watch(folder));
    }

    /// Takes in what threads found out about hosts.
    pub(super) fn poll_hosts(&mut self) {
        self.poll_looking();
        match self.background.opening.as_ref().map(Receiver::try_recv) {
            None | Some(Err(TryRecvError::Empty)) => {}
            Some(opened) => {
                self.background.opening = None;
                match opened {
                    Ok(Ok(watching)) => self.show_watched(watching),
                    Ok(Err(error)) => self.tell(Notice::error(format!(
                        "The run in the background cannot be watched. {}",
                        sentence(&error.to_string())
                    ))),
                    Err(_) => {}
                }
            }
        }
        let fault = self.run.as_ref().and_then(CurrentRun::host).and_then(HostLink::take_fault);
        match fault {
            None => {}
            Some(Fault::Lost(DetachedError::Refused(words))) => self.tell(Notice::error(sentence(&words))),
            Some(Fault::Lost(reason)) => self.tell(Notice::error(format!(
                "The run broke off. {} What it had done is on the page Runs, which can also resume it.",
                sentence(&reason.to_string())
            ))),
            Some(Fault::Start(error)) => match self.background.ordered.take() {
                Some(ordered) if error.is_of_this_place() => {
                    self.start_here(ordered);
                    self.tell(Notice::info(format!(
                        "This run ends with the window, since it could not be given a process of its own. {}",
                        sentence(&error.to_string())
                    )));
                }
                _ => self.tell(Notice::error(format!("Nothing was started. {}", sentence(&error.to_string())))),
            },
        }
    }

    fn poll_looking(&mut self) {
        match self.background.looking.as_ref().map(Receiver::try_recv) {
            None | Some(Err(TryRecvError::Empty)) => return,
            Some(Err(TryRecvError::Disconnected)) => {}
            Some(Ok(found)) => self.background.found = found,
        }
        self.background.looking = None;
        if std::mem::replace(&mut self.background.has_looked, true) || self.is_busy() || self.run.is_some() {
            return;
        }
        let on: Vec<_> = self.background.found.iter().filter(|(info, _)| !info.ended).collect();
        match &*on {
            [] => {}
            [(_, folder)] if self.background.shows_found => {
                let folder = folder.clone();
                self.watch(folder);
            }
            some => {
                let runs = match some.len() {
                    1 => "A run goes".to_owned(),
                    several => format!("{several} runs go"),
                };
                let advice = "select it on the page Runs and press Watch to see it.";
                self.tell(Notice::info(format!("{runs} on in the background: {advice}")));
            }
        }
    }

    fn show_watched(&mut self, watching: DetachedRun) {
        let Some(batch) = watching.batch().cloned().filter(|_| !self.is_busy()) else { return };
        let name = batch.job().display_name().to_owned();
        let which = watching.info.run.map_or_else(|| format!("\u{201c}{name}\u{201d}"), |id| format!("{id}, {name},"));
        let (serial, job, folder) = (self.next_serial(), batch.job().clone(), watching.job_folder());
        let connect = move || Ok(watching);
        match CurrentRun::hosted(serial, job, batch, connect, Arc::clone(&self.wake), self.runs.said()) {
            Ok(run) => {
                self.show_run(run.of_history(folder, None));
                self.page = Page::Live;
                self.tell(Notice::info(format!("Run {which} goes on in the background and is shown here.")));
            }
            Err(error) => {
                self.tell(Notice::error(format!("The run cannot be followed: no thread can be had: {error}")))
            }
        }
    }
}
