//! The queue of jobs: its list, which follows what any process changes, and the changes that the window makes. Both are done on
//! threads, since another process may have the queue locked.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};

use super::background::{on_a_thread, taken};
use super::notices::{Notice, Topic, sentence};
use super::run::RunOrigin;
use super::{Command, Page, Session, Wake};
use fanlane_core::engine::EngineChoice;
use fanlane_core::host::{DetachedError, DetachedOrder, DetachedRuns, DetachedUpdate};
use fanlane_core::model::Earlier;
use fanlane_core::store::queue::{After, Change, JobList, JobQueue, NewJob, QueuedJob, own_environment};
use fanlane_os::folder_watch::{FolderWatch, FolderWatchEnd};

/// How often the queue is read where its folder cannot be watched.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Maximum wait at the end of the window for what was asked of the queue.
const FINISH_TIMEOUT: Duration = Duration::from_secs(20);

/// A command about the queue of jobs.
#[derive(Clone, Debug, PartialEq)]
pub enum QueueCommand {
    /// Change a job that waits.
    Change(u64, Change),
    /// Start no further job, or go on.
    SetPaused(bool),
    /// Set how many jobs run at the same time.
    SetParallel(u32),
    /// Select the row of a job.
    Select(u64),
    /// Show the queue, with a job selected.
    Show(u64),
}

/// How the open job is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunWay {
    /// As the shown run.
    Shown,
    /// As another detached run, beside the one that is shown.
    Beside,
    /// From the queue, after the run that is shown.
    After,
}

/// Something done on a thread: what is said of it, if anything.
type Done = Result<Option<String>, String>;
type Work = Box<dyn FnOnce() -> Done + Send>;

/// The queue of jobs as the window knows it.
#[derive(Default)]
pub struct QueueState {
    place: Option<(JobQueue, DetachedRuns)>,
    list: JobList,
    fault: Option<String>,
    selected: Option<u64>,
    lists: Option<Receiver<Result<JobList, String>>>,
    waiting: VecDeque<Work>,
    doing: Option<Receiver<Done>>,
    /// Ends the thread that follows the queue, whether it watches the folder or looks at it at intervals.
    _end: Option<(Option<FolderWatchEnd>, Sender<()>)>,
}

impl QueueState {
    /// The queue beside a history, whose jobs run detached; without one of these there is no queue.
    pub(super) fn new(history: Option<&Path>, runs: Option<&DetachedRuns>, wake: &Wake) -> Self {
        let Some((history, runs)) = history.zip(runs) else { return Self::default() };
        let (queue, runs) = (JobQueue::beside_history(history), runs.clone());
        let (sender, lists) = unbounded();
        let place = Some((queue.clone(), runs.clone()));
        // The system watches no more where other programs have used up what it allows.
        let (watch, watch_end) = FolderWatch::new().ok().unzip();
        let (end, ended) = bounded(0);
        let (follower, its_wake) = (Follower { queue, runs, watch, ended }, Arc::clone(wake));
        let thread = std::thread::Builder::new().name("queue".to_owned());
        if thread.spawn(move || follower.follow(&sender, &its_wake)).is_err() {
            // The list is read now, and after each change of this window.
            let mut unfollowed = Self { place, ..Self::default() };
            unfollowed.read();
            return unfollowed;
        }
        Self { place, lists: Some(lists), _end: Some((watch_end, end)), ..Self::default() }
    }

    /// There is a queue: jobs can be added.
    pub const fn is_there(&self) -> bool {
        self.place.is_some()
    }

    /// The jobs, as they were read last.
    pub const fn list(&self) -> &JobList {
        &self.list
    }

    /// Why the queue cannot be read.
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// The job whose row is selected.
    pub const fn selected(&self) -> Option<u64> {
        self.selected
    }

    /// The job that is meant where none is named: the selected one if it waits, or else the only one that waits.
    pub fn subject(&self) -> Option<&QueuedJob> {
        let mut waiting = self.list.waiting();
        match self.selected {
            Some(selected) => waiting.find(|job| job.id == selected),
            None => waiting.next().filter(|_| waiting.next().is_none()),
        }
    }

    /// Takes in the newest list; whether the jobs that run are others.
    fn poll_list(&mut self) -> bool {
        let Some(newest) = self.lists.as_ref().and_then(|lists| lists.try_iter().last()) else { return false };
        match newest {
            Ok(list) => {
                let running = |list: &JobList| {
                    list.jobs.iter().filter(|job| job.is_running()).map(|job| (job.id, job.note(0))).collect::<Vec<_>>()
                };
                let differs = running(&list) != running(&self.list);
                self.selected = self.selected.filter(|id| list.jobs.iter().any(|job| job.id == *id));
                (self.list, self.fault) = (list, None);
                differs
            }
            Err(words) => {
                self.fault = Some(words);
                false
            }
        }
    }

