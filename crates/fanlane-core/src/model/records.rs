//! The final record of each task and the attempts before it, in the order in which they came.
//!
//! Records are stored in blocks that never move, so adding one stays cheap after a million, and memory never doubles.
//! Sorting and filtering are left to the views.

use std::collections::{HashMap, HashSet};

use crate::event::{AttemptRecord, TaskId};

const BLOCK: usize = 1024;
const NONE: u32 = u32::MAX;
/// Number of tasks whose indices are in one piece of memory.
const MAX_DENSE: u64 = 1 << 26;

/// The attempts of a run.
#[derive(Clone, Debug, Default)]
pub struct Records {
    blocks: Vec<Vec<AttemptRecord>>,
    /// By task: the index of its final record, or [`NONE`].
    final_of: Vec<u32>,
    /// The same for tasks beyond [`MAX_DENSE`], which an order other than that of the numbers may begin with.
    far: HashMap<TaskId, u32>,
    /// All tasks without a record that no worker has are cancelled.
    rest_cancelled: bool,
    retried: HashMap<TaskId, Vec<AttemptRecord>>,
    generation: u32,
}

impl Records {
    /// Number of tasks that have their final record.
    pub fn len(&self) -> usize {
        self.blocks.last().map_or(0, |last| (self.blocks.len() - 1) * BLOCK + last.len())
    }

    /// No task has ended.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// The final record at `index`, in order of arrival, from 0.
    pub fn get(&self, index: usize) -> Option<&AttemptRecord> {
        self.blocks.get(index / BLOCK)?.get(index % BLOCK)
    }

    /// The final record of a task; `None` while it has not ended.
    pub fn of(&self, task: TaskId) -> Option<&AttemptRecord> {
        self.get(self.index_of(task)?)
    }

    /// The index of a task's final record.
    pub fn index_of(&self, task: TaskId) -> Option<usize> {
        if task.0 >= MAX_DENSE {
            return self.far.get(&task).map(|index| *index as usize);
        }
        let index = *self.final_of.get(usize::try_from(task.0).ok()?)?;
        (index != NONE).then_some(index as usize)
    }

    /// Whether a task that has no record and is not running was cancelled before it began.
    pub const fn is_rest_cancelled(&self) -> bool {
        self.rest_cancelled
    }

    /// All tasks that no worker has are cancelled, without records of their own.
    pub(super) const fn cancel_rest(&mut self) {
        self.rest_cancelled = true;
    }

    /// The attempts of a task that were followed by another, oldest first.
    pub fn retried(&self, task: TaskId) -> &[AttemptRecord] {
        self.retried.get(&task).map_or(&[], Vec::as_slice)
    }

    /// Final records from index `from` on, in order of arrival.
    pub fn iter_from(&self, from: usize) -> impl Iterator<Item = &AttemptRecord> {
        let skipped = self.blocks.get(from / BLOCK..).unwrap_or_default();
        skipped.iter().flatten().skip(from % BLOCK)
    }

    /// Adds the final record of a task of a batch with `tasks` tasks. A task beyond the batch, or one that already has
    /// its final record, is ignored: such an event stream is damaged.
    pub(super) fn push_final(&mut self, record: AttemptRecord, tasks: u64) {
        let Ok(task) = usize::try_from(record.task.0) else { return };
        if record.task.0 >= tasks || self.index_of(record.task).is_some() || self.len() >= NONE as usize {
            return;
        }
        let index = self.len() as u32;
        if record.task.0 >= MAX_DENSE {
            self.far.insert(record.task, index);
        } else {
            if self.final_of.len() <= task {
                self.final_of.resize(task + 1, NONE);
            }
            self.final_of[task] = index;
        }
        match self.blocks.last_mut() {
            Some(last) if last.len() < BLOCK => last.push(record),
            _ => {
                let mut block = Vec::with_capacity(BLOCK);
                block.push(record);
                self.blocks.push(block);
            }
        }
    }

    /// Adds an attempt that is followed by another.
    pub(super) fn push_retried(&mut self, record: AttemptRecord) {
        self.retried.entry(record.task).or_default().push(record);
    }

    /// Changes when indices no longer mean the records that they meant before.
    pub const fn generation(&self) -> u32 {
        self.generation
    }

    /// Makes the final records of tasks earlier attempts, which others follow. Returns them without outputs and values.
    pub(super) fn reopen(&mut self, tasks: &[TaskId]) -> Vec<AttemptRecord> {
        let tasks: HashSet<TaskId> = tasks.iter().copied().collect();
        let all = std::mem::take(&mut self.blocks);
        self.final_of.clear();
        self.far.clear();
        self.generation += 1;
        let mut removed = Vec::new();
        for record in all.into_iter().flatten() {
            if !tasks.contains(&record.task) {
                self.push_final(record, u64::MAX);
                continue;
            }
            removed.push(record.without_results());
            // One that was cancelled before any try is no attempt.
            if record.attempt > 0 {
                self.push_retried(record);
            }
        }
        removed
    }

    /// Memory taken by the records without outputs, values and messages, in bytes.
    pub fn memory_bytes(&self) -> usize {
        let retried: usize = self.retried.values().map(Vec::capacity).sum();
        (self.blocks.len() * BLOCK + retried) * size_of::<AttemptRecord>()
            + self.final_of.capacity() * size_of::<u32>()
            + self.far.capacity() * size_of::<(TaskId, u32)>()
            + self.retried.capacity() * size_of::<(TaskId, Vec<AttemptRecord>)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Outcome, WorkerId};

    fn record(task: u64, attempt: u32) -> AttemptRecord {
        AttemptRecord { wall_ns: task, ..AttemptRecord::new(TaskId(task), attempt, WorkerId(1), Outcome::Done) }
    }

    #[test]
    fn records_are_found_by_place_and_by_task() {
        let mut records = Records::default();
        for task in (0..3000).rev() {
            records.push_final(record(task, 1), 3000);
        }
        assert_eq!(records.len(), 3000);
        assert_eq!(records.get(0).expect("the first").task, TaskId(2999));
        assert_eq!(records.of(TaskId(2999)).expect("ended").wall_ns, 2999);
        assert_eq!(records.index_of(TaskId(0)), Some(2999));
        assert_eq!(records.iter_from(2998).map(|record| record.task.0).collect::<Vec<_>>(), [1, 0]);
        assert_eq!(records.iter_from(3000).count(), 0);
        assert_eq!(records.iter_from(9000).count(), 0);
    }

    #[test]
    fn a_second_final_record_and_a_task_beyond_the_batch_are_left_out() {
        let mut records = Records::default();
        records.push_final(record(0, 1), 2);
        records.push_final(record(0, 2), 2);
        records.push_final(record(u64::MAX, 1), 2);
        assert_eq!(records.len(), 1);
        records.push_final(record(1 << 40, 1), 1 << 41);
        assert_eq!(records.of(TaskId(1 << 40)).map(|record| record.attempt), Some(1));
        assert!(records.memory_bytes() < 1 << 20, "a far task takes no room for those before it");
        assert_eq!(records.of(TaskId(0)).expect("ended").attempt, 1);
        assert_eq!(records.of(TaskId(u64::MAX)), None);
    }

    #[test]
    fn a_million_tasks_take_less_than_200_bytes_each() {
        let mut records = Records::default();
        let tasks = 200_000;
        for task in 0..tasks {
            records.push_final(record(task, 1), tasks);
        }
        assert!(records.memory_bytes() < tasks as usize * 160, "{} bytes", records.memory_bytes());
    }
}
