//! What earlier runs leave to be done of a batch: which tasks have ended and how, according to the history or another
//! source, and whether they are tasks of this batch at all.

use std::collections::{HashMap, HashSet};

use bstr::{BString, ByteSlice};

use super::history::{History, HistoryError};
use super::joblog::on_one_line;
use super::record::TaskWords;
use crate::event::{OutcomeClass, TaskId};
use crate::job::{Batch, MAX_WORKERS};
use crate::model::Earlier;

/// Maximum length of a command in an error, in bytes.
const COMMAND_BYTES: usize = 200;

/// How a task ended in earlier runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EarlierOutcome {
    /// It succeeded in at least one of them.
    Done,
    /// It did not succeed.
    Failed,
    /// It ended with an unknown outcome.
    Unknown,
}

/// The tasks that earlier runs have ended, by their ids in the whole batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndedTasks {
    outcomes: HashMap<TaskId, EarlierOutcome>,
    /// The tasks of the first of these runs; `None`: the whole batch.
    wanted: Option<HashSet<TaskId>>,
}

/// The history is not of this batch, or cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemainingError {
    /// A task had another command in the earlier run.
    #[error(
        "run {run} ran another command as task {number}: {then:?} then, {now:?} now; its job or its inputs have changed"
    )]
    Changed {
        /// The run.
        run: i64,
        /// The task's number.
        number: u64,
        /// Its earlier command.
        then: BString,
        /// Its present command.
        now: BString,
    },
    /// The earlier run had more tasks.
    #[error("run {run} had a task {number}, but there are only {tasks} tasks now; its job or its inputs have changed")]
    Shorter {
        /// The run.
        run: i64,
        /// The task's number.
        number: u64,
        /// The present number of tasks.
        tasks: u64,
    },
    /// The history cannot be read.
    #[error(transparent)]
    History(#[from] HistoryError),
}

impl EndedTasks {
    /// Notes that a task has ended. A task that was done once stays done.
    pub fn note(&mut self, task: TaskId, outcome: EarlierOutcome) {
        let known = self.outcomes.entry(task).or_insert(outcome);
        if outcome == EarlierOutcome::Done {
            *known = outcome;
        }
    }

    /// Forgets failed tasks, so that they are done again.
    pub fn forget_failed(&mut self) {
        self.outcomes.retain(|_, outcome| *outcome != EarlierOutcome::Failed);
    }

    /// How a task ended; `None` if it did not.
    pub fn outcome(&self, task: TaskId) -> Option<EarlierOutcome> {
        self.outcomes.get(&task).copied()
    }

    /// Number of ended tasks by outcome.
    pub fn counts(&self) -> Earlier {
        let mut earlier = Earlier::default();
        for outcome in self.outcomes.values() {
            *match outcome {
                EarlierOutcome::Done => &mut earlier.done,
                EarlierOutcome::Failed => &mut earlier.failed,
                EarlierOutcome::Unknown => &mut earlier.ended,
            } += 1;
        }
        earlier
    }

    /// The remaining tasks of a batch, in its order, and the number of tasks that are left out because a direct or
    /// indirect dependency has failed and is not repeated.
    pub fn left(&self, batch: &Batch) -> (Vec<TaskId>, u64) {
        let blocked = self.blocked(batch);
        let is_wanted = |task: &TaskId| self.wanted.as_ref().is_none_or(|wanted| wanted.contains(task));
        let is_left = |task: &TaskId| is_wanted(task) && !self.outcomes.contains_key(task) && !blocked.contains(task);
        ((0..batch.len()).map(TaskId).filter(is_left).collect(), blocked.len() as u64)
    }

