//! The location of the history, and the creation of its file: readable for its user only, since commands may contain
//! secrets.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use super::{HistoryError, schema};

/// The environment variable that names another folder for Fanlane's data.
pub const FOLDER_VARIABLE: &str = "FANLANE_DATA_DIR";
/// The environment variable that, set to anything, keeps runs out of the history.
const OFF_VARIABLE: &str = "FANLANE_NO_HISTORY";
/// The file in that folder.
pub(super) const FILE: &str = "history.sqlite3";
/// Its name while it is created.
const NEW_FILE: &str = "history.sqlite3-new";
/// A file whose presence marks the history as damaged.
const DAMAGED: &str = "history.damaged";
/// Maximum wait for another process that holds the lock.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// The folder of the history: `$FANLANE_DATA_DIR`, or `fanlane` in `$XDG_DATA_HOME` or in `~/.local/share`.
///
/// # Errors
/// [`HistoryError::NoHome`].
pub fn default_folder() -> Result<PathBuf, HistoryError> {
    if let Some(folder) = std::env::var_os(FOLDER_VARIABLE).filter(|folder| !folder.is_empty()) {
        return Ok(std::path::absolute(&folder).unwrap_or_else(|_| folder.into()));
    }
    let folders = directories::ProjectDirs::from("", "", "fanlane").ok_or(HistoryError::NoHome)?;
    Ok(folders.data_dir().to_owned())
}

/// Whether the environment asks for no history.
pub fn is_switched_off() -> bool {
    std::env::var_os(OFF_VARIABLE).is_some_and(|value| !value.is_empty())
}

fn refused(path: &Path) -> impl FnOnce(io::Error) -> HistoryError {
    let path = path.to_owned();
    move |source| HistoryError::System { what: "the history cannot be kept in", path, source }
}

/// Creates the folder if it does not exist.
pub(super) fn make_folder(folder: &Path) -> Result<(), HistoryError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(refused(folder))
}

/// Creates the file, with its tables, if it does not exist; the caller has the [`Guard`]. The file gets its name when
/// it is complete, so that no reader sees a part of it.
pub(super) fn make_file(folder: &Path) -> Result<(), HistoryError> {
    let file = folder.join(FILE);
    if fs::metadata(&file).is_ok_and(|found| found.len() > 0) {
        return Ok(());
    }
    let new = folder.join(NEW_FILE);
    for companion in ["", "-journal", "-wal", "-shm"] {
        // Left by a process that was killed here.
        let _ = fs::remove_file(folder.join(format!("{NEW_FILE}{companion}")));
    }
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new);
    made.map(drop).map_err(refused(&file))?;
    schema::create(&new).and_then(|()| {
        let renamed = File::open(&new).and_then(|new| new.sync_all()).and_then(|()| fs::rename(&new, &file));
        renamed.and_then(|()| crate::store::atomic_write::sync_folder(folder)).map_err(refused(&file))
    })
}

/// A lock held while a history is created, migrated or set aside, so that two processes never do it at once.
pub(super) struct Guard(#[expect(dead_code, reason = "the lock lives as long as its file is open")] File);

impl Guard {
    pub(super) fn take(folder: &Path) -> Result<Self, HistoryError> {
        let path = folder.join("history.lock");
        let refused =
            |source| HistoryError::System { what: "the history cannot be locked with", path: path.clone(), source };
        let file =
            OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(refused)?;
        let until = Instant::now() + LOCK_TIMEOUT;
        loop {
            match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Self(file)),
                Err(Errno::WOULDBLOCK | Errno::INTR) if Instant::now() < until => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(Errno::WOULDBLOCK) => return Err(HistoryError::Busy { path: folder.join(FILE) }),
                Err(error) => return Err(refused(error.into())),
            }
        }
    }
}

/// Marks the history as damaged: the next run sets it aside.
pub(super) fn mark_damaged(folder: &Path) {
    // If the mark cannot be made, the damage is found again when it is next read.
    let _ = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(folder.join(DAMAGED));
}

/// Whether [`mark_damaged`] was called since the history was created.
pub(super) fn is_marked_damaged(folder: &Path) -> bool {
    fs::symlink_metadata(folder.join(DAMAGED)).is_ok()
}

/// Renames a damaged history and its companion files; returns the new name. Nothing is deleted.
pub(super) fn set_aside(folder: &Path) -> Result<PathBuf, HistoryError> {
    let file = folder.join(FILE);
    let (number, aside) = (1..)
        .map(|number: u32| (number, folder.join(format!("history-damaged-{number}.sqlite3"))))
        .find(|(_, path)| fs::symlink_metadata(path).is_err())
        .expect("some number is free");
    let refused =
        |source| HistoryError::System { what: "the damaged history cannot be set aside:", path: file.clone(), source };
    // The companion files first: left behind, they would be taken for those of the new history.
    for companion in ["-wal", "-shm"] {
        let from = folder.join(format!("{FILE}{companion}"));
        let to = folder.join(format!("history-damaged-{number}.sqlite3{companion}"));
        match fs::rename(from, to) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(refused(error)),
            _ => {}
        }
    }
    fs::rename(&file, &aside).map_err(refused)?;
    // If the mark stays, the new history is checked once more and found to be whole.
    let _ = fs::remove_file(folder.join(DAMAGED));
    crate::store::atomic_write::sync_folder(folder).map_err(refused)?;
    Ok(aside)
}
