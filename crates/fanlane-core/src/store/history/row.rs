//! A run in the list of runs: what is known without reading its events.

use std::path::PathBuf;
use std::time::Duration;

use fanlane_os::clock::unix_ms;
use fanlane_os::machine;

use rusqlite::Row;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{History, HistoryError, owner};
use crate::event::{InterpreterFacts, OutcomeCounts, Summary};
use crate::job::{Control, Job, Mode, Order};
use crate::model::Earlier;
use crate::store::record::RecordHeader;

/// The machine and the program that a run ran on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunEnvironment {
    /// The version of Fanlane.
    pub version: String,
    /// The machine's name.
    pub host: String,
    /// The system and its version.
    pub system: String,
    /// Logical cores that the process could use.
    pub cores: u32,
    /// Memory of the machine, in bytes; 0 if unknown.
    pub memory_bytes: u64,
    /// The run was started from the window.
    pub window: bool,
    /// The interpreter of a Python function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interpreter: Option<InterpreterFacts>,
}

impl RunEnvironment {
    /// The environment of this process.
    pub(super) fn this(window: bool) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            host: machine::host_name(),
            system: machine::system(),
            cores: machine::cores(),
            memory_bytes: machine::memory_bytes().unwrap_or(0),
            window,
            interpreter: None,
        }
    }
}

/// Since a run on another machine has last recorded something, up to which it counts as going on. While it does, measurements are
/// recorded every second.
const MAX_SILENCE_ELSEWHERE: Duration = Duration::from_secs(60);

/// The state of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// The process that records it is alive, or, on another machine, has recorded something lately.
    Running,
    /// The process that recorded it has ended before the run did.
    Interrupted,
    /// It was stopped, by the user or by its halt condition.
    Stopped,
    /// It ended on its own; the counts tell whether all tasks succeeded.
    Finished,
}

impl RunState {
    /// Its name in lists and in JSON.
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
#[non_exhaustive]
pub struct RunRow {
    /// Its number, never reused for another run.
    pub id: i64,
    /// The job's name, or its command line.
    pub name: String,
    /// Its state.
    pub state: RunState,
    /// How it was run.
    pub mode: Mode,
    /// The pool's size at the start.
    pub workers: u32,
    /// Number of tasks.
    pub tasks: u64,
    /// Wall clock at the start, in milliseconds since 1970-01-01 UTC.
    pub started_unix_ms: u64,
    /// How long it took, as far as is known, in nanoseconds.
    pub wall_ns: u64,
    /// Its tasks by outcome, as far as is known.
    pub counts: OutcomeCounts,
    /// Attempts that were followed by another.
    pub retries: u64,
    /// Attempts that could not be recorded, because the disk could not keep up.
    pub left_out: u64,
    /// The run that this one resumes.
    pub continues: Option<i64>,
    /// The run whose task started this one; 0 if that one is not recorded.
    pub parent: Option<i64>,
    /// The tasks of its batch that earlier runs have ended.
    pub earlier: Earlier,
    /// The machine and the program that it ran on.
    pub environment: RunEnvironment,
    /// Its size in the history, in bytes.
    pub bytes: u64,
    /// Equal for all runs of the same job in the same folder; see [`job_key`].
    pub job_key: Vec<u8>,
    /// The folder that the job's relative paths start from.
    pub folder: PathBuf,
    /// The header of its record.
    pub header: RecordHeader,
    /// The totals at its end, if it has one.
    pub summary: Option<Summary>,
}

impl RunRow {
    /// Number of tasks of its batch, with those that earlier runs have ended.
    pub const fn batch_tasks(&self) -> u64 {
        self.tasks.saturating_add(self.earlier.total())
    }

    /// Number of tasks of its batch that are done, as far as is known, with those of earlier runs.
    pub const fn batch_done(&self) -> u64 {
        self.counts.done.saturating_add(self.earlier.done)
    }
}

const COLUMNS: &str = "id, name, mode, workers, tasks, started_unix_ms, last_ns, done, failed, timed_out, \
     cancelled, lost, retries, left_out, summary, environment, owner, continues, bytes, job_key, folder, header, \
     parent";

/// The identity of a run's work: a hash of the folder and of everything in a job that decides what its tasks do,
/// without what only decides how they are run.
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
        // A job that cannot be written as text is told apart by its title.
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
        let environment: RunEnvironment = serde_json::from_str(&text("environment")?).unwrap_or_default();
        let started_unix_ms = number("started_unix_ms")?;
        let last_ns = number("last_ns")?;
        let state = match &summary {
            Some(summary) if summary.stopped => RunState::Stopped,
            Some(_) => RunState::Finished,
            None if owner::lives(&text("owner")?) => RunState::Running,
            None if goes_on_elsewhere(&environment.host, started_unix_ms, last_ns) => RunState::Running,
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
            started_unix_ms,
            wall_ns: summary.as_ref().map_or(last_ns, |summary| summary.wall_ns),
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
            parent: row.get("parent")?,
            earlier: header.earlier,
            environment,
            bytes: number("bytes")?,
            job_key: row.get("job_key")?,
            folder: std::ffi::OsString::from_vec(row.get("folder")?).into(),
            header,
            summary,
        })
    }
}

