//! How many tasks end, in which way, and how much memory the workers take, over the time of a run and in bounded memory.
//! Counts are summed where columns are merged, and of memory the peak is kept.

use std::ops::Range;

use crate::event::{Event, EventKind, OutcomeClass, OutcomeCounts, SampleEvent, TaskEvent};

/// Maximum number of columns; one more merges them in pairs.
pub const MAX_COLUMNS: usize = 1024;
/// Width of a column at first, in nanoseconds.
const FIRST_WIDTH_NS: u64 = 10_000_000;

/// The ended tasks and the memory of the workers over time.
#[derive(Clone, Debug)]
pub struct PoolHistory {
    width_ns: u64,
    columns: Vec<PoolColumn>,
    memory_bytes: Option<u64>,
}

/// What happened in one step of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolColumn {
    /// Tasks that ended.
    pub ended: OutcomeCounts,
    /// Peak memory of all workers with their child processes, in bytes; `None` where it was not measured.
    pub memory_bytes: Option<u64>,
}

impl Default for PoolHistory {
    fn default() -> Self {
        Self { width_ns: FIRST_WIDTH_NS, columns: Vec::new(), memory_bytes: None }
    }
}

impl PoolHistory {
    /// Takes in one event.
    pub fn apply(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Task(TaskEvent::Finished(records)) => {
                for record in records {
                    let begun = record.attempt > 0;
                    let at_ns = if begun { record.start_ns.saturating_add(record.wall_ns) } else { event.at_ns };
                    self.column_mut(at_ns).ended.add(record.outcome.class());
                }
            }
            EventKind::Task(TaskEvent::RestCancelled { tasks }) => {
                self.column_mut(event.at_ns).ended.add_many(OutcomeClass::Cancelled, *tasks);
            }
            EventKind::Sample(SampleEvent::Workers(samples)) => {
                let bytes = samples.iter().map(|sample| sample.rss_bytes).sum();
                self.memory_bytes = Some(bytes);
                let column = self.column_mut(event.at_ns);
                column.memory_bytes = column.memory_bytes.max(Some(bytes));
            }
            _ => {}
        }
    }

    /// Width of a column, in nanoseconds.
    pub const fn width_ns(&self) -> u64 {
        self.width_ns
    }

    /// The columns from the run's start on, without gaps.
    pub fn columns(&self) -> &[PoolColumn] {
        &self.columns
    }

    /// The memory of all workers at the newest sample, in bytes.
    pub const fn memory_bytes(&self) -> Option<u64> {
        self.memory_bytes
    }

    /// Tasks that ended in some columns, a second; those that were cancelled are left out. The column of `now_ns` is taken up
    /// to that.
    pub fn rate(&self, columns: Range<usize>, now_ns: u64) -> f64 {
        let all_ns = columns.len() as u64 * self.width_ns;
        let span_ns = now_ns.saturating_sub(columns.start as u64 * self.width_ns).min(all_ns).max(FIRST_WIDTH_NS);
        let known = columns.start.min(self.columns.len())..columns.end.min(self.columns.len());
        let ended: u64 = self.columns[known].iter().map(|column| column.ended.total() - column.ended.cancelled).sum();
        ended as f64 * 1e9 / span_ns as f64
    }

    /// The column that covers a time.
    pub fn column_at(&self, time_ns: u64) -> Option<usize> {
        let column = usize::try_from(time_ns / self.width_ns).ok()?;
        (column < self.columns.len()).then_some(column)
    }

    fn column_mut(&mut self, time_ns: u64) -> &mut PoolColumn {
        while time_ns / self.width_ns >= MAX_COLUMNS as u64 {
            self.merge_pairs();
        }
        let column = (time_ns / self.width_ns) as usize;
        if self.columns.len() <= column {
            self.columns.resize(column + 1, PoolColumn::default());
        }
        &mut self.columns[column]
    }

    fn merge_pairs(&mut self) {
        self.width_ns = self.width_ns.saturating_mul(2);
        self.columns = self.columns.chunks(2).map(|pair| pair.iter().fold(PoolColumn::default(), merged)).collect();
    }
}

fn merged(sum: PoolColumn, column: &PoolColumn) -> PoolColumn {
    let mut ended = sum.ended;
    OutcomeClass::ALL.into_iter().for_each(|class| ended.add_many(class, column.ended.of(class)));
    PoolColumn { ended, memory_bytes: sum.memory_bytes.max(column.memory_bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{AttemptRecord, Outcome, TaskId, WorkerId, WorkerSample};

    fn ended(task: u64, at_ns: u64, outcome: Outcome) -> Event {
        let record = AttemptRecord { wall_ns: at_ns, ..AttemptRecord::new(TaskId(task), 1, WorkerId(1), outcome) };
        Event { at_ns, kind: EventKind::Task(TaskEvent::Finished(vec![record])) }
    }

    fn memory(at_ns: u64, bytes: u64) -> Event {
        let sample = |rss_bytes| WorkerSample { worker: WorkerId(1), cpu_percent: 0.0, rss_bytes };
        Event { at_ns, kind: EventKind::Sample(SampleEvent::Workers(vec![sample(bytes / 2), sample(bytes / 2)])) }
    }

    #[test]
    fn merging_loses_no_task_and_no_peak() {
        let mut history = PoolHistory::default();
        history.apply(&memory(5_000_000, 900));
        for task in 0..5000 {
            let outcome = if task == 4321 { Outcome::TimedOut } else { Outcome::Done };
            history.apply(&ended(task, task * 20_000_000, outcome));
            history.apply(&memory(task * 20_000_000, 100));
        }
        assert!(history.columns().len() <= MAX_COLUMNS && history.width_ns() == 16 * FIRST_WIDTH_NS);
        let total = history.columns().iter().fold(PoolColumn::default(), merged);
        assert_eq!((total.ended.done, total.ended.timed_out), (4999, 1));
        assert_eq!((total.memory_bytes, history.memory_bytes()), (Some(900), Some(100)));
        let column = history.column_at(4321 * 20_000_000).expect("it is in the run");
        assert_eq!(history.columns()[column].ended.timed_out, 1, "it is where it happened");
    }

    #[test]
    fn the_rate_of_the_newest_column_is_that_of_its_part_until_now() {
        let mut history = PoolHistory::default();
        for task in 0..20_u64 {
            history.apply(&ended(task, 40_000_000 + task, Outcome::Done));
        }
        assert_eq!(history.rate(4..5, 40_000_000), 2000.0);
        let rates = [(4..5, 1_000_000_000), (0..10, 100_000_000), (0..10, 50_000_000), (3..4, 0), (9..12, 0)];
        assert_eq!(rates.map(|(columns, now_ns)| history.rate(columns, now_ns)), [2000.0, 200.0, 400.0, 0.0, 0.0]);
    }
}
