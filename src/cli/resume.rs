//! `--resume` and `--resume-failed`: which tasks earlier runs have ended, by the job log or by the results folder, and
//! what is left of the batch. Nothing is written here.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use bstr::{BString, ByteSlice};

use super::keep_args::{KeepArgs, log_path};
use super::report::{Tasks, printable};
use crate::event::TaskId;
use crate::job::{Batch, MAX_WORKERS};
use crate::model::Earlier;
use crate::store::joblog::earlier::{LogLine, LogReader};
use crate::store::joblog::on_one_line;
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
}

/// How long a job log was when it was read.
#[derive(Clone, Copy, Debug)]
pub struct LogState {
    /// Its whole lines, in bytes.
    pub whole_bytes: u64,
    /// All of it, in bytes.
    pub read_bytes: u64,
}

/// How the tasks that have ended did so, by their ids.
type Ended = HashMap<TaskId, How>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Done,
    Failed,
    Unknown,
}

/// Works out what is left of the batch; all of it where nobody asked for that.
///
/// # Errors
/// When there is nothing to go by, or what there is belongs to another batch.
pub fn rest(args: &KeepArgs, batch: Batch) -> Result<(Batch, Option<Rest>)> {
    if !args.resume && !args.resume_failed {
        ensure!(!args.resume_by_number, "--resume-by-number has no meaning without --resume or --resume-failed");
        return Ok((batch, None));
    }
    let (mut ended, log) = match (&args.joblog, &args.results) {
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
        (None, None) => bail!("--resume and --resume-failed need --joblog FILE or --results DIR, to see what was done"),
    };
    if args.resume_failed {
        ended.retain(|_, how| *how != How::Failed);
    }
    let blocked = blocked(&batch, &ended);
    let mut earlier = Earlier::default();
    for how in ended.values() {
        *match how {
            How::Done => &mut earlier.done,
            How::Failed => &mut earlier.failed,
            How::Unknown => &mut earlier.ended,
        } += 1;
    }
    let is_left = |task: &TaskId| !ended.contains_key(task) && !blocked.contains(task);
    let left: Vec<TaskId> = (0..batch.len()).map(TaskId).filter(is_left).collect();
    Ok((batch.rest(&left), Some(Rest { earlier, blocked: blocked.len() as u64, log })))
}

fn from_log(path: &Path, batch: &Batch, by_number: bool) -> Result<(Ended, Option<LogState>)> {
    let mut ended = Ended::new();
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
        // As in parallel: once done is done, whatever a later line says.
        let how = ended.entry(task).or_insert(How::Failed);
        if line.succeeded {
            *how = How::Done;
        }
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
    let now = |slot| -> BString {
        let line = batch.command_line(TaskId(number - 1), slot);
        line.iter().copied().map(on_one_line).collect::<Vec<u8>>().into()
    };
    let slots = if batch.uses_slot() { MAX_WORKERS } else { 1 };
    if (1..=slots).any(|slot| now(slot) == *command) {
        return Ok(());
    }
    let shown = |command: &[u8]| printable(&command.to_str_lossy().replace('\0', "\n"), COMMAND_CHARS);
    bail!(
        "its line {line} is of another command for task {number}: '{}' then, '{}' now; {WAYS_OUT}",
        shown(command),
        shown(&now(1))
    )
}

fn from_results(path: &Path, batch: &Batch) -> Result<Ended> {
    let mut ended = Ended::new();
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
            ended.insert(task, How::Unknown);
        }
    }
    Ok(ended)
}

/// The tasks that wait for one that failed and is not tried again, however far behind it.
fn blocked(batch: &Batch, ended: &Ended) -> HashSet<TaskId> {
    let mut waiting: HashMap<TaskId, Vec<TaskId>> = HashMap::new();
    for (task, before) in batch.dependencies() {
        for one in before {
            waiting.entry(*one).or_default().push(*task);
        }
    }
    let mut blocked = HashSet::new();
    let mut next: Vec<TaskId> = ended.iter().filter(|(_, how)| **how == How::Failed).map(|(task, _)| *task).collect();
    while let Some(task) = next.pop() {
        for one in waiting.remove(&task).unwrap_or_default() {
            if !ended.contains_key(&one) && blocked.insert(one) {
                next.push(one);
            }
        }
    }
    blocked
}
