//! What is kept of a run's results so that the next letter of a search, or another order, costs little: their order, and what
//! the last query found.
//!
//! A query that narrows the last one is asked of what that found; another order is that of all results, reduced to those found.
//! Command lines are made and searched on several cores. A million results take about 20 MB.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use fanlane_core::event::{AttemptRecord, Captured, Outcome, OutcomeClass, OutcomeCounts, TaskId};
use fanlane_core::job::Batch;
use fanlane_core::model::RunModel;
use fanlane_core::model::search::Hit;

use super::current::lock;
use super::failure_causes::SharedCauses;
use super::row_filter::RowFilter;
use super::row_order::{Built, takes_rest};
use super::row_query::{RowQuery, SortKey};

/// Number of records that are read under one lock.
const SLICE: usize = 8_192;
/// Bytes of output after which a slice ends early.
const SLICE_BYTES: usize = 4 << 20;
/// Maximum number of threads that search or sort.
const MAX_THREADS: usize = 4;
/// Minimum number of rows for a thread.
const MIN_ROWS_PER_THREAD: usize = 16_384;
/// Maximum number of cancelled tasks without a record that are listed; all are counted.
pub const MAX_LISTED_REST: usize = 1_000_000;

/// The rows that match, in their order.
#[derive(Debug, Default)]
pub struct FoundRows {
    /// Indices of the model's records.
    pub rows: Arc<Vec<u32>>,
    /// For each row the place of the text, where outputs are searched; otherwise empty.
    pub hits: Vec<Hit>,
    /// Cancelled tasks without a record.
    pub rest: Vec<TaskId>,
    /// By outcome, without regard to the outcome that is asked for.
    pub counts: OutcomeCounts,
}

impl FoundRows {
    /// Records in the order in which they came.
    pub fn in_order(records: usize) -> Self {
        Self { rows: Arc::new((0..records as u32).collect()), ..Self::default() }
    }
}

/// What is searched.
pub struct Source {
    pub model: Arc<Mutex<RunModel>>,
    pub batch: Arc<Batch>,
    pub causes: SharedCauses,
    /// The answer is not wanted any more.
    pub outdated: Arc<AtomicBool>,
}

impl Source {
    fn is_outdated(&self) -> bool {
        self.outdated.load(Ordering::Relaxed)
    }
}

/// What is kept of a run's results.
#[derive(Default)]
pub struct RowIndex {
    /// By the record's index.
    tasks: Vec<TaskId>,
    classes: Vec<OutcomeClass>,
    /// All results in order.
    all: Option<Sorted>,
    /// What the last query found, without regard to its outcome.
    matched: Option<Matched>,
}

#[derive(Clone)]
struct Sorted {
    order: (SortKey, bool),
    rows: Arc<Vec<u32>>,
}

struct Matched {
    query: RowQuery,
    sorted: Sorted,
    hits: Vec<Hit>,
    /// The number of records that it was asked of.
    records: usize,
}

impl RowIndex {
    /// The rows that match; `None` once they are not wanted any more.
    pub(super) fn find(&mut self, wanted: &Built, source: &Source) -> Option<FoundRows> {
        let query = &wanted.query;
        self.take_in(wanted.records, source)?;
        let all = self.all(wanted, source)?;
        self.matched = Some(self.matched(wanted, all, source)?);
        let matched = self.matched.as_ref()?;
        let rest = if wanted.is_rest_cancelled && takes_rest(&query.of_all_outcomes()) {
            rest(query, source)?
        } else {
            Vec::new()
        };
        let mut counts = OutcomeCounts::default();
        matched.sorted.rows.iter().for_each(|row| counts.add(self.classes[*row as usize]));
        if query.of_all_outcomes().is_filtered() {
            counts.add_many(OutcomeClass::Cancelled, rest.len() as u64);
        } else {
            let cancelled = lock(&source.model).progress.counts.cancelled;
            counts.cancelled = counts.cancelled.max(if wanted.is_rest_cancelled { cancelled } else { 0 });
        }
        let rest = if takes_rest(query) { rest } else { Vec::new() };
        if query.waiting {
            return Some(FoundRows { counts, ..FoundRows::default() });
        }
        let Some(class) = query.class else {
            return Some(FoundRows {
                rows: Arc::clone(&matched.sorted.rows),
                hits: matched.hits.clone(),
                rest,
                counts,
            });
        };
        let is_wanted = |row: u32| self.classes[row as usize] == class;
        let rows: Vec<u32> = matched.sorted.rows.iter().copied().filter(|row| is_wanted(*row)).collect();
        let hits = matched.sorted.rows.iter().zip(&matched.hits).filter(|(row, _)| is_wanted(**row));
        let hits = hits.map(|(_, hit)| *hit).collect();
        Some(FoundRows { rows: Arc::new(rows), hits, rest, counts })
    }

    /// Notes what is asked most of the records that have come since.
    fn take_in(&mut self, records: usize, source: &Source) -> Option<()> {
        while self.tasks.len() < records {
            if source.is_outdated() {
                return None;
            }
            let model = lock(&source.model);
            let from = self.tasks.len();
            for record in model.records.iter_from(from).take(SLICE.min(records - from)) {
                self.tasks.push(record.task);
                self.classes.push(record.outcome.class());
            }
            // Tasks run again: their records are other ones.
            if self.tasks.len() == from {
                return None;
            }
        }
        Some(())
    }

