//! `fanlane queue wait`: waits until jobs have left the queue.

use std::time::Duration;

use anyhow::Result;

use super::Chosen;
use crate::cli::exit_status::Status;
use crate::cli::terminal::remark;
use fanlane_core::store::queue::{EndedJob, JobQueue, JobState, QueueError};

/// How often the queue is read.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// Waits for the chosen jobs, and says what has become of those that are not done. A job that is held ends the waiting for it: it
/// does not start by itself. A job that has left the queue already is told like one that leaves it now: a short one may have
/// ended before anything could wait for it.
///
/// # Errors
/// When one of them is not in the queue and not among those that left it last, or the queue cannot be read.
pub fn wait(queue: &JobQueue, jobs: &Chosen) -> Result<Status> {
    let mut ids = jobs.ids(queue)?;
    let is_together = jobs.all || jobs.group.is_some();
    let mut status = Status::AllDone;
    let first = queue.list()?;
    if is_together {
        let is_meant = |group: &Option<String>| jobs.all || *group == jobs.group;
        ids.extend(first.jobs.iter().filter(|job| job.is_running() && is_meant(&job.group)).map(|job| job.id));
    }
    let is_known = |id: u64| first.jobs.iter().any(|job| job.id == id) || first.ended.iter().any(|job| job.id == id);
    if let Some(absent) = ids.iter().find(|id| !is_known(**id)) {
        return Err(QueueError::NoSuchJob(*absent).into());
    }
    while !ids.is_empty() {
        let list = queue.list()?;
        ids.retain(|id| match list.jobs.iter().find(|job| job.id == *id).map(|job| &job.state) {
            Some(JobState::Queued | JobState::Wanted | JobState::Running { .. }) => true,
            Some(JobState::Held { .. } | JobState::Unreadable { .. }) => {
                remark(&format!("job {id} is held, and does not start by itself; fanlane queue says why"));
                status = Status::SomeFailed;
                false
            }
            None => {
                if let Some(words) = fault_of(*id, &list.ended) {
                    remark(&words);
                    status = Status::SomeFailed;
                }
                false
            }
        });
        if !ids.is_empty() {
            std::thread::sleep(LOOK_INTERVAL);
        }
    }
    Ok(status)
}

/// Why a job that has left the queue is not done; `None` if it is.
fn fault_of(id: u64, ended: &[EndedJob]) -> Option<String> {
    match ended.iter().rfind(|job| job.id == id) {
        Some(EndedJob { is_done: true, .. }) => None,
        Some(EndedJob { run: Some(run), .. }) => {
            Some(format!("job {id} is not done; fanlane show {run} shows how its run ended"))
        }
        Some(EndedJob { run: None, .. }) => Some(format!("job {id} was dropped")),
        None => Some(format!("job {id} has left the queue, and how is not known; fanlane history lists the runs")),
    }
}
