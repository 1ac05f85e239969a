//! The tables, and the migration of older versions: one step for each version, never changed once published.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::HistoryError;
use super::journal::Journal;

/// The steps from version N to version N + 1.
const STEPS: [&str; 2] = [
    // 0 to 1. A run is one row, updated with each transaction; blocks are its events, in order.
    "CREATE TABLE runs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        job TEXT,
        job_key BLOB NOT NULL,
        folder BLOB NOT NULL,
        header TEXT NOT NULL,
        picked BLOB,
        mode TEXT NOT NULL,
        workers INTEGER NOT NULL,
        tasks INTEGER NOT NULL,
        started_unix_ms INTEGER NOT NULL,
        last_ns INTEGER NOT NULL DEFAULT 0,
        done INTEGER NOT NULL DEFAULT 0,
        failed INTEGER NOT NULL DEFAULT 0,
        timed_out INTEGER NOT NULL DEFAULT 0,
        cancelled INTEGER NOT NULL DEFAULT 0,
        lost INTEGER NOT NULL DEFAULT 0,
        retries INTEGER NOT NULL DEFAULT 0,
        left_out INTEGER NOT NULL DEFAULT 0,
        summary TEXT,
        environment TEXT NOT NULL,
        owner TEXT NOT NULL,
        continues INTEGER,
        bytes INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX runs_of_job ON runs (job_key, id);
    CREATE TABLE blocks (
        run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        place INTEGER NOT NULL,
        checksum INTEGER NOT NULL,
        bytes BLOB NOT NULL,
        PRIMARY KEY (run, place)
    ) STRICT;",
    // 1 to 2. Blocks have entries with bytes as they are. `parent` is the run whose task started this one, 0 if that
    // one is not recorded.
    "ALTER TABLE runs ADD COLUMN parent INTEGER;",
];

/// Distinguishes Fanlane's files from those of other programs: `FanL`.
const APPLICATION: i64 = 0x4661_6e4c;

/// The version that this build writes.
pub const VERSION: i64 = STEPS.len() as i64;

/// Makes an empty file a history, which is complete with what `fill` adds when this returns.
pub(super) fn create<T>(
    path: &Path,
    journal: Journal,
    fill: impl FnOnce(&mut Connection) -> Result<T, HistoryError>,
) -> Result<T, HistoryError> {
    let fault = |source| HistoryError::of(path, source);
    let mut connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(fault)?;
    // The caller syncs the file before it gets its name.
    connection.pragma_update(None, "synchronous", "OFF").map_err(fault)?;
    // Blocks are long: with pages of 4 KiB, writing them takes 1.5 times as much processor time.
    connection.pragma_update(None, "page_size", 16 << 10).map_err(fault)?;
    // Returns the space of removed runs; it has to be set before the first table exists.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL").map_err(fault)?;
    bring_up_to_date(&mut connection, path)?;
    let filled = fill(&mut connection)?;
    journal.begin(&connection).map_err(fault)?;
    connection.close().map_err(|(_, source)| fault(source))?;
    Ok(filled)
}

/// Migrates the tables to the current version, in one transaction.
pub(super) fn bring_up_to_date(connection: &mut Connection, path: &Path) -> Result<(), HistoryError> {
    if version_of(connection, path)? == VERSION {
        return Ok(());
    }
    let fault = |source| HistoryError::of(path, source);
    let change = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fault)?;
    // Another process may have migrated it before this one got the lock.
    let found = version_of(&change, path)?;
    for step in &STEPS[usize::try_from(found).unwrap_or(0)..] {
        change.execute_batch(step).map_err(fault)?;
    }
    change.pragma_update(None, "user_version", VERSION).map_err(fault)?;
    change.pragma_update(None, "application_id", APPLICATION).map_err(fault)?;
    change.commit().map_err(fault)
}

/// The version of a history that this build can read.
fn version_of(connection: &Connection, path: &Path) -> Result<i64, HistoryError> {
    let fault = |source| HistoryError::of(path, source);
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(fault);
    let (found, application) = (number("user_version")?, number("application_id")?);
    if application != APPLICATION && (application != 0 || found != 0) {
        return Err(HistoryError::Damaged { path: path.to_owned(), reason: "another program made it".to_owned() });
    }
    if found > VERSION {
        return Err(HistoryError::Newer { path: path.to_owned(), found, known: VERSION });
    }
    Ok(found)
}
