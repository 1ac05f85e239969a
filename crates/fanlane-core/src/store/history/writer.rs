//! The thread that writes the blocks of a run's recorder, in a transaction at most every half second, or as soon as there
//! is much. The first one is written as soon as the run has begun, before any of its tasks: what is killed at once is in
//! the history. What is written survives a kill, and a power failure once it is synced, which is done at most half a second
//! later, so that no task waits for the disk. A transaction that fails is repeated together with what was added since; the
//! failure is reported once and never affects the run.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::OptionalExtension;

use super::attempt::Before;
use super::pending::{PendingRun, PendingState, RecordedRun};
use super::row::{RunEnvironment, job_key};
use super::{History, HistoryError, Salvage, block, owner, sync};
use crate::engine::{GateKeeper, WORKER_MARKER};
use crate::event::{InterpreterFacts, OutcomeCounts, RunHeader, Summary};
use crate::store::record::{RECORD_VERSION, RecordHeader};

/// Maximum delay before events are written, and before what was written is synced, apart from the time that it takes.
const COMMIT_INTERVAL: Duration = Duration::from_millis(500);
/// The same for samples alone.
const SAMPLE_INTERVAL: Duration = Duration::from_secs(10);
/// Number of bytes that are written without delay, so that little is left to write at the end of a run.
pub(super) const COMMIT_BYTES: usize = 1 << 20;
/// Delay before a failed transaction is repeated.
const RETRY_INTERVAL: Duration = Duration::from_secs(3);
/// Maximum length of a job file that is kept, in bytes; a run without it can be shown, but not repeated.
const JOB_BYTES: usize = crate::job::file::MAX_FILE_BYTES as usize;

/// The columns that one transaction writes.
struct Turn {
    header: RunHeader,
    interpreter: Option<InterpreterFacts>,
    counts: OutcomeCounts,
    retries: u64,
    last_ns: u64,
    left_out: u64,
    summary: Option<Summary>,
    /// Nothing comes after it.
    is_last: bool,
}

/// A run in an open history.
struct Written {
    history: History,
    /// Its number; `None` before the first transaction.
    id: Option<i64>,
    next_place: i64,
    /// When all that was written was on the disk; before that, when the run was first written.
    synced_at: Instant,
    is_synced: bool,
    /// Its end is on the disk.
    is_complete: bool,
}

/// Writes until the run ends. Dropping `gate` lets its tasks begin: it is dropped when the run is in the history, or
/// cannot be.
pub(super) fn write_until_end(shared: &PendingRun, run: &RecordedRun, folder: &Path, gate: GateKeeper) {
    // Opened while the run prepares to start. A failure is found again, and reported, when something is written.
    let opened = History::open_whole(folder).ok();
    let mut written = opened.map(Written::new);
    let mut gate = Some(gate);
    let mut blocks: Vec<Vec<u8>> = Vec::new();
    let mut is_reported = false;
    let mut is_failing = false;
    loop {
        let sync_due = written.as_ref().and_then(Written::sync_due);
        let (turn, ended) = take(shared, &mut blocks, is_failing, sync_due);
        let Some(turn) = turn else {
            // The run never began.
            return;
        };
        let is_complete = blocks.is_empty() && written.as_ref().is_some_and(|written| written.is_complete);
        let outcome = if is_complete { Ok(()) } else { write_turn(&mut written, run, folder, &turn, &blocks, shared) };
        drop(gate.take());
        is_failing = outcome.is_err();
        match outcome {
            Ok(()) => {
                let bytes: usize = blocks.drain(..).map(|block| block.len()).sum();
                shared.state().waiting_bytes -= bytes;
            }
            Err(error) => {
                // A connection that has failed is not used again.
                if let Some(written) = written.take_if(|written| written.id.is_none()) {
                    drop(written);
                }
                let goes_on = error.is_passing() && !ended;
                if !std::mem::replace(&mut is_reported, true) {
                    let what = if goes_on {
                        "the run continues, but for now it is not recorded"
                    } else {
                        "the run is not, or not completely, recorded"
                    };
                    shared.state().messages.push(format!("{what}: {error}"));
                }
                if !goes_on {
                    let mut state = shared.state();
                    state.given_up = true;
                    state.full = Vec::new();
                    state.current = Vec::new();
                    return;
                }
            }
        }
        if ended && !is_failing {
            let left_out = shared.state().left_out;
            if left_out > 0 {
                let line = format!("the disk could not keep up: {left_out} attempts are missing from the history");
                shared.state().messages.push(line);
            }
            return;
        }
    }
}

