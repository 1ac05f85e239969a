//! The values and commands of tasks that follow from their job: they are not stored with each attempt, but worked out when
//! the run is read.

use std::path::Path;

use super::{History, HistoryError};
use crate::event::TaskId;
use crate::job::lossless::Bytes;
use crate::job::{Batch, Input, Job};
use crate::store::record::TaskWords;

/// Maximum number of values in the job itself, so that its file is short enough to be kept.
const MAX_LISTED: usize = 10_000;

/// Whether the tasks' values and commands follow from the job alone. That is so for calls whose inputs are in the job: the
/// name of what is called and the values are all that there is to say of them.
pub(super) fn follow_from(job: &Job) -> bool {
    let is_here = |input: &Input| match input {
        Input::Range(..) => true,
        Input::List(values) => {
            values.len() <= MAX_LISTED && values.iter().map(String::len).sum::<usize>() <= MAX_LISTED * 64
        }
        _ => false,
    };
    // A parameter may name a file, which has its place in the working folder.
    job.task.callee().is_some() && job.parameters.is_empty() && job.inputs.iter().all(is_here)
}

/// Describes the tasks of a run from its job, which is read when the first of them is asked for.
#[derive(Debug, Default)]
pub(super) struct TaskDescriber(Option<Option<Batch>>);

impl TaskDescriber {
    /// Adds values and command; the words stay without them if the job cannot be read.
    pub(super) fn describe(&mut self, history: &History, run: i64, words: &mut TaskWords) {
        let Some(batch) = self.0.get_or_insert_with(|| open(history, run).ok().flatten()) else { return };
        let task = TaskId(words.number().wrapping_sub(1));
        if task.0 < batch.len() {
            words.input = batch.values(task).iter().map(|value| Bytes(value.to_vec())).collect();
            batch.command_into(task, 1, &mut words.command.0);
        }
    }
}

fn open(history: &History, run: i64) -> Result<Option<Batch>, HistoryError> {
    let job = history.job(run)?.and_then(|text| Job::parse(&text).ok());
    // The inputs are in the job, and calls run in no folder.
    let open = |job: Job| Batch::open(&Job { working_dir: None, ..job }, Path::new("/"), &mut std::io::empty()).ok();
    Ok(job.and_then(open))
}
