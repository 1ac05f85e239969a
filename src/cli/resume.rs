//! `--resume`, `--resume-failed` and `--resume-run`: which tasks earlier runs have ended, by the job log, by the results
//! folder or by the history, and what is left of the batch. Nothing is written here.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use bstr::ByteSlice;

use super::history;
use super::keep_args::{KeepArgs, log_path};
use super::report::{Tasks, printable};
use super::run::Which;
use crate::event::TaskId;
use crate::job::Batch;
use crate::model::Earlier;
use crate::store::history::RunState;
use crate::store::joblog::earlier::{LogLine, LogReader};
use crate::store::remaining::{Ended, How, command_on_one_line, is_same_command};
use crate::store::results_folder::ResultsFolder;
use crate::store::results_table::TableFormat;

/// How much of a command an error shows, in characters.
const COMMAND_CHARS: usize = 200;

/// What the runs before mean for this one.
#[derive(Clone, Copy, Debug)]
pub struct Rest {
    /// How many tasks they have ended.
    pub earlier: Earlier,
    /// How many are left out because one that they wait for has failed earlier.
    pub blocked: u64,
    /// The log as it was read.
    pub log: Option<LogState>,
    /// The run in the history that is gone on with.
    pub continues: Option<i64>,
}

/// How long a job log was when it was read.
#[derive(Clone, Copy, Debug)]
pub struct LogState {
    /// Its whole lines, in bytes.
    pub whole_bytes: u64,
    /// All of it, in bytes.
    pub read_bytes: u64,
}

/// Works out what is left of the batch; all of it where nobody asked for that.
///
/// # Errors
/// When there is nothing to go by, or what there is belongs to another batch.
pub fn rest(args: &KeepArgs, batch: Batch) -> Result<(Batch, Option<Rest>)> {
    if let Some(run) = &args.resume_run {
        ensure!(
            !args.resume,
            "--resume goes by a log or a folder and --resume-run by the history; leave one of them out"
        );
        ensure!(
            !args.resume_by_number,
            "--resume-by-number is about job logs; the history is gone by commands and inputs"
        );
        let (ended, run) = from_history(run, &batch)?;
        return Ok(rest_of(args, &batch, ended, None, Some(run)));
    }
    if !args.resume && !args.resume_failed {
        ensure!(!args.resume_by_number, "--resume-by-number has no meaning without --resume or --resume-failed");
        return Ok((batch, None));
    }
    let (ended, log) = match (&args.joblog, &args.results) {
        (Some(path), _) => {
            let path = log_path(path);
            ensure!(path != Path::new("-"), "a job log on standard output cannot be read; name a file, to resume");
            from_log(path, &batch, args.resume_by_number)
                .with_context(|| format!("the job log {} cannot be gone on with", path.display()))?
        }
        (None, Some(path)) if TableFormat::of_path(path).is_some() => {
            bail!("--resume goes by a job log or a results folder, not by a table; add --joblog FILE")
        }
        (None, Some(_)) if args.resume_failed => {
            bail!("a results folder does not say which tasks have failed; add --joblog FILE, or take --resume")
        }
        (None, Some(path)) => {
            let unusable = || format!("the results in {} cannot be gone on with", path.display());
            (from_results(path, &batch).with_context(unusable)?, None)
        }
        (None, None) => bail!(
            "--resume and --resume-failed need --joblog FILE or --results DIR, to see what was done; or take --resume-run RUN, \
             which goes by the history"
        ),
    };
    Ok(rest_of(args, &batch, ended, log, None))
}

/// The tasks of a batch that are wanted; all others are left out.
///
/// # Errors
/// When there is none of such a number, or the run that is gone by has other tasks.
pub fn pick(batch: Batch, which: &Which) -> Result<Batch> {
    let tasks: Vec<TaskId> = match which {
        Which::All => return Ok(batch),
        Which::FailedOf(run) => {
            let (history, row) = history::find(&run.to_string())?;
            let ended = Ended::in_history(&history, row.id, &batch).context("the run cannot be done again")?;
            (0..batch.len()).map(TaskId).filter(|task| ended.how(*task) == Some(How::Failed)).collect()
        }
        Which::Numbers(numbers) => {
            let mut numbers = numbers.clone();
            numbers.sort_unstable();
            numbers.dedup();
            let all = batch.len();
            if let Some(wrong) = numbers.iter().find(|number| **number == 0 || **number > all) {
                bail!("there is no task {wrong}; the run has the tasks 1 to {all}");
            }
            numbers.into_iter().map(|number| TaskId(number - 1)).collect()
        }
    };
    ensure!(!tasks.is_empty(), "no task of that run has failed, so there is nothing to do again");
    Ok(batch.rest(&tasks))
}

fn rest_of(
    args: &KeepArgs,
    batch: &Batch,
    mut ended: Ended,
    log: Option<LogState>,
    continues: Option<i64>,
) -> (Batch, Option<Rest>) {
    if args.resume_failed {
        ended.forget_failed();
    }
    let (left, blocked) = ended.left(batch);
    (batch.rest(&left), Some(Rest { earlier: ended.counts(), blocked, log, continues }))
}

fn from_history(name: &str, batch: &Batch) -> Result<(Ended, i64)> {
    let (history, run) = history::find(name)?;
    let row = history.run(run.id)?;
    ensure!(row.state != RunState::Running, "run {} still goes on; wait for its end, or end it", row.id);
    if row.left_out > 0 {
        let (id, count) = (row.id, row.left_out);
        super::remark(&format!("{count} attempts of run {id} could not be recorded, so their tasks run again"));
    }
    let ended = Ended::in_history(&history, row.id, batch).context("the run cannot be gone on with")?;
    Ok((ended, row.id))
}

fn from_log(path: &Path, batch: &Batch, by_number: bool) -> Result<(Ended, Option<LogState>)> {
    let mut ended = Ended::default();
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
        ended.note(task, if line.succeeded { How::Done } else { How::Failed });
    }
    Ok((ended, Some(LogState { whole_bytes: reader.whole_bytes(), read_bytes: reader.read_bytes() })))
}

/// Numbers alone would mix up the tasks of two batches, and nobody would see it.
fn refuse_another_batch(line: &LogLine, batch: &Batch) -> Result<()> {
    const WAYS_OUT: &str = "give the command and the inputs of the runs before, name another log, or add \
                            --resume-by-number to go by the tasks' numbers alone, as GNU parallel does";
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

fn from_results(path: &Path, batch: &Batch) -> Result<Ended> {
    let mut ended = Ended::default();
    if !path.exists() {
        return Ok(ended);
    }
    let folder = ResultsFolder::open(path, batch.columns())?;
    for task in (0..batch.len()).map(TaskId) {
        let values = batch.input(task);
        let number = batch.number(task);
        let has_ended = match folder.ended(&values, None)? {
            Some(found) if found == number => true,
            // The values are the same: it is this task's under another number, unless a task with that number has them.
            Some(found) if found > batch.len() || batch.input(TaskId(found.saturating_sub(1))) != values => true,
            _ => folder.ended(&values, Some(number))?.is_some(),
        };
        if has_ended {
            ended.note(task, How::Unknown);
        }
    }
    Ok(ended)
}
