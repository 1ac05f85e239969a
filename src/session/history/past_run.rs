//! A run of the history as the window shows it: its events folded as those of a current run, and its tasks. If its job and
//! inputs are unchanged, it can be run again; otherwise its tasks are only those of the record.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use bstr::BString;

use fanlane_core::event::TaskId;
use fanlane_core::job::{Batch, Input, Job, TaskKind, TaskTemplate};
use fanlane_core::model::{Earlier, RunModel};
use fanlane_core::store::history::{History, HistoryError, RunChain, RunRow, longest_first};
use fanlane_core::store::record::{RecordLine, TaskWords};
use fanlane_core::store::remaining::EndedTasks;

/// A run that was read from the history.
pub struct PastRun {
    /// Its row in the list.
    pub row: RunRow,
    /// The tasks that were left out by the first of the runs that it resumes.
    pub earlier: Earlier,
    /// Its job; if unknown, one with its command lines only.
    pub job: Job,
    /// Its tasks.
    pub batch: Arc<Batch>,
    /// Its events, folded.
    pub model: RunModel,
    /// The remaining tasks, if it can be run again; otherwise why not.
    pub rest: Result<Arc<Batch>, String>,
    /// Number of damaged parts of its record, which are missing.
    pub damaged: u64,
}

impl PastRun {
    /// Reads a run, with those that it resumes as one batch.
    ///
    /// # Errors
    /// When it does not exist, or the history cannot be read.
    pub fn read(folder: &Path, id: i64) -> Result<Self, HistoryError> {
        let history = History::existing(folder)?.ok_or(HistoryError::Empty)?;
        let chain = history.chain(id)?;
        let row = chain.newest().clone();
        let mut model = RunModel::default();
        let damaged = history.events_of_chain(&chain, |event| model.take(event))?;
        let picked = history.picked(chain.first().id)?;
        let job = match history.job(id)? {
            Some(text) => Job::parse(&text).map_err(|error| format!("Its job cannot be read: {error}")),
            None => Err("Its job was too long to be kept.".to_owned()),
        };
        let again = job.as_ref().map_err(Clone::clone).and_then(|job| {
            let whole = reopen(job, &row.folder, folder)?;
            let ended = EndedTasks::in_chain_and_later(&history, id, &whole)
                .map_err(|error| format!("It cannot be run again: {error}."))?;
            let batch = pick(&whole, picked.as_deref()).ok_or("Its batch is shorter than it was.")?;
            let rest = whole.rest(&ended.left(&whole).0);
            Ok((batch, rest))
        });
        let (job, batch, rest) = match again {
            Ok((batch, rest)) => (job.unwrap_or_default(), batch, Ok(Arc::new(rest))),
            Err(why) => {
                let (job, batch) = as_recorded(&history, &chain, job.ok(), picked.as_deref())?;
                (job, batch, Err(why))
            }
        };
        let earlier = chain.first().earlier;
        Ok(Self { row, earlier, job, batch: Arc::new(batch), model, rest, damaged })
    }
}

fn reopen(job: &Job, folder: &Path, history: &Path) -> Result<Batch, String> {
    if let Some(obstacle) = job.task.obstacle() {
        return Err(format!("It cannot be run again: {obstacle}."));
    }
    if job.reads_stdin() {
        return Err("It read its inputs from standard input, so it can only be run again in a terminal.".to_owned());
    }
    let batch = Batch::open(job, folder, &mut std::io::empty());
    let batch = batch.map_err(|error| format!("It cannot be run again: {error}."))?;
    let ordered = longest_first(batch, Some(history));
    ordered.map(|(batch, _)| batch).map_err(|error| format!("It cannot be run again: {error}."))
}

fn pick(whole: &Batch, picked: Option<&[u64]>) -> Option<Batch> {
    let Some(numbers) = picked else { return Some(whole.rest(&(0..whole.len()).map(TaskId).collect::<Vec<_>>())) };
    let is_there = |number: &u64| (1..=whole.len()).contains(number);
    let tasks: Vec<TaskId> = numbers.iter().map(|number| TaskId(number.wrapping_sub(1))).collect();
    numbers.iter().all(is_there).then(|| whole.only(&tasks))
}

/// The tasks with their recorded command lines or arguments, blank if they had not ended.
fn as_recorded(
    history: &History,
    chain: &RunChain,
    job: Option<Job>,
    picked: Option<&[u64]>,
) -> Result<(Job, Batch), HistoryError> {
    let mut words: HashMap<u64, TaskWords> = HashMap::new();
    for line in history.lines_of_chain(chain)? {
        if let RecordLine::Tasks(tasks) = line? {
            words.extend(tasks.into_iter().map(|task| (task.number(), task)));
        }
    }
    let known = job.clone().unwrap_or_default();
    // A call of a function is shown as it was recorded: its arguments are no text.
    let has_lines = known.task.kind() != TaskKind::Workload;
    let last = picked.map_or(chain.tasks(), |numbers| numbers.iter().copied().max().unwrap_or(0));
    let line = |number: u64| -> BString {
        let Some(task) = words.get(&number) else { return BString::default() };
        if has_lines {
            task.command.0.clone().into()
        } else {
            bstr::join(" ", task.input.iter().map(|value| &value.0)).into()
        }
    };
    let shown = Job {
        name: chain.newest().name.clone(),
        task: if has_lines { TaskTemplate::Command("{}".to_owned()) } else { known.task.clone() },
        inputs: vec![Input::Bytes((1..=last).map(line).collect())],
        ..Job::default()
    };
    let whole = Batch::open(&shown, Path::new("/"), &mut std::io::empty());
    let whole = whole.map_err(|error| HistoryError::Damaged {
        path: history.path().to_owned(),
        reason: format!("the tasks of run {} cannot be shown: {error}", chain.newest().id),
    })?;
    let batch = pick(&whole, picked).unwrap_or(whole);
    Ok((job.unwrap_or(shown), batch))
}