    fn blocked(&self, batch: &Batch) -> HashSet<TaskId> {
        let mut waiting: HashMap<TaskId, Vec<TaskId>> = HashMap::new();
        for (task, before) in batch.dependencies() {
            for one in before {
                waiting.entry(*one).or_default().push(*task);
            }
        }
        let mut blocked = HashSet::new();
        let failed = self.outcomes.iter().filter(|(_, outcome)| **outcome == EarlierOutcome::Failed);
        let mut next: Vec<TaskId> = failed.map(|(task, _)| *task).collect();
        while let Some(task) = next.pop() {
            for one in waiting.remove(&task).unwrap_or_default() {
                if !self.outcomes.contains_key(&one) && blocked.insert(one) {
                    next.push(one);
                }
            }
        }
        blocked
    }

    /// The tasks of the whole batch `batch` that a run in the history, and the runs that it resumed, have ended.
    ///
    /// # Errors
    /// When their tasks are not those of this batch, or the history cannot be read.
    pub fn in_history(history: &History, run: i64, batch: &Batch) -> Result<Self, RemainingError> {
        let chain = history.chain(run)?;
        Self::in_runs(history, chain.first().id, chain.runs().iter().rev().map(|run| run.id), batch)
    }

    /// The tasks that a run in the history, the runs that it resumed, and all that have resumed any of these have ended.
    ///
    /// # Errors
    /// As [`EndedTasks::in_history`].
    pub fn in_chain_and_later(history: &History, run: i64, batch: &Batch) -> Result<Self, RemainingError> {
        let first = history.chain(run)?.first().id;
        Self::in_runs(history, first, history.resumed_by(first)?, batch)
    }

    fn in_runs(
        history: &History,
        first: i64,
        runs: impl IntoIterator<Item = i64>,
        batch: &Batch,
    ) -> Result<Self, RemainingError> {
        let picked = history.picked(first)?;
        let wanted = picked.map(|numbers| numbers.iter().map(|number| TaskId(number.saturating_sub(1))).collect());
        let mut ended = Self { outcomes: HashMap::new(), wanted };
        for run in runs {
            history.each_ended(run, |words, record| {
                check(run, batch, words)?;
                let is_done = record.outcome.class() == OutcomeClass::Done;
                ended.note(
                    TaskId(words.number() - 1),
                    if is_done { EarlierOutcome::Done } else { EarlierOutcome::Failed },
                );
                Ok::<_, RemainingError>(())
            })?;
        }
        Ok(ended)
    }
}

/// Checks that a recorded task is one of this batch: comparing numbers alone would mix up two batches unnoticed.
fn check(run: i64, batch: &Batch, words: &TaskWords) -> Result<(), RemainingError> {
    let (number, tasks) = (words.number(), batch.len());
    if number == 0 || number > tasks {
        return Err(RemainingError::Shorter { run, number, tasks });
    }
    let then: Vec<u8> = words.command.0.iter().copied().map(on_one_line).collect();
    let task = TaskId(number - 1);
    let has_same_input = || {
        let now = batch.values(task);
        now.len() == words.input.len() && now.iter().zip(&words.input).all(|(now, then)| now.as_bytes() == then.0)
    };
    if is_same_command(batch, task, &then) && has_same_input() {
        return Ok(());
    }
    let shown = |command: &[u8]| BString::from(&command[..command.len().min(COMMAND_BYTES)]);
    Err(RemainingError::Changed {
        run,
        number,
        then: shown(&words.command.0),
        now: shown(&command_on_one_line(batch, task, 1)),
    })
}

/// Whether a task runs this command in any lane; line ends are NUL bytes in it.
///
/// # Panics
/// When there is no such task.
pub fn is_same_command(batch: &Batch, task: TaskId, command: &[u8]) -> bool {
    let slots = if batch.uses_slot() { MAX_WORKERS } else { 1 };
    (1..=slots).any(|slot| command_on_one_line(batch, task, slot) == command)
}

/// The command of a task in a lane, with NUL bytes for line ends, as in logs.
///
/// # Panics
/// When there is no such task.
pub fn command_on_one_line(batch: &Batch, task: TaskId, slot: u32) -> Vec<u8> {
    let mut line = Vec::new();
    batch.command_into(task, slot, &mut line);
    for byte in &mut line {
        *byte = on_one_line(*byte);
    }
    line
}
