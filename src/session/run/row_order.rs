//! The rows of the results, sorted and filtered once for each change, not for each frame.
//!
//! Small runs are sorted at once, large ones by a thread that reads the model in slices, while the previous rows are shown.
//! Outputs, which may be large also in a small run, are always searched by that thread.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering as AtomicOrdering};
use std::sync::{Arc, Mutex};

use crossbeam_channel::{Receiver, TryRecvError};

use fanlane_core::event::{AttemptRecord, Captured, OutcomeClass, TaskId};
use fanlane_core::job::Batch;
use fanlane_core::model::RunModel;
use fanlane_core::model::search::{Hit, Needle};

use super::current::lock;
use crate::session::{Wake, task_text};

/// Maximum number of records that are sorted without a thread.
const MAX_SORTED_INLINE: usize = 2_000;
/// Number of records that are read under one lock.
const SLICE: usize = 8_192;
/// Bytes of output after which a slice ends early.
const SLICE_BYTES: usize = 4 << 20;

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
    /// Only tasks that have this text; case is ignored.
    pub text: String,
    /// Where they have it.
    pub scope: SearchScope,
}

/// Where a text is looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SearchScope {
    /// In the command lines.
    #[default]
    Commands,
    /// In what the tasks printed.
    Outputs,
}

impl RowQuery {
    /// What is looked for in outputs, if anything.
    pub fn needle(&self) -> Option<Needle> {
        Needle::new(&self.text).filter(|_| self.scope == SearchScope::Outputs)
    }
}

/// The rows of the result table.
#[derive(Default)]
pub struct RowOrder {
    found: Arc<FoundRows>,
    built: Option<Built>,
    under_way: Option<Sorting>,
}

/// The rows that match, in their order.
#[derive(Debug, Default)]
struct FoundRows {
    /// Indices of the model's records.
    rows: Vec<u32>,
    /// For each row the place of the text, where outputs are searched; otherwise empty.
    hits: Vec<Hit>,
}

/// A thread at work.
struct Sorting {
    wanted: Built,
    rows: Receiver<FoundRows>,
    /// Its rows are not wanted any more.
    outdated: Arc<AtomicBool>,
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
    hit: Option<Hit>,
}

impl RowOrder {
    /// The rows to show: indices of the model's records.
    pub fn rows(&self) -> &[u32] {
        &self.found.rows
    }

    /// Where the row at this place has the text that outputs are searched for.
    pub fn hit(&self, place: usize) -> Option<Hit> {
        self.found.hits.get(place).copied()
    }

    /// A thread is sorting.
    pub const fn is_under_way(&self) -> bool {
        self.under_way.is_some()
    }

    /// Forgets everything, for another run.
    pub(super) fn clear(&mut self) {
        if let Some(sorting) = &self.under_way {
            sorting.outdated.store(true, AtomicOrdering::Relaxed);
        }
        *self = Self::default();
    }

    /// Updates the rows, or starts a thread that does.
    pub(super) fn update(&mut self, query: &RowQuery, model: &Arc<Mutex<RunModel>>, batch: &Arc<Batch>, wake: &Wake) {
        if let Some(sorting) = self.under_way.take() {
            match sorting.rows.try_recv() {
                Ok(found) => {
                    self.found = Arc::new(found);
                    self.built = Some(sorting.wanted);
                }
                // The thread ended without a result: start again below.
                Err(TryRecvError::Disconnected) => {}
                // What is typed meanwhile is looked for at once; records that come meanwhile wait for the next time.
                Err(TryRecvError::Empty) if sorting.wanted.query != *query => {
                    sorting.outdated.store(true, AtomicOrdering::Relaxed);
                }
                Err(TryRecvError::Empty) => {
                    self.under_way = Some(sorting);
                    return;
                }
            }
        }
        let wanted = Built { query: query.clone(), records: lock(model).records.len() };
        if self.built.as_ref() == Some(&wanted) {
            return;
        }
        let outdated = Arc::new(AtomicBool::new(false));
        if wanted.records <= MAX_SORTED_INLINE && query.needle().is_none() {
            self.found = Arc::new(order(&wanted, model, batch, &outdated).unwrap_or_default());
            self.built = Some(wanted);
            return;
        }
        let (sender, receiver) = crossbeam_channel::bounded(1);
        let (model, batch, wake) = (Arc::clone(model), Arc::clone(batch), Arc::clone(wake));
        let (job, is_outdated) = (wanted.clone(), Arc::clone(&outdated));
        let thread = std::thread::Builder::new().name("row-order".to_owned()).spawn(move || {
            // Another run may be shown by now.
            if let Some(found) = order(&job, &model, &batch, &is_outdated) {
                drop(sender.send(found));
                wake();
            }
        });
        match thread {
            Ok(_) => self.under_way = Some(Sorting { wanted, rows: receiver, outdated }),
            Err(_) => {
                // No thread can be started: show the records in their order.
                self.found = Arc::new(FoundRows { rows: (0..wanted.records as u32).collect(), hits: Vec::new() });
                self.built = Some(wanted);
            }
        }
    }
}

