//! The runs of the history: their list, read by a thread, and the ways to use one of them.

mod comparison;
mod past_run;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use crossbeam_channel::Receiver;

use super::background::{on_a_thread, taken};
use super::notices::{Notice, Topic, sentence};
use super::run::{CurrentRun, RecorderMessages, RunOrigin, StartRequest};
use super::{HistoryCommand, Page, Session, Wake};
use fanlane_core::job::Job;
use fanlane_core::model::Earlier;
use fanlane_core::store::history::{History, HistoryRecorder, RecordedRun, RunRow, RunState};

pub use comparison::{ChangeKind, RunComparison, TaskChange, TaskEnd};
pub use past_run::PastRun;

/// The use of a run that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PastRunUse {
    /// Show it on the pages Live and Results.
    Show,
    /// Run its remaining tasks.
    Resume,
    /// Run all of its tasks again.
    Rerun,
    /// Run its failed tasks again.
    RerunFailed,
    /// Race its job.
    Worth,
}

/// Maximum number of recent runs.
const MAX_RECENT: usize = 5;

/// A run that is being read, and its use.
type Opening = (PastRunUse, Option<Receiver<Result<Box<PastRun>, String>>>);

/// The runs, and what those of each job do.
type ReadList = (Vec<RunRow>, Arc<HashMap<Vec<u8>, String>>);

/// Maximum number of runs, the newest, of which it is read what they do.
const MAX_COMMANDS: usize = 2_000;

/// The runs of the history as the window lists them.
#[derive(Default)]
pub struct RunList {
    filter: String,
    folder: Option<PathBuf>,
    rows: Vec<RunRow>,
    selected: Option<i64>,
    error: Option<String>,
    was_read: bool,
    reading: Option<Receiver<Result<ReadList, String>>>,
    /// The history has changed since reading began.
    is_outdated: bool,
    opening: Option<Opening>,
    /// What the runs of a job do, by the job's key.
    commands: Arc<HashMap<Vec<u8>, String>>,
    /// For each run the place in `rows` of the last one before it of the same job that ended on its own.
    before: HashMap<i64, usize>,
    comparing: Option<Receiver<Result<Box<RunComparison>, String>>>,
    comparison: Option<Box<RunComparison>>,
    messages: RecorderMessages,
    /// Whether the shown run is recorded now, and its number once it has one.
    recorded: (bool, Option<i64>),
}

impl RunList {
    pub(super) fn new(folder: Option<PathBuf>) -> Self {
        Self { folder, ..Self::default() }
    }

    /// Only runs whose names or command lines contain this text are shown; case is ignored.
    pub fn filter(&self) -> &str {
        &self.filter
    }

    /// The runs that match the filter, the newest first. Without a filter, runs that others resume and those that tasks of
    /// others started are left out.
    pub fn shown(&self) -> impl Iterator<Item = &RunRow> {
        let wanted = self.filter.to_lowercase();
        let resumed: HashSet<i64> = self.rows.iter().filter_map(|run| run.continues).collect();
        self.rows.iter().filter(move |run| {
            if wanted.is_empty() {
                return run.parent.is_none() && !resumed.contains(&run.id);
            }
            let has = |text: &str| text.to_lowercase().contains(&wanted);
            has(&run.name) || self.command(run).is_some_and(has)
        })
    }

    /// The newest runs, for a short list.
    pub fn recent(&self) -> impl Iterator<Item = &RunRow> {
        let resumed: HashSet<i64> = self.rows.iter().filter_map(|run| run.continues).collect();
        self.rows.iter().filter(move |run| run.parent.is_none() && !resumed.contains(&run.id)).take(MAX_RECENT)
    }

    /// All runs, the newest first.
    pub fn all(&self) -> &[RunRow] {
        &self.rows
    }

    /// What a run does, before its inputs are filled in; `None` if that is not known.
    pub fn command(&self, run: &RunRow) -> Option<&str> {
        self.commands.get(&run.job_key).map(String::as_str)
    }

    /// The last run of the same job before this one that ended on its own.
    pub fn before(&self, run: &RunRow) -> Option<&RunRow> {
        let place = *self.before.get(&run.id)?;
        self.rows.get(place)
    }

    /// Two runs side by side, if that is asked for and they have been read.
    pub fn comparison(&self) -> Option<&RunComparison> {
        self.comparison.as_deref()
    }

