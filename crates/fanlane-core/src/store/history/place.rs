//! The location of the history, and the creation of its file: readable for its user only, since commands may contain
//! secrets.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use super::journal::Journal;
use super::{HistoryError, inode_of, schema};

/// The environment variable that names another folder for Fanlane's data.
pub const FOLDER_VARIABLE: &str = "FANLANE_DATA_DIR";
/// The environment variable that, set to anything, keeps runs out of the history.
const OFF_VARIABLE: &str = "FANLANE_NO_HISTORY";
/// The file in that folder.
pub(super) const FILE: &str = "history.sqlite3";
/// Its name while it is created.
const NEW_FILE: &str = "history.sqlite3-new";
/// The ends of the names of the files that SQLite keeps beside it.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];
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

/// Creates the file, with its tables, if it does not exist, and returns whether it did; the caller has the [`Guard`].
pub(super) fn make_file(folder: &Path, journal: Journal) -> Result<bool, HistoryError> {
    if fs::metadata(folder.join(FILE)).is_ok_and(|found| found.len() > 0) {
        return Ok(false);
    }
    let new = make_new(folder)?;
    schema::create(&new, journal, |_| Ok(()))?;
    // Those of a file that was removed by hand would be taken for those of the new one.
    move_companions(&folder.join(FILE), &free_name(folder)).map_err(refused(&folder.join(FILE)))?;
    put_in_place(folder, &new)?;
    Ok(true)
}

/// Creates an empty file for a new history, which [`put_in_place`] names when it is complete, so that no reader sees a
/// part of it. The caller has the [`Guard`].
pub(super) fn make_new(folder: &Path) -> Result<PathBuf, HistoryError> {
    let new = folder.join(NEW_FILE);
    // Left by a process that was killed here.
    for companion in std::iter::once("").chain(COMPANIONS) {
        let _ = fs::remove_file(with_end(&new, companion));
    }
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new);
    made.map(drop).map_err(refused(&folder.join(FILE)))?;
    Ok(new)
}

/// Gives a new history its name, once it is on the disk.
fn put_in_place(folder: &Path, new: &Path) -> Result<(), HistoryError> {
    let file = folder.join(FILE);
    let renamed = File::open(new).and_then(|new| new.sync_all()).and_then(|()| fs::rename(new, &file));
    renamed.map_err(refused(&file))?;
    // If the mark stays, the new history is checked once more and found to be whole.
    let _ = fs::remove_file(folder.join(DAMAGED));
    crate::store::atomic_write::sync_folder(folder).map_err(refused(&file))
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

/// Whether there is a history for which [`mark_damaged`] was called.
pub(super) fn is_marked_damaged(folder: &Path) -> bool {
    [DAMAGED, FILE].iter().all(|name| fs::symlink_metadata(folder.join(name)).is_ok())
}

/// Renames a damaged history and its companion files, and puts a new one in its place; returns the new name of the
/// damaged one. Nothing is deleted.
pub(super) fn replace(folder: &Path, new: &Path) -> Result<PathBuf, HistoryError> {
    let file = folder.join(FILE);
    let aside = free_name(folder);
    let refused =
        |source| HistoryError::System { what: "the damaged history cannot be set aside:", path: file.clone(), source };
    // The companion files first: left behind, they would be taken for those of the new history. With two names of the
    // file, there is a history at each moment; some file systems have no second names.
    let replaced = move_companions(&file, &aside)
        .and_then(|()| fs::hard_link(&file, &aside).or_else(|_| fs::rename(&file, &aside)))
        .map_err(refused)
        .and_then(|()| put_in_place(folder, new));
    if replaced.is_err() {
        // As it was, as far as the disk allows.
        let _ = move_companions(&aside, &file);
        let _ = fs::rename(&aside, &file);
        if inode_of(&aside).is_some_and(|inode| inode_of(&file) == Some(inode)) {
            // A rename between two names of one file leaves both.
            let _ = fs::remove_file(&aside);
        }
    }
    replaced.map(|()| aside)
}

/// A name for a damaged history that no file has.
fn free_name(folder: &Path) -> PathBuf {
    let is_free = |path: &PathBuf| {
        COMPANIONS.iter().all(|companion| fs::symlink_metadata(with_end(path, companion)).is_err())
            && fs::symlink_metadata(path).is_err()
    };
    let names = (1..).map(|number: u32| folder.join(format!("history-damaged-{number}.sqlite3")));
    { names }.find(is_free).expect("some number is free")
}

/// Renames the companion files of a history.
fn move_companions(from: &Path, to: &Path) -> io::Result<()> {
    for companion in COMPANIONS {
        match fs::rename(with_end(from, companion), with_end(to, companion)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// The path with `end` behind its name, as SQLite names companion files.
pub(super) fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}
