//! What a person changes in the queue. Of several jobs all are changed, or none, unless the system refuses in the middle.

use std::collections::{HashMap, HashSet};
use std::fs;

use super::folder::{Locked, fault};
use super::write::Fate;
use super::{After, JobQueue, JobState, MAX_PARALLEL, NewJob, QueueError, QueuedJob};
use crate::store::atomic_write::{self, Existing};
use fanlane_os::clock::unix_ms;

/// A change of jobs that wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Do not start them until they are released.
    Hold,
    /// Let them start again.
    Release,
    /// Take them out of the queue.
    Drop,
    /// Start them as soon as possible, beside others that run.
    Start,
    /// Start them not before this time, in milliseconds since 1970-01-01 UTC, and release them; `None`: at any time.
    At(Option<u64>),
    /// Let them start in another order.
    Move(Place),
}

/// Where a job is moved to among those that wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// This place, from 1; behind the last, it is the last.
    Number(usize),
    /// Behind all others.
    Last,
}

impl Change {
    /// What it does, as a participle.
    pub const fn participle(self) -> &'static str {
        match self {
            Self::Hold => "held",
            Self::Release => "released",
            Self::Drop => "dropped",
            Self::Start => "started",
            Self::At(_) => "given a time",
            Self::Move(_) => "moved",
        }
    }
}

impl JobQueue {
    /// Adds a job at the end; its number.
    ///
    /// # Errors
    /// When a job that it waits for is not in the queue, or when it cannot be written.
    pub fn add(&self, new: NewJob) -> Result<u64, QueueError> {
        let stdin = match &new.stdin {
            Some(content) => Some(self.write_stdin(content)?),
            // As where there is nothing to read.
            None if new.job.reads_stdin() => Some(self.write_stdin(&[])?),
            None => None,
        };
        let mut queue = self.lock()?;
        for after in &new.after {
            if let After::Job(id) = after {
                let is_past = |queue: &Locked<'_>| (1..queue.settings.next).contains(id);
                queue.find(*id).map_err(|error| if is_past(&queue) { QueueError::HasEnded(*id) } else { error })?;
            }
        }
        if let Some(group) = &new.group {
            queue.settings.check_group(group)?;
        }
        let known = queue.jobs.iter().map(|job| job.id).max().unwrap_or(0);
        let id = queue.settings.next.max(known + 1);
        queue.settings.next = id + 1;
        let behind = queue.jobs.iter().position(|job| !job.is_running() && job.priority < new.priority);
        let mut order: Vec<u64> = queue.jobs.iter().map(|job| job.id).collect();
        order.insert(behind.unwrap_or(order.len()), id);
        queue.settings.order = order;
        queue.jobs.push(QueuedJob::new(id, unix_ms(), new));
        queue.write_settings()?;
        let path = self.stdin_file(id);
        match stdin {
            Some((_locked, stdin)) => {
                atomic_write::put(stdin, &path, Existing::Replace).map_err(fault("changed", &path))?;
            }
            // That of another job, if there is one.
            None => drop(fs::remove_file(path)),
        }
        // The job last: without its file, nothing was added.
        queue.write_job(queue.jobs.len() - 1)?;
        Ok(id)
    }

    /// Changes jobs that wait.
    ///
    /// # Errors
    /// When one of them is not there or runs already, or the change cannot be written.
    pub fn change(&self, ids: &[u64], change: Change) -> Result<(), QueueError> {
        let Some(mut queue) = self.lock_existing()? else {
            return ids.first().map_or(Ok(()), |id| Err(QueueError::NoSuchJob(*id)));
        };
        let what = change.participle();
        let known: HashMap<u64, usize> = queue.jobs.iter().enumerate().map(|(place, job)| (job.id, place)).collect();
        let mut places = Vec::new();
        for id in ids {
            let place = *known.get(id).ok_or(QueueError::NoSuchJob(*id))?;
            match &queue.jobs[place].state {
                JobState::Running { run } => return Err(QueueError::Running { id: *id, run: *run, what }),
                JobState::Unreadable { .. } if queue.live.contains(id) => {
                    return Err(QueueError::Running { id: *id, run: None, what });
                }
                JobState::Unreadable { reason } if change != Change::Drop => {
                    return Err(self.unreadable(*id, what, reason));
                }
                _ => places.push(place),
            }
        }
        // One that is named twice is changed once.
        places.sort_unstable();
        places.dedup();
        match change {
            Change::Move(to) => {
                queue.settings.order = moved(&queue.jobs, ids, to);
                return queue.write_settings();
            }
            Change::Drop => {
                let ids: Vec<u64> = places.iter().map(|place| queue.jobs[*place].id).collect();
                return queue.remove(&ids, Fate::Dropped);
            }
            _ => {}
        }
        for place in &places {
            let job = &mut queue.jobs[*place];
            match change {
                Change::Hold => job.state = JobState::Held { reason: None },
                Change::Release => job.state = JobState::Queued,
                Change::Start => (job.state, job.at_unix_ms, job.after) = (JobState::Wanted, None, Vec::new()),
                Change::At(at) => (job.state, job.at_unix_ms) = (JobState::Queued, at),
                Change::Drop | Change::Move(_) => {}
            }
        }
        queue.write_jobs(&places)
    }

    /// Sets how many jobs run at the same time.
    ///
    /// # Errors
    /// When that is not 1 to [`MAX_PARALLEL`], or it cannot be written.
    pub fn set_parallel(&self, parallel: u32) -> Result<(), QueueError> {
        if !(1..=MAX_PARALLEL).contains(&parallel) {
            return Err(QueueError::Parallel(parallel));
        }
        let mut queue = self.lock()?;
        queue.settings.parallel = parallel;
        queue.write_settings()
    }

    /// Starts no further job, or goes on; jobs that run are not affected.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn set_paused(&self, paused: bool) -> Result<(), QueueError> {
        let mut queue = self.lock()?;
        queue.settings.paused = paused;
        queue.write_settings()
    }
}

/// The order in which `ids` stand together at a place among the jobs that wait.
fn moved(jobs: &[QueuedJob], ids: &[u64], to: Place) -> Vec<u64> {
    let (running, waiting): (Vec<&QueuedJob>, Vec<&QueuedJob>) = jobs.iter().partition(|job| job.is_running());
    let mut left: HashSet<u64> = ids.iter().copied().collect();
    let mut order: Vec<u64> = waiting.iter().map(|job| job.id).filter(|id| !left.contains(id)).collect();
    let together: Vec<u64> = ids.iter().copied().filter(|id| left.remove(id)).collect();
    let place = match to {
        Place::Number(place) => place.saturating_sub(1).min(order.len()),
        Place::Last => order.len(),
    };
    order.splice(place..place, together);
    running.iter().map(|job| job.id).chain(order).collect()
}