    /// Two runs are being read to be compared.
    pub const fn is_comparing(&self) -> bool {
        self.comparing.is_some()
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

    /// Where recorders leave their messages.
    pub(super) fn messages(&self) -> RecorderMessages {
        Arc::clone(&self.messages)
    }

    /// The recorder for a run that is about to start, and the place of its messages.
    pub(super) fn recorder(&self, request: &StartRequest) -> Option<(HistoryRecorder, RecorderMessages)> {
        let history = self.folder.clone()?;
        let RunOrigin { job, batch, folder } = &request.origin;
        let run = RecordedRun {
            batch: Arc::clone(batch),
            job: job.clone(),
            folder: std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned()),
            continues: request.continues.map(|(id, _)| id),
            earlier: request.continues.map_or_else(Earlier::default, |(_, earlier)| earlier),
            window: true,
        };
        Some((HistoryRecorder::start(history, run), self.messages()))
    }

    fn read(&mut self, wake: &Wake) {
        self.is_outdated = self.reading.is_some();
        let Some(folder) = self.folder.clone().filter(|_| !self.is_outdated) else { return };
        let known = Arc::clone(&self.commands);
        self.reading = on_a_thread(wake, move || {
            let history = History::existing(&folder).map_err(|error| error.to_string())?;
            let Some(history) = history else { return Ok(ReadList::default()) };
            let runs = history.runs().map_err(|error| error.to_string())?;
            let commands = commands_of(&history, &runs, &known);
            Ok((runs, Arc::new(commands)))
        });
    }

    fn compare(&mut self, before: i64, now: i64, wake: &Wake) {
        let Some(folder) = self.folder.clone() else { return };
        let read = move || RunComparison::read(&folder, before, now).map(Box::new).map_err(|error| error.to_string());
        self.comparing = on_a_thread(wake, read);
    }

    /// Receives two runs that were read; returns why they were not.
    fn poll_comparing(&mut self) -> Option<String> {
        let read = taken(&mut self.comparing)?;
        match read.unwrap_or_else(|| Err("they could not be read from the history".to_owned())) {
            Ok(comparison) => {
                self.comparison = Some(comparison);
                None
            }
            Err(error) => Some(error),
        }
    }

    /// Lists these runs, the newest first.
    fn set_rows(&mut self, rows: Vec<RunRow>) {
        self.rows = rows;
        self.before.clear();
        let mut last: HashMap<&[u8], usize> = HashMap::new();
        for (place, run) in self.rows.iter().enumerate().rev() {
            self.before.extend(last.get(&*run.job_key).map(|before| (run.id, *before)));
            if run.state == RunState::Finished {
                last.insert(&run.job_key, place);
            }
        }
    }

    fn open(&mut self, id: i64, then: PastRunUse, wake: &Wake) {
        let Some(folder) = self.folder.clone() else { return };
        let read = move || PastRun::read(&folder, id).map(Box::new).map_err(|error| error.to_string());
        self.opening = Some((then, on_a_thread(wake, read))).filter(|(_, reading)| reading.is_some());
    }

    /// Receives the list that was read; returns true if it is already outdated.
    fn poll_list(&mut self) -> bool {
        match taken(&mut self.reading) {
            None => return false,
            Some(Some(Ok((rows, commands)))) => {
                self.set_rows(rows);
                self.commands = commands;
                self.error = None;
            }
            Some(Some(Err(error))) => self.error = Some(sentence(&error)),
            Some(None) => self.error = Some("The history could not be read.".to_owned()),
        }
        self.was_read = true;
        self.is_outdated
    }

    /// The run that was read, once.
    fn poll_opening(&mut self) -> Option<(PastRunUse, Result<Box<PastRun>, String>)> {
        let (then, reading) = self.opening.as_mut()?;
        let read = taken(reading)?.unwrap_or_else(|| Err("it could not be read from the history".to_owned()));
        let then = *then;
        self.opening = None;
        Some((then, read))
    }

    fn remove(&mut self, id: i64) -> Result<(), String> {
        let Some(folder) = &self.folder else { return Ok(()) };
        if let Some(mut history) = History::existing(folder).map_err(|error| error.to_string())? {
            history.remove(&[id]).map_err(|error| error.to_string())?;
        }
        let rows = std::mem::take(&mut self.rows);
        self.set_rows(rows.into_iter().filter(|run| run.id != id).collect());
        self.comparison.take_if(|comparison| comparison.before.id == id || comparison.now.id == id);
        Ok(())
    }
}

/// What the runs of each job do, of the newest runs, as far as it is not `known`: a key stands for the same work always.
fn commands_of(history: &History, runs: &[RunRow], known: &HashMap<Vec<u8>, String>) -> HashMap<Vec<u8>, String> {
    let mut commands = HashMap::new();
    for run in runs.iter().take(MAX_COMMANDS) {
        if commands.contains_key(&run.job_key) {
            continue;
        }
        // Without a job the name has to do.
        let read = || Some(Job::parse(&history.job(run.id).ok()??).ok()?.task.title().to_owned());
        if let Some(command) = known.get(&run.job_key).cloned().or_else(read) {
            commands.insert(run.job_key.clone(), command);
        }
    }
    commands
}

