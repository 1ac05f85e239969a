//! The process that starts the jobs of the queue in their turn. There is one for a queue; it ends when no job can start without a
//! change, and whoever makes such a change starts it again.
//!
//! It decides nothing that its death could lose: a job is in the queue until the process that runs it takes it.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, unbounded};
use rustix::process::setsid;
use serde::{Deserialize, Serialize};

use super::DetachedError;
use super::order::{bytes, path};
use super::start::DetachedRuns;
use super::wire::{self, DeadlineReader, HANDSHAKE_TIMEOUT};
use crate::engine::WORKER_MARKER;
use crate::store::queue::{JobQueue, QueueError, Turn, wait_for_lock};
use fanlane_mp::Function;
use fanlane_os::child::OWN_EXECUTABLE;
use fanlane_os::clock::unix_ms;
use fanlane_os::descriptors;
use fanlane_os::folder_watch::FolderWatch;
use fanlane_os::frame::FrameReader;

/// The name of this role.
const QUEUE_ROLE: &str = "queue";
/// Maximum wait for a time of the wall clock, which may be set meanwhile.
const CLOCK_INTERVAL: Duration = Duration::from_secs(30);
/// Maximum wait where the folder cannot be watched, or the system refuses something that it may allow later.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Wait after a job was refused by its process.
const REFUSED_INTERVAL: Duration = Duration::from_millis(50);
/// Number of refusals after which a job is held.
const MAX_REFUSALS: u32 = 5;
/// What the runner sends when it has begun.
const BEGUN: u8 = 1;

/// The first message to the runner.
#[derive(Serialize, Deserialize)]
struct QueueRequest {
    /// The folder of the history that the queue stands beside.
    #[serde(with = "serde_bytes")]
    history: Vec<u8>,
    /// The folder of the sockets of detached runs.
    #[serde(with = "serde_bytes")]
    runtime: Vec<u8>,
}

/// The role of the queue's runner, for [`mp::init`](fanlane_mp::init).
pub fn queue_role() -> Function {
    Function::service(QUEUE_ROLE, serve)
}

impl DetachedRuns {
    /// Starts the process that starts the jobs of the queue, if one of them can start and there is none. Returns once it has
    /// begun.
    ///
    /// # Errors
    /// When the queue cannot be read, or the process cannot be started.
    pub fn serve_queue(&self, queue: &JobQueue) -> Result<(), DetachedError> {
        if queue.turn()?.is_over() || queue.has_runner()? {
            return Ok(());
        }
        if std::env::var_os(WORKER_MARKER).is_some() {
            return Err(DetachedError::InTask);
        }
        let request = QueueRequest { history: bytes(queue.history()), runtime: bytes(&self.runtime_folder()?) };
        let (mut command, mut control) = self.in_role(QUEUE_ROLE)?;
        let child = command.stderr(std::process::Stdio::null()).spawn();
        let mut child = child.map_err(DetachedError::system(self.start_fault()))?;
        drop(command);
        let mut answer = Vec::new();
        let asked = wire::write_message(&mut control, &request)
            .and_then(|()| DeadlineReader::new(&control, HANDSHAKE_TIMEOUT).read_to_end(&mut answer));
        // One that found another at work has ended without an answer.
        let has_begun = answer == [BEGUN] || (asked.is_ok() && (queue.has_runner()? || queue.turn()?.is_over()));
        if !has_begun {
            let _ = child.kill();
            let _ = child.wait();
            return Err(DetachedError::Lost("the process that starts the jobs of the queue ended at once".to_owned()));
        }
        let _ = std::thread::Builder::new().name("queue end".to_owned()).spawn(move || child.wait());
        Ok(())
    }
}

fn serve(mut control: UnixStream) -> i32 {
    // Detaches from the starter's terminal and process group. It fails if the process is a session leader already.
    let _ = setsid();
    descriptors::close_inherited(&control);
    let mut until = DeadlineReader::new(&control, HANDSHAKE_TIMEOUT);
    let request = wire::read_message::<QueueRequest>(&mut FrameReader::default(), &mut until);
    let Ok(Some(QueueRequest { history, runtime })) = request else { return 2 };
    let (queue, runtime) = (JobQueue::beside_history(&path(history)), path(runtime));
    let Ok(Some(lock)) = queue.become_runner() else { return 0 };
    // No file system is kept busy by it.
    let _ = std::env::set_current_dir("/");
    // The starter may have ended, and then needs no answer.
    let _ = control.write_all(&[BEGUN]);
    drop(control);
    let (wakes, woken) = unbounded();
    let is_watched = watch_folder(&queue, wakes.clone());
    let runs = DetachedRuns::in_folder(OWN_EXECUTABLE.into(), runtime);
    Runner {
        runs,
        queue,
        wakes,
        woken,
        is_watched,
        awaited: Vec::new(),
        starting: HashSet::new(),
        refusals: HashMap::new(),
    }
    .run(lock);
    0
}

/// Sends a message after each change of the queue; false where its folder cannot be watched.
fn watch_folder(queue: &JobQueue, wakes: Sender<Wake>) -> bool {
    let Ok((watch, end)) = FolderWatch::new() else { return false };
    if watch.add(queue.folder()).is_err() {
        return false;
    }
    let thread = std::thread::Builder::new().name("queue folder".to_owned()).spawn(move || {
        // It is watched for as long as this process lives.
        let _end = end;
        while watch.wait() && wakes.send(Wake::Changed).is_ok() {}
    });
    thread.is_ok()
}

