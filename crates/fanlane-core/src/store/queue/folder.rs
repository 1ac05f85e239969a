//! The folder of the queue: its lock, its settings and the file of each job, as they are read. Only its user can read it, since
//! command lines and environments may hold secrets.
//!
//! What the files say is compared with what lives: a job runs as long as its process holds a file locked, whatever its own file
//! says. Nothing is written for that, so a full disk is in no reader's way.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;
use rustix::io::Errno;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::entry::VERSION;
use super::leftovers::Beside;
use super::{After, EndedJob, JobGroup, JobQueue, JobState, MAX_PARALLEL, QueueError, QueuedJob};
use crate::job::file_options;

const LOCK: &str = "lock";
pub(super) const SETTINGS: &str = "settings.ron";

/// What holds for the queue as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Settings {
    version: u32,
    /// The number of the next job.
    pub next: u64,
    pub parallel: u32,
    pub paused: bool,
    /// Groups by their names.
    pub groups: BTreeMap<String, JobGroup>,
    /// The jobs that left the queue last, the newest last.
    pub ended: Vec<EndedJob>,
    /// Jobs in the order in which they start; those that are missing here follow by their numbers.
    pub order: Vec<u64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            version: VERSION,
            next: 1,
            parallel: 1,
            paused: false,
            groups: BTreeMap::new(),
            ended: Vec::new(),
            order: Vec::new(),
        }
    }
}

/// The queue while no other process can change it.
pub(super) struct Locked<'a> {
    pub queue: &'a JobQueue,
    pub settings: Settings,
    /// In the order in which they start.
    pub jobs: Vec<QueuedJob>,
    /// The jobs whose processes live, also those whose files cannot be read.
    pub live: HashSet<u64>,
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
///
/// # Errors
/// When that is not known: no descriptor is free, for example.
pub(super) fn is_locked(path: &Path) -> Result<bool, QueueError> {
    let looked = File::open(path).and_then(|file| lock_file(&file, FlockOperation::NonBlockingLockShared));
    match looked {
        Ok(()) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(true),
        Err(error) => Err(fault("read", path)(error)),
    }
}

/// An error of the system about one file of the queue.
pub(super) fn fault<'a>(what: &'static str, path: &'a Path) -> impl Fn(io::Error) -> QueueError + 'a {
    move |source| QueueError::System { what, path: path.to_owned(), source }
}

impl JobQueue {
    pub(super) fn system<'a>(&'a self, what: &'static str) -> impl Fn(io::Error) -> QueueError + 'a {
        fault(what, &self.folder)
    }

    /// Makes the folder if it is not there.
    pub(super) fn make_folder(&self) -> Result<(), QueueError> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder).map_err(self.system("kept"))?;
        let private = Permissions::from_mode(0o700);
        fs::set_permissions(&self.folder, private).map_err(self.system("kept"))
    }

    /// Locks the queue, whose folder is made if it is not there.
    pub(super) fn lock(&self) -> Result<Locked<'_>, QueueError> {
        self.make_folder()?;
        self.lock_there()
    }

    /// Locks the queue; `None` if there is none yet.
    pub(super) fn lock_existing(&self) -> Result<Option<Locked<'_>>, QueueError> {
        match fs::metadata(&self.folder) {
            Ok(_) => self.lock_there().map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.system("read")(error)),
        }
    }

    fn lock_there(&self) -> Result<Locked<'_>, QueueError> {
        let lock = open_private(&self.folder.join(LOCK)).map_err(self.system("locked"))?;
        lock_file(&lock, FlockOperation::LockExclusive).map_err(self.system("locked"))?;
        let path = self.folder.join(SETTINGS);
        let mut settings: Settings = match fs::read_to_string(&path) {
            Ok(text) => parse(&text).map_err(|reason| QueueError::Settings { path, reason })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Settings::default(),
            Err(error) => return Err(QueueError::Settings { path, reason: error.to_string() }),
        };
        // Edited by hand, it may be a number at which no job would ever start.
        settings.parallel = settings.parallel.clamp(1, MAX_PARALLEL);
        let (jobs, live) = self.read_jobs(&settings)?;
        let mut locked = Locked { queue: self, settings, jobs, live, lock };
        locked.hold_after_gone();
        locked.compare_with_what_lives();
        Ok(locked)
    }

    /// Reads all jobs, and finds those whose processes live.
    fn read_jobs(&self, settings: &Settings) -> Result<(Vec<QueuedJob>, HashSet<u64>), QueueError> {
        let mut jobs = Vec::new();
        let mut beside = Beside::default();
        for entry in fs::read_dir(&self.folder).map_err(self.system("read"))? {
            let path = entry.map_err(self.system("read"))?.path();
            let id = path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok());
            match (id, path.extension().and_then(|ending| ending.to_str())) {
                (Some(id), Some("ron")) => jobs.push(read_job(id, &path)?),
                (id, _) => beside.add(id, path),
            }
        }
        let known = jobs.iter().map(|job| job.id).collect();
        let live = beside.clear(self, &known)?;
        let places: HashMap<u64, usize> = settings.order.iter().enumerate().map(|(place, id)| (*id, place)).collect();
        jobs.sort_unstable_by_key(|job| (places.get(&job.id).copied().unwrap_or(usize::MAX), job.id));
        Ok((jobs, live))
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
}