impl Session {
    pub(super) fn handle_history(&mut self, command: HistoryCommand) {
        match command {
            HistoryCommand::Filter(text) => self.history.filter = text,
            HistoryCommand::Select(id) => self.history.selected = id,
            HistoryCommand::Compare(before, now) => self.history.compare(before, now, &self.wake),
            HistoryCommand::CloseComparison => self.history.comparison = None,
            HistoryCommand::Open(id, then) => {
                if self.is_running() {
                    let text = "A run is under way and would be replaced: wait for its end, or stop it.";
                    return self.notices.show(Notice::error(text).about(Topic::PastRun));
                }
                self.history.open(id, then, &self.wake);
            }
            HistoryCommand::Remove(id) => {
                let notice = match self.history.remove(id) {
                    Ok(()) => Notice::info(format!("Run {id} was removed from the history.")),
                    Err(error) => Notice::error(format!("Run {id} was not removed. {}", sentence(&error))),
                };
                self.notices.show(notice.about(Topic::PastRun));
                self.refresh_history();
            }
        }
    }

    /// Reads the list again, and which of the runs are detached.
    pub(super) fn refresh_history(&mut self) {
        self.history.read(&self.wake);
        self.detached.list(&self.wake);
    }

    /// Receives what was read, and the messages of recorders.
    pub(super) fn poll_history(&mut self) {
        let recorded = (self.run.is_recording(), self.run.current().and_then(CurrentRun::history_id));
        if std::mem::replace(&mut self.history.recorded, recorded) != recorded {
            self.refresh_history();
        }
        let messages = std::mem::take(&mut *self.history.messages.lock().unwrap_or_else(PoisonError::into_inner));
        for line in messages {
            self.notices.show(Notice::error(sentence(&line)));
        }
        if self.history.poll_list() {
            self.refresh_history();
        }
        if let Some(error) = self.history.poll_comparing() {
            let text = format!("The runs were not compared. {}", sentence(&error));
            self.notices.show(Notice::error(text).about(Topic::PastRun));
        }
        match self.history.poll_opening() {
            None => {}
            Some((then, Ok(past))) => self.use_past_run(*past, then),
            Some((_, Err(error))) => {
                let text = format!("The run was not opened. {}", sentence(&error));
                self.notices.show(Notice::error(text).about(Topic::PastRun));
            }
        }
    }

    fn use_past_run(&mut self, past: PastRun, then: PastRunUse) {
        if self.is_running() {
            let text = "Nothing was opened. A run is under way: wait for its end, or stop it.";
            return self.notices.show(Notice::error(text).about(Topic::PastRun));
        }
        self.notices.succeeded(Topic::PastRun);
        let PastRun { row, earlier, job, batch, model, rest, damaged } = past;
        let id = row.id;
        if damaged > 0 {
            let text = format!("Run {id} is shown without the damaged parts of its record; the rest is complete.");
            self.notices.show(Notice::error(text));
        }
        let done = model.progress.counts.done;
        let origin = RunOrigin { job: job.clone(), batch, folder: row.folder.clone() };
        let obstacle = rest.as_ref().err().cloned();
        let serial = self.run.next_serial();
        self.run.show(CurrentRun::recorded(Some(id), serial, origin, model, earlier, obstacle));
        match (then, rest) {
            (PastRunUse::Show, _) => self.page = Page::RESULTS,
            (_, Err(obstacle)) => {
                self.page = Page::RESULTS;
                self.notices.show(Notice::error(format!("Nothing was started. {obstacle}")));
            }
            (PastRunUse::Worth, Ok(_)) => self.ask_worth(),
            (PastRunUse::Rerun, Ok(_)) => self.run_all_again(),
            (PastRunUse::RerunFailed, Ok(_)) => {
                self.page = Page::RESULTS;
                self.rerun(self.run.failed_tasks());
            }
            (PastRunUse::Resume, Ok(rest)) if rest.is_empty() => {
                let text = format!("Every task of run {id} has ended: there is nothing left to run.");
                self.notices.show(Notice::info(text));
            }
            (PastRunUse::Resume, Ok(_)) if self.is_racing() => self.refuse_beside_race(),
            (PastRunUse::Resume, Ok(batch)) => {
                let earlier = Earlier { done: earlier.done + done, ..earlier };
                let origin = RunOrigin { job, batch, folder: row.folder };
                self.start(StartRequest {
                    continues: Some((id, earlier)),
                    keeps_shown: true,
                    ..StartRequest::new(origin)
                });
            }
        }
    }
}
