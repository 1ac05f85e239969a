//! The folder of the queue: its lock, its settings and the file of each job. Only its user can read it, since command lines and
//! environments may hold secrets.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;
use rustix::io::Errno;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::entry::VERSION;
use super::{After, JobQueue, JobState, QueueError, QueuedJob};
use crate::job::file_options;
use crate::store::atomic_write::{self, Existing};

const LOCK: &str = "lock";
const SETTINGS: &str = "settings.ron";

/// What holds for the queue as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Settings {
    version: u32,
    /// The number of the next job.
    pub next: u64,
    pub parallel: u32,
    pub paused: bool,
    /// Jobs in the order in which they start; those that are missing here follow by their numbers.
    pub order: Vec<u64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { version: VERSION, next: 1, parallel: 1, paused: false, order: Vec::new() }
    }
}

/// The queue while no other process can change it.
pub(super) struct Locked<'a> {
    pub queue: &'a JobQueue,
    pub settings: Settings,
    /// In the order in which they start.
    pub jobs: Vec<QueuedJob>,
    #[expect(dead_code, reason = "the lock lives as long as its file is open")]
    lock: File,
}

/// Opens a file that only its user can read, created if needed.
pub(super) fn open_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// Locks a file for this process alone, or with others that only look.
pub(super) fn lock_file(file: &File, operation: FlockOperation) -> io::Result<()> {
    loop {
        match rustix::fs::flock(file, operation) {
            Err(Errno::INTR) => {}
            result => return Ok(result?),
        }
    }
}

/// Whether a process holds the file at a path locked.
pub(super) fn is_locked(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    matches!(rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared), Err(Errno::WOULDBLOCK))
}

impl JobQueue {
    pub(super) fn system<'a>(&'a self, what: &'static str) -> impl Fn(io::Error) -> QueueError + 'a {
        move |source| QueueError::System { what, path: self.folder.clone(), source }
    }

    /// Locks the queue, whose folder is made if it is not there.
    pub(super) fn lock(&self) -> Result<Locked<'_>, QueueError> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder).map_err(self.system("kept"))?;
        let private = Permissions::from_mode(0o700);
        fs::set_permissions(&self.folder, private).map_err(self.system("kept"))?;
        self.lock_there()
    }

    /// Locks the queue; `None` if there is none yet.
    pub(super) fn lock_existing(&self) -> Result<Option<Locked<'_>>, QueueError> {
        if self.folder.is_dir() { self.lock_there().map(Some) } else { Ok(None) }
    }

    fn lock_there(&self) -> Result<Locked<'_>, QueueError> {
        let lock = open_private(&self.folder.join(LOCK)).map_err(self.system("locked"))?;
        lock_file(&lock, FlockOperation::LockExclusive).map_err(self.system("locked"))?;
        let path = self.folder.join(SETTINGS);
        let settings: Settings = match fs::read_to_string(&path) {
            Ok(text) => parse(&text).map_err(|reason| QueueError::Settings { path, reason })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Settings::default(),
            Err(error) => return Err(QueueError::Settings { path, reason: error.to_string() }),
        };
        let jobs = self.read_jobs(&settings)?;
        let mut locked = Locked { queue: self, settings, jobs, lock };
        locked.hold_broken_off()?;
        Ok(locked)
    }

    /// Reads all jobs, and removes what belongs to none.
    fn read_jobs(&self, settings: &Settings) -> Result<Vec<QueuedJob>, QueueError> {
        let mut jobs = Vec::new();
        let mut beside = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(self.system("read"))? {
            let path = entry.map_err(self.system("read"))?.path();
            let Some(id) = path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok()) else { continue };
            match path.extension().and_then(|ending| ending.to_str()) {
                Some("ron") => jobs.push(read_job(id, &path)),
                Some("stdin" | "run") => beside.push((id, path)),
                _ => {}
            }
        }
        for (id, path) in beside {
            if !jobs.iter().any(|job| job.id == id) {
                // Left by a process that was killed while it added or removed the job.
                let _ = fs::remove_file(path);
            }
        }
        let place = |id: u64| settings.order.iter().position(|known| *known == id).unwrap_or(usize::MAX);
        jobs.sort_by_key(|job| (place(job.id), job.id));
        Ok(jobs)
    }

    /// The file that the process which starts the jobs holds locked.
    pub(super) fn runner_lock(&self) -> PathBuf {
        self.folder.join("runner")
    }

    /// The file that the process of a running job holds locked.
    pub(super) fn run_lock(&self, id: u64) -> PathBuf {
        self.folder.join(format!("{id}.run"))
    }

    /// What the inputs of a job read from standard input.
    pub(super) fn stdin_file(&self, id: u64) -> PathBuf {
        self.folder.join(format!("{id}.stdin"))
    }

    /// The file of a job.
    pub(super) fn job_file(&self, id: u64) -> PathBuf {
        self.folder.join(format!("{id}.ron"))
    }

    pub(super) fn write(&self, path: &Path, content: &[u8]) -> Result<(), QueueError> {
        let written = atomic_write::write(path, Existing::Replace, |file| file.write_all(content));
        written.map_err(|source| QueueError::System { what: "changed", path: path.to_owned(), source })
    }
}

