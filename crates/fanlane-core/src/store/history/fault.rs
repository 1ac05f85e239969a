//! What can be wrong with a history, in words that say what to do about it.

use std::io;
use std::path::{Path, PathBuf};

/// A history that cannot be used as was asked.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// There is no folder for it.
    #[error("there is no home folder to keep the history of runs in; set FANLANE_DATA_DIR to a folder")]
    NoHome,
    /// A newer build has been here.
    #[error(
        "the history {path} is of version {found}, and this Fanlane knows up to {known}; use the newer Fanlane, or set \
         FANLANE_DATA_DIR to another folder"
    )]
    Newer {
        /// Its file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version that this build knows.
        known: i64,
    },
    /// It is no history, or damaged.
    #[error(
        "the history {path} is damaged or no history ({reason}); the next run sets it aside and keeps what can be read of it in a new one"
    )]
    Damaged {
        /// Its file.
        path: PathBuf,
        /// What the database said.
        reason: String,
    },
    /// Another process writes to it for too long.
    #[error("the history {path} is kept busy by another Fanlane; try again when that has written its results")]
    Busy {
        /// Its file.
        path: PathBuf,
    },
    /// The system refused.
    #[error("{what} {path}: {source}")]
    System {
        /// What was being done.
        what: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The database refused.
    #[error("the history {path}: {source}")]
    Database {
        /// Its file.
        path: PathBuf,
        /// What the database said.
        #[source]
        source: rusqlite::Error,
    },
    /// There is no such run.
    #[error("there is no run {id} in the history; fanlane history lists those that are there")]
    NoRun {
        /// Its number.
        id: i64,
    },
    /// There is no run at all.
    #[error("no run has been recorded yet; fanlane run records each run")]
    Empty,
}

impl HistoryError {
    /// What a fault of the database means for its file.
    pub(super) fn of(path: &Path, source: rusqlite::Error) -> Self {
        use rusqlite::Error;
        use rusqlite::ErrorCode;
        let path = path.to_owned();
        // A value that is not what was written there, or a table that is not as it was made.
        let is_misread = matches!(
            source,
            Error::FromSqlConversionFailure(..)
                | Error::InvalidColumnType(..)
                | Error::Utf8Error(..)
                | Error::IntegralValueOutOfRange(..)
                | Error::SqlInputError { .. }
        );
        match source.sqlite_error_code() {
            _ if is_misread => Self::Damaged { path, reason: source.to_string() },
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                Self::Damaged { path, reason: source.to_string() }
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { path },
            _ => Self::Database { path, source },
        }
    }

    /// Trying again later may help.
    pub(super) const fn is_passing(&self) -> bool {
        matches!(self, Self::Busy { .. } | Self::Database { .. } | Self::System { .. })
    }
}
