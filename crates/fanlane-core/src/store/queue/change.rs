//! What a person changes in the queue. Of several jobs all are changed, or none.

use super::folder::{Fate, Locked};
use super::{After, JobQueue, JobState, MAX_PARALLEL, NewJob, QueueError, QueuedJob};
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
        let mut queue = self.lock()?;
        for after in &new.after {
            if let After::Job(id) = after {
                let is_past = |queue: &Locked<'_>| (1..queue.settings.next).contains(id);
                queue.find(*id).map_err(|error| if is_past(&queue) { QueueError::HasEnded(*id) } else { error })?;
            }
        }
        let known = queue.jobs.iter().map(|job| job.id).max().unwrap_or(0);
        let id = queue.settings.next.max(known + 1);
        if let Some(stdin) = &new.stdin {
            self.write(&self.stdin_file(id), stdin)?;
        }
        queue.settings.next = id + 1;
        queue.settings.order.push(id);
        queue.jobs.push(QueuedJob::new(id, unix_ms(), new));
        // The job last: without its file, nothing was added.
        queue.write_settings()?;
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
        for id in ids {
            match &queue.jobs[queue.find(*id)?].state {
                JobState::Running { run } => return Err(QueueError::Running { id: *id, run: *run, what }),
                JobState::Unreadable { reason } if change != Change::Drop => {
                    let (path, reason) = (self.job_file(*id), reason.clone());
                    return Err(QueueError::Unreadable { id: *id, what, path, reason });
                }
                _ => {}
            }
        }
        if let Change::Move(to) = change {
            queue.settings.order = moved(&queue.jobs, ids, to);
            return queue.write_settings();
        }
        for id in ids {
            if change == Change::Drop {
                // One that is named twice is gone.
                if queue.find(*id).is_ok() {
                    queue.remove(*id, Fate::Dropped)?;
                }
                continue;
            }
            let place = queue.find(*id)?;
            let job = &mut queue.jobs[place];
            match change {
                Change::Hold => job.state = JobState::Held { reason: None },
                Change::Release => job.state = JobState::Queued,
                Change::Start => (job.state, job.at_unix_ms, job.after) = (JobState::Wanted, None, Vec::new()),
                Change::At(at) => (job.state, job.at_unix_ms) = (JobState::Queued, at),
                Change::Drop | Change::Move(_) => {}
            }
            queue.write_job(place)?;
        }
        Ok(())
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
    let mut order: Vec<u64> = waiting.iter().map(|job| job.id).filter(|id| !ids.contains(id)).collect();
    let mut together: Vec<u64> = Vec::new();
    for id in ids {
        if !together.contains(id) {
            together.push(*id);
        }
    }
    let place = match to {
        Place::Number(place) => place.saturating_sub(1).min(order.len()),
        Place::Last => order.len(),
    };
    order.splice(place..place, together);
    running.iter().map(|job| job.id).chain(order).collect()
}