    /// All results, sorted.
    fn all(&mut self, wanted: &Built, source: &Source) -> Option<Arc<Vec<u32>>> {
        let order = (wanted.query.sort, wanted.query.descending);
        if let Some(all) = self.all.as_ref().filter(|all| all.order == order && all.rows.len() == wanted.records) {
            return Some(Arc::clone(&all.rows));
        }
        let mut keys: Vec<(u64, TaskId, u32)> = Vec::with_capacity(wanted.records);
        let (sort, descending) = order;
        let turned = |key: u64| if descending { !key } else { key };
        if sort == SortKey::Number {
            keys.extend((0..).zip(&self.tasks[..wanted.records]).map(|(row, task)| (turned(task.0), *task, row)));
        }
        while keys.len() < wanted.records {
            if source.is_outdated() {
                return None;
            }
            let model = lock(&source.model);
            let from = keys.len();
            let records = model.records.iter_from(from).take(SLICE.min(wanted.records - from));
            keys.extend(
                (from as u32..)
                    .zip(records)
                    .map(|(row, record)| (turned(sort_value(sort, record, &model)), record.task, row)),
            );
        }
        sort_on_cores(&mut keys);
        let rows = Arc::new(keys.into_iter().map(|(_, _, row)| row).collect::<Vec<u32>>());
        self.all = Some(Sorted { order, rows: Arc::clone(&rows) });
        Some(rows)
    }

    /// What the query finds among all results, without regard to its outcome.
    fn matched(&mut self, wanted: &Built, all: Arc<Vec<u32>>, source: &Source) -> Option<Matched> {
        let query = wanted.query.without_order_and_class();
        let order = (wanted.query.sort, wanted.query.descending);
        let records = wanted.records;
        let of = |rows, hits| Some(Matched { query: query.clone(), sorted: Sorted { order, rows }, hits, records });
        let filter = RowFilter::new(&query);
        if !filter.asks_records() && !filter.asks_tasks() && query.cause.is_none() {
            return of(all, Vec::new());
        }
        let known = self.matched.take().filter(|known| known.records == records);
        let candidates = match known {
            Some(known) if known.query == query && known.sorted.order == order => return Some(known),
            Some(known) if known.query == query && known.hits.is_empty() => {
                return of(Arc::new(in_order(&all, &known.sorted.rows, records)), Vec::new());
            }
            Some(known) if known.sorted.order == order && query.narrows(&known.query) => known.sorted.rows,
            _ => all,
        };
        let mut rows = candidates;
        if let Some(cause) = query.cause {
            let causes = super::failure_causes::locked(&source.causes);
            rows = Arc::new(rows.iter().copied().filter(|row| causes.of(*row as usize) == Some(cause)).collect());
        }
        if filter.asks_tasks() {
            let tasks = &self.tasks;
            let takes = |row: u32, filter: &RowFilter, room: &mut Vec<u8>| {
                filter.takes_task(tasks[row as usize], &source.batch, room)
            };
            // In the order of the records: in another, each look at a task would wait for memory.
            let found = filter_on_cores(&ascending(&rows, records), &filter, takes, source)?;
            rows = Arc::new(in_order(&rows, &found, records));
        }
        if !filter.asks_records() {
            return of(rows, Vec::new());
        }
        let (mut taken, mut hits) = (Vec::new(), Vec::new());
        let mut from = 0;
        while from < rows.len() {
            if source.is_outdated() {
                return None;
            }
            from = take_slice(&filter, &lock(&source.model), &rows, from, (&mut taken, &mut hits));
        }
        of(Arc::new(taken), hits)
    }
}

/// Takes the rows of a slice whose records match; returns where the next slice begins, which is earlier after much output.
fn take_slice(
    filter: &RowFilter,
    model: &RunModel,
    rows: &[u32],
    from: usize,
    (taken, hits): (&mut Vec<u32>, &mut Vec<Hit>),
) -> usize {
    let mut searched_bytes = 0;
    let slice: Range<usize> = from..rows.len().min(from + SLICE);
    for place in slice.clone() {
        let Some(record) = model.records.get(rows[place] as usize) else { continue };
        if let Some(hit) = filter.takes_record(record, model) {
            taken.push(rows[place]);
            hits.extend(hit);
        }
        if filter.hit().is_some() {
            let attempts = std::iter::once(record).chain(model.records.retried(record.task));
            searched_bytes += attempts.map(output_bytes).sum::<usize>();
        }
        if searched_bytes > SLICE_BYTES {
            return place + 1;
        }
    }
    slice.end
}

fn output_bytes(record: &AttemptRecord) -> usize {
    let bytes = |stream: &Captured| stream.head.len() + stream.tail.len();
    record.output.as_deref().map_or(0, |output| bytes(&output.stdout) + bytes(&output.stderr))
}

