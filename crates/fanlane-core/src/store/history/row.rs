//! A run in the list of runs: what is known of it without reading what happened in it.

use fanlane_os::machine;
use std::path::PathBuf;

use rusqlite::Row;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{History, HistoryError, owner};
use crate::event::{OutcomeCounts, Summary};
use crate::job::{Control, Job, Mode, Order};
use crate::model::Earlier;
use crate::store::record::RecordHeader;

/// On what a run went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEnvironment {
    /// Of Fanlane.
    pub version: String,
    /// The machine's name.
    pub host: String,
    /// The system and its version.
    pub system: String,
    /// Logical cores that the process could use.
    pub cores: u32,
    /// Memory of the machine, in bytes; 0 if that is not known.
    pub memory_bytes: u64,
    /// The run was started from the window.
    pub window: bool,
}

impl RunEnvironment {
    /// This machine's.
    pub(super) fn this(window: bool) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            host: machine::host_name(),
            system: machine::system(),
            cores: machine::cores(),
            memory_bytes: machine::memory_bytes().unwrap_or(0),
            window,
        }
    }
}

/// How far a run came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// It goes on: the process that records it lives.
    Running,
    /// The process that recorded it is gone, and the run has no end.
    Interrupted,
    /// Somebody stopped it, or its halt did.
    Stopped,
    /// It came to its end; whether all tasks succeeded is in the counts.
    Finished,
}

impl RunState {
    /// The word for it in lists and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Interrupted => "interrupted",
            Self::Stopped => "stopped",
            Self::Finished => "finished",
        }
    }
}

/// A run in the list of runs.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRow {
    /// The number that names it, never given to another run.
    pub id: i64,
    /// The job's name, or its command line.
    pub name: String,
    /// How far it came.
    pub state: RunState,
    /// How it was run.
    pub mode: Mode,
    /// The pool's size at the start.
    pub workers: u32,
    /// Tasks of the run.
    pub tasks: u64,
    /// Wall clock at the start, in milliseconds since 1970-01-01 UTC.
    pub started_unix_ms: u64,
    /// How long it took, or as far as is known, in nanoseconds.
    pub wall_ns: u64,
    /// How its tasks ended, as far as is known.
    pub counts: OutcomeCounts,
    /// Attempts that were followed by another.
    pub retries: u64,
    /// Attempts that could not be recorded, because the disk could not keep up.
    pub left_out: u64,
    /// The run that this one goes on with.
    pub continues: Option<i64>,
    /// What earlier runs have ended of its batch.
    pub earlier: Earlier,
    /// On what it went.
    pub environment: RunEnvironment,
    /// Room that it takes in the history, in bytes.
    pub bytes: u64,
    /// The same for all runs of the same job in the same folder; see [`job_key`].
    pub job_key: Vec<u8>,
    /// Where the job's working folder and its relative inputs are looked up.
    pub folder: PathBuf,
    /// What its record begins with.
    pub header: RecordHeader,
    /// The last event, where the run has one.
    pub summary: Option<Summary>,
}

const COLUMNS: &str = "id, name, mode, workers, tasks, started_unix_ms, last_ns, done, failed, timed_out, \
     cancelled, lost, retries, left_out, summary, environment, owner, continues, bytes, job_key, folder, header";

/// What tells a run of the same work from others: a hash of the folder and of all in a job that decides what its tasks do,
/// and nothing that only decides how they are run.
pub fn job_key(job: &Job, folder: &std::path::Path) -> Vec<u8> {
    use std::os::unix::ffi::OsStrExt;
    let work = Job {
        name: String::new(),
        description: String::new(),
        mode: Mode::default(),
        workers: None,
        timeout_secs: None,
        retries: 0,
        control: Control::default(),
        tagstring: None,
        order: Order::AsGiven,
        ..job.clone()
    };
    let mut hash = Sha256::new();
    hash.update(folder.as_os_str().as_bytes());
    hash.update([0]);
    match work.to_ron() {
        Ok(text) => hash.update(text),
        // What no text can hold still differs from most others.
        Err(_) => hash.update(work.task.title()),
    }
    hash.finalize()[..16].to_vec()
}

