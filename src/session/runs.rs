//! The runs of the history: their list, read on a thread of its own, and what can be done with one of them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_channel::{Receiver, TryRecvError, bounded};

use super::current_run::{CurrentRun, Wake};
use super::expand::sentence;
use super::notice::Notice;
use super::past_run::PastRun;
use super::{Page, Session};
use crate::event::TaskId;
use crate::job::{Batch, Job};
use crate::model::Earlier;
use crate::store::history::{About, History, HistoryRecorder, RunRow};

/// What is done with a run once it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PastRunUse {
    /// It is shown on the pages Live and Results.
    Show,
    /// What it left is run.
    Resume,
    /// All of it is run again.
    Rerun,
    /// What failed of it is run again.
    RerunFailed,
}

/// A run that is being read, and what is done with it then.
type Opening = (PastRunUse, Receiver<Result<Box<PastRun>, String>>);

/// The runs of the history as the window lists them.
#[derive(Default)]
pub struct RunList {
    /// Only runs are shown whose names contain this, in upper or lower case.
    pub filter: String,
    folder: Option<PathBuf>,
    rows: Vec<RunRow>,
    selected: Option<i64>,
    error: Option<String>,
    was_read: bool,
    reading: Option<Receiver<Result<Vec<RunRow>, String>>>,
    /// Something has changed since what is being read was asked for.
    is_outdated: bool,
    opening: Option<Opening>,
    /// What recorders have to tell.
    said: Arc<Mutex<Vec<String>>>,
    is_recording: bool,
}

impl RunList {
    pub(super) fn new(folder: Option<PathBuf>) -> Self {
        Self { folder, ..Self::default() }
    }

    /// The runs that the filter lets through, the newest first.
    pub fn shown(&self) -> impl Iterator<Item = &RunRow> {
        let wanted = self.filter.to_lowercase();
        self.rows.iter().filter(move |run| run.name.to_lowercase().contains(&wanted))
    }

    /// All runs, the newest first.
    pub fn all(&self) -> &[RunRow] {
        &self.rows
    }

    /// The run whose details are shown.
    pub fn selected(&self) -> Option<&RunRow> {
        self.rows.iter().find(|run| Some(run.id) == self.selected)
    }

    /// Why there is no list.
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// No list has been read yet.
    pub const fn is_unread(&self) -> bool {
        !self.was_read
    }

    /// Runs of this window are recorded.
    pub const fn is_kept(&self) -> bool {
        self.folder.is_some()
    }

    /// A run is being read.
    pub const fn is_opening(&self) -> bool {
        self.opening.is_some()
    }

    /// The folder of the history.
    pub(super) fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Where what recorders have to tell waits for the window.
    pub(super) fn said(&self) -> Arc<Mutex<Vec<String>>> {
        Arc::clone(&self.said)
    }

    fn read(&mut self, wake: &Wake) {
        self.is_outdated = self.reading.is_some();
        let Some(folder) = self.folder.clone().filter(|_| !self.is_outdated) else { return };
        self.reading = on_a_thread(wake, move || {
            let history = History::existing(&folder).map_err(|error| error.to_string())?;
            history.map_or_else(|| Ok(Vec::new()), |history| history.runs().map_err(|error| error.to_string()))
        });
    }

    fn open(&mut self, id: i64, then: PastRunUse, wake: &Wake) {
        let Some(folder) = self.folder.clone() else { return };
        let read = move || PastRun::read(&folder, id).map(Box::new).map_err(|error| error.to_string());
        self.opening = on_a_thread(wake, read).map(|reading| (then, reading));
    }
}

/// The result of some work, once a thread of its own has done it.
pub(super) fn on_a_thread<T: Send + 'static>(
    wake: &Wake,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<Receiver<T>> {
    let (sender, receiver) = bounded(1);
    let wake = Arc::clone(wake);
    let thread = std::thread::Builder::new().name("history-reader".to_owned()).spawn(move || {
        // Nobody listens any more when the window is closed.
        let _ = sender.send(work());
        wake();
    });
    thread.ok().map(|_| receiver)
}

impl Session {
    /// The runs of the history.
    pub const fn runs(&self) -> &RunList {
        &self.runs
    }

    /// The runs of the history, to set their filter.
    pub const fn runs_mut(&mut self) -> &mut RunList {
        &mut self.runs
    }

    pub(super) fn refresh_runs(&mut self) {
        self.runs.read(&self.wake);
        self.look_for_hosts();
    }

    pub(super) const fn select_run(&mut self, id: Option<i64>) {
        self.runs.selected = id;
    }