/// Waits until something is due to be written, or to be synced, and takes it. `None` if the run ended before its first
/// event.
fn take(
    shared: &PendingRun,
    blocks: &mut Vec<Vec<u8>>,
    is_failing: bool,
    sync_due: Option<Instant>,
) -> (Option<Turn>, bool) {
    let mut state = shared.state();
    while !state.ended && (state.header.is_none() || (state.waiting_bytes == 0 && !is_failing && sync_due.is_none())) {
        state = shared.wake.wait(state).unwrap_or_else(std::sync::PoisonError::into_inner);
    }
    let begun = Instant::now();
    while !state.ended {
        let is_much = state.gathered_bytes() >= COMMIT_BYTES;
        let wait = match (is_failing, state.is_pressing) {
            (true, _) => RETRY_INTERVAL,
            (false, _) if state.id.is_none() || state.summary.is_some() || is_much => Duration::ZERO,
            (false, true) => COMMIT_INTERVAL,
            (false, false) => SAMPLE_INTERVAL,
        };
        let due = begun + wait;
        let due = sync_due.filter(|_| !is_failing).map_or(due, |sync_due| sync_due.min(due));
        let left = due.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        state = shared.wake.wait_timeout(state, left).unwrap_or_else(std::sync::PoisonError::into_inner).0;
    }
    let PendingState {
        header,
        interpreter,
        current,
        before,
        full,
        counts,
        retries,
        last_ns,
        left_out,
        summary,
        ended,
        is_pressing,
        ..
    } = &mut *state;
    *is_pressing = false;
    blocks.append(full);
    if !current.is_empty() {
        blocks.push(std::mem::take(current));
        *before = Before::default();
    }
    let turn = header.clone().map(|header| Turn {
        header,
        interpreter: interpreter.clone(),
        counts: *counts,
        retries: *retries,
        last_ns: *last_ns,
        left_out: *left_out,
        summary: summary.clone(),
        is_last: *ended || summary.is_some(),
    });
    (turn, *ended)
}

/// Writes one transaction; a history that is damaged or whose file was removed is replaced by a new one.
fn write_turn(
    written: &mut Option<Written>,
    run: &RecordedRun,
    folder: &Path,
    turn: &Turn,
    blocks: &[Vec<u8>],
    shared: &PendingRun,
) -> Result<(), HistoryError> {
    let mut salvage: Option<Salvage> = None;
    // The file was removed or set aside by another process.
    let mut before = written.take_if(|written| !written.history.is_in_place()).map(|gone| (gone.id, gone.next_place));
    for is_last_try in [false, true] {
        let open = match written {
            Some(open) => open,
            None => {
                let (mut history, moved) = History::open(folder)?;
                salvage = salvage.or(moved);
                shared.state().messages.extend(history.remark.take());
                written.insert(Written::go_on(history, before.take(), turn))
            }
        };
        match open.write(run, turn, blocks) {
            Err(HistoryError::Damaged { .. }) if !is_last_try => {
                let damaged = written.take().expect("it was just written to");
                before = Some((damaged.id, damaged.next_place));
                salvage = damaged.history.renew()?.or(salvage);
            }
            outcome => {
                let id = open.id;
                let mut state = shared.state();
                state.id = id;
                state.messages.extend(salvage.map(|salvage| salvage.sentence()));
                return outcome;
            }
        }
    }
    Ok(())
}

impl Written {
    /// A run that is not in the history yet.
    fn new(history: History) -> Self {
        Self { history, id: None, next_place: 0, synced_at: Instant::now(), is_synced: true, is_complete: false }
    }

    /// A run in a history that was just opened. What was stored `before` in a history that was set aside since may have
    /// been salvaged.
    fn go_on(history: History, before: Option<(Option<i64>, i64)>, turn: &Turn) -> Self {
        let mut written = Self::new(history);
        let is_it = |id: &i64| {
            let text = "SELECT 1 FROM runs WHERE id = ?1 AND owner = ?2 AND started_unix_ms = ?3";
            let words = (id, owner::this(), signed(turn.header.started_unix_ms));
            written.history.connection.query_row(text, words, |_| Ok(())).is_ok()
        };
        if let Some((Some(id), next_place)) = before.filter(|(id, _)| id.as_ref().is_some_and(is_it)) {
            (written.id, written.next_place) = (Some(id), next_place);
        }
        written
    }

    /// When what was written is to be synced; `None` if it is.
    fn sync_due(&self) -> Option<Instant> {
        (!self.is_synced).then(|| self.synced_at + COMMIT_INTERVAL)
    }