impl RunRow {
    pub(super) fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        use std::os::unix::ffi::OsStringExt;
        let number = |name: &str| row.get::<_, i64>(name).map(i64::unsigned_abs);
        let text = |name: &str| row.get::<_, String>(name);
        let summary: Option<Summary> =
            row.get::<_, Option<String>>("summary")?.and_then(|text| serde_json::from_str(&text).ok());
        let header: RecordHeader = serde_json::from_str(&text("header")?).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error))
        })?;
        let state = match &summary {
            Some(summary) if summary.stopped => RunState::Stopped,
            Some(_) => RunState::Finished,
            None if owner::lives(&text("owner")?) => RunState::Running,
            None => RunState::Interrupted,
        };
        let mode = text("mode")?;
        Ok(Self {
            id: row.get("id")?,
            name: text("name")?,
            state,
            mode: Mode::ALL.into_iter().find(|known| known.name() == mode).unwrap_or_default(),
            workers: u32::try_from(number("workers")?).unwrap_or(u32::MAX),
            tasks: number("tasks")?,
            started_unix_ms: number("started_unix_ms")?,
            wall_ns: match &summary {
                Some(summary) => summary.wall_ns,
                None => number("last_ns")?,
            },
            counts: OutcomeCounts {
                done: number("done")?,
                failed: number("failed")?,
                timed_out: number("timed_out")?,
                cancelled: number("cancelled")?,
                lost: number("lost")?,
            },
            retries: number("retries")?,
            left_out: number("left_out")?,
            continues: row.get("continues")?,
            earlier: header.earlier,
            environment: serde_json::from_str(&text("environment")?).unwrap_or_default(),
            bytes: number("bytes")?,
            job_key: row.get("job_key")?,
            folder: std::ffi::OsString::from_vec(row.get("folder")?).into(),
            header,
            summary,
        })
    }

    /// Whether there is something to go on with: it did not come to its end by itself, or not every task succeeded.
    pub fn has_rest(&self) -> bool {
        self.state != RunState::Running && self.counts.done < self.tasks
    }
}

/// One run.
pub(super) fn find(connection: &rusqlite::Connection, id: i64) -> rusqlite::Result<RunRow> {
    connection.query_row(&format!("SELECT {COLUMNS} FROM runs WHERE id = ?1"), [id], RunRow::of)
}

impl History {
    /// All runs, the newest first.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn runs(&self) -> Result<Vec<RunRow>, HistoryError> {
        let text = format!("SELECT {COLUMNS} FROM runs ORDER BY id DESC");
        let mut statement = self.connection.prepare(&text).map_err(|error| self.fault(error))?;
        let rows = statement.query_map([], RunRow::of).and_then(Iterator::collect);
        rows.map_err(|error| self.fault(error))
    }

    /// One run.
    ///
    /// # Errors
    /// When there is none of that number, or the history cannot be read.
    pub fn run(&self, id: i64) -> Result<RunRow, HistoryError> {
        match find(&self.connection, id) {
            Err(rusqlite::Error::QueryReturnedNoRows) => Err(HistoryError::NoRun { id }),
            found => found.map_err(|error| self.fault(error)),
        }
    }

    /// The number of the newest run.
    ///
    /// # Errors
    /// When there is none, or the history cannot be read.
    pub fn last(&self) -> Result<i64, HistoryError> {
        let newest = self.connection.query_row("SELECT max(id) FROM runs", [], |row| row.get::<_, Option<i64>>(0));
        newest.map_err(|error| self.fault(error))?.ok_or(HistoryError::Empty)
    }

    /// The runs of the same job in the same folder that came before a run, the newest first.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn earlier_runs(&self, run: &RunRow) -> Result<Vec<i64>, HistoryError> {
        let text = "SELECT id FROM runs WHERE job_key = ?1 AND id < ?2 ORDER BY id DESC";
        let mut statement = self.connection.prepare(text).map_err(|error| self.fault(error))?;
        let rows = statement.query_map((&run.job_key, run.id), |row| row.get(0)).and_then(Iterator::collect);
        rows.map_err(|error| self.fault(error))
    }

    /// The job of a run as it was run; `None` where it was too long to be kept.
    ///
    /// # Errors
    /// When there is no such run, or the history cannot be read.
    pub fn job(&self, id: i64) -> Result<Option<String>, HistoryError> {
        match self.connection.query_row("SELECT job FROM runs WHERE id = ?1", [id], |row| row.get(0)) {
            Err(rusqlite::Error::QueryReturnedNoRows) => Err(HistoryError::NoRun { id }),
            found => found.map_err(|error| self.fault(error)),
        }
    }

    /// Which tasks of the whole batch a run had, by their numbers; `None`: all.
    ///
    /// # Errors
    /// When there is no such run, or the history cannot be read.
    pub fn picked(&self, id: i64) -> Result<Option<Vec<u64>>, HistoryError> {
        let found = self.connection.query_row("SELECT picked FROM runs WHERE id = ?1", [id], |row| row.get(0));
        let bytes: Option<Vec<u8>> = match found {
            Err(rusqlite::Error::QueryReturnedNoRows) => return Err(HistoryError::NoRun { id }),
            found => found.map_err(|error| self.fault(error))?,
        };
        let unreadable = || HistoryError::Damaged { path: self.path.clone(), reason: format!("the tasks of run {id}") };
        bytes.map(|bytes| postcard::from_bytes(&bytes).map_err(|_| unreadable())).transpose()
    }
}
