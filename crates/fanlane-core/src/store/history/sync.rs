//! What is on the disk, and when. What was committed is in the write-ahead log, where a kill of this process loses nothing;
//! a sync guards it from a power failure, and so do the syncs without which no page of the log may be moved to the file. With a
//! rollback journal, each commit syncs.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::PathBuf;

use rusqlite::{Connection, Result, Transaction, TransactionBehavior};

use super::{History, HistoryError, place};
use crate::store::atomic_write;

/// Length of the log at which its pages are moved to the file, in bytes; what is left is moved when the last connection
/// is closed.
const LOG_BYTES: i64 = 4 << 20;
/// Length to which a longer log is cut, in bytes; those that become long in the usual way are not.
const MAX_LOG_FILE_BYTES: i64 = 2 * LOG_BYTES;

/// Has commits sync what they write, and move the pages of a log that has become long.
pub(super) fn sync_commits(connection: &Connection) -> Result<()> {
    connection.pragma_update(None, "synchronous", "FULL")?;
    let page_bytes: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    connection.pragma_update(None, "wal_autocheckpoint", LOG_BYTES / page_bytes.max(1))?;
    connection.pragma_update(None, "journal_size_limit", MAX_LOG_FILE_BYTES)
}

impl History {
    /// Syncs what was committed. SQLite does that with the next commit too, but only if that one changes anything.
    pub(super) fn sync_log(&self) -> std::result::Result<(), HistoryError> {
        let log = match File::open(self.log()) {
            // There is a rollback journal instead, and what was committed is in the file itself.
            Err(error) if error.kind() == ErrorKind::NotFound => File::open(&self.path),
            log => log,
        };
        let synced = log.and_then(|log| log.sync_data());
        let synced = synced.and_then(|()| atomic_write::sync_folder(&self.folder));
        synced.map_err(|source| HistoryError::System {
            what: "the history cannot be synced:",
            path: self.log(),
            source,
        })
    }

    fn log(&self) -> PathBuf {
        place::with_end(&self.path, "-wal")
    }

    /// Begins a transaction whose commit returns when it, and all before it, are on the disk.
    pub(super) fn begin_synced(&self) -> Result<Transaction<'_>> {
        // A transaction that could not begin may have left another setting.
        sync_commits(&self.connection)?;
        self.begin()
    }

    /// Begins a transaction whose commit is safe from a kill, and from a power failure with the next synced one. Behind it,
    /// [`sync_commits`] is due.
    pub(super) fn begin_unsynced(&self) -> Result<Transaction<'_>> {
        let is_empty = || fs::metadata(self.log()).is_ok_and(|log| log.len() == 0);
        if is_empty() {
            // SQLite syncs the first bytes of a log before others, in case old pages stand behind them. In an empty log
            // there are none, and no other process can add some while this transaction lasts.
            self.connection.pragma_update(None, "synchronous", "OFF")?;
            self.connection.pragma_update(None, "wal_autocheckpoint", 0)?;
            let change = self.begin()?;
            if is_empty() {
                return Ok(change);
            }
            drop(change);
            sync_commits(&self.connection)?;
        }
        self.connection.pragma_update(None, "synchronous", "NORMAL")?;
        self.begin()
    }

    fn begin(&self) -> Result<Transaction<'_>> {
        // There is one at a time: the writer has its connection to itself.
        Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)
    }
}