/// Whether a run of another machine, with which this one shares the history's folder, has recorded something lately. Its process
/// cannot be looked for here.
fn goes_on_elsewhere(host: &str, started_unix_ms: u64, last_ns: u64) -> bool {
    if host.is_empty() || host == machine::host_name() {
        return false;
    }
    let silent_ms = unix_ms().saturating_sub(started_unix_ms.saturating_add(last_ns / 1_000_000));
    u128::from(silent_ms) < MAX_SILENCE_ELSEWHERE.as_millis()
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
    /// When there is no such run, or the history cannot be read.
    pub fn run(&self, id: i64) -> Result<RunRow, HistoryError> {
        self.found(id, find(&self.connection, id))
    }

    fn found<T>(&self, id: i64, found: rusqlite::Result<T>) -> Result<T, HistoryError> {
        match found {
            Err(rusqlite::Error::QueryReturnedNoRows) => Err(HistoryError::NoRun { id }),
            found => found.map_err(|error| self.fault(error)),
        }
    }

    /// The number of the newest run that no task of another run started, and that had a task or still may get one; where there is no
    /// such run, of the newest.
    ///
    /// # Errors
    /// When there is none, or the history cannot be read.
    pub fn last(&self) -> Result<i64, HistoryError> {
        let text = "SELECT coalesce(max(id) FILTER (WHERE tasks > 0 OR summary IS NULL), max(id)) FROM runs WHERE parent IS NULL";
        let newest = self.connection.query_row(text, [], |row| row.get::<_, Option<i64>>(0));
        newest.map_err(|error| self.fault(error))?.ok_or(HistoryError::Empty)
    }

    /// A run and all that resume it, directly or indirectly, the oldest first.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn resumed_by(&self, id: i64) -> Result<Vec<i64>, HistoryError> {
        let text = "WITH RECURSIVE family(id) AS (VALUES (?1) UNION SELECT runs.id FROM runs JOIN family ON continues = family.id)
            SELECT id FROM family ORDER BY id";
        let mut statement = self.connection.prepare(text).map_err(|error| self.fault(error))?;
        let rows = statement.query_map([id], |row| row.get(0)).and_then(Iterator::collect);
        rows.map_err(|error| self.fault(error))
    }

    /// Earlier runs of the same job in the same folder, the newest first.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn earlier_runs(&self, run: &RunRow) -> Result<Vec<i64>, HistoryError> {
        let text = "SELECT id FROM runs WHERE job_key = ?1 AND id < ?2 ORDER BY id DESC";
        let mut statement = self.connection.prepare(text).map_err(|error| self.fault(error))?;
        let rows = statement.query_map((&run.job_key, run.id), |row| row.get(0)).and_then(Iterator::collect);
        rows.map_err(|error| self.fault(error))
    }

    /// The job of a run as a job file; `None` if it was too long to be kept.
    ///
    /// # Errors
    /// When there is no such run, or the history cannot be read.
    pub fn job(&self, id: i64) -> Result<Option<String>, HistoryError> {
        self.found(id, self.connection.query_row("SELECT job FROM runs WHERE id = ?1", [id], |row| row.get(0)))
    }

    /// The numbers of the tasks of the whole batch that a run had; `None`: all.
    ///
    /// # Errors
    /// When there is no such run, or the history cannot be read.
    pub fn picked(&self, id: i64) -> Result<Option<Vec<u64>>, HistoryError> {
        let found = self.connection.query_row("SELECT picked FROM runs WHERE id = ?1", [id], |row| row.get(0));
        let bytes: Option<Vec<u8>> = self.found(id, found)?;
        let unreadable = || HistoryError::Damaged { path: self.path.clone(), reason: format!("the tasks of run {id}") };
        bytes.map(|bytes| postcard::from_bytes(&bytes).map_err(|_| unreadable())).transpose()
    }
}
