//! The folder for the sockets of detached runs, which only this user can enter. It has a folder for each run, with its
//! socket and a log of its standard error.
//!
//! The host, its workers, and before them the starter hold a lock on the log. A folder whose log is not locked was left
//! behind, and is removed when the runs are next listed.

use fanlane_os::socket;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;
use rustix::process::geteuid;

use super::DetachedError;

/// The environment variable that names another folder for the sockets of detached runs.
pub const RUNTIME_VARIABLE: &str = "FANLANE_RUNTIME_DIR";

const PREFIX: &str = "host-";
const SOCKET: &str = "socket";
const LOG: &str = "log";

/// The folder of all detached runs, the chosen one or this user's: created if needed, and refused if other users could
/// enter it.
pub(super) fn runtime_folder(chosen: Option<PathBuf>) -> Result<PathBuf, DetachedError> {
    let named = |name: &str| std::env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from);
    let folder = match (chosen.or_else(|| named(RUNTIME_VARIABLE)), named("XDG_RUNTIME_DIR")) {
        (Some(folder), _) => folder,
        (None, Some(folder)) if folder.is_absolute() && folder.is_dir() => folder.join("fanlane"),
        (None, _) => std::env::temp_dir().join(format!("fanlane-{}", geteuid().as_raw())),
    };
    let folder =
        std::path::absolute(&folder).map_err(DetachedError::system("the folder for sockets cannot be found"))?;
    match DirBuilder::new().mode(0o700).create(&folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(DetachedError::Folder { path: folder, reason: error.to_string() });
        }
        _ => {}
    }
    check(&folder)?;
    Ok(folder)
}

/// The folder of this user for what lives as long as processes do: created if needed, and refused if other users could enter it.
///
/// # Errors
/// [`DetachedError`].
pub fn own_runtime_folder() -> Result<PathBuf, DetachedError> {
    runtime_folder(None)
}

/// Checks that only this user can enter a folder, and that it is not a link.
fn check(folder: &Path) -> Result<(), DetachedError> {
    let refuse = |reason: String| Err(DetachedError::Folder { path: folder.to_owned(), reason });
    match fs::symlink_metadata(folder) {
        Err(error) => refuse(error.to_string()),
        Ok(found) if found.file_type().is_symlink() => refuse("it is a link".to_owned()),
        Ok(found) if !found.is_dir() => refuse("it is not a folder".to_owned()),
        Ok(found) if found.uid() != geteuid().as_raw() => refuse("it belongs to another user".to_owned()),
        Ok(found) if found.mode() & 0o077 != 0 => refuse("others can enter it".to_owned()),
        Ok(_) => Ok(()),
    }
}

/// The folder of one detached run.
#[derive(Debug, Clone)]
pub(super) struct HostFolder {
    path: PathBuf,
}

