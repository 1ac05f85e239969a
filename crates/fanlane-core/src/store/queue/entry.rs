//! A job of the queue, as its file has it.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::engine::{PROGRESS_VARIABLE, TASK_MARKER, WORKER_MARKER};
use crate::job::Job;
use crate::job::lossless::{self, Bytes};
use crate::model::date::coming_minute;

/// The version of the files.
pub(super) const VERSION: u32 = 1;

/// A job of the queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueuedJob {
    pub(super) version: u32,
    /// Its number, which no other job of this queue ever has.
    pub id: u64,
    /// What holds it up, or that it runs.
    pub state: JobState,
    /// Earliest start, in milliseconds since 1970-01-01 UTC.
    pub at_unix_ms: Option<u64>,
    /// What has to end before it starts.
    pub after: Vec<After>,
    /// When it was added, in milliseconds since 1970-01-01 UTC.
    pub added_unix_ms: u64,
    /// The folder that its relative paths start from; absolute.
    #[serde(with = "lossless::path")]
    pub folder: PathBuf,
    /// The job, with all that was laid over it.
    pub job: Job,
    /// The numbers of the tasks before which its run pauses.
    #[serde(default)]
    pub(crate) break_before: Vec<u64>,
    environment: Vec<(Bytes, Bytes)>,
    /// The group whose limits it comes under; `None`: those of the queue itself.
    #[serde(default)]
    pub group: Option<String>,
    /// Jobs with a higher one were added in front of it.
    #[serde(default)]
    pub priority: i32,
}

/// What holds a job up, or that it runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobState {
    /// It starts when its turn comes.
    Queued,
    /// It starts as soon as possible: whatever its place, its time, and how many others run.
    Wanted,
    /// It does not start until it is released.
    Held {
        /// Why, if not by request.
        reason: Option<String>,
    },
    /// A process has taken it.
    Running {
        /// The number of its run in the history; `None` while it has none.
        run: Option<i64>,
    },
    /// Its file cannot be read. Never in a file.
    #[serde(skip)]
    Unreadable {
        /// What is wrong with it.
        reason: String,
    },
}

/// What has to end before a job starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum After {
    /// A job of the queue, whose tasks are all done then; otherwise this job is held.
    Job(u64),
    /// A detached run, however it ends.
    Run {
        /// Its number in the history, if it has one.
        run: Option<i64>,
        /// A file that is locked for as long as a process of it lives.
        #[serde(with = "lossless::path")]
        lock: PathBuf,
    },
}

/// A job that has left the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedJob {
    /// Its number.
    pub id: u64,
    /// The number of its run in the history, if it had one.
    pub run: Option<i64>,
    /// All of its tasks are done.
    pub is_done: bool,
}

/// A job that is added to the queue.
#[derive(Clone, Debug, PartialEq)]
pub struct NewJob {
    /// The job, with all that was laid over it.
    pub job: Job,
    /// The folder that its relative paths start from; absolute.
    pub folder: PathBuf,
    /// The environment of its tasks; see [`own_environment`].
    pub environment: Vec<(OsString, OsString)>,
    /// The numbers of the tasks before which its run pauses.
    pub break_before: Vec<u64>,
    /// What its inputs read from standard input.
    pub stdin: Option<Vec<u8>>,
    /// It does not start until it is released.
    pub held: bool,
    /// Earliest start, in milliseconds since 1970-01-01 UTC.
    pub at_unix_ms: Option<u64>,
    /// What has to end before it starts.
    pub after: Vec<After>,
    /// The group whose limits it comes under; `None`: those of the queue itself.
    pub group: Option<String>,
    /// It is put in front of jobs that wait with a lower one; 0 is that of most.
    pub priority: i32,
}

/// The environment of this process, without what marks it as a part of a task.
pub fn own_environment() -> Vec<(OsString, OsString)> {
    let is_of_a_task =
        |name: &OsString| [WORKER_MARKER, PROGRESS_VARIABLE, TASK_MARKER].iter().any(|known| name == known);
    std::env::vars_os().filter(|(name, _)| !is_of_a_task(name)).collect()
}

