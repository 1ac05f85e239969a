//! The rows of the results, sorted and filtered once for each change, not for each frame.
//!
//! Small runs are sorted at once, large ones by a thread that reads the model in slices, while the previous rows are shown.

use std::cmp::Ordering;
use std::sync::{Arc, Mutex};

use crossbeam_channel::Receiver;

use fanlane_core::event::{AttemptRecord, OutcomeClass, TaskId};
use fanlane_core::job::Batch;
use fanlane_core::model::RunModel;

use super::current::lock;
use crate::session::{Wake, task_text};

/// Maximum number of records that are sorted without a thread.
const MAX_SORTED_INLINE: usize = 2_000;
/// Number of records that are read under one lock.
const SLICE: usize = 8_192;

/// A column to sort results by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SortKey {
    /// The task's number.
    #[default]
    Number,
    /// The outcome.
    Outcome,
    /// Exit code or signal.
    Exit,
    /// Number of attempts.
    Attempts,
    /// Start time.
    Start,
    /// Wall time.
    Wall,
    /// CPU time.
    Cpu,
    /// Peak memory.
    Memory,
    /// The worker's lane.
    Worker,
}

/// The filter and the order of the results.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowQuery {
    /// The column to sort by.
    pub sort: SortKey,
    /// The largest first.
    pub descending: bool,
    /// Only tasks with this outcome; `None`: all.
    pub class: Option<OutcomeClass>,
    /// Only tasks whose command lines contain this text; case is ignored.
    pub text: String,
}

/// The rows of the result table.
#[derive(Default)]
pub struct RowOrder {
    rows: Arc<Vec<u32>>,
    built: Option<Built>,
    under_way: Option<(Built, Receiver<Vec<u32>>)>,
}

/// The query and the number of records that rows were made for.
#[derive(Clone, PartialEq, Eq)]
struct Built {
    query: RowQuery,
    records: usize,
}

#[derive(Clone, Copy)]
struct Row {
    index: u32,
    task: TaskId,
    key: f64,
}

impl RowOrder {
    /// The rows to show: indices of the model's records.
    pub fn rows(&self) -> &Arc<Vec<u32>> {
        &self.rows
    }

    /// A thread is sorting.
    pub const fn is_under_way(&self) -> bool {
        self.under_way.is_some()
    }

    /// Forgets everything, for another run.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Updates the rows, or starts a thread that does.
    pub(super) fn update(&mut self, query: &RowQuery, model: &Arc<Mutex<RunModel>>, batch: &Arc<Batch>, wake: &Wake) {
        if let Some((built, receiver)) = self.under_way.take() {
            match receiver.try_recv() {
                Ok(rows) => {
                    self.rows = Arc::new(rows);
                    self.built = Some(built);
                }
                // The thread ended without a result: start again below.
                Err(crossbeam_channel::TryRecvError::Disconnected) => {}
                Err(crossbeam_channel::TryRecvError::Empty) => {
                    self.under_way = Some((built, receiver));
                    return;
                }
            }
        }
        let wanted = Built { query: query.clone(), records: lock(model).records.len() };
        if self.built.as_ref() == Some(&wanted) {
            return;
        }
        if wanted.records <= MAX_SORTED_INLINE {
            self.rows = Arc::new(order(&wanted, model, batch));
            self.built = Some(wanted);
            return;
        }
        let (sender, receiver) = crossbeam_channel::bounded(1);
        let (model, batch, wake) = (Arc::clone(model), Arc::clone(batch), Arc::clone(wake));
        let job = wanted.clone();
        let thread = std::thread::Builder::new().name("row-order".to_owned()).spawn(move || {
            // Another run may be shown by now.
            drop(sender.send(order(&job, &model, &batch)));
            wake();
        });
        match thread {
            Ok(_) => self.under_way = Some((wanted, receiver)),
            Err(_) => {
                // No thread can be started: show the records in their order.
                self.rows = Arc::new((0..wanted.records as u32).collect());
                self.built = Some(wanted);
            }
        }
    }
}

/// The running tasks that match, in the order of their numbers.
pub(super) fn running(query: &RowQuery, model: &RunModel, batch: &Batch) -> Vec<TaskId> {
    if query.class.is_some() {
        return Vec::new();
    }
    let needle = query.text.trim().to_lowercase();
    let matches = |task: &TaskId| needle.is_empty() || task_text(batch, *task).to_lowercase().contains(&needle);
    let mut tasks: Vec<TaskId> = model.running.keys().copied().filter(matches).collect();
    tasks.sort_unstable();
    tasks
}

fn order(wanted: &Built, model: &Mutex<RunModel>, batch: &Batch) -> Vec<u32> {
    let query = &wanted.query;
    let mut rows: Vec<Row> = Vec::with_capacity(if query.class.is_none() { wanted.records } else { 0 });
    let mut from = 0;
    while from < wanted.records {
        let model = lock(model);
        let slice = model.records.iter_from(from).take(SLICE.min(wanted.records - from)).zip(from..);
        rows.extend(slice.filter(|(record, _)| query.class.is_none_or(|class| class == record.outcome.class())).map(
            |(record, index)| Row {
                index: index as u32,
                task: record.task,
                key: sort_value(query.sort, record, &model),
            },
        ));
        drop(model);
        from += SLICE;
    }
    let needle = query.text.trim().to_lowercase();
    if !needle.is_empty() {
        rows.retain(|row| task_text(batch, row.task).to_lowercase().contains(&needle));
    }
    rows.sort_unstable_by(|one, other| {
        let by_key = one.key.partial_cmp(&other.key).unwrap_or(Ordering::Equal);
        let by_key = if query.descending { by_key.reverse() } else { by_key };
        by_key.then(one.task.cmp(&other.task))
    });
    rows.into_iter().map(|row| row.index).collect()
}

fn sort_value(sort: SortKey, record: &AttemptRecord, model: &RunModel) -> f64 {
    match sort {
        SortKey::Number => record.task.0 as f64,
        SortKey::Outcome => OutcomeClass::ALL
            .iter()
            .position(|class| *class == record.outcome.class())
            .map_or(f64::MAX, |place| place as f64),
        SortKey::Exit => match record.outcome {
            fanlane_core::event::Outcome::Done => 0.0,
            fanlane_core::event::Outcome::Exited { code } => f64::from(code),
            // After all exit codes.
            fanlane_core::event::Outcome::Signalled { signal } => 1e6 + f64::from(signal),
            _ => f64::MAX,
        },
        SortKey::Attempts => f64::from(record.attempt),
        SortKey::Start => record.start_ns as f64,
        SortKey::Wall => record.wall_ns as f64,
        SortKey::Cpu => record.cpu_ns as f64,
        SortKey::Memory => record.max_rss_bytes as f64,
        SortKey::Worker => model.lane_of.get(&record.worker).map_or(f64::MAX, |lane| f64::from(lane.0)),
    }
}