    /// Reads the list where no thread follows it.
    fn read(&mut self) {
        let Some((queue, _)) = &self.place else { return };
        match queue.list() {
            Ok(list) => (self.list, self.fault) = (list, None),
            Err(error) => self.fault = Some(error.to_string()),
        }
    }

    /// Does something on a thread, after what was asked for before.
    fn work(&mut self, work: impl FnOnce() -> Done + Send + 'static, wake: &Wake) {
        self.waiting.push_back(Box::new(work));
        self.begin_next(wake);
    }

    fn begin_next(&mut self, wake: &Wake) {
        if self.doing.is_none()
            && let Some(work) = self.waiting.pop_front()
        {
            self.doing = on_a_thread(wake, work);
        }
    }

    /// Waits for what was asked for, within a limit: none of it is lost with the window.
    pub(super) fn finish(&mut self, wake: &Wake) {
        let deadline = Instant::now() + FINISH_TIMEOUT;
        while let Some(doing) = self.doing.take() {
            let _ = doing.recv_deadline(deadline);
            self.begin_next(wake);
        }
    }

    /// What has become of what was done last, once.
    fn poll_work(&mut self, wake: &Wake) -> Option<Done> {
        let done = taken(&mut self.doing)?;
        self.begin_next(wake);
        Some(done.unwrap_or_else(|| Err("it broke off".to_owned())))
    }
}

/// What reads the queue on a thread.
struct Follower {
    queue: JobQueue,
    runs: DetachedRuns,
    watch: Option<FolderWatch>,
    ended: Receiver<()>,
}

impl Follower {
    /// Reads the queue now and after each change, until that is ended; the first time, what is due is started.
    fn follow(&self, lists: &Sender<Result<JobList, String>>, wake: &Wake) {
        let mut is_served = false;
        loop {
            let is_watched = self.is_watched();
            let list = self.queue.list().map_err(|error| error.to_string());
            if lists.send(list).is_err() {
                return;
            }
            wake();
            if !std::mem::replace(&mut is_served, true) {
                // What cannot be started is tried again with the next change.
                let _ = self.runs.serve_queue(&self.queue);
            }
            let goes_on = match &self.watch {
                Some(watch) if is_watched => watch.wait(),
                _ => matches!(self.ended.recv_timeout(LOOK_INTERVAL), Err(RecvTimeoutError::Timeout)),
            };
            if !goes_on {
                return;
            }
        }
    }

    /// Whether each change of the queue ends the waiting.
    fn is_watched(&self) -> bool {
        let Some(watch) = &self.watch else { return false };
        let folder = self.queue.folder();
        if watch.add(folder).is_ok() {
            return true;
        }
        // It is made with the first job: in a folder that may have to be made, too.
        let is_above_watched = folder.ancestors().skip(1).any(|folder| watch.add(folder).is_ok());
        // Or it was made in between.
        watch.add(folder).is_ok() || (is_above_watched && !folder.exists())
    }
}

/// Has the jobs of the queue started in their turn, after a change, which stays made if that fails.
fn serve(queue: &JobQueue, runs: &DetachedRuns) -> Result<(), String> {
    let words = |error| format!("the queue is changed, but none of its jobs is started yet: {error}");
    runs.serve_queue(queue).map_err(words)
}

/// Starts a detached run, and says which one it is.
fn start_beside(runs: &DetachedRuns, order: &DetachedOrder) -> Result<Option<i64>, DetachedError> {
    let mut watching = runs.start(order)?;
    while let Some(update) = watching.next_update()? {
        if let DetachedUpdate::Recorded(run) = update {
            return Ok(run);
        }
    }
    Ok(None)
}

impl Session {
    /// Run would ask whether the job runs beside the run under way or after it; false where it is refused.
    pub fn can_run_beside(&self) -> bool {
        self.queue.is_there() && self.run.under_way().is_some_and(|run| run.lock_file().is_some())
    }

