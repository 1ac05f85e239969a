//! Starting and listing detached runs.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::fs::{Access, access};

use super::DetachedError;
use super::control::{self, ControlledRun};
use super::folder::{self, HostFolder};
use super::order::{DetachedOrder, SentOrder, bytes};
use super::role::{HOST_ROLE, StartRequest};
use super::watch::{self, DetachedRun};
use super::wire::{self, DetachedInfo, PackedOrder};
use crate::engine::{RunCommand, WORKER_MARKER};
use crate::store::queue::JobQueue;
use fanlane_os::child::{OWN_EXECUTABLE, WORKER_ROLE};
use fanlane_os::socket;

/// Starts and lists the detached runs of this user, in one folder.
#[derive(Debug, Clone)]
pub struct DetachedRuns {
    executable: PathBuf,
    folder: Option<PathBuf>,
}

impl DetachedRuns {
    /// Runs whose processes are started from `executable`, which calls [`mp::init`](fanlane_mp::init) with
    /// [`host_role`](super::host_role).
    pub const fn new(executable: PathBuf) -> Self {
        Self { executable, folder: None }
    }

    /// The same, with their sockets in `folder`, which is created if needed.
    pub const fn in_folder(executable: PathBuf, folder: PathBuf) -> Self {
        Self { executable, folder: Some(folder) }
    }

    pub(super) fn runtime_folder(&self) -> Result<PathBuf, DetachedError> {
        folder::runtime_folder(self.folder.clone())
    }

    /// Checks that the folder of the sockets can be used; [`DetachedRuns::list`] lists nothing where it cannot.
    ///
    /// # Errors
    /// When it cannot be made, or others could enter it.
    pub fn check_folder(&self) -> Result<(), DetachedError> {
        self.runtime_folder().map(drop)
    }

    /// Starts a detached run. Returns once it has begun.
    ///
    /// # Errors
    /// When there is no folder for its socket, when no process can be started, or when the host refuses.
    pub fn start(&self, order: &DetachedOrder) -> Result<DetachedRun, DetachedError> {
        if std::env::var_os(WORKER_MARKER).is_some() {
            return Err(DetachedError::InTask);
        }
        self.start_host(order.sent()?, |_| ())
    }

    /// Starts a job of a queue as a detached run, in its folder and with its environment. Returns once it has begun.
    ///
    /// # Errors
    /// As [`DetachedRuns::start`]; [`DetachedError::Refused`] also when it is not its turn, which its process decides.
    pub(super) fn start_queued(&self, queue: &JobQueue, id: u64) -> Result<DetachedRun, DetachedError> {
        let job = queue.job(id)?;
        if let Err(reason) = can_enter(&job.folder) {
            return Err(DetachedError::NoFolder { path: job.folder, reason });
        }
        let order = SentOrder::Queued { history: bytes(queue.history()), id };
        self.start_host(order, |command| {
            command.env_clear().envs(job.environment()).current_dir(&job.folder);
        })
    }

    fn start_host(&self, order: SentOrder, prepare: impl FnOnce(&mut Command)) -> Result<DetachedRun, DetachedError> {
        let runtime = self.runtime_folder()?;
        let (folder, log) = HostFolder::make(&runtime)?;
        let begun = self.begin(order, prepare, &folder, log.into());
        if begun.is_err() {
            // The host may have removed it, or not have ended yet; then the next listing of the runs removes it.
            folder.remove_if_dead();
        }
        begun
    }