    /// Takes in what was read, and what recorders have to tell.
    pub(super) fn poll_runs(&mut self) {
        let is_recording = self.run.as_ref().is_some_and(CurrentRun::is_recording);
        if is_recording != self.runs.is_recording {
            self.runs.is_recording = is_recording;
            if self.page == Page::Runs {
                self.refresh_runs();
            }
        }
        let said = std::mem::take(&mut *self.runs.said.lock().unwrap_or_else(PoisonError::into_inner));
        for line in said {
            self.tell(Notice::error(sentence(&line)));
        }
        match self.runs.reading.as_ref().map(Receiver::try_recv) {
            Some(Ok(Ok(rows))) => {
                self.runs.rows = rows;
                self.runs.error = None;
            }
            Some(Ok(Err(error))) => self.runs.error = Some(sentence(&error)),
            Some(Err(TryRecvError::Disconnected)) => {
                self.runs.error = Some("The history could not be read.".to_owned())
            }
            Some(Err(TryRecvError::Empty)) | None => return self.poll_opening(),
        }
        self.runs.reading = None;
        self.runs.was_read = true;
        if self.runs.is_outdated {
            self.refresh_runs();
        }
        self.poll_opening();
    }

    fn poll_opening(&mut self) {
        let Some((then, reading)) = &self.runs.opening else { return };
        let (then, read) = (*then, reading.try_recv());
        match read {
            Err(TryRecvError::Empty) => return,
            Err(TryRecvError::Disconnected) => self.tell(Notice::error("The run could not be read from the history.")),
            Ok(Err(error)) => self.tell(Notice::error(format!("The run was not opened. {}", sentence(&error)))),
            Ok(Ok(past)) => self.use_past_run(*past, then),
        }
        self.runs.opening = None;
    }

    pub(super) fn open_run(&mut self, id: i64, then: PastRunUse) {
        if self.is_running() {
            return self.tell(Notice::error("A run is under way and would be replaced: wait for its end, or stop it."));
        }
        self.runs.open(id, then, &self.wake);
    }

    fn use_past_run(&mut self, past: PastRun, then: PastRunUse) {
        if self.is_running() {
            return self.tell(Notice::error("Nothing was opened. A run is under way: wait for its end, or stop it."));
        }
        let PastRun { row, job, batch, model, rest, damaged } = past;
        let id = row.id;
        if damaged > 0 {
            let text = format!("Run {id} is shown without what was damaged in its record; all else is as it was.");
            self.tell(Notice::error(text));
        }
        let earlier = row.earlier;
        let (obstacle, rest) = match rest {
            Ok(rest) => (None, Some(rest)),
            Err(why) => (Some(why), None),
        };
        let serial = self.next_serial();
        let tasks = batch.len();
        let run =
            CurrentRun::recorded(serial, job.clone(), batch, model).of_history(row.folder.clone(), obstacle.clone());
        self.show_run(run);
        match (then, rest) {
            (PastRunUse::Show, _) => self.page = Page::Results,
            (_, None) => {
                self.page = Page::Results;
                self.tell(Notice::error(format!("Nothing was started. {}", obstacle.unwrap_or_default())));
            }
            (PastRunUse::Rerun, Some(_)) => self.rerun(&(0..tasks).map(TaskId).collect::<Vec<_>>()),
            (PastRunUse::RerunFailed, Some(_)) => self.rerun(&self.failed_tasks()),
            (PastRunUse::Resume, Some(rest)) if rest.is_empty() => {
                self.tell(Notice::info(format!("Every task of run {id} has ended: there is no rest to run.")));
            }
            (PastRunUse::Resume, Some(rest)) => {
                let ended = self.run.as_ref().map_or(0, |run| run.model().progress.counts.done);
                let earlier = Earlier { done: earlier.done + ended, ..earlier };
                self.start_again(job, rest, &row.folder, Some((id, earlier)));
            }
        }
    }

    pub(super) fn remove_run(&mut self, id: i64) {
        let Some(folder) = self.runs.folder.clone() else { return };
        let removed = History::existing(&folder).and_then(|history| match history {
            Some(mut history) => history.remove(&[id]),
            None => Ok(()),
        });
        match removed {
            Ok(()) => {
                self.runs.rows.retain(|run| run.id != id);
                self.tell(Notice::info(format!("Run {id} was removed from the history.")));
            }
            Err(error) => {
                self.tell(Notice::error(format!("Run {id} was not removed. {}", sentence(&error.to_string()))))
            }
        }
        self.refresh_runs();
    }

    /// What records a run that is about to start, and where it leaves what it has to tell.
    pub(super) fn recorder(
        &self,
        job: &Job,
        batch: &Arc<Batch>,
        folder: &Path,
        continues: Option<(i64, Earlier)>,
    ) -> Option<(HistoryRecorder, Arc<Mutex<Vec<String>>>)> {
        let history = self.runs.folder.clone()?;
        let about = About {
            batch: Arc::clone(batch),
            job: job.clone(),
            folder: std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned()),
            continues: continues.map(|(id, _)| id),
            earlier: continues.map_or_else(Earlier::default, |(_, earlier)| earlier),
            window: true,
        };
        Some((HistoryRecorder::start(history, about), Arc::clone(&self.runs.said)))
    }
}
