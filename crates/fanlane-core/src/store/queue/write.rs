//! Writing the files of the queue: all that a change needs is on the disk before the first file is replaced.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use rustix::fs::FlockOperation;
use serde::Serialize;
use tempfile::TempPath;

use super::folder::{Locked, SETTINGS, fault, lock_file};
use super::{After, EndedJob, JobQueue, JobState, QueueError};
use crate::job::file_options;
use crate::store::atomic_write::{self, Existing};

/// How many jobs that have left the queue are remembered.
const MAX_ENDED: usize = 256;

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

impl JobQueue {
    /// Writes standard input for a job that is added next. The queue need not be locked: it may be gigabytes, for which all
    /// others would wait. No process takes it for a leftover as long as the file is open.
    pub(super) fn write_stdin(&self, content: &[u8]) -> Result<(File, TempPath), QueueError> {
        self.make_folder()?;
        let write = || loop {
            let (mut file, new) = atomic_write::begin(&self.folder)?;
            lock_file(&file, FlockOperation::LockExclusive)?;
            // It may have been removed before it was locked.
            if file.metadata()?.nlink() > 0 {
                file.write_all(content)?;
                file.sync_all()?;
                return io::Result::Ok((file, new));
            }
        };
        write().map_err(self.system("changed"))
    }
}

impl Locked<'_> {
    pub(super) fn write_settings(&mut self) -> Result<(), QueueError> {
        let known: HashSet<u64> = self.jobs.iter().map(|job| job.id).collect();
        self.settings.order.retain(|id| known.contains(id));
        let (path, text) = (self.queue.folder.join(SETTINGS), to_text(&self.settings)?);
        atomic_write::write(&path, Existing::Replace, |file| file.write_all(text.as_bytes()))
            .map_err(fault("changed", &path))
    }

    pub(super) fn write_job(&self, place: usize) -> Result<(), QueueError> {
        self.write_jobs(&[place])
    }

    /// Writes the jobs at these places.
    ///
    /// # Errors
    /// When one of them cannot be written: none is changed then. [`QueueError::Partly`] if the system refuses only to rename.
    pub(super) fn write_jobs(&self, places: &[usize]) -> Result<(), QueueError> {
        let mut new = Vec::new();
        for job in places.iter().map(|place| &self.jobs[*place]) {
            let (path, text) = (self.queue.job_file(job.id), to_text(job)?);
            let written = atomic_write::begin(&self.queue.folder).and_then(|(mut file, new)| {
                file.write_all(text.as_bytes())?;
                file.sync_all()?;
                Ok(new)
            });
            new.push((job.id, path.clone(), written.map_err(fault("changed", &path))?));
        }
        self.one_by_one(new, |path, new| atomic_write::put(new, path, Existing::Replace))
    }

    /// Changes the files of several jobs; an error says which were changed before it.
    fn one_by_one<T>(
        &self,
        files: Vec<(u64, PathBuf, T)>,
        change: impl Fn(&PathBuf, T) -> io::Result<()>,
    ) -> Result<(), QueueError> {
        if files.is_empty() {
            return Ok(());
        }
        let mut changed = Vec::new();
        for (id, path, what) in files {
            match change(&path, what).map_err(fault("changed", &path)) {
                Ok(()) => changed.push(id),
                Err(error) if changed.is_empty() => return Err(error),
                Err(error) => return Err(QueueError::Partly { changed, error: Box::new(error) }),
            }
        }
        atomic_write::sync_folder(&self.queue.folder).map_err(self.queue.system("changed"))
    }

    /// Removes jobs. Jobs that wait for them go on if all of it is done, and are held otherwise.
    pub(super) fn remove(&mut self, ids: &[u64], fate: Fate) -> Result<(), QueueError> {
        let why = match fate {
            Fate::Done => None,
            Fate::NotDone => Some("ended without all of its tasks done"),
            Fate::Dropped => Some("was dropped"),
        };
        let gone: HashSet<u64> = ids.iter().copied().collect();
        let leaves = |after: &After| matches!(after, After::Job(id) if gone.contains(id));
        let mut dependents = Vec::new();
        for (place, job) in self.jobs.iter_mut().enumerate().filter(|(_, job)| !gone.contains(&job.id)) {
            let Some(After::Job(id)) = job.after.iter().find(|after| leaves(after)).cloned() else { continue };
            job.after.retain(|after| !leaves(after));
            if let (Some(why), false) = (why, job.is_running()) {
                job.hold(format!("job {id}, which it waits for, {why}: release starts it all the same"));
            }
            dependents.push(place);
        }
        match self.write_jobs(&dependents) {
            // They are held all the same, since what they wait for is gone. So a job can be dropped on a full disk.
            Err(_) if fate != Fate::Done => {}
            written => written?,
        }
        let files = ids.iter().map(|id| (*id, self.queue.job_file(*id), ())).collect();
        self.one_by_one(files, |path, ()| fs::remove_file(path))?;
        for id in ids {
            for beside in [self.queue.stdin_file(*id), self.queue.run_lock(*id)] {
                // Most jobs have none; one that stays is removed when the queue is next read.
                let _ = fs::remove_file(beside);
            }
        }
        for job in self.jobs.iter().filter(|job| gone.contains(&job.id)) {
            let run = if let JobState::Running { run } = job.state { run } else { None };
            self.settings.ended.push(EndedJob { id: job.id, run, is_done: fate == Fate::Done });
        }
        let surplus = self.settings.ended.len().saturating_sub(MAX_ENDED);
        self.settings.ended.drain(..surplus);
        self.jobs.retain(|job| !gone.contains(&job.id));
        // Who waits for them is told less where the disk is full.
        let _ = self.write_settings();
        Ok(())
    }
}

fn to_text(value: &impl Serialize) -> Result<String, QueueError> {
    let pretty = ron::ser::PrettyConfig::new().compact_arrays(true);
    let text = file_options().to_string_pretty(value, pretty);
    text.map(|text| text + "\n").map_err(|error| QueueError::Unwritable(error.to_string()))
}
