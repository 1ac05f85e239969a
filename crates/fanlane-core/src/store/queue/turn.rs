//! Whose turn it is: which jobs may start, and what has to happen before others may. The process that is to run a job takes it,
//! which only one can.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;

use super::folder::{Locked, is_locked, lock_file, open_private};
use super::write::Fate;
use super::{After, JobGroup, JobQueue, JobState, QueueError, QueuedJob};
use fanlane_os::clock::unix_ms;

/// What the queue waits for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// The jobs that may start now.
    pub startable: Vec<u64>,
    /// The next time at which a job may start, in milliseconds since 1970-01-01 UTC.
    pub next_unix_ms: Option<u64>,
    /// Files of processes whose end may let a job start; each is locked while its process lives.
    pub locks: Vec<PathBuf>,
}

impl Turn {
    /// No job starts without a change of the queue.
    pub fn is_over(&self) -> bool {
        self.startable.is_empty() && self.next_unix_ms.is_none() && self.locks.is_empty()
    }
}

/// A job that this process has taken to run it. While this lives, the queue knows that it runs.
#[derive(Debug)]
pub struct TakenJob {
    queue: JobQueue,
    id: u64,
    #[expect(dead_code, reason = "the lock lives as long as its file is open")]
    lock: File,
}

impl Locked<'_> {
    pub(super) fn turn(&self, now_unix_ms: u64) -> Result<Turn, QueueError> {
        let mut turn = Turn::default();
        let running: Vec<u64> = self.jobs.iter().map(|job| job.id).filter(|id| self.live.contains(id)).collect();
        let mut taken: HashMap<Option<&str>, usize> = HashMap::new();
        for job in self.jobs.iter().filter(|job| job.state == JobState::Wanted || self.live.contains(&job.id)) {
            *taken.entry(self.settings.group_of(job)).or_default() += 1;
        }
        for job in &self.jobs {
            match job.state {
                JobState::Wanted => turn.startable.push(job.id),
                JobState::Queued if !self.limits_of(job).paused => {
                    if let Some(at) = job.at_unix_ms.filter(|at| *at > now_unix_ms) {
                        turn.next_unix_ms = Some(turn.next_unix_ms.map_or(at, |next| next.min(at)));
                    } else if !job.after.is_empty() && self.waits(job, &mut turn)? {
                        // Its turn comes with the end of another.
                    } else {
                        let taken = taken.entry(self.settings.group_of(job)).or_default();
                        if *taken < self.limits_of(job).parallel as usize {
                            *taken += 1;
                            turn.startable.push(job.id);
                        }
                    }
                }
                _ => {}
            }
        }
        let all_paused = self.settings.paused && self.settings.groups.values().all(|group| group.paused);
        if !all_paused {
            // Also where nothing waits for its end: its tasks may add jobs, and cannot start what would start these.
            turn.locks.extend(running.iter().map(|id| self.queue.run_lock(*id)));
        }
        turn.locks.sort_unstable();
        turn.locks.dedup();
        Ok(turn)
    }

    fn limits_of(&self, job: &QueuedJob) -> JobGroup {
        self.settings.limits_of(self.settings.group_of(job))
    }

    /// Whether something that has to end before this job goes on; notes the locks of its processes.
    fn waits(&self, job: &QueuedJob, turn: &mut Turn) -> Result<bool, QueueError> {
        let mut waits = false;
        for after in &job.after {
            match after {
                After::Job(id) => {
                    // It is in the queue, or this one would be held.
                    waits = true;
                    turn.locks.extend(self.live.contains(id).then(|| self.queue.run_lock(*id)));
                }
                After::Run { lock, .. } if is_locked(lock)? => {
                    waits = true;
                    turn.locks.push(lock.clone());
                }
                After::Run { .. } => {}
            }
        }
        Ok(waits)
    }
}

impl JobQueue {
    /// Whose turn it is now.
    ///
    /// # Errors
    /// When the queue cannot be read.
    pub fn turn(&self) -> Result<Turn, QueueError> {
        self.turn_or_leave(|| ())
    }

    /// The same; `leave` is called before anything can be changed, if no job starts without a change.
    pub(crate) fn turn_or_leave(&self, leave: impl FnOnce()) -> Result<Turn, QueueError> {
        let queue = self.lock_existing()?;
        let turn = queue.as_ref().map(|queue| queue.turn(unix_ms())).transpose()?.unwrap_or_default();
        if turn.is_over() {
            leave();
        }
        Ok(turn)
    }

    /// Whether a process starts the jobs of the queue.
    pub(crate) fn has_runner(&self) -> Result<bool, QueueError> {
        // Under the lock, so that this look is never in the way of one that becomes the runner.
        let queue = self.lock_existing()?;
        if queue.is_some() { is_locked(&self.runner_lock()) } else { Ok(false) }
    }

    /// Makes this process the one that starts the jobs, for as long as the file is open; `None`: another one is.
    pub(crate) fn become_runner(&self) -> Result<Option<File>, QueueError> {
        let Some(_queue) = self.lock_existing()? else { return Ok(None) };
        let lock = open_private(&self.runner_lock()).map_err(self.system("locked"))?;
        match lock_file(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(lock)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(self.system("locked")(error)),
        }
    }

