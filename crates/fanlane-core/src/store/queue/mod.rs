//! The queue of jobs: what is to be run later, in which order, and what holds it up. It is a folder beside the history with a
//! file for each job, so it outlives every process and the machine.
//!
//! Each change is made under one lock and by replacing whole files. A job leaves the queue by being taken: the process that is
//! to run it marks it as running under that lock, and holds a lock on another file while it lives. What takes jobs, and when,
//! is in [`host`](crate::host); nothing is started here.

mod change;
mod entry;
mod folder;
mod group;
mod leftovers;
#[cfg(test)]
mod tests;
mod turn;
mod write;

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

pub use change::{Change, Place};
pub use entry::{After, EndedJob, JobState, NewJob, QueuedJob, own_environment};
pub use group::JobGroup;
pub(crate) use turn::wait_for_lock;
pub use turn::{TakenJob, Turn};

/// Maximum number of queued jobs that run at the same time.
pub const MAX_PARALLEL: u32 = 64;

/// The queue of jobs in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobQueue {
    folder: PathBuf,
}

/// The queue as it is listed.
#[derive(Clone, Debug, PartialEq)]
pub struct JobList {
    /// The jobs: first those that run, then the others in the order in which they start.
    pub jobs: Vec<QueuedJob>,
    /// No job starts.
    pub paused: bool,
    /// How many jobs run at the same time, 1 to [`MAX_PARALLEL`].
    pub parallel: u32,
    /// The jobs that left the queue last, the newest last.
    pub ended: Vec<EndedJob>,
    /// The groups, whose jobs do not come under these two.
    pub groups: BTreeMap<String, JobGroup>,
}

impl Default for JobList {
    fn default() -> Self {
        Self { jobs: Vec::new(), paused: false, parallel: 1, ended: Vec::new(), groups: BTreeMap::new() }
    }
}

impl JobList {
    /// The jobs that wait, in their order.
    pub fn waiting(&self) -> impl Iterator<Item = &QueuedJob> {
        self.jobs.iter().filter(|job| !job.is_running())
    }

    /// The number of jobs that wait and start without a change of the queue.
    pub fn coming(&self) -> usize {
        let mut jobs: Vec<&QueuedJob> = self.jobs.iter().collect();
        // A job is added after those that it waits for.
        jobs.sort_unstable_by_key(|job| job.id);
        let mut going = HashSet::new();
        let mut coming = 0;
        for job in jobs {
            let waits_for_held = |after: &After| matches!(after, After::Job(id) if !going.contains(id));
            let goes = match job.state {
                JobState::Running { .. } | JobState::Wanted => true,
                JobState::Queued => !self.is_paused(job) && !job.after.iter().any(waits_for_held),
                JobState::Held { .. } | JobState::Unreadable { .. } => false,
            };
            if goes {
                going.insert(job.id);
                coming += usize::from(!job.is_running());
            }
        }
        coming
    }

    /// Whether no job of the group of this one starts.
    fn is_paused(&self, job: &QueuedJob) -> bool {
        let group = job.group.as_ref().and_then(|group| self.groups.get(group));
        group.map_or(self.paused, |group| group.paused)
    }

    /// The place of a job among those that wait, from 1; `None` for one that runs.
    pub fn place(&self, id: u64) -> Option<usize> {
        self.waiting().position(|job| job.id == id).map(|place| place + 1)
    }
}