    pub(super) fn handle_queue(&mut self, command: QueueCommand) {
        if let QueueCommand::Select(id) | QueueCommand::Show(id) = command {
            self.queue.selected = Some(id);
            if matches!(command, QueueCommand::Show(_)) {
                self.handle(Command::Show(Page::RUNS));
            }
            return;
        }
        let Some((queue, runs)) = self.queue.place.clone() else { return };
        let work = move || {
            match command {
                QueueCommand::Change(id, change) => queue.change(&[id], change),
                QueueCommand::SetPaused(paused) => queue.set_paused(paused),
                QueueCommand::SetParallel(parallel) => queue.set_parallel(parallel),
                QueueCommand::Select(_) | QueueCommand::Show(_) => Ok(()),
            }
            .map_err(|error| error.to_string())?;
            serve(&queue, &runs).map(|()| None)
        };
        self.queue.work(work, &self.wake);
    }

    /// Runs the previewed job beside the run under way, or after it.
    pub(super) fn run_otherwise(&mut self, way: RunWay, origin: RunOrigin) {
        let Some((queue, runs)) = self.queue.place.clone() else { return };
        let folder = std::path::absolute(&origin.folder).unwrap_or_else(|_| origin.folder.clone());
        let name = origin.job.display_name().to_owned();
        if way == RunWay::Beside {
            let order = DetachedOrder {
                folder,
                engine: EngineChoice::Local,
                mode: origin.job.mode,
                workers: self.machine.pool_of(&origin.job),
                batch: origin.batch,
                history: self.history.folder().map(Path::to_owned),
                continues: None,
                earlier: Earlier::default(),
                breakpoints: Vec::new(),
                window: true,
                stops_with_starter: false,
            };
            let work = move || match start_beside(&runs, &order) {
                Ok(Some(run)) => Ok(Some(format!("{name} is running beside it as run {run}: the page Runs has it."))),
                Ok(None) => Ok(Some(format!("{name} is running beside it: the page Runs has it."))),
                Err(error) => Err(error.to_string()),
            };
            return self.queue.work(work, &self.wake);
        }
        let behind = self.run.under_way().and_then(|run| Some((run.history_id(), run.lock_file()?)));
        let after = behind.map(|(run, lock)| After::Run { run, lock });
        let new = NewJob {
            job: origin.job,
            folder,
            environment: own_environment(),
            break_before: Vec::new(),
            stdin: None,
            held: false,
            at_unix_ms: None,
            after: after.into_iter().collect(),
            group: None,
            priority: 0,
        };
        let work = move || {
            let id = queue.add(new).map_err(|error| error.to_string())?;
            serve(&queue, &runs).map_err(|words| format!("{name} is job {id} of the queue: {words}"))?;
            Ok(Some(format!("{name} is job {id} of the queue: the page Runs has it.")))
        };
        self.queue.work(work, &self.wake);
    }

    /// Says how a job of the queue is chosen.
    pub fn tell_no_job_waits(&mut self) {
        let text = match self.queue.list.waiting().next() {
            Some(_) => "No waiting job of the queue is selected: choose its row on the page Runs.",
            None => "No job waits in the queue: Run while a run goes on puts one there, and so does “fanlane add”.",
        };
        self.notices.show(Notice::info(text));
    }

    /// Takes in the list, and what has become of changes.
    pub(super) fn poll_queue(&mut self) {
        if self.queue.poll_list() {
            self.refresh_history();
        }
        match self.queue.poll_work(&self.wake) {
            None => return,
            Some(Ok(said)) => {
                self.notices.succeeded(Topic::Queue);
                if let Some(words) = said {
                    self.notices.show(Notice::info(words).about(Topic::Queue));
                    self.refresh_history();
                }
            }
            Some(Err(words)) => self.notices.show(Notice::error(sentence(&words)).about(Topic::Queue)),
        }
        if self.queue.lists.is_none() {
            self.queue.read();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_process_adds_is_listed_also_where_the_system_watches_no_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let queue = JobQueue::beside_history(folder.path());
        let runs = DetachedRuns::in_folder("/no/such/program".into(), folder.path().join("runtime"));
        let (sender, lists) = unbounded();
        let (end, ended) = bounded(0);
        let follower = Follower { queue: queue.clone(), runs, watch: None, ended };
        let thread = std::thread::spawn(move || follower.follow(&sender, &(Arc::new(|| ()) as Wake)));
        let next = || lists.recv_timeout(FINISH_TIMEOUT).expect("it is read").expect("readable").jobs.len();
        assert_eq!(next(), 0);
        let new = NewJob {
            job: fanlane_core::job::Job::default(),
            folder: folder.path().to_owned(),
            environment: Vec::new(),
            break_before: Vec::new(),
            stdin: None,
            held: true,
            at_unix_ms: None,
            after: Vec::new(),
            group: None,
            priority: 0,
        };
        queue.add(new).expect("added");
        while next() == 0 {}
        drop(end);
        thread.join().expect("it ends");
    }
}