    fn write(&mut self, run: &RecordedRun, turn: &Turn, blocks: &[Vec<u8>]) -> Result<(), HistoryError> {
        let path = self.history.path.clone();
        let fault = |error| HistoryError::of(&path, error);
        // The row of the run waits for no sync, and neither does each part of what comes in fast.
        let syncs = turn.is_last || (self.id.is_some() && self.synced_at.elapsed() >= COMMIT_INTERVAL);
        if syncs && blocks.is_empty() {
            self.history.sync_log()?;
        }
        let change = if syncs { self.history.begin_synced() } else { self.history.begin_unsynced() };
        let change = change.map_err(fault)?;
        let id = match self.id {
            Some(id) => id,
            None => insert_run(&change, run, turn).map_err(fault)?,
        };
        let mut place = self.next_place;
        {
            let mut insert = change
                .prepare("INSERT INTO blocks (run, place, checksum, bytes) VALUES (?1, ?2, ?3, ?4)")
                .map_err(fault)?;
            for block in blocks {
                insert.execute((id, place, block::checksum(block), block)).map_err(fault)?;
                place += 1;
            }
        }
        let bytes: usize = blocks.iter().map(Vec::len).sum();
        update_run(&change, id, run, turn, bytes).map_err(fault)?;
        change.commit().map_err(fault)?;
        // Where this connection is the last one, closing it moves the log to the file, which needs syncs. It is only a setting.
        let _ = sync::sync_commits(&self.history.connection);
        if syncs || self.id.is_none() {
            self.synced_at = Instant::now();
        }
        self.is_synced = syncs;
        self.is_complete = syncs && turn.summary.is_some();
        self.id = Some(id);
        self.next_place = place;
        Ok(())
    }
}

/// SQLite's integers are signed.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn insert_run(change: &rusqlite::Connection, run: &RecordedRun, turn: &Turn) -> rusqlite::Result<i64> {
    let batch = &run.batch;
    let header = RecordHeader {
        fanlane_record: RECORD_VERSION,
        kind: run.job.task.kind(),
        columns: batch.columns().to_vec(),
        earlier: run.earlier,
    };
    let job = run.job.to_ron().ok().filter(|text| text.len() <= JOB_BYTES);
    let picked = batch.is_part().then(|| {
        let numbers: Vec<u64> = (0..batch.len()).map(|task| batch.number(crate::event::TaskId(task))).collect();
        postcard::to_stdvec(&numbers).unwrap_or_default()
    });
    let json = |text: serde_json::Result<String>| {
        text.map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
    };
    change.execute(
        "INSERT INTO runs (name, job, job_key, folder, header, picked, mode, workers, tasks, started_unix_ms, environment, \
         owner, continues, bytes, parent) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        rusqlite::params![
            turn.header.name,
            job,
            job_key(&run.job, &run.folder),
            run.folder.as_os_str().as_bytes(),
            json(serde_json::to_string(&header))?,
            picked,
            turn.header.mode.name(),
            turn.header.workers,
            signed(turn.header.tasks),
            signed(turn.header.started_unix_ms),
            json(serde_json::to_string(&RunEnvironment::this(run.window)))?,
            owner::this(),
            run.continues,
            signed(job.as_ref().map_or(0, String::len) as u64),
            parent_of_this(change)?,
        ],
    )?;
    Ok(change.last_insert_rowid())
}

/// The run whose task started this process; 0 if that one is not recorded here, `None` if no task did.
fn parent_of_this(change: &rusqlite::Connection) -> rusqlite::Result<Option<i64>> {
    let Some(marker) = std::env::var(WORKER_MARKER).ok().filter(|marker| !marker.is_empty()) else { return Ok(None) };
    let Some(engine) = owner::of_marker(&marker) else { return Ok(Some(0)) };
    // A window may have had several runs; the one that goes on has no end yet.
    let text = "SELECT id FROM runs WHERE owner = ?1 ORDER BY summary IS NULL DESC, id DESC LIMIT 1";
    Ok(Some(change.query_row(text, [engine], |row| row.get(0)).optional()?.unwrap_or(0)))
}

fn update_run(
    change: &rusqlite::Connection,
    id: i64,
    run: &RecordedRun,
    turn: &Turn,
    bytes: usize,
) -> rusqlite::Result<()> {
    let environment = turn.interpreter.as_ref().and_then(|facts| {
        let environment = RunEnvironment { interpreter: Some(facts.clone()), ..RunEnvironment::this(run.window) };
        serde_json::to_string(&environment).ok()
    });
    let summary = turn.summary.as_ref().and_then(|summary| serde_json::to_string(summary).ok());
    let OutcomeCounts { done, failed, timed_out, cancelled, lost } = turn.counts;
    let [done, failed, timed_out, cancelled, lost, retries, last_ns, left_out] =
        [done, failed, timed_out, cancelled, lost, turn.retries, turn.last_ns, turn.left_out].map(signed);
    let mut update = change.prepare(
        "UPDATE runs SET done = ?2, failed = ?3, timed_out = ?4, cancelled = ?5, lost = ?6, retries = ?7, last_ns = ?8, \
         left_out = ?9, summary = ?10, bytes = bytes + ?11, tasks = ?12, environment = coalesce(?13, environment) WHERE id = ?1",
    )?;
    update.execute(rusqlite::params![
        id,
        done,
        failed,
        timed_out,
        cancelled,
        lost,
        retries,
        last_ns,
        left_out,
        summary,
        bytes as i64,
        signed(turn.header.tasks),
        environment
    ])?;
    Ok(())
}