impl Locked<'_> {
    /// Holds what no process runs any more, although it was taken: it has begun, so it is not started again unasked.
    fn hold_broken_off(&mut self) -> Result<(), QueueError> {
        for place in 0..self.jobs.len() {
            let JobState::Running { run } = self.jobs[place].state else { continue };
            let id = self.jobs[place].id;
            if is_locked(&self.queue.run_lock(id)) {
                continue;
            }
            let reason = match run {
                Some(run) => format!(
                    "run {run} broke off, since its process was killed: fanlane resume {run} does the rest and fanlane queue drop \
                     {id} takes the job out; release does all of it again"
                ),
                None => "its process was killed: release does all of it again".to_owned(),
            };
            self.jobs[place].state = JobState::Held { reason: Some(reason) };
            self.write_job(place)?;
        }
        Ok(())
    }

    pub(super) fn write_settings(&mut self) -> Result<(), QueueError> {
        let jobs = &self.jobs;
        self.settings.order.retain(|id| jobs.iter().any(|job| job.id == *id));
        let text = to_text(&self.settings)?;
        self.queue.write(&self.queue.folder.join(SETTINGS), text.as_bytes())
    }

    pub(super) fn write_job(&self, place: usize) -> Result<(), QueueError> {
        let job = &self.jobs[place];
        let text = to_text(job)?;
        self.queue.write(&self.queue.job_file(job.id), text.as_bytes())
    }

    /// The place of a job in the order.
    pub(super) fn find(&self, id: u64) -> Result<usize, QueueError> {
        self.jobs.iter().position(|job| job.id == id).ok_or(QueueError::NoSuchJob(id))
    }

    /// Removes a job. Jobs that wait for it go on if all of it is done, and are held otherwise.
    pub(super) fn remove(&mut self, id: u64, fate: Fate) -> Result<(), QueueError> {
        let place = self.find(id)?;
        for other in 0..self.jobs.len() {
            let waits = self.jobs[other].after.contains(&After::Job(id));
            if !waits {
                continue;
            }
            self.jobs[other].after.retain(|after| *after != After::Job(id));
            let why = match fate {
                Fate::Done => None,
                Fate::NotDone => Some("ended without all of its tasks done"),
                Fate::Dropped => Some("was dropped"),
            };
            if let (Some(why), false) = (why, self.jobs[other].is_running()) {
                let reason = format!("job {id}, which it waits for, {why}: release starts it all the same");
                self.jobs[other].state = JobState::Held { reason: Some(reason) };
            }
            self.write_job(other)?;
        }
        let removed = fs::remove_file(self.queue.job_file(id));
        removed.and_then(|()| atomic_write::sync_folder(&self.queue.folder)).map_err(self.queue.system("changed"))?;
        for beside in [self.queue.stdin_file(id), self.queue.run_lock(id)] {
            // Most jobs have none; one that stays is removed when the queue is next read.
            let _ = fs::remove_file(beside);
        }
        self.jobs.remove(place);
        Ok(())
    }
}

/// How a job leaves the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// All of its tasks are done.
    Done,
    /// It has ended, but not all of its tasks are done.
    NotDone,
    /// It was taken out before it ran.
    Dropped,
}

fn read_job(id: u64, path: &Path) -> QueuedJob {
    let text = fs::read_to_string(path).map_err(|error| error.to_string());
    match text.and_then(|text| parse::<QueuedJob>(&text)) {
        Ok(job) if job.id == id => job,
        Ok(job) => QueuedJob::unreadable(id, format!("it is the file of job {}", job.id)),
        Err(reason) => QueuedJob::unreadable(id, reason),
    }
}

fn parse<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    #[derive(Deserialize)]
    struct Version {
        #[serde(default)]
        version: u32,
    }
    if file_options().from_str::<Version>(text).is_ok_and(|found| found.version > VERSION) {
        return Err("it was written by a newer version of Fanlane".to_owned());
    }
    file_options().from_str(text).map_err(|error| error.to_string())
}

fn to_text(value: &impl Serialize) -> Result<String, QueueError> {
    let pretty = ron::ser::PrettyConfig::new().compact_arrays(true);
    let text = file_options().to_string_pretty(value, pretty);
    text.map(|text| text + "\n").map_err(|error| QueueError::Unwritable(error.to_string()))
}