/// Why the queue is looked at again.
enum Wake {
    /// A file of it has changed.
    Changed,
    /// The processes that held this file locked have ended.
    Ended(PathBuf),
    /// The process of this job has begun, or could not.
    Started(u64, Result<(), DetachedError>),
}

/// The runner at work.
struct Runner {
    runs: DetachedRuns,
    queue: JobQueue,
    wakes: Sender<Wake>,
    woken: Receiver<Wake>,
    is_watched: bool,
    /// The locked files that threads wait for.
    awaited: Vec<PathBuf>,
    /// The jobs whose processes are being started, each by a thread: its inputs may be long in coming.
    starting: HashSet<u64>,
    /// How often each job was refused by its process.
    refusals: HashMap<u64, u32>,
}

impl Runner {
    fn run(mut self, lock: File) {
        let mut lock = Some(lock);
        loop {
            // While the queue is locked, so that what changes it next finds no runner and starts one.
            let Ok(turn) = self.queue.turn_or_leave(|| drop(lock.take())) else {
                // A file of it is being edited, or no descriptor is free: jobs that start at a time still have to.
                self.wait(&Turn::default(), Some(POLL_INTERVAL));
                continue;
            };
            if lock.is_none() {
                return;
            }
            for id in &turn.startable {
                if self.starting.insert(*id) {
                    self.begin(*id);
                }
            }
            self.wait(&turn, (!self.is_watched).then_some(POLL_INTERVAL));
        }
    }

    /// Starts a job, which goes on without this watcher; where there is no thread to do it, it is tried again.
    fn begin(&mut self, id: u64) {
        let (runs, queue, wakes) = (self.runs.clone(), self.queue.clone(), self.wakes.clone());
        let thread = std::thread::Builder::new().name("queue start".to_owned()).spawn(move || {
            let started = runs.start_queued(&queue, id).map(drop);
            let _ = wakes.send(Wake::Started(id, started));
        });
        if thread.is_err() {
            self.starting.remove(&id);
            self.is_watched = false;
        }
    }

    /// What becomes of a job that was to be started. One that cannot be is held, with words about it.
    fn started(&mut self, id: u64, started: Result<(), DetachedError>) {
        let words = match started {
            Ok(()) | Err(DetachedError::Queue(QueueError::NoSuchJob(_))) => {
                self.refusals.remove(&id);
                return;
            }
            Err(DetachedError::Refused(words)) => {
                // Its process has noted why; or another has taken it, or it was held meanwhile.
                std::thread::sleep(REFUSED_INTERVAL);
                let refusals = self.refusals.entry(id).or_default();
                *refusals += 1;
                if *refusals < MAX_REFUSALS {
                    return;
                }
                words
            }
            // No fault of the job. The folder of the sockets is gone, for example, once its user has logged out: there is another.
            Err(error) if is_of_machine(&error) => {
                self.runs = DetachedRuns::new(OWN_EXECUTABLE.into());
                std::thread::sleep(POLL_INTERVAL);
                return;
            }
            Err(error) => error.to_string(),
        };
        if self.queue.hold_unstartable(id, &words).is_err() {
            // It still waits, so it is tried again.
            std::thread::sleep(POLL_INTERVAL);
        }
    }

    /// Waits for a change of the queue, the end of a process, or a time, but not longer than `longest`.
    fn wait(&mut self, turn: &Turn, longest: Option<Duration>) {
        for path in &turn.locks {
            if self.awaited.contains(path) {
                continue;
            }
            let (path, wakes) = (path.clone(), self.wakes.clone());
            self.awaited.push(path.clone());
            let thread = std::thread::Builder::new().name("queue wait".to_owned()).spawn(move || {
                if wait_for_lock(&path).is_err() {
                    std::thread::sleep(POLL_INTERVAL);
                }
                let _ = wakes.send(Wake::Ended(path));
            });
            if thread.is_err() {
                self.awaited.pop();
                self.is_watched = false;
            }
        }
        let until_next = turn.next_unix_ms.map(|at| Duration::from_millis(at.saturating_sub(unix_ms())));
        let timeout = until_next.map(|left| left.min(CLOCK_INTERVAL)).into_iter().chain(longest).min();
        let first = match timeout {
            Some(timeout) => self.woken.recv_timeout(timeout).ok(),
            None => self.woken.recv().ok(),
        };
        for wake in first.into_iter().chain(self.woken.try_iter()).collect::<Vec<_>>() {
            match wake {
                Wake::Changed => {}
                Wake::Ended(path) => self.awaited.retain(|awaited| *awaited != path),
                Wake::Started(id, started) => {
                    self.starting.remove(&id);
                    self.started(id, started);
                }
            }
        }
    }
}

/// Whether no other job could be started now either, and the same one may be later.
fn is_of_machine(error: &DetachedError) -> bool {
    use std::io::ErrorKind::{ArgumentListTooLong, InvalidInput, NotADirectory, PermissionDenied};
    match error {
        DetachedError::Folder { .. }
        | DetachedError::Queue(QueueError::System { .. } | QueueError::Settings { .. }) => true,
        // Its environment, or its folder.
        DetachedError::System { source, .. } => {
            !matches!(source.kind(), ArgumentListTooLong | InvalidInput | NotADirectory | PermissionDenied)
        }
        _ => false,
    }
}
