//! Removal of runs: named ones, or the oldest until the rest is young and small enough. Nothing is ever removed without
//! a request.

use std::collections::BTreeSet;

use super::{History, HistoryError, RunRow, RunState};

/// Limits beyond which runs are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Maximum age of a run, in milliseconds.
    pub max_age_ms: u64,
    /// Maximum size of the remaining runs, in bytes.
    pub max_bytes: u64,
}

impl Default for Retention {
    /// 90 days and 1 GiB.
    fn default() -> Self {
        Self { max_age_ms: 90 * 24 * 3_600_000, max_bytes: 1 << 30 }
    }
}

impl Retention {
    /// Which of `runs` (the newest first) are beyond the limits at `now_unix_ms`. Running ones never are, and neither are
    /// those that a run within the limits resumes: their results are part of its own.
    pub fn surplus(self, runs: &[RunRow], now_unix_ms: u64) -> Vec<i64> {
        let mut bytes = 0_u64;
        let mut resumed = BTreeSet::new();
        let goes = |run: &&RunRow| {
            bytes = bytes.saturating_add(run.bytes);
            let too_old = now_unix_ms.saturating_sub(run.started_unix_ms) > self.max_age_ms;
            let is_needed = run.state == RunState::Running || resumed.contains(&run.id);
            let goes = !is_needed && (too_old || bytes > self.max_bytes);
            if !goes {
                resumed.extend(run.continues);
            }
            goes
        };
        runs.iter().filter(goes).map(|run| run.id).collect()
    }
}

impl History {
    /// Removes runs, all or none of them, and returns their space to the file system.
    ///
    /// # Errors
    /// When one does not exist, or the history cannot be written; nothing is removed then.
    pub fn remove(&mut self, runs: &[i64]) -> Result<(), HistoryError> {
        let path = self.path.clone();
        let fault = |error| HistoryError::of(&path, error);
        let change = self.connection.transaction().map_err(fault)?;
        for id in runs {
            if change.execute("DELETE FROM runs WHERE id = ?1", [id]).map_err(fault)? == 0 {
                return Err(HistoryError::NoRun { id: *id });
            }
        }
        change.commit().map_err(fault)?;
        // The runs are removed already; if a reader is in the way, the space is returned another time.
        let _ = self.give_back_room();
        Ok(())
    }

    fn give_back_room(&self) -> rusqlite::Result<()> {
        for text in ["PRAGMA incremental_vacuum", "PRAGMA wal_checkpoint(TRUNCATE)"] {
            let mut statement = self.connection.prepare(text)?;
            let mut rows = statement.query([])?;
            // Each step frees a page.
            while rows.next()?.is_some() {}
        }
        Ok(())
    }
}
