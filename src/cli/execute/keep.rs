//! What a run keeps beside its report: files that are opened before the first task starts, and its record in the history.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};

use super::job_log::{log_path, open_log};
use super::resume::{LogState, Rest};
use crate::cli::plan::Plan;
use crate::cli::report::Keepers;
use crate::cli::terminal::remark;
use fanlane_core::job::Batch;
use fanlane_core::model::Earlier;
use fanlane_core::store::history::{self, HistoryError, HistoryRecorder, RecordedRun};
use fanlane_core::store::joblog::JobLog;
use fanlane_core::store::record::{RECORD_VERSION, RecordHeader, RecordWriter};
use fanlane_core::store::results_folder::ResultsFolder;
use fanlane_core::store::results_table::{ResultsTable, TableFormat};

/// What a run keeps.
#[derive(Clone, Debug)]
pub struct Keep {
    /// The name of a job log, a line for each task.
    pub joblog: Option<PathBuf>,
    /// A folder or a table for the output of each task.
    pub results: Option<PathBuf>,
    /// A file for all events.
    pub record: Option<PathBuf>,
    /// Whether the run is recorded in the history.
    pub history: bool,
}

impl Default for Keep {
    fn default() -> Self {
        Self { joblog: None, results: None, record: None, history: true }
    }
}

impl Keep {
    /// Opens the files and folders.
    ///
    /// # Errors
    /// When one of them cannot be made.
    pub fn open(&self, batch: &Batch, rest: Option<&Rest>) -> Result<Keepers> {
        let mut keepers = Keepers::default();
        if let Some(path) = &self.joblog {
            let log = match rest.and_then(|rest| rest.log) {
                Some(LogState { whole_bytes, read_bytes }) => JobLog::resume(log_path(path), whole_bytes, read_bytes),
                None => open_log(path),
            };
            let log = log.with_context(|| format!("the job log {} cannot be written", path.display()))?;
            keepers.job_log = Some(log);
        }
        if let Some(path) = &self.results {
            let unusable = || format!("the results cannot be kept in {}", path.display());
            match TableFormat::of_path(path) {
                Some(format) => {
                    let open = if rest.is_some() { ResultsTable::resume } else { ResultsTable::create };
                    let table = open(path, format, batch.columns().len());
                    keepers.table = Some(table.with_context(unusable)?);
                }
                None => keepers.results = Some(ResultsFolder::open(path, batch.columns()).with_context(unusable)?),
            }
        }
        if let Some(path) = &self.record {
            let header = RecordHeader {
                fanlane_record: RECORD_VERSION,
                kind: batch.kind(),
                columns: batch.columns().to_vec(),
                earlier: rest.map_or_else(Earlier::default, |rest| rest.earlier),
            };
            let recorder = RecordWriter::create(path, &header);
            keepers.recorder =
                Some(recorder.with_context(|| format!("the record {} cannot be written", path.display()))?);
        }
        Ok(keepers)
    }

    /// The folder of the history; `None`: the run is not recorded.
    ///
    /// # Errors
    /// When there is no place for it.
    pub fn history_folder(&self) -> Result<Option<PathBuf>, HistoryError> {
        let is_unwanted = std::env::var_os("FANLANE_NO_HISTORY").is_some_and(|value| !value.is_empty());
        if !self.history || is_unwanted {
            return Ok(None);
        }
        history::default_folder().map(Some)
    }

    /// Begins the record of a run in the history. `None`: it is not wanted, or there is no place for it, which is reported.
    pub fn record_in_history(&self, plan: &Plan, batch: &Arc<Batch>, rest: Option<&Rest>) -> Option<HistoryRecorder> {
        let folder = match self.history_folder() {
            Ok(folder) => folder?,
            Err(error) => {
                remark(&format!("the run is not recorded in the history: {error}"));
                return None;
            }
        };
        let run = RecordedRun {
            batch: Arc::clone(batch),
            job: plan.job.clone(),
            folder: plan.absolute_folder(),
            continues: rest.and_then(|rest| rest.continues),
            earlier: rest.map_or_else(Earlier::default, |rest| rest.earlier),
            window: false,
        };
        Some(HistoryRecorder::start(folder, run))
    }
}

/// The folder for streams that are too long for memory: beside the results, if those are kept, so that files are moved there
/// by renaming; otherwise among the temporary files. It is made by the first worker that needs it, and removed on drop.
#[derive(Debug)]
pub struct SpillFolder(PathBuf);

impl SpillFolder {
    /// Chooses a name that cannot be guessed, so that the folder cannot have been put there for us.
    ///
    /// # Errors
    /// When the current folder is gone, from which a relative path is looked up.
    pub fn new(results: Option<&Path>) -> io::Result<Self> {
        let folder = std::path::absolute(results.map_or_else(std::env::temp_dir, Path::to_owned))?;
        let number = RandomState::new().hash_one(std::process::id());
        Ok(Self(folder.join(format!(".fanlane-output-{number:016x}"))))
    }

    /// Where it is, if it was needed.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for SpillFolder {
    fn drop(&mut self) {
        // It is not there unless an output was long.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
