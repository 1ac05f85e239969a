//! The flags about what a run keeps beside what it prints, and how its lines are tagged; and the files that they name,
//! opened before the first task begins.

use std::ffi::OsStr;
use std::fs::Permissions;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Args;
use tempfile::TempDir;

use super::plan::Plan;
use super::report::Keepers;
use super::resume::{LogState, Rest};
use crate::job::{Batch, escapes};
use crate::model::Earlier;
use crate::store::history::{self, About, HistoryError, HistoryRecorder};
use crate::store::joblog::{Before, JobLog};
use crate::store::record::{RECORD_VERSION, RecordHeader, Recorder};
use crate::store::results_folder::ResultsFolder;
use crate::store::results_table::{ResultsTable, TableFormat};

/// What a run keeps, and how its lines are tagged.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Keeping results")]
pub struct KeepArgs {
    /// Write a line for each task that has ended: when, how long, how it ended, its command; +FILE adds to the file
    #[arg(long, value_name = "FILE")]
    pub joblog: Option<PathBuf>,
    /// Keep what each task prints in files below DIR, or as rows of a file that ends in .csv, .tsv or .jsonl
    #[arg(long, value_name = "DIR")]
    pub results: Option<PathBuf>,
    /// Leave out the tasks that the job log says have ended, or the results folder where there is no log
    #[arg(long)]
    pub resume: bool,
    /// Leave out the tasks that the job log says are done; those that failed run again
    #[arg(long)]
    pub resume_failed: bool,
    /// Resume also where the job log has other commands: go by the tasks' numbers alone, as GNU parallel does
    #[arg(long)]
    pub resume_by_number: bool,
    /// Leave out the tasks that a run of the history has ended, by its number or last; fanlane history lists the runs
    #[arg(long, value_name = "RUN")]
    pub resume_run: Option<String>,
    /// Do not record this run in the history; FANLANE_NO_HISTORY=1 in the environment does the same
    #[arg(long)]
    pub no_history: bool,
    /// Record all that happens, for fanlane export; the file is overwritten
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Begin each line of output with the task's input and a tab
    #[arg(long)]
    pub tag: bool,
    /// Begin each line of output with this text, which may hold replacement strings and \n \t \0 \xNN, and a tab
    #[arg(long, alias = "tag-string", value_name = "TEXT", value_parser = escapes::unescape)]
    pub tagstring: Option<String>,
}

impl KeepArgs {
    /// What each line of output shall begin with, as a template.
    pub fn tagstring(&self) -> Option<&str> {
        self.tagstring.as_deref().or_else(|| self.tag.then_some("{}"))
    }

    /// Opens what the flags name.
    ///
    /// # Errors
    /// When one of the files or folders cannot be made.
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
            let recorder = Recorder::create(path, &header);
            keepers.recorder =
                Some(recorder.with_context(|| format!("the record {} cannot be written", path.display()))?);
        }
        Ok(keepers)
    }
}

/// The folder of the history; `None` where nobody wants a run recorded.
///
/// # Errors
/// When there is no place for it.
pub fn history_folder(args: &KeepArgs) -> Result<Option<PathBuf>, HistoryError> {
    let is_unwanted = std::env::var_os("FANLANE_NO_HISTORY").is_some_and(|value| !value.is_empty());
    if args.no_history || is_unwanted {
        return Ok(None);
    }
    history::default_folder().map(Some)
}

/// Begins the record of a run in the history, unless nobody wants it or there is no place for it.
pub fn history(args: &KeepArgs, plan: &Plan, batch: &Arc<Batch>, rest: Option<&Rest>) -> Option<HistoryRecorder> {
    let folder = match history_folder(args) {
        Ok(folder) => folder?,
        Err(error) => {
            super::remark(&format!("the run is not recorded in the history: {error}"));
            return None;
        }
    };
    let about = About {
        batch: Arc::clone(batch),
        job: plan.job.clone(),
        folder: std::path::absolute(&plan.folder).unwrap_or_else(|_| plan.folder.clone()),
        continues: rest.and_then(|rest| rest.continues),
        earlier: rest.map_or_else(Earlier::default, |rest| rest.earlier),
        window: false,
    };
    Some(HistoryRecorder::start(folder, about))
}

/// The folder for streams that are too long for memory: beside the results, if those are kept, because there they only
/// change their name; otherwise among the temporary files. It is gone when this is dropped.
///
/// # Errors
/// When it cannot be made.
pub fn spill_folder(results: Option<&Path>) -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".fanlane-output-").permissions(Permissions::from_mode(0o700));
    let folder = std::path::absolute(results.map_or_else(std::env::temp_dir, Path::to_owned))?;
    builder.tempdir_in(folder)
}

/// `+` before the name and `-` for standard output are parallel's.
fn open_log(path: &Path) -> io::Result<JobLog> {
    if path == Path::new("-") {
        let stdout = std::fs::File::from(io::stdout().as_fd().try_clone_to_owned()?);
        return JobLog::to_writer(Box::new(stdout));
    }
    match log_path(path) {
        added_to if added_to != path => JobLog::open(added_to, Before::Append),
        path => JobLog::open(path, Before::Overwrite),
    }
}

/// The file that a job log's name means.
pub fn log_path(name: &Path) -> &Path {
    match name.as_os_str().as_bytes().strip_prefix(b"+") {
        Some(path) => Path::new(OsStr::from_bytes(path)),
        None => name,
    }
}
