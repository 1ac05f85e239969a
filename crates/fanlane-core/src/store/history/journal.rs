//! How the file of the history survives a kill in the middle of a change: by a write-ahead log, with which readers and a writer do
//! not wait for each other, or by a rollback journal where the folder is on another machine. A write-ahead log needs memory that all
//! processes share, which those of several machines do not have (`sqlite.org/wal.html`).

use std::path::Path;

use rusqlite::{Connection, Result};

use fanlane_os::network_folder::network_file_system;

/// The journal of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Journal {
    /// A write-ahead log.
    WriteAhead,
    /// A rollback journal, since the folder is on this network file system.
    Rollback(&'static str),
}

impl Journal {
    /// The one for a folder.
    pub(super) fn of_folder(folder: &Path) -> Self {
        match network_file_system(folder) {
            Ok(Some(name)) => Self::Rollback(name),
            Ok(None) | Err(_) => Self::WriteAhead,
        }
    }

    /// What the user is told about it.
    pub(super) fn remark(self, folder: &Path) -> Option<String> {
        let Self::Rollback(name) = self else { return None };
        Some(format!(
            "the history is in {}, a network folder ({name}); it is kept there without a write-ahead log, which is safe and slower. \
             FANLANE_DATA_DIR names a folder of this machine",
            folder.display()
        ))
    }

    const fn mode(self) -> &'static str {
        match self {
            Self::WriteAhead => "wal",
            Self::Rollback(_) => "delete",
        }
    }

    /// Whether the history has this journal.
    pub(super) fn is_in_use(self, connection: &Connection) -> Result<bool> {
        let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
        Ok(mode == self.mode())
    }

    /// Has the history use this journal from now on.
    ///
    /// # Errors
    /// When another process uses the history, or the file cannot be written.
    pub(super) fn begin(self, connection: &Connection) -> Result<()> {
        // SQLite answers with the mode that it has then, which `pragma_update` takes for a mistake in some versions.
        connection.pragma_update_and_check(None, "journal_mode", self.mode(), |_| Ok(()))
    }
}