impl QueuedJob {
    pub(super) fn new(id: u64, added_unix_ms: u64, new: NewJob) -> Self {
        let bytes = |text: OsString| Bytes(text.into_vec());
        Self {
            version: VERSION,
            id,
            state: if new.held { JobState::Held { reason: None } } else { JobState::Queued },
            at_unix_ms: new.at_unix_ms,
            after: new.after,
            added_unix_ms,
            folder: new.folder,
            job: new.job,
            break_before: new.break_before,
            environment: new.environment.into_iter().map(|(name, value)| (bytes(name), bytes(value))).collect(),
            group: new.group,
            priority: new.priority,
        }
    }

    /// What stands for a job whose file cannot be read.
    pub(super) fn unreadable(id: u64, reason: String) -> Self {
        Self {
            version: VERSION,
            id,
            state: JobState::Unreadable { reason },
            at_unix_ms: None,
            after: Vec::new(),
            added_unix_ms: 0,
            folder: PathBuf::new(),
            job: Job::default(),
            break_before: Vec::new(),
            environment: Vec::new(),
            group: None,
            priority: 0,
        }
    }

    /// The environment of its tasks.
    pub(crate) fn environment(&self) -> impl Iterator<Item = (OsString, OsString)> {
        let text = |bytes: &Bytes| OsString::from_vec(bytes.0.clone());
        self.environment.iter().map(move |(name, value)| (text(name), text(value)))
    }

    /// What to call it, on one line.
    pub fn name(&self) -> &str {
        match self.state {
            JobState::Unreadable { .. } => "(unreadable)",
            _ => self.job.display_name(),
        }
    }

    /// Holds it, and says why.
    pub(super) fn hold(&mut self, reason: String) {
        self.state = JobState::Held { reason: Some(reason) };
    }

    /// What can be done about it once its run has ended early.
    pub(super) fn ways_on(&self, run: i64) -> String {
        let id = self.id;
        format!(
            "fanlane resume {run} does the rest and fanlane queue drop {id} takes the job out; release does all of it again"
        )
    }

    /// A process has taken it.
    pub const fn is_running(&self) -> bool {
        matches!(self.state, JobState::Running { .. })
    }

    /// It does not start until it is released.
    pub const fn is_held(&self) -> bool {
        matches!(self.state, JobState::Held { .. } | JobState::Unreadable { .. })
    }

    /// Its state in one word: `queued`, `waiting`, `held`, `starting`, `running` or `unreadable`.
    pub fn state_word(&self, now_unix_ms: u64) -> &'static str {
        match self.state {
            JobState::Queued if !self.after.is_empty() || self.at_unix_ms.is_some_and(|at| at > now_unix_ms) => {
                "waiting"
            }
            JobState::Queued => "queued",
            JobState::Wanted => "starting",
            JobState::Held { .. } => "held",
            JobState::Running { .. } => "running",
            JobState::Unreadable { .. } => "unreadable",
        }
    }

    /// What there is to be said of its state: what it waits for, why it is held, which run it is; empty if nothing.
    pub fn note(&self, now_unix_ms: u64) -> String {
        match &self.state {
            JobState::Running { run: Some(run) } => return format!("run {run}"),
            JobState::Running { run: None } | JobState::Wanted => return String::new(),
            JobState::Held { reason: Some(reason) } | JobState::Unreadable { reason } => return reason.clone(),
            JobState::Held { reason: None } | JobState::Queued => {}
        }
        let after = self.after.iter().map(|after| match after {
            After::Job(id) => format!("after job {id}"),
            After::Run { run: Some(run), .. } => format!("after run {run}"),
            After::Run { run: None, .. } => "after the run that was under way".to_owned(),
        });
        let at = self.at_unix_ms.filter(|at| *at > now_unix_ms);
        let at = at.map(|at| format!("not before {}", coming_minute(at, now_unix_ms)));
        after.chain(at).collect::<Vec<_>>().join(", ")
    }
}
