//! The history: every run, recorded as it happens in one SQLite file, to be listed, shown, exported and resumed later.
//!
//! [`HistoryRecorder`] takes the events of a run without ever blocking it; a separate thread writes them, in one synced
//! transaction at most every half second, so a power failure loses at most the last second. [`History`] reads. A
//! failure of the history never fails a run: it is reported once. A damaged history is set aside, never deleted, and
//! its readable part is copied into a new one.
//!
//! [`remaining`](super::remaining) determines which tasks earlier runs leave to be done.

mod attempt;
mod block;
mod chain;
#[cfg(test)]
mod damage_tests;
mod durations;
mod encoding;
mod fault;
mod flaky;
mod journal;
mod limits;
mod never_begun;
mod owner;
mod pending;
mod place;
mod prune;
mod read;
mod recorder;
mod row;
mod salvage;
mod schema;
mod search;
#[cfg(test)]
mod shared_home_tests;
mod sync;
#[cfg(test)]
mod tests;
mod words;
mod writer;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use journal::Journal;

pub use chain::{ChainLines, RunChain};
pub use durations::{KnownDurations, longest_first};
pub use fault::HistoryError;
pub use flaky::Flaky;
pub use limits::{MAX_OUTPUT_BYTES_PER_RUN, MAX_OUTPUT_BYTES_PER_STREAM, MAX_PENDING_BYTES, SampleThinning};
pub use pending::RecordedRun;
pub use place::{FOLDER_VARIABLE, default_folder, is_switched_off};
pub use prune::Retention;
pub use read::RunLines;
pub use recorder::{HistoryRecorder, RunIdTeller};
pub use row::{RunEnvironment, RunRow, RunState, job_key};
pub use salvage::Salvage;
pub use schema::VERSION;
pub use search::{AttemptHits, LineHit, OutputHits, SearchLimits, SearchProgress};

/// The file of the history in its folder.
pub fn file_in(folder: &Path) -> PathBuf {
    folder.join(place::FILE)
}

/// Maximum wait of a reader or writer for another one.
const LOCK_TIMEOUT: Duration = Duration::from_secs(3);

/// An open history.
#[derive(Debug)]
pub struct History {
    connection: Connection,
    folder: PathBuf,
    path: PathBuf,
    inode: u64,
    /// What the user is to be told about the place where it is kept.
    remark: Option<String>,
}

impl History {
    /// Opens the history in `folder`. Creates it if there is none; replaces a damaged one, and then also returns what
    /// was salvaged.
    ///
    /// # Errors
    /// When the folder cannot be written, when a newer build has written the history, or when another process has
    /// locked it.
    pub fn open(folder: &Path) -> Result<(Self, Option<Salvage>), HistoryError> {
        place::make_folder(folder)?;
        let _guard = place::Guard::take(folder)?;
        match Self::open_guarded(folder) {
            Err(HistoryError::Damaged { .. }) => {
                Self::renew_guarded(folder).map(|(history, salvage)| (history, Some(salvage)))
            }
            opened => Ok((opened?, None)),
        }
    }

    /// As [`History::open`], but leaves a damaged history as it is.
    fn open_whole(folder: &Path) -> Result<Self, HistoryError> {
        place::make_folder(folder)?;
        let _guard = place::Guard::take(folder)?;
        Self::open_guarded(folder)
    }

    fn open_guarded(folder: &Path) -> Result<Self, HistoryError> {
        if place::is_marked_damaged(folder) {
            let path = folder.join(place::FILE);
            return Err(HistoryError::Damaged { path, reason: "damage was found in it".to_owned() });
        }
        let journal = Journal::of_folder(folder);
        Self::open_with(folder, journal)
    }

    /// Opens the history with this journal, or with the other one while another process uses it.
    fn open_with(folder: &Path, journal: Journal) -> Result<Self, HistoryError> {
        let is_new = place::make_file(folder, journal)?;
        let mut history = Self::connect(folder)?;
        let is_in_use = journal.is_in_use(&history.connection).map_err(|source| history.fault(source))?;
        let has_begun = !is_in_use && journal.begin(&history.connection).is_ok();
        if is_new || has_begun {
            history.remark = journal.remark(folder);
        }
        Ok(history)
    }

    /// Puts a new history with the readable part of this one in its place, which is kept under another name. A kill or
    /// an error before that leaves it as it was, to be replaced by the next run.
    fn renew_guarded(folder: &Path) -> Result<(Self, Salvage), HistoryError> {
        let new = place::make_new(folder)?;
        let mut salvage = schema::create(&new, Journal::of_folder(folder), |connection| {
            salvage::carry_over(&folder.join(place::FILE), connection)
        })?;
        salvage.path = place::replace(folder, &new)?;
        Ok((Self::connect(folder)?, salvage))
    }

    /// Opens the history in `folder` for reading; `None` if there is none. Never creates or replaces it.
    ///
    /// # Errors
    /// When it is damaged, of a newer build, or cannot be read.
    pub fn existing(folder: &Path) -> Result<Option<Self>, HistoryError> {
        match fs::metadata(folder.join(place::FILE)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Ok(file) if file.len() == 0 => Ok(None),
            _ => Self::connect(folder).map(Some),
        }
    }

    /// Sets this damaged history aside, unless another process has already done so, and begins a new one with its
    /// readable part.
    fn renew(self) -> Result<Option<Salvage>, HistoryError> {
        let Self { connection, folder, path, inode, .. } = self;
        let _guard = place::Guard::take(&folder)?;
        drop(connection);
        if inode_of(&path) != Some(inode) {
            return Ok(None);
        }
        Self::renew_guarded(&folder).map(|(_, salvage)| Some(salvage))
    }

    /// Whether the open file still has its name.
    fn is_in_place(&self) -> bool {
        inode_of(&self.path) == Some(self.inode)
    }

    fn connect(folder: &Path) -> Result<Self, HistoryError> {
        let path = folder.join(place::FILE);
        let fault = |source| HistoryError::of(&path, source);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&path, flags).map_err(fault)?;
        let inode = inode_of(&path).unwrap_or(0);
        connection.busy_timeout(LOCK_TIMEOUT).map_err(fault)?;
        schema::bring_up_to_date(&mut connection, &path)?;
        connection.pragma_update(None, "foreign_keys", "ON").map_err(fault)?;
        sync::sync_commits(&connection).map_err(fault)?;
        // A file with a valid header may still be damaged further in.
        connection.query_row("SELECT max(id) FROM runs", [], |row| row.get::<_, Option<i64>>(0)).map_err(fault)?;
        Ok(Self { connection, folder: folder.to_owned(), path, inode, remark: None })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The error for a fault of the database. Damage is marked for the next run, which may not read the damaged place
    /// itself.
    fn fault(&self, source: rusqlite::Error) -> HistoryError {
        let error = HistoryError::of(&self.path, source);
        if matches!(error, HistoryError::Damaged { .. }) && self.is_in_place() {
            place::mark_damaged(&self.folder);
        }
        error
    }
}

fn inode_of(path: &Path) -> Option<u64> {
    fs::metadata(path).ok().map(|file| file.ino())
}