impl Locked<'_> {
    /// Holds what waits for a job that is not there: whether all of that job's tasks are done is not known.
    fn hold_after_gone(&mut self) {
        let known: HashSet<u64> = self.jobs.iter().map(|job| job.id).collect();
        let is_gone = |after: &After| matches!(after, After::Job(id) if !known.contains(id));
        for job in &mut self.jobs {
            let Some(After::Job(id)) = job.after.iter().find(|after| is_gone(after)).cloned() else { continue };
            job.after.retain(|after| !is_gone(after));
            if matches!(job.state, JobState::Queued | JobState::Held { .. }) {
                job.hold(format!("job {id}, which it waits for, is not in the queue: release starts it all the same"));
            }
        }
    }

    /// Holds what no process runs any more, although it was taken: it has begun, so it is not started again unasked. What a
    /// process runs is running, also where its file was set back by an editor.
    fn compare_with_what_lives(&mut self) {
        for job in &mut self.jobs {
            let lives = self.live.contains(&job.id);
            match job.state {
                JobState::Running { run } if !lives => job.hold(match run {
                    Some(run) => format!("run {run} broke off, since its process was killed: {}", job.ways_on(run)),
                    None => "its process was killed: release does all of it again".to_owned(),
                }),
                JobState::Queued | JobState::Wanted | JobState::Held { .. } if lives => {
                    job.state = JobState::Running { run: None };
                }
                _ => {}
            }
        }
    }

    /// The place of a job in the order.
    pub(super) fn find(&self, id: u64) -> Result<usize, QueueError> {
        self.jobs.iter().position(|job| job.id == id).ok_or(QueueError::NoSuchJob(id))
    }
}

/// Reads the file of a job. A file that is no job stands in the list with the reason; what is wrong with the machine is an error,
/// since it says nothing about the job.
fn read_job(id: u64, path: &Path) -> Result<QueuedJob, QueueError> {
    use io::ErrorKind::{InvalidData, IsADirectory, NotFound, PermissionDenied};
    let read = match fs::read_to_string(path) {
        Ok(text) => parse::<QueuedJob>(&text),
        Err(error) if matches!(error.kind(), NotFound | InvalidData | PermissionDenied | IsADirectory) => {
            Err(error.to_string())
        }
        Err(error) => return Err(fault("read", path)(error)),
    };
    Ok(match read {
        Ok(job) if job.id == id => job,
        Ok(job) => QueuedJob::unreadable(id, format!("it is the file of job {}", job.id)),
        Err(reason) => QueuedJob::unreadable(id, reason),
    })
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