impl HostFolder {
    /// Creates a folder with a unique name; also returns its log, which stays locked for as long as it is open in any
    /// process.
    pub(super) fn make(runtime: &Path) -> Result<(Self, File), DetachedError> {
        let cannot = DetachedError::system;
        loop {
            let made = tempfile::Builder::new()
                .prefix(PREFIX)
                .permissions(fs::Permissions::from_mode(0o700))
                .tempdir_in(runtime)
                .map_err(cannot("no folder can be made for a detached run"))?;
            let folder = Self { path: made.keep() };
            let log = OpenOptions::new().append(true).read(true).create_new(true).mode(0o600).open(folder.log_file());
            match log {
                // A concurrent clean-up took the new folder for an abandoned one.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    folder.remove();
                    return Err(cannot("no log can be made for a detached run")(error));
                }
                Ok(log) => {
                    let locked = rustix::fs::flock(&log, FlockOperation::LockExclusive);
                    locked.map_err(|error| cannot("the log of a detached run cannot be locked")(error.into()))?;
                    if log.metadata().is_ok_and(|found| found.nlink() > 0) {
                        return Ok((folder, log));
                    }
                }
            }
        }
    }

    /// The folder at a path, created by another process.
    pub(super) fn at(path: PathBuf) -> Result<Self, DetachedError> {
        check(&path)?;
        Ok(Self { path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The log, which is locked for as long as a process of the run lives.
    pub(super) fn log_file(&self) -> PathBuf {
        self.path.join(LOG)
    }

    /// All existing folders, whether their hosts are alive or not.
    pub(super) fn all(runtime: &Path) -> Vec<Self> {
        let Ok(entries) = fs::read_dir(runtime) else { return Vec::new() };
        let mut found: Vec<Self> = entries
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX))
            .filter_map(|entry| Self::at(entry.path()).ok())
            .collect();
        found.sort_by(|one, other| one.path.cmp(&other.path));
        found
    }

    /// Listens on its socket.
    pub(super) fn listen(&self) -> io::Result<UnixListener> {
        let socket_path = self.path.join(SOCKET);
        let listener = socket::through_short_path(&socket_path, |path| UnixListener::bind(path))?;
        fs::set_permissions(socket_path, fs::Permissions::from_mode(0o600))?;
        Ok(listener)
    }

    /// Connects to its socket.
    pub(super) fn connect(&self) -> io::Result<UnixStream> {
        socket::through_short_path(&self.path.join(SOCKET), |path| UnixStream::connect(path))
    }

    /// The end of the host's log, on one line; empty if it wrote nothing.
    fn log_tail(&self) -> String {
        const BYTES: usize = 2000;
        let text = fs::read(self.log_file()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text[text.len().saturating_sub(BYTES)..]).into_owned();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// An error for a lost connection, with the end of the host's log.
    pub(super) fn lost(&self, reason: &str) -> DetachedError {
        let log = self.log_tail();
        DetachedError::Lost(if log.is_empty() { reason.to_owned() } else { format!("{reason}; it said: {log}") })
    }

    /// Removes the folder if its host and all processes of its run have ended.
    pub(super) fn remove_if_dead(&self) {
        let Ok(log) = File::open(self.log_file()) else {
            // The starter may be about to create the log, and creates another folder if this one is removed; a folder
            // that is not empty stays.
            let _ = fs::remove_dir(&self.path);
            return;
        };
        if rustix::fs::flock(&log, FlockOperation::NonBlockingLockExclusive).is_ok() {
            self.remove();
        }
    }

    /// Removes the folder and its files.
    pub(super) fn remove(&self) {
        for file in [SOCKET, LOG] {
            let _ = fs::remove_file(self.path.join(file));
        }
        // If this fails, the next listing of the runs tries again.
        let _ = fs::remove_dir(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(folder: &Path) -> String {
        match check(folder) {
            Err(DetachedError::Folder { reason, .. }) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_folder_that_others_could_enter_or_turn_elsewhere_is_refused() {
        let place = tempfile::tempdir().expect("a folder");
        let own = place.path().join("own");
        DirBuilder::new().mode(0o700).create(&own).expect("made");
        check(&own).expect("it is ours alone");
        let link = place.path().join("link");
        std::os::unix::fs::symlink(&own, &link).expect("made");
        assert_eq!(reason(&link), "it is a link");
        fs::set_permissions(&own, fs::Permissions::from_mode(0o750)).expect("set");
        assert_eq!(reason(&own), "others can enter it");
        let file = place.path().join("file");
        fs::write(&file, "").expect("written");
        assert_eq!(reason(&file), "it is not a folder");
        if geteuid().is_root() {
            fs::set_permissions(&own, fs::Permissions::from_mode(0o700)).expect("set");
            std::os::unix::fs::chown(&own, Some(12345), None).expect("given away");
            assert_eq!(reason(&own), "it belongs to another user");
        }
    }

    #[test]
    fn the_folder_of_a_dead_host_is_removed_once_its_log_is_unlocked() {
        let place = tempfile::tempdir().expect("a folder");
        let (folder, log) = HostFolder::make(place.path()).expect("made");
        drop(folder.listen().expect("it listens"));
        let mode = fs::symlink_metadata(folder.path().join(SOCKET)).expect("it is there").mode();
        assert_eq!(mode & 0o777, 0o600);
        folder.remove_if_dead();
        assert_eq!(HostFolder::all(place.path()).len(), 1, "its log is held");
        drop(log);
        folder.remove_if_dead();
        assert!(HostFolder::all(place.path()).is_empty());
        // A folder without a log is removed; its creator makes another.
        fs::create_dir(place.path().join("host-early")).expect("made");
        fs::set_permissions(place.path().join("host-early"), fs::Permissions::from_mode(0o700)).expect("set");
        HostFolder::all(place.path()).iter().for_each(HostFolder::remove_if_dead);
        assert_eq!(fs::read_dir(place.path()).expect("a folder").count(), 0);
    }

    #[test]
    fn a_long_path_is_no_obstacle_to_a_socket() {
        let place = tempfile::tempdir().expect("a folder");
        let deep = place.path().join("x".repeat(120));
        fs::create_dir(&deep).expect("made");
        let (folder, _log) = HostFolder::make(&deep).expect("made");
        let listener = folder.listen().expect("it listens");
        folder.connect().expect("it is reached");
        drop(listener);
    }
}
