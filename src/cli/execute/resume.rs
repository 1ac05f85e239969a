//! Resuming: which tasks ended in earlier runs, by a job log, a results folder or the history, and what is left of the batch.
//! Nothing is written here.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use bstr::ByteSlice;

use crate::cli::report::{Tasks, printable};
use crate::cli::run_name::RunName;
use crate::cli::terminal::remark;
use fanlane_core::event::TaskId;
use fanlane_core::job::Batch;
use fanlane_core::model::Earlier;
use fanlane_core::store::history::RunState;
use fanlane_core::store::joblog::earlier::{LogLine, LogReader};
use fanlane_core::store::remaining::{EarlierOutcome, EndedTasks, command_on_one_line, is_same_command};
use fanlane_core::store::results_folder::ResultsFolder;

/// How much of a command an error shows, in characters.
const COMMAND_CHARS: usize = 200;

/// What earlier runs mean for this one.
#[derive(Clone, Copy, Debug)]
pub struct Rest {
    /// The numbers of tasks that ended in them.
    pub earlier: Earlier,
    /// Number of tasks left out because a task that they wait for failed earlier.
    pub blocked: u64,
    /// The job log as it was read.
    pub log: Option<LogState>,
    /// The run of the history that is resumed.
    pub continues: Option<i64>,
}

/// The length of a job log when it was read.
#[derive(Clone, Copy, Debug)]
pub struct LogState {
    /// Its whole lines, in bytes.
    pub whole_bytes: u64,
    /// All of it, in bytes.
    pub read_bytes: u64,
}

/// What a run resumes.
#[derive(Clone, Debug)]
pub struct Resume {
    /// Where it stands which tasks have ended.
    pub source: ResumeSource,
    /// Tasks that failed run again.
    pub failed_again: bool,
}

/// Where it stands which tasks have ended.
#[derive(Clone, Debug)]
pub enum ResumeSource {
    /// In a job log.
    JobLog {
        /// Its path.
        path: PathBuf,
        /// Commands are not compared.
        by_number: bool,
    },
    /// In a results folder.
    Results(PathBuf),
    /// In the history.
    History(RunName),
}

impl Resume {
    /// Reduces a batch to the tasks that are left.
    ///
    /// # Errors
    /// When the source cannot be read or belongs to another batch.
    pub fn rest(&self, batch: &Batch) -> Result<(Batch, Rest)> {
        let (mut ended, log, continues) = match &self.source {
            ResumeSource::JobLog { path, by_number } => {
                let read = from_log(path, batch, *by_number);
                let (ended, log) = read.with_context(|| format!("the job log {} cannot be resumed", path.display()))?;
                (ended, log, None)
            }
            ResumeSource::Results(path) => {
                let read = from_results(path, batch);
                (read.with_context(|| format!("the results in {} cannot be resumed", path.display()))?, None, None)
            }
            ResumeSource::History(name) => {
                let (ended, run) = from_history(*name, batch)?;
                (ended, None, Some(run))
            }
        };
        if self.failed_again {
            ended.forget_failed();
        }
        let (left, blocked) = ended.left(batch);
        Ok((batch.rest(&left), Rest { earlier: ended.counts(), blocked, log, continues }))
    }
}

fn from_history(name: RunName, batch: &Batch) -> Result<(EndedTasks, i64)> {
    let (history, named) = name.find()?;
    let newest = history.resumed_by(named.id)?.last().copied().unwrap_or(named.id);
    if newest != named.id {
        remark(&format!("run {newest} has resumed run {} already, so this goes on behind run {newest}", named.id));
    }
    let row = history.run(newest)?;
    ensure!(row.state != RunState::Running, "run {} is still running; wait for its end, or stop it", row.id);
    if row.left_out > 0 {
        let (id, count) = (row.id, row.left_out);
        remark(&format!("{count} attempts of run {id} could not be recorded, so their tasks run again"));
    }
    let ended = EndedTasks::in_chain_and_later(&history, row.id, batch).context("the run cannot be resumed")?;
    Ok((ended, row.id))
}

fn from_log(path: &Path, batch: &Batch, by_number: bool) -> Result<(EndedTasks, Option<LogState>)> {
    let mut ended = EndedTasks::default();
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok((ended, Some(LogState { whole_bytes: 0, read_bytes: 0 })));
        }
        Err(error) => return Err(error.into()),
    };
    let mut reader = LogReader::new(BufReader::new(file));
    while let Some(line) = reader.next_line()? {
        let task = TaskId(line.number - 1);
        if !by_number {
            refuse_another_batch(&line, batch)?;
        }
        if task.0 >= batch.len() {
            continue;
        }
        ended.note(task, if line.succeeded { EarlierOutcome::Done } else { EarlierOutcome::Failed });
    }
    Ok((ended, Some(LogState { whole_bytes: reader.whole_bytes(), read_bytes: reader.read_bytes() })))
}

/// Numbers alone would silently mix up the tasks of two batches.
fn refuse_another_batch(line: &LogLine, batch: &Batch) -> Result<()> {
    const WAYS_OUT: &str = "give the command and the inputs of the earlier runs, name another log, or add \
                            --resume-by-number to go by task numbers alone, as GNU parallel does";
    let LogLine { line, number, command, .. } = line;
    if *number > batch.len() {
        let count = batch.len();
        bail!("its line {line} is of task {number}, but there are only {count} tasks now; {WAYS_OUT}");
    }
    let task = TaskId(number - 1);
    if is_same_command(batch, task, command) {
        return Ok(());
    }
    let shown = |command: &[u8]| printable(&command.to_str_lossy().replace('\0', "\n"), COMMAND_CHARS);
    bail!(
        "its line {line} is of another command for task {number}: '{}' then, '{}' now; {WAYS_OUT}",
        shown(command),
        shown(&command_on_one_line(batch, task, 1))
    )
}

fn from_results(path: &Path, batch: &Batch) -> Result<EndedTasks> {
    let mut ended = EndedTasks::default();
    if !path.exists() {
        return Ok(ended);
    }
    let folder = ResultsFolder::open(path, batch.columns())?;
    for task in (0..batch.len()).map(TaskId) {
        let values = batch.input(task);
        let number = batch.number(task);
        let has_ended = match folder.ended(&values, None)? {
            Some(found) if found == number => true,
            // The values are the same: it is this task under another number, unless a task with that number has them too.
            Some(found) if found > batch.len() || batch.input(TaskId(found.saturating_sub(1))) != values => true,
            _ => folder.ended(&values, Some(number))?.is_some(),
        };
        if has_ended {
            ended.note(task, EarlierOutcome::Unknown);
        }
    }
    Ok(ended)
}