/// The running tasks that match, in the order of their numbers. What they print is not searched before they have ended.
pub(super) fn running(query: &RowQuery, model: &RunModel, batch: &Batch) -> Vec<TaskId> {
    if query.class.is_some() || query.needle().is_some() {
        return Vec::new();
    }
    let needle = query.text.trim().to_lowercase();
    let matches = |task: &TaskId| needle.is_empty() || task_text(batch, *task).to_lowercase().contains(&needle);
    let mut tasks: Vec<TaskId> = model.running.keys().copied().filter(matches).collect();
    tasks.sort_unstable();
    tasks
}

/// The rows that match, in their order; `None` once they are not wanted any more.
fn order(wanted: &Built, model: &Mutex<RunModel>, batch: &Batch, outdated: &AtomicBool) -> Option<FoundRows> {
    let query = &wanted.query;
    let needle = query.needle();
    let mut rows = Vec::with_capacity(if query.class.is_none() && needle.is_none() { wanted.records } else { 0 });
    let mut from = 0;
    while from < wanted.records {
        if outdated.load(AtomicOrdering::Relaxed) {
            return None;
        }
        let to = wanted.records.min(from + SLICE);
        from = take_slice(query, needle.as_ref(), &lock(model), from..to, &mut rows);
    }
    let text = query.text.trim().to_lowercase();
    if !text.is_empty() && needle.is_none() {
        rows.retain(|row| task_text(batch, row.task).to_lowercase().contains(&text));
    }
    rows.sort_unstable_by(|one, other| {
        let by_key = one.key.partial_cmp(&other.key).unwrap_or(Ordering::Equal);
        let by_key = if query.descending { by_key.reverse() } else { by_key };
        by_key.then(one.task.cmp(&other.task))
    });
    let hits = rows.iter().filter_map(|row| row.hit).collect();
    Some(FoundRows { rows: rows.into_iter().map(|row| row.index).collect(), hits })
}

/// Adds the matching records of a slice; returns where the next slice begins, which is earlier after much output.
fn take_slice(
    query: &RowQuery,
    needle: Option<&Needle>,
    model: &RunModel,
    slice: Range<usize>,
    rows: &mut Vec<Row>,
) -> usize {
    let mut searched_bytes = 0;
    for (record, index) in model.records.iter_from(slice.start).zip(slice.clone()) {
        if query.class.is_some_and(|class| class != record.outcome.class()) {
            continue;
        }
        let mut hit = None;
        if let Some(needle) = needle {
            let attempts = || std::iter::once(record).chain(model.records.retried(record.task));
            hit = attempts().find_map(|attempt| needle.find_in_record(attempt));
            searched_bytes += attempts().map(output_bytes).sum::<usize>();
        }
        if needle.is_none() || hit.is_some() {
            rows.push(Row { index: index as u32, task: record.task, key: sort_value(query.sort, record, model), hit });
        }
        if searched_bytes > SLICE_BYTES {
            return index + 1;
        }
    }
    slice.end
}

fn output_bytes(record: &AttemptRecord) -> usize {
    let bytes = |stream: &Captured| stream.head.len() + stream.tail.len();
    record.output.as_deref().map_or(0, |output| bytes(&output.stdout) + bytes(&output.stderr))
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
