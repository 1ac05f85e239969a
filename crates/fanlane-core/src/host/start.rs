//! Starting and listing detached runs.

use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use super::DetachedError;
use super::folder::{self, HostFolder};
use super::role::{HOST_ROLE, StartRequest};
use super::watch::{self, DetachedRun};
use super::wire::{self, DetachedInfo, PackedOrder};
use crate::engine::WORKER_MARKER;
use crate::job::{Batch, Mode, TaskId};
use crate::model::Earlier;
use fanlane_os::child::{OWN_EXECUTABLE, WORKER_ROLE};
use fanlane_os::socket;

/// What a detached run runs, and how.
#[derive(Debug, Clone)]
pub struct DetachedOrder {
    /// The tasks.
    pub batch: Arc<Batch>,
    /// The folder that the job's relative paths start from; absolute.
    pub folder: PathBuf,
    /// How the batch is run.
    pub mode: Mode,
    /// Size of the pool, 0 to [`MAX_WORKERS`](crate::job::MAX_WORKERS).
    pub workers: u32,
    /// The folder of the history that records the run. `None`: it is not recorded, and stops with its starter, since
    /// its results would be lost.
    pub history: Option<PathBuf>,
    /// The run of the history that it resumes.
    pub continues: Option<i64>,
    /// The tasks of its batch that earlier runs have ended.
    pub earlier: Earlier,
    /// The tasks before which it pauses.
    pub breakpoints: Vec<TaskId>,
    /// Whether it is started from the window.
    pub window: bool,
    /// Whether it is stopped when the connection to its starter ends.
    pub stops_with_starter: bool,
}

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

    fn runtime_folder(&self) -> Result<PathBuf, DetachedError> {
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
        let packed = order.batch.pack()?;
        let runtime = self.runtime_folder()?;
        let (folder, log) = HostFolder::make(&runtime)?;
        let begun = self.begin(order, packed, &folder, log.into());
        if begun.is_err() {
            // The host may have removed it, or not have ended yet; then the next listing of the runs removes it.
            folder.remove_if_dead();
        }
        begun
    }

    fn begin(
        &self,
        order: &DetachedOrder,
        packed: Vec<u8>,
        folder: &HostFolder,
        log: OwnedFd,
    ) -> Result<DetachedRun, DetachedError> {
        let cannot = DetachedError::system;
        let (control, theirs) = socket::pair().map_err(cannot("no connection to a detached run can be made"))?;
        // `/proc/self/exe` is no useful name in a list of processes; the program's own name is.
        let own_name = std::env::args_os().next().filter(|_| self.executable.as_os_str() == OWN_EXECUTABLE);
        let child = Command::new(&self.executable)
            .arg0(own_name.as_deref().unwrap_or(self.executable.as_os_str()))
            .args([OsStr::new(WORKER_ROLE), OsStr::new(HOST_ROLE)])
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::from(log))
            .spawn();
        let is_without_proc = self.executable.as_os_str() == OWN_EXECUTABLE && !self.executable.exists();
        let cannot_start = if is_without_proc {
            "no process can be started for a detached run, since that is done through /proc; mount it here"
        } else {
            "no process can be started for a detached run"
        };
        let mut child = child.map_err(cannot(cannot_start))?;
        let write_request = write_request(order, packed, folder, &control);
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

    /// The live runs, the oldest first, and the folders to reach them through. Folders of dead hosts are removed.
    pub fn list(&self) -> Vec<(DetachedInfo, PathBuf)> {
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

fn write_request(
    order: &DetachedOrder,
    packed: Vec<u8>,
    folder: &HostFolder,
    mut control: &UnixStream,
) -> Result<(), DetachedError> {
    let bytes = |path: &std::path::Path| path.as_os_str().as_bytes().to_vec();
    let request = StartRequest {
        order: PackedOrder {
            batch: packed,
            folder: bytes(&order.folder),
            mode: order.mode,
            workers: order.workers,
            history: order.history.as_deref().map(|path| serde_bytes::ByteBuf::from(bytes(path))),
            continues: order.continues,
            earlier: order.earlier,
            breakpoints: order.breakpoints.clone(),
            window: order.window,
            stops_with_starter: order.stops_with_starter || order.history.is_none(),
        },
        folder: bytes(folder.path()),
    };
    let sent = wire::write_handshake(&mut control).and_then(|()| wire::write_message(&mut control, &request));
    match sent {
        // The host refused and closed the connection; its message is read next and says why.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        sent => sent.map_err(|error| DetachedError::Lost(error.to_string())),
    }
}
