//! Groups of jobs: each has its own number of jobs that run at the same time, and is paused on its own. A job without a group is
//! one of the queue itself.

use serde::{Deserialize, Serialize};

use super::{JobQueue, MAX_PARALLEL, QueueError, QueuedJob};
use crate::store::queue::folder::Settings;

/// A group of jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct JobGroup {
    /// How many of its jobs run at the same time, 1 to [`MAX_PARALLEL`].
    pub parallel: u32,
    /// None of its jobs starts.
    pub paused: bool,
}

impl Default for JobGroup {
    fn default() -> Self {
        Self { parallel: 1, paused: false }
    }
}

impl Settings {
    /// The limits of the jobs of a group; those of the queue itself without one, and where the group is gone.
    pub(super) fn limits_of(&self, group: Option<&str>) -> JobGroup {
        let own = group.and_then(|group| self.groups.get(group)).copied();
        let mut limits = own.unwrap_or(JobGroup { parallel: self.parallel, paused: self.paused });
        // A number that was edited by hand may be one at which no job would ever start.
        limits.parallel = limits.parallel.clamp(1, MAX_PARALLEL);
        limits
    }

    /// The name of the limits that a job comes under; `None`: those of the queue itself.
    pub(super) fn group_of<'a>(&self, job: &'a QueuedJob) -> Option<&'a str> {
        job.group.as_deref().filter(|group| self.groups.contains_key(*group))
    }

    pub(super) fn check_group(&self, group: &str) -> Result<(), QueueError> {
        let known = || self.groups.keys().cloned().collect::<Vec<_>>().join(", ");
        if self.groups.contains_key(group) {
            Ok(())
        } else {
            Err(QueueError::NoSuchGroup { group: group.to_owned(), known: known() })
        }
    }
}

impl JobQueue {
    /// Makes a group, or changes how many of its jobs run at the same time.
    ///
    /// # Errors
    /// When the number is not 1 to [`MAX_PARALLEL`], the name is empty, or it cannot be written.
    pub fn set_group(&self, group: &str, parallel: u32) -> Result<(), QueueError> {
        if !(1..=MAX_PARALLEL).contains(&parallel) {
            return Err(QueueError::Parallel(parallel));
        }
        if group.trim().is_empty() || group.contains(char::is_control) {
            return Err(QueueError::GroupName(group.to_owned()));
        }
        let mut queue = self.lock()?;
        queue.settings.groups.entry(group.to_owned()).or_default().parallel = parallel;
        queue.write_settings()
    }

    /// Starts no further job of a group, or goes on; jobs that run are not affected.
    ///
    /// # Errors
    /// When there is no such group, or it cannot be written.
    pub fn set_group_paused(&self, group: &str, paused: bool) -> Result<(), QueueError> {
        let mut queue = self.lock()?;
        queue.settings.check_group(group)?;
        queue.settings.groups.entry(group.to_owned()).or_default().paused = paused;
        queue.write_settings()
    }

    /// Removes a group that has no jobs.
    ///
    /// # Errors
    /// When there is no such group, it has jobs, or it cannot be written.
    pub fn remove_group(&self, group: &str) -> Result<(), QueueError> {
        let mut queue = self.lock()?;
        queue.settings.check_group(group)?;
        let jobs: Vec<u64> =
            queue.jobs.iter().filter(|job| job.group.as_deref() == Some(group)).map(|job| job.id).collect();
        if !jobs.is_empty() {
            return Err(QueueError::GroupHasJobs { group: group.to_owned(), jobs });
        }
        queue.settings.groups.remove(group);
        queue.write_settings()
    }

    /// Has two jobs that wait change places.
    ///
    /// # Errors
    /// When one of them is not there or runs already, or the change cannot be written.
    pub fn switch(&self, one: u64, other: u64) -> Result<(), QueueError> {
        let Some(mut queue) = self.lock_existing()? else { return Err(QueueError::NoSuchJob(one)) };
        let places = [queue.find(one)?, queue.find(other)?];
        for place in places {
            let job = &queue.jobs[place];
            if job.is_running() {
                let run = if let super::JobState::Running { run } = job.state { run } else { None };
                return Err(QueueError::Running { id: job.id, run, what: "moved" });
            }
        }
        queue.jobs.swap(places[0], places[1]);
        queue.settings.order = queue.jobs.iter().map(|job| job.id).collect();
        queue.write_settings()
    }
}
