//! Errors of the history, with what to do about them.

use std::io;
use std::path::{Path, PathBuf};

/// The history cannot be used as requested.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// There is no folder for it.
    #[error("there is no home folder to keep the history of runs in; set FANLANE_DATA_DIR to a folder")]
    NoHome,
    /// A newer build has written it.
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
        /// The database's error.
        reason: String,
    },
    /// Another process has locked it for too long.
    #[error("the history {path} is locked by another Fanlane; try again when it has written its results")]
    Busy {
        /// Its file.
        path: PathBuf,
    },
    /// An error of the system.
    #[error("{what} {path}: {source}")]
    System {
        /// What was being done.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// An error of the database.
    #[error("the history {path}: {source}")]
    Database {
        /// Its file.
        path: PathBuf,
        /// The database's error.
        #[source]
        source: rusqlite::Error,
    },
    /// There is no such run.
    #[error("there is no run {id} in the history; fanlane history lists those that are there")]
    NoRun {
        /// Its number.
        id: i64,
    },
    /// No run has been recorded.
    #[error("no run has been recorded yet; fanlane run records each run")]
    Empty,
}

impl HistoryError {
    /// The meaning of an error of the database for its file.
    pub(super) fn of(path: &Path, source: rusqlite::Error) -> Self {
        use rusqlite::Error;
        use rusqlite::ErrorCode;
        let path = path.to_owned();
        // A value of another type than was written, or a table of another form than was created.
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

    /// Whether a later try may succeed.
    pub(super) const fn is_passing(&self) -> bool {
        matches!(self, Self::Busy { .. } | Self::Database { .. } | Self::System { .. })
    }
}
