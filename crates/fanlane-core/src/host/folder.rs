//! Where the sockets of hosts lie: a folder that only this user can enter, and in it one for each host, with its socket and
//! with what it wrote to standard error.
//!
//! A host holds a lock on the latter for as long as it or one of its workers lives, its starter before that: what nobody
//! holds was left behind, and whoever lists the hosts removes it.

use fanlane_os::descriptors;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;
use rustix::process::geteuid;

use super::DetachedError;

/// The variable that names another folder for the sockets of background runs.
pub const RUNTIME_VARIABLE: &str = "FANLANE_RUNTIME_DIR";

const PREFIX: &str = "host-";
const SOCKET: &str = "socket";
const LOG: &str = "log";
/// A socket's path has to fit into 108 bytes with its end.
const MAX_SOCKET_PATH_BYTES: usize = 107;

/// The folder of all hosts, the chosen one or this user's: made where it is not there, and refused where others could get
/// into it.
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

/// Whether a folder is this user's alone, and no link that somebody could turn elsewhere.
fn check(folder: &Path) -> Result<(), DetachedError> {
    let refuse = |reason: String| Err(DetachedError::Folder { path: folder.to_owned(), reason });
    match fs::symlink_metadata(folder) {
        Err(error) => refuse(error.to_string()),
        Ok(found) if found.file_type().is_symlink() => refuse("it is a link".to_owned()),
        Ok(found) if !found.is_dir() => refuse("it is no folder".to_owned()),
        Ok(found) if found.uid() != geteuid().as_raw() => refuse("it belongs to another user".to_owned()),
        Ok(found) if found.mode() & 0o077 != 0 => refuse("others can enter it".to_owned()),
        Ok(_) => Ok(()),
    }
}

/// The folder of one host.
#[derive(Debug, Clone)]
pub(super) struct HostFolder {
    path: PathBuf,
}

impl HostFolder {
    /// Makes one with a name that no other has; also gives its log, which is locked for as long as it is open somewhere.
    pub(super) fn make(runtime: &Path) -> Result<(Self, File), DetachedError> {
        let cannot = DetachedError::system;
        loop {
            let made = tempfile::Builder::new()
                .prefix(PREFIX)
                .permissions(fs::Permissions::from_mode(0o700))
                .tempdir_in(runtime)
                .map_err(cannot("no folder can be made for a background run"))?;
            let folder = Self { path: made.keep() };
            let log =
                OpenOptions::new().append(true).read(true).create_new(true).mode(0o600).open(folder.path.join(LOG));
            match log {
                // Somebody who cleans up took it for one that was left behind.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    folder.remove();
                    return Err(cannot("no log can be made for a background run")(error));
                }
                Ok(log) => {
                    let locked = rustix::fs::flock(&log, FlockOperation::LockExclusive);
                    locked.map_err(|error| cannot("the log of a background run cannot be locked")(error.into()))?;
                    if log.metadata().is_ok_and(|found| found.nlink() > 0) {
                        return Ok((folder, log));
                    }
                }
            }
        }
    }

    /// The folder at a path that another process made.
    pub(super) fn at(path: PathBuf) -> Result<Self, DetachedError> {
        check(&path)?;
        Ok(Self { path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// All that are there, whether their hosts live or not.
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
        let socket = self.path.join(SOCKET);
        let listener = self.through_short_path(|path| UnixListener::bind(path))?;
        fs::set_permissions(socket, fs::Permissions::from_mode(0o600))?;
        Ok(listener)
    }

    /// Connects to its socket.
    pub(super) fn connect(&self) -> io::Result<UnixStream> {
        self.through_short_path(|path| UnixStream::connect(path))
    }

    fn through_short_path<T>(&self, open: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
        let socket = self.path.join(SOCKET);
        if socket.as_os_str().len() <= MAX_SOCKET_PATH_BYTES {
            return open(&socket);
        }
        let folder = File::open(&self.path)?;
        open(&descriptors::path_of(&folder).join(SOCKET))
    }

    /// The last that its host wrote to standard error, on one line; empty where it wrote nothing.
    pub(super) fn log_tail(&self) -> String {
        const BYTES: usize = 2000;
        let text = fs::read(self.path.join(LOG)).unwrap_or_default();
        let text = String::from_utf8_lossy(&text[text.len().saturating_sub(BYTES)..]).into_owned();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Removes it if its host and all that this started are gone.
    pub(super) fn remove_if_dead(&self) {
        let Ok(log) = File::open(self.path.join(LOG)) else {
            // Its starter is just about to make the log, and makes another folder if this one is gone; a folder that is not
            // empty stays.
            let _ = fs::remove_dir(&self.path);
            return;
        };
        if rustix::fs::flock(&log, FlockOperation::NonBlockingLockExclusive).is_ok() {
            self.remove();
        }
    }

    /// Removes it with what is in it.
    pub(super) fn remove(&self) {
        for file in [SOCKET, LOG] {
            let _ = fs::remove_file(self.path.join(file));
        }
        // What cannot be removed now, whoever lists the hosts next tries to.
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
        assert_eq!(reason(&file), "it is no folder");
        if geteuid().is_root() {
            fs::set_permissions(&own, fs::Permissions::from_mode(0o700)).expect("set");
            std::os::unix::fs::chown(&own, Some(12345), None).expect("given away");
            assert_eq!(reason(&own), "it belongs to another user");
        }
    }

    #[test]
    fn what_a_host_left_is_removed_once_nobody_holds_it() {
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
        // One that has no log yet is given up to whoever makes it.
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