    /// A job as it is now.
    pub(crate) fn job(&self, id: u64) -> Result<QueuedJob, QueueError> {
        let queue = self.lock_existing()?.ok_or(QueueError::NoSuchJob(id))?;
        Ok(queue.jobs[queue.find(id)?].clone())
    }

    /// What the inputs of a job read from standard input.
    ///
    /// # Errors
    /// Where it cannot be read, also where it is missing: without it, the job would have no tasks and would count as done.
    pub(crate) fn stdin_of(&self, queued: &QueuedJob) -> io::Result<Box<dyn Read>> {
        let path = self.stdin_file(queued.id);
        match File::open(&path) {
            Ok(file) => Ok(Box::new(io::BufReader::new(file))),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !queued.job.reads_stdin() => {
                Ok(Box::new(io::empty()))
            }
            Err(error) => Err(io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
        }
    }

    /// Takes a job whose turn it is, to run it in this process. It is taken once: what took it before, and whether it may start
    /// now, is decided under the lock of the queue.
    ///
    /// # Errors
    /// [`QueueError::NotItsTurn`] if it may not start.
    pub fn take(&self, id: u64) -> Result<TakenJob, QueueError> {
        let mut queue = self.lock_existing()?.ok_or(QueueError::NoSuchJob(id))?;
        let place = queue.find(id)?;
        if !queue.turn(unix_ms())?.startable.contains(&id) {
            return Err(QueueError::NotItsTurn(id));
        }
        let lock = open_private(&self.run_lock(id)).map_err(self.system("changed"))?;
        lock_file(&lock, FlockOperation::LockExclusive).map_err(self.system("locked"))?;
        queue.jobs[place].state = JobState::Running { run: None };
        queue.write_job(place)?;
        Ok(TakenJob { queue: self.clone(), id, lock })
    }

    /// Holds a job that could not be started, with words about it; one that runs or is held stays as it is.
    pub(crate) fn hold_unstartable(&self, id: u64, words: &str) -> Result<(), QueueError> {
        let Some(mut queue) = self.lock_existing()? else { return Ok(()) };
        let Ok(place) = queue.find(id) else { return Ok(()) };
        if matches!(queue.jobs[place].state, JobState::Queued | JobState::Wanted) {
            queue.jobs[place].hold(unstartable(words));
            queue.write_job(place)?;
        }
        Ok(())
    }
}

impl TakenJob {
    /// The queue that it is of.
    pub(crate) const fn queue(&self) -> &JobQueue {
        &self.queue
    }

    /// Notes the number of its run.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn recorded(&self, run: Option<i64>) -> Result<(), QueueError> {
        self.change(|job| job.state = JobState::Running { run })
    }

    /// Gives it back, held: it has not begun.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn give_back(&self, words: &str) -> Result<(), QueueError> {
        self.change(|job| job.hold(unstartable(words)))
    }

    /// Its run was ended by a signal, as all processes are before the machine goes down: it stays in the queue, held.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn interrupted(&self, run: Option<i64>) -> Result<(), QueueError> {
        self.change(|job| {
            job.hold(match run {
                Some(run) => format!("run {run} was ended by a signal: {}", job.ways_on(run)),
                None => "it was ended by a signal: release does all of it again".to_owned(),
            });
        })
    }

    /// It has ended, so it leaves the queue. `is_done`: jobs that wait for it may go on.
    ///
    /// # Errors
    /// When it cannot be removed. It can be tried again: as long as this lives, the queue knows that it has not broken off.
    pub fn end(&self, is_done: bool) -> Result<(), QueueError> {
        let Some(mut queue) = self.queue.lock_existing()? else { return Ok(()) };
        if queue.find(self.id).is_err() {
            // Its file was removed by hand.
            return Ok(());
        }
        queue.remove(&[self.id], if is_done { Fate::Done } else { Fate::NotDone })
    }

    fn change(&self, change: impl FnOnce(&mut QueuedJob)) -> Result<(), QueueError> {
        let Some(mut queue) = self.queue.lock_existing()? else { return Ok(()) };
        let place = queue.find(self.id)?;
        let job = &mut queue.jobs[place];
        if let JobState::Unreadable { reason } = &job.state {
            return Err(self.queue.unreadable(self.id, "changed", reason));
        }
        change(job);
        let runs = job.is_running();
        queue.write_job(place)?;
        if !runs {
            // With its file and while the queue is locked, so that no look takes it for running.
            let _ = fs::remove_file(self.queue.run_lock(self.id));
        }
        Ok(())
    }
}

fn unstartable(words: &str) -> String {
    format!("it could not be started: {words}")
}

/// Waits until no process holds the file at a path locked.
///
/// # Errors
/// When it cannot be locked, so that this is not known.
pub(crate) fn wait_for_lock(path: &Path) -> io::Result<()> {
    match File::open(path) {
        Ok(file) => lock_file(&file, FlockOperation::LockShared),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}
