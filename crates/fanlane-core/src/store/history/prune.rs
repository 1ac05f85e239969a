//! Removing runs: those that were named, or the oldest ones until the rest is young and small enough. What would go is told
//! first; nothing is ever removed by itself.

use super::{History, HistoryError, RunRow, RunState};

/// How much of the history stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Runs that began longer ago go, in milliseconds.
    pub max_age_ms: u64,
    /// The oldest go until the rest is no larger, in bytes.
    pub max_bytes: u64,
}

impl Default for Retention {
    /// 90 days and 1 GiB.
    fn default() -> Self {
        Self { max_age_ms: 90 * 24 * 3_600_000, max_bytes: 1 << 30 }
    }
}

impl Retention {
    /// Which of `runs` (the newest first) go at the moment `now_unix_ms`. Runs that go on stay.
    pub fn surplus(self, runs: &[RunRow], now_unix_ms: u64) -> Vec<i64> {
        let mut bytes = 0_u64;
        let goes = |run: &&RunRow| {
            bytes = bytes.saturating_add(run.bytes);
            let too_old = now_unix_ms.saturating_sub(run.started_unix_ms) > self.max_age_ms;
            run.state != RunState::Running && (too_old || bytes > self.max_bytes)
        };
        runs.iter().filter(goes).map(|run| run.id).collect()
    }
}

impl History {
    /// Removes runs, all or none of them, and gives their room back to the disk.
    ///
    /// # Errors
    /// When one is not there, or the history cannot be written; nothing was removed then.
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
        // The runs are gone already; if a reader is in the way, the room is given back another time.
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