    fn begin(
        &self,
        order: SentOrder,
        prepare: impl FnOnce(&mut Command),
        folder: &HostFolder,
        log: OwnedFd,
    ) -> Result<DetachedRun, DetachedError> {
        let (mut command, control) = self.in_role(HOST_ROLE)?;
        prepare(&mut command);
        let mut child = command.stderr(Stdio::from(log)).spawn().map_err(DetachedError::system(self.start_fault()))?;
        // With the command, its end of the connection is closed here.
        drop(command);
        let write_request = write_request(order, folder, &control);
        let watching = write_request.and_then(|()| watch::begin(control, folder.clone(), false));
        match watching {
            Ok(watching) => {
                // Reaps the host, so that starting many runs leaves no zombies.
                let _ = std::thread::Builder::new().name("detached end".to_owned()).spawn(move || child.wait());
                Ok(watching)
            }
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(match error {
                    DetachedError::Lost(reason) => folder.lost(&reason),
                    error => error,
                })
            }
        }
    }

    /// What is said where no process can be started.
    pub(super) fn start_fault(&self) -> &'static str {
        if self.executable.as_os_str() == OWN_EXECUTABLE && !self.executable.exists() {
            "no process can be started for a detached run, since that is done through /proc; mount it here"
        } else {
            "no process can be started for a detached run"
        }
    }

    /// This program in another role, and the connection to it, which is its standard input.
    pub(super) fn in_role(&self, role: &str) -> Result<(Command, UnixStream), DetachedError> {
        let (control, theirs) =
            socket::pair().map_err(DetachedError::system("no connection to a detached process can be made"))?;
        // `/proc/self/exe` is no useful name in a list of processes; the program's own name is.
        let own_name = std::env::args_os().next().filter(|_| self.executable.as_os_str() == OWN_EXECUTABLE);
        let mut command = Command::new(&self.executable);
        command
            .arg0(own_name.as_deref().unwrap_or(self.executable.as_os_str()))
            .args([OsStr::new(WORKER_ROLE), OsStr::new(role)])
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null());
        Ok((command, control))
    }

    /// The live runs, the oldest first, and the folders to reach them through. Folders of dead hosts are removed.
    pub fn list(&self) -> Vec<(DetachedInfo, PathBuf)> {
        let mut found = self.list_reachable();
        found.retain(|(info, _)| !info.in_terminal);
        found
    }

    /// As [`DetachedRuns::list`], with the runs of terminals that can be controlled from elsewhere.
    pub fn list_reachable(&self) -> Vec<(DetachedInfo, PathBuf)> {
        let Ok(runtime) = self.runtime_folder() else { return Vec::new() };
        let mut found = Vec::new();
        for folder in HostFolder::all(&runtime) {
            match watch::describe(&folder) {
                Ok(info) => found.push((info, folder.path().to_owned())),
                Err(_) => folder.remove_if_dead(),
            }
        }
        found.sort_by_key(|(info, _)| info.started_unix_ms);
        found
    }

    /// Has a run do something, and returns where it was before; by the folder from [`DetachedRuns::list_reachable`]. Tasks are
    /// given by their numbers instead of their ids.
    ///
    /// # Errors
    /// [`DetachedError::Refused`] when it has no such task or cannot do that, and when its process does not answer.
    pub fn control(&self, folder: PathBuf, command: RunCommand) -> Result<ControlledRun, DetachedError> {
        control::ask(&HostFolder::at(folder)?, command)
    }

    /// Watches a run from its start, by the folder from [`DetachedRuns::list`].
    ///
    /// # Errors
    /// When its host has ended or belongs to another user.
    pub fn watch(&self, folder: PathBuf) -> Result<DetachedRun, DetachedError> {
        if !folder.exists() {
            return Err(DetachedError::Lost("the run has ended".to_owned()));
        }
        let folder = HostFolder::at(folder)?;
        let stream = watch::connect(&folder)?;
        watch::begin(stream, folder, true)
    }
}

fn can_enter(folder: &Path) -> Result<(), String> {
    match fs::metadata(folder) {
        Ok(found) if !found.is_dir() => Err("it is not a folder".to_owned()),
        Ok(_) => access(folder, Access::EXEC_OK).map_err(|error| io::Error::from(error).to_string()),
        Err(error) => Err(error.to_string()),
    }
}

fn write_request(order: SentOrder, folder: &HostFolder, mut control: &UnixStream) -> Result<(), DetachedError> {
    let request = StartRequest { order, folder: bytes(folder.path()) };
    let sent = wire::write_handshake(&mut control).and_then(|()| wire::write_message(&mut control, &request));
    match sent {
        // The host refused and closed the connection; its message is read next and says why.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        sent => sent.map_err(|error| DetachedError::Lost(error.to_string())),
    }
}

impl DetachedOrder {
    fn sent(&self) -> Result<SentOrder, DetachedError> {
        Ok(SentOrder::Packed(PackedOrder {
            batch: self.batch.pack()?,
            folder: bytes(&self.folder),
            engine: self.engine.clone(),
            mode: self.mode,
            workers: self.workers,
            history: self.history.as_deref().map(|path| serde_bytes::ByteBuf::from(bytes(path))),
            continues: self.continues,
            earlier: self.earlier,
            breakpoints: self.breakpoints.clone(),
            window: self.window,
            stops_with_starter: self.stops_with_starter || self.history.is_none(),
        }))
    }
}