/// A change of the queue was refused or failed. The queue is as it was, unless it is said to be changed in part.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueueError {
    /// There is no such job.
    #[error("there is no job {0} in the queue; fanlane queue lists the jobs")]
    NoSuchJob(u64),
    /// A job that another is to wait for is not in the queue any more.
    #[error(
        "job {0} has ended or was dropped, so no job can wait for it; leave it out of --after, or add the first job with --hold and release it last"
    )]
    HasEnded(u64),
    /// It runs already.
    #[error("job {id} is running{}, so it cannot be {what}; {}", named(*.run), stopping(*.run))]
    Running {
        /// The job.
        id: u64,
        /// Its run in the history, if it has one.
        run: Option<i64>,
        /// What was to be done with it, as a participle.
        what: &'static str,
    },
    /// Its file cannot be read.
    #[error("job {id} cannot be {what}, since its file cannot be read: {reason}; drop it, or repair {}", .path.display())]
    Unreadable {
        /// The job.
        id: u64,
        /// What was to be done with it, as a participle.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The number of jobs at the same time is out of range.
    #[error("{0} jobs at the same time are not possible: give 1 to {MAX_PARALLEL}; fanlane queue pause starts none")]
    Parallel(u32),
    /// There is no group of this name.
    #[error(
        "there is no group '{group}' in the queue{}; fanlane queue group '{group}' --parallel 1 makes it",
        if known.is_empty() { String::new() } else { format!(", only {known}") }
    )]
    NoSuchGroup {
        /// The name.
        group: String,
        /// The names that there are.
        known: String,
    },
    /// A group that has jobs cannot be removed.
    #[error("the group '{group}' has jobs: {}; drop them first, or wait for them", numbers(jobs))]
    GroupHasJobs {
        /// The group.
        group: String,
        /// Its jobs.
        jobs: Vec<u64>,
    },
    /// No group can have this name.
    #[error("'{}' is no name for a group; write letters, digits or what else is on one line", .0.escape_debug())]
    GroupName(String),
    /// It may not start now.
    #[error("it is not the turn of job {0}")]
    NotItsTurn(u64),
    /// The settings of the queue cannot be read.
    #[error("{} cannot be read: {reason}; without this file the jobs stay, in the order in which they were added", .path.display())]
    Settings {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The system failed in the middle of a change of several jobs.
    #[error("only {} changed: {error}", only(changed))]
    Partly {
        /// The jobs that are changed.
        changed: Vec<u64>,
        /// Why the others are not.
        #[source]
        error: Box<Self>,
    },
    /// The job cannot be written as text.
    #[error("the job cannot be kept in the queue: {0}")]
    Unwritable(String),
    /// An error of the system.
    #[error("the queue of jobs cannot be {what} in {}: {source}", .path.display())]
    System {
        /// What was being done, as a participle.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
}

fn named(run: Option<i64>) -> String {
    run.map_or_else(String::new, |run| format!(" as run {run}"))
}

fn only(jobs: &[u64]) -> String {
    match jobs {
        [job] => format!("job {job} is"),
        jobs => format!("jobs {} are", numbers(jobs)),
    }
}

fn numbers(jobs: &[u64]) -> String {
    jobs.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")
}

fn stopping(run: Option<i64>) -> String {
    run.map_or_else(|| "fanlane stop stops it".to_owned(), |run| format!("fanlane stop {run} stops it"))
}

impl JobQueue {
    /// The queue in the folder of the history; it is made when the first job is added.
    pub fn beside_history(history: &Path) -> Self {
        Self { folder: history.join("queue") }
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of the history that it stands beside.
    pub(crate) fn history(&self) -> &Path {
        self.folder.parent().unwrap_or(&self.folder)
    }

    /// Why a job whose file cannot be read is not changed.
    fn unreadable(&self, id: u64, what: &'static str, reason: &str) -> QueueError {
        QueueError::Unreadable { id, what, path: self.job_file(id), reason: reason.to_owned() }
    }

    /// The jobs. One whose process was killed is held, with words about it.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn list(&self) -> Result<JobList, QueueError> {
        let Some(queue) = self.lock_existing()? else { return Ok(JobList::default()) };
        let mut jobs = queue.jobs;
        jobs.sort_by_key(|job| !job.is_running());
        let folder::Settings { paused, parallel, ended, groups, .. } = queue.settings;
        Ok(JobList { jobs, paused, parallel, ended, groups })
    }
}
