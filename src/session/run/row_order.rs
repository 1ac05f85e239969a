//! The rows of the results, sorted and filtered once for each change, not for each frame.
//!
//! Small runs are sorted at once, large ones by a thread, while the previous rows are shown. Outputs, which may be large also in
//! a small run, are always searched by that thread. What it has found is kept in a [`RowIndex`] for the next letter.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, TryRecvError};

use fanlane_core::event::{OutcomeClass, OutcomeCounts, TaskId};
use fanlane_core::job::Batch;
use fanlane_core::model::search::Hit;
use fanlane_core::model::{RunModel, Waiting};

use super::current::lock;
use super::failure_causes::FailureCauses;
use super::row_filter::RowFilter;
use super::row_index::{FoundRows, RowIndex, Source};
use super::row_query::RowQuery;
use crate::session::Wake;

/// Maximum number of records that are sorted without a thread.
const MAX_SORTED_INLINE: usize = 2_000;
/// Maximum number of waiting tasks that are listed.
pub const MAX_QUEUED: usize = 250;
/// Minimum time between two sorts of a run under way that is not looked at.
const UNSEEN_INTERVAL: Duration = Duration::from_secs(1);

/// The rows of the result table.
#[derive(Default)]
pub struct RowOrder {
    found: FoundRows,
    built: Option<Built>,
    under_way: Option<Sorting>,
    index: Arc<Mutex<RowIndex>>,
    begun: Option<Instant>,
}

/// A thread at work.
struct Sorting {
    wanted: Built,
    rows: Receiver<FoundRows>,
    /// Its rows are not wanted any more.
    outdated: Arc<AtomicBool>,
}

/// What rows were made for.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Built {
    pub(super) query: RowQuery,
    pub(super) records: usize,
    /// Tasks without a record were cancelled.
    pub(super) is_rest_cancelled: bool,
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

    /// Cancelled tasks that never began or waited for a retry, and so have no record; they come after [`RowOrder::rows`]. No more
    /// than [`MAX_LISTED_REST`](super::MAX_LISTED_REST).
    pub fn rest(&self) -> &[TaskId] {
        &self.found.rest
    }

    /// What the query finds, also with other outcomes than the one that it asks for.
    pub const fn counts(&self) -> OutcomeCounts {
        self.found.counts
    }

    /// A thread is sorting.
    pub const fn is_under_way(&self) -> bool {
        self.under_way.is_some()
    }

    /// Forgets everything, for another run.
    pub(super) fn clear(&mut self) {
        if let Some(sorting) = &self.under_way {
            sorting.outdated.store(true, Ordering::Relaxed);
        }
        *self = Self::default();
    }

    /// Updates the rows, or starts a thread that does. `seen`: they are looked at.
    pub(super) fn update(
        &mut self,
        query: &RowQuery,
        model: &Arc<Mutex<RunModel>>,
        batch: &Arc<Batch>,
        causes: &FailureCauses,
        seen: bool,
        wake: &Wake,
    ) {
        if let Some(sorting) = self.under_way.take() {
            match sorting.rows.try_recv() {
                Ok(found) => {
                    self.found = found;
                    self.built = Some(sorting.wanted);
                }
                // The thread ended without a result: start again below.
                Err(TryRecvError::Disconnected) => {}
                // What is typed meanwhile is looked for at once; records that come meanwhile wait for the next time.
                Err(TryRecvError::Empty) if sorting.wanted.query != *query => {
                    sorting.outdated.store(true, Ordering::Relaxed);
                }
                Err(TryRecvError::Empty) => {
                    self.under_way = Some(sorting);
                    return;
                }
            }
        }
        let wanted = {
            let model = lock(model);
            // The causes of further failures are not known yet.
            let records = if query.cause.is_some() { causes.known() } else { model.records.len() };
            Built { query: query.clone(), records, is_rest_cancelled: model.records.is_rest_cancelled() }
        };
        let is_recent = self.begun.is_some_and(|begun| begun.elapsed() < UNSEEN_INTERVAL);
        let can_wait = !seen && is_recent && self.built.as_ref().is_some_and(|built| built.query == *query);
        if self.built.as_ref() == Some(&wanted) || can_wait {
            return;
        }
        self.begun = Some(Instant::now());
        let outdated = Arc::new(AtomicBool::new(false));
        let source = Source {
            model: Arc::clone(model),
            batch: Arc::clone(batch),
            causes: causes.shared(),
            outdated: Arc::clone(&outdated),
        };
        let index = Arc::clone(&self.index);
        let find = move |wanted: &Built| index.lock().unwrap_or_else(PoisonError::into_inner).find(wanted, &source);
        if wanted.records <= MAX_SORTED_INLINE && query.needle().is_none() && !wanted.is_rest_cancelled {
            self.found = find(&wanted).unwrap_or_default();
            self.built = Some(wanted);
            return;
        }
        let (sender, receiver) = crossbeam_channel::bounded(1);
        let (job, wake) = (wanted.clone(), Arc::clone(wake));
        let thread = std::thread::Builder::new().name("row-order".to_owned()).spawn(move || {
            // Another run may be shown by now.
            if let Some(found) = find(&job) {
                drop(sender.send(found));
                wake();
            }
        });
        match thread {
            Ok(_) => self.under_way = Some(Sorting { wanted, rows: receiver, outdated }),
            Err(_) => {
                // No thread can be started: show the records in their order.
                self.found = FoundRows::in_order(wanted.records);
                self.built = Some(wanted);
            }
        }
    }
}

/// The running tasks that match, in the order of their numbers. What they print is not searched before they have ended.
pub(super) fn running(query: &RowQuery, model: &RunModel, batch: &Batch, now_ns: u64) -> Vec<TaskId> {
    if query.class.is_some() || query.cause.is_some() || query.waiting {
        return Vec::new();
    }
    let filter = RowFilter::new(query);
    let mut room = Vec::new();
    let tasks = model.running.iter().filter(|(task, running)| {
        let lane = model.lane_of.get(&running.worker).copied();
        filter.takes_without_record(lane, Some((running.start_ns, now_ns)))
            && filter.takes_task(**task, batch, &mut room)
    });
    let mut tasks: Vec<TaskId> = tasks.map(|(task, _)| *task).collect();
    tasks.sort_unstable();
    tasks
}

/// The next tasks of the queue that match, as far as they are found near those that have begun; a number finds its task anywhere.
pub(super) fn queued(query: &RowQuery, waiting: Waiting<'_>) -> Vec<TaskId> {
    let Some(batch) = waiting.batch.filter(|_| query.waiting) else { return Vec::new() };
    let next = waiting.next_tasks(MAX_QUEUED);
    let filter = RowFilter::new(query);
    if !filter.asks_tasks() {
        return next;
    }
    let mut room = Vec::new();
    let named = query.text.trim().parse().ok().and_then(|number| batch.with_number(number));
    let named = named.filter(|task| waiting.task_words(*task).is_some());
    let found = next.into_iter().filter(|task| Some(*task) != named && filter.takes_task(*task, batch, &mut room));
    named.into_iter().chain(found).collect()
}

/// Whether a query takes cancelled tasks without a record.
pub(super) fn takes_rest(query: &RowQuery) -> bool {
    query.class.is_none_or(|class| class == OutcomeClass::Cancelled) && query.cause.is_none() && !query.waiting
}
