//! What a run keeps beside its report: files that are opened before the first task starts, and its record in the history.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};

use super::job_log::{log_path, open_log};
use super::resume::{LogState, Rest};
use crate::cli::plan::Plan;
use crate::cli::report::Keepers;
use crate::cli::terminal::remark;
use fanlane_core::job::Batch;
use fanlane_core::model::Earlier;
use fanlane_core::store::history::{self, HistoryError, HistoryRecorder, RecordedRun};
use fanlane_core::store::joblog::JobLog;
use fanlane_core::store::junit::JUnitReport;
use fanlane_core::store::record::{RECORD_VERSION, RecordHeader, RecordWriter};
use fanlane_core::store::results_folder::ResultsFolder;
use fanlane_core::store::results_table::{ResultsTable, TableFormat};
use fanlane_os::owned_folder;
use fanlane_os::process_id::ProcessId;

/// What a run keeps.
#[derive(Clone, Debug)]
pub struct Keep {
    /// The name of a job log, a line for each task.
    pub joblog: Option<PathBuf>,
    /// A folder or a table for the output of each task.
    pub results: Option<PathBuf>,
    /// A file for all events.
    pub record: Option<PathBuf>,
    /// A file for a report in the XML of JUnit.
    pub junit: Option<PathBuf>,
    /// The folder for results is a new one among temporary files, and stays.
    pub in_temporary_files: bool,
    /// Whether the run is recorded in the history.
    pub history: bool,
}

impl Default for Keep {
    fn default() -> Self {
        Self { joblog: None, results: None, record: None, junit: None, in_temporary_files: false, history: true }
    }
}

impl Keep {
    /// Opens the files and folders.
    ///
    /// # Errors
    /// When one of them cannot be made.
    pub fn open(&self, batch: &Batch, rest: Option<&Rest>) -> Result<Keepers> {
        self.check_apart()?;
        let mut keepers = Keepers::default();
        if let Some(path) = &self.joblog {
            let log = match rest.and_then(|rest| rest.log) {
                Some(LogState { whole_bytes, read_bytes }) => JobLog::resume(log_path(path), whole_bytes, read_bytes),
                None => open_log(path),
            };
            let log = log.with_context(|| format!("the job log {} cannot be written", path.display()))?;
            keepers.job_log = Some(log);
        }
        let temporary = if self.in_temporary_files && self.results.is_none() {
            let made = tempfile::Builder::new().prefix("fanlane-").tempdir();
            Some(made.context("no folder can be made for the outputs; --tmpdir names another place")?.keep())
        } else {
            None
        };
        if let Some(path) = self.results.as_ref().or(temporary.as_ref()) {
            let unusable = || format!("the results cannot be kept in {}", path.display());
            match TableFormat::of_path(path) {
                Some(_) if self.in_temporary_files => {
                    bail!(
                        "--files prints the path of a file for each task, and {} is one table of all; give --results a folder",
                        path.display()
                    )
                }
                Some(format) => {
                    let open = if rest.is_some() { ResultsTable::resume } else { ResultsTable::create };
                    let table = open(path, format, batch.columns().len());
                    keepers.table = Some(table.with_context(unusable)?);
                }
                None => keepers.results = Some(ResultsFolder::open(path, batch.columns()).with_context(unusable)?),
            }
        }
        if let Some(path) = &self.junit {
            let report = JUnitReport::create(path, batch.job().display_name());
            keepers.junit = Some(report.with_context(|| format!("the report {} cannot be written", path.display()))?);
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

    /// Refuses one file for two things that are kept.
    fn check_apart(&self) -> Result<()> {
        let named = [
            ("--joblog", &self.joblog),
            ("--results", &self.results),
            ("--record", &self.record),
            ("--junit", &self.junit),
        ];
        let place = |path: &Path| path.canonicalize().or_else(|_| std::path::absolute(path)).ok();
        let places: Vec<_> =
            named.into_iter().filter_map(|(flag, path)| Some((flag, place(path.as_deref()?)?))).collect();
        for (index, (flag, path)) in places.iter().enumerate() {
            if let Some((other, _)) = places[..index].iter().find(|(_, before)| before == path) {
                bail!("{other} and {flag} both name {}; give each a file of its own", path.display());
            }
        }
        Ok(())
    }

    /// The folder of the history; `None`: the run is not recorded.
    ///
    /// # Errors
    /// When there is no place for it.
    pub fn history_folder(&self) -> Result<Option<PathBuf>, HistoryError> {
        if !self.history || history::is_switched_off() {
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

/// What the names of folders for long streams begin with.
const SPILL_PREFIX: &str = ".fanlane-output-";

/// Removes the folders that killed runs have left in `place`: where a run and all of its workers are killed at once, nothing
/// else does.
pub fn remove_abandoned(place: &Path) {
    // One that cannot be removed does no harm.
    let _ = owned_folder::sweep(place, SPILL_PREFIX);
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
        // Where its owner cannot be named it is not removed for it.
        let start =
            owned_folder::name_start(SPILL_PREFIX, ProcessId::own()).unwrap_or_else(|_| SPILL_PREFIX.to_owned());
        Ok(Self(folder.join(format!("{start}-{number:016x}"))))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_a_killed_run_has_left_is_removed_by_the_next_and_no_other() {
        let place = tempfile::tempdir().expect("a folder");
        let live = SpillFolder::new(Some(place.path())).expect("a name");
        let folder = |name: &str| {
            let path = place.path().join(name);
            std::fs::create_dir_all(&path).expect("made");
            std::fs::write(path.join("file"), "").expect("written");
            path
        };
        std::fs::create_dir(live.path()).expect("made");
        let me = ProcessId::own();
        // This process has another start, so that was an earlier one with its number.
        let before = ProcessId::from_word(me.as_word() + (1 << 32)).expect("an id");
        let start = owned_folder::name_start(SPILL_PREFIX, before).expect("it is known");
        let namespace = fanlane_os::process_tree::pid_namespace(std::process::id()).expect("it is known");
        let dead = folder(&format!("{start}-0"));
        let kept = [
            folder(&format!("{SPILL_PREFIX}{:x}-{:x}-0", namespace + 1, before.as_word())),
            folder(&format!("{SPILL_PREFIX}0123456789abcdef")),
            folder(&format!("{SPILL_PREFIX}x-y-z")),
            folder("other"),
            live.path().to_owned(),
        ];
        remove_abandoned(place.path());
        assert!(!dead.exists() && kept.iter().all(|path| path.exists()), "{dead:?} {kept:?}");
        drop(live);
        assert!(!kept[4].exists());
    }
}
