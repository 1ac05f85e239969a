//! Which tasks of a batch are run, before resuming leaves some out.

use anyhow::{Context, Result, bail, ensure};

use crate::cli::run_name::RunName;
use fanlane_core::event::TaskId;
use fanlane_core::job::Batch;
use fanlane_core::store::remaining::{EarlierOutcome, EndedTasks};

/// Which tasks of a batch are run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Selection {
    /// All.
    #[default]
    All,
    /// Those that did not succeed in a run of the history.
    FailedOf(i64),
    /// Those with these numbers.
    Numbers(Vec<u64>),
}

impl Selection {
    /// Reduces a batch to the selected tasks.
    ///
    /// # Errors
    /// When a number has no task, none is selected, or the run of the history has other tasks.
    pub fn pick(&self, batch: Batch) -> Result<Batch> {
        let tasks: Vec<TaskId> = match self {
            Self::All => return Ok(batch),
            Self::FailedOf(run) => {
                let (history, row) = RunName::Number(*run).find()?;
                let ended = EndedTasks::in_history(&history, row.id, &batch).context("the run cannot be run again")?;
                (0..batch.len())
                    .map(TaskId)
                    .filter(|task| ended.outcome(*task) == Some(EarlierOutcome::Failed))
                    .collect()
            }
            Self::Numbers(numbers) => {
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
        ensure!(!tasks.is_empty(), "no task of that run has failed, so there is nothing to run again");
        Ok(batch.rest(&tasks))
    }
}