/// The cancelled tasks without a record that match.
fn rest(query: &RowQuery, source: &Source) -> Option<Vec<TaskId>> {
    let filter = RowFilter::new(query);
    if !filter.takes_without_record(None, None) {
        return Some(Vec::new());
    }
    let mut tasks: Vec<TaskId> = Vec::new();
    let mut next = 0;
    let mut end = u64::MAX;
    while next < end && tasks.len() < MAX_LISTED_REST {
        if source.is_outdated() {
            return None;
        }
        let model = lock(&source.model);
        end = model.progress.tasks;
        let slice = (next..end.min(next + SLICE as u64)).map(TaskId);
        tasks.extend(slice.filter(|task| model.records.index_of(*task).is_none() && !model.running.contains_key(task)));
        next += SLICE as u64;
    }
    tasks.truncate(MAX_LISTED_REST);
    if filter.asks_tasks() {
        let takes = |task: TaskId, filter: &RowFilter, room: &mut Vec<u8>| filter.takes_task(task, &source.batch, room);
        tasks = filter_on_cores(&tasks, &filter, takes, source)?;
    }
    Some(tasks)
}

/// The rows that are among others, in their own order.
fn in_order(all: &[u32], wanted: &[u32], records: usize) -> Vec<u32> {
    let is_wanted = marks(wanted, records);
    all.iter().copied().filter(|row| is_wanted[*row as usize]).collect()
}

/// Rows in the order of the records.
fn ascending(rows: &[u32], records: usize) -> Vec<u32> {
    let is_there = marks(rows, records);
    (0..records as u32).filter(|row| is_there[*row as usize]).collect()
}

/// For each record whether it is among these rows.
fn marks(rows: &[u32], records: usize) -> Vec<bool> {
    let mut marks = vec![false; records];
    rows.iter().for_each(|row| marks[*row as usize] = true);
    marks
}

fn threads_for(rows: usize) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (rows / MIN_ROWS_PER_THREAD).clamp(1, cores.min(MAX_THREADS))
}

/// The rows that match, found on several cores; `None` once they are not wanted any more.
fn filter_on_cores<T: Copy + Send + Sync>(
    rows: &[T],
    filter: &RowFilter,
    takes: impl Fn(T, &RowFilter, &mut Vec<u8>) -> bool + Sync,
    source: &Source,
) -> Option<Vec<T>> {
    let takes = &takes;
    let part = |rows: &[T], filter: &RowFilter| {
        let (mut taken, mut room) = (Vec::new(), Vec::new());
        for rows in rows.chunks(SLICE) {
            if source.is_outdated() {
                return None;
            }
            taken.extend(rows.iter().copied().filter(|row| takes(*row, filter, &mut room)));
        }
        Some(taken)
    };
    let threads = threads_for(rows.len());
    if threads == 1 {
        return part(rows, filter);
    }
    let size = rows.len().div_ceil(threads);
    let parts: Vec<Option<Vec<T>>> = std::thread::scope(|scope| {
        // Each thread has a filter of its own: they would wait for each other at the pattern's memory.
        let spawned: Vec<_> = rows.chunks(size).map(|rows| (rows, filter.clone())).collect();
        let spawned: Vec<_> =
            spawned.into_iter().map(|(rows, filter)| scope.spawn(move || part(rows, &filter))).collect();
        spawned.into_iter().map(|thread| thread.join().unwrap_or_default()).collect()
    });
    let parts: Option<Vec<Vec<T>>> = parts.into_iter().collect();
    Some(parts?.concat())
}

/// Sorts keys, halves of them on two cores.
fn sort_on_cores(keys: &mut [(u64, TaskId, u32)]) {
    if threads_for(keys.len()) == 1 || keys.is_sorted() {
        keys.sort_unstable();
        return;
    }
    let middle = keys.len() / 2;
    let (left, right) = keys.split_at_mut(middle);
    std::thread::scope(|scope| {
        scope.spawn(|| left.sort_unstable());
        right.sort_unstable();
    });
    // A stable sort finds the two runs and merges them.
    keys.sort();
}

/// A number that is in the order of the column.
fn sort_value(sort: SortKey, record: &AttemptRecord, model: &RunModel) -> u64 {
    match sort {
        SortKey::Number => record.task.0,
        SortKey::Outcome => {
            let place = OutcomeClass::ALL.iter().position(|class| *class == record.outcome.class());
            place.map_or(u64::MAX, |place| place as u64)
        }
        SortKey::Exit => match record.outcome {
            Outcome::Done => 0,
            Outcome::Exited { code } => u64::from(code.unsigned_abs()),
            // After all exit codes.
            Outcome::Signalled { signal } => 1_000_000 + u64::from(signal.unsigned_abs()),
            _ => u64::MAX,
        },
        SortKey::Attempts => u64::from(record.attempt),
        SortKey::Start => record.start_ns,
        SortKey::Wall => record.wall_ns,
        SortKey::Cpu => record.cpu_ns,
        SortKey::Memory => record.max_rss_bytes,
        SortKey::Worker => model.lane_of.get(&record.worker).map_or(u64::MAX, |lane| u64::from(lane.0)),
    }
}

#[cfg(test)]
mod tests;
