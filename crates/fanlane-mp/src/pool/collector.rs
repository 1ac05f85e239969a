//! Takers of results: one, all in their order, or each as it comes.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;

use serde::de::DeserializeOwned;

use super::job::Collector;
use super::result::{AsyncResult, Completion};
use crate::error::TaskError;
use crate::item;
use crate::shared::with_arrived_bytes;

/// What can come back from a worker: whatever serde can read.
///
/// ```
/// use fanlane_mp::{Callable, PoolError, Pool, Returned};
///
/// /// Calls a function twice. It has to be among those given to `init`.
/// fn twice<F: Callable<(), Output: Returned> + Copy>(pool: &Pool, function: F) -> Result<[F::Output; 2], PoolError> {
///     Ok([pool.apply(function, ())?, pool.apply(function, ())?])
/// }
/// ```
pub trait Returned: DeserializeOwned + Send + 'static {}

impl<T: DeserializeOwned + Send + 'static> Returned for T {}

/// Decodes results one after the other, failures in their places.
fn decode_each<R: Returned>(
    items: usize,
    failures: &[(u32, TaskError)],
    mut values: &[u8],
    mut take: impl FnMut(Result<R, TaskError>),
) {
    let mut failures = failures.iter().peekable();
    let mut unreadable = None;
    for item in 0..items {
        if let Some((_, error)) = failures.next_if(|(failed, _)| *failed as usize == item) {
            take(Err(error.clone()));
            continue;
        }
        if let Some(error) = &unreadable {
            take(Err(TaskError::clone(error)));
            continue;
        }
        take(item::decode_next(&mut values).map_err(|error| {
            let error = TaskError::Value(error.to_string());
            unreadable = Some(error.clone());
            error
        }));
    }
}

/// Decodes results none of which failed; `None` where one cannot be read.
fn decode_all<R: Returned>(items: usize, mut values: &[u8]) -> Option<Vec<R>> {
    let mut all = Vec::with_capacity(items);
    for _ in 0..items {
        all.push(item::decode_next(&mut values).ok()?);
    }
    Some(all)
}

/// Takes the result of one call.
pub struct OneCollector<R>(Arc<Completion<R>>);

impl<R: Returned> OneCollector<R> {
    pub fn pair() -> (Arc<dyn Collector>, AsyncResult<R>) {
        let (completion, result) = Completion::pair();
        (Arc::new(Self(completion)), result)
    }
}

impl<R: Returned> Collector for OneCollector<R> {
    fn results(&self, _: usize, items: usize, failures: &[(u32, TaskError)], values: &[u8]) {
        decode_each(items, failures, values, |outcome| self.0.fulfil(outcome));
    }

    fn failed(&self, _: usize, _: usize, error: &TaskError) {
        self.0.fulfil(Err(error.clone()));
    }

    fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }
}

/// Takes all results of a call and gives them in their order; or the first failure in that order.
pub struct AllCollector<R> {
    state: Mutex<All<R>>,
    completion: Arc<Completion<Vec<R>>>,
}

struct All<R> {
    parts: Vec<(usize, Vec<R>)>,
    failure: Option<(usize, TaskError)>,
    settled: usize,
    /// How many there are, once that is known.
    total: Option<usize>,
}

impl<R> AllCollector<R> {
    pub fn pair() -> (Arc<Self>, AsyncResult<Vec<R>>) {
        let (completion, result) = Completion::pair();
        let all = All { parts: Vec::new(), failure: None, settled: 0, total: None };
        (Arc::new(Self { state: Mutex::new(all), completion }), result)
    }

    /// Sets how many there are.
    pub fn expect(&self, total: usize) {
        self.settle(|all| all.total = Some(total));
    }

    /// Where the call was cancelled, that is the outcome.
    pub fn unless_cancelled(&self) -> Result<(), TaskError> {
        self.completion.unless_cancelled()
    }

    /// Takes the outcomes of items that follow one another.
    pub fn add(&self, first_item: usize, outcomes: Vec<Result<R, TaskError>>) {
        let items = outcomes.len();
        let mut part = Vec::with_capacity(items);
        let mut failure = None;
        for (item, outcome) in (first_item..).zip(outcomes) {
            match outcome {
                Ok(value) => part.push(value),
                Err(error) => failure = failure.or(Some((item, error))),
            }
        }
        self.settle(|all| {
            all.parts.push((first_item, part));
            all.note(failure);
            all.settled += items;
        });
    }

    fn settle(&self, change: impl FnOnce(&mut All<R>)) {
        let mut all = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut all);
        if all.total != Some(all.settled) {
            return;
        }
        let failure = all.failure.take();
        let mut parts = std::mem::take(&mut all.parts);
        drop(all);
        self.completion.fulfil(match failure {
            Some((_, error)) => Err(error),
            None => {
                parts.sort_unstable_by_key(|(first_item, _)| *first_item);
                Ok(joined(parts))
            }
        });
    }
}

fn joined<R>(parts: Vec<(usize, Vec<R>)>) -> Vec<R> {
    let total = parts.iter().map(|(_, part)| part.len()).sum::<usize>();
    let mut parts = parts.into_iter().map(|(_, part)| part);
    let mut all = parts.next().unwrap_or_default();
    all.reserve_exact(total - all.len());
    parts.for_each(|mut part| all.append(&mut part));
    all
}

impl<R: Returned> Collector for AllCollector<R> {
    fn results(&self, first_item: usize, items: usize, failures: &[(u32, TaskError)], values: &[u8]) {
        if failures.is_empty()
            && let Some(part) = decode_all(items, values)
        {
            return self.settle(|all| {
                all.parts.push((first_item, part));
                all.settled += items;
            });
        }
        let mut outcomes = Vec::with_capacity(items);
        decode_each(items, failures, values, |outcome| outcomes.push(outcome));
        self.add(first_item, outcomes);
    }

    fn failed(&self, first_item: usize, items: usize, error: &TaskError) {
        self.settle(|all| {
            all.note(Some((first_item, error.clone())));
            all.settled += items;
        });
    }

    fn is_cancelled(&self) -> bool {
        self.completion.is_cancelled()
    }
}

impl<R> All<R> {
    fn note(&mut self, failure: Option<(usize, TaskError)>) {
        if let Some((item, error)) = failure
            && self.failure.as_ref().is_none_or(|(earlier, _)| item < *earlier)
        {
            self.failure = Some((item, error));
        }
    }
}

/// Results that follow one another.
type Part<R> = Vec<Result<R, TaskError>>;

/// Takes results as they come, for an iterator over them.
pub struct EachCollector<R> {
    arrived: Mutex<BTreeMap<usize, Part<R>>>,
    more: Condvar,
    /// What the latest results take of the memory, each.
    item_bytes: AtomicUsize,
}

impl<R> EachCollector<R> {
    pub fn new() -> Arc<Self> {
        Arc::new(Self { arrived: Mutex::default(), more: Condvar::new(), item_bytes: AtomicUsize::new(0) })
    }

    /// How many bytes of memory, encoded and shared, a result takes, as far as is known.
    pub fn item_bytes(&self) -> usize {
        self.item_bytes.load(Ordering::Relaxed)
    }

    /// Waits for the results that begin with this item; for any where it is `None`. Gives also whether it had to wait.
    /// `None` when `deadline` comes first.
    pub fn wait_for(&self, first_item: Option<usize>, deadline: Option<Instant>) -> Option<(Part<R>, bool)> {
        let mut arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        let mut has_waited = false;
        loop {
            let found = match first_item {
                Some(item) => arrived.remove(&item),
                None => arrived.pop_first().map(|(_, part)| part),
            };
            if let Some(part) = found {
                return Some((part, has_waited));
            }
            has_waited = true;
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            arrived = match left {
                None => self.more.wait(arrived).unwrap_or_else(PoisonError::into_inner),
                Some(left) if left.is_zero() => return None,
                Some(left) => self.more.wait_timeout(arrived, left).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
    }

    /// Takes the outcomes of items that follow one another.
    pub fn add(&self, first_item: usize, part: Part<R>) {
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner).insert(first_item, part);
        self.more.notify_all();
    }
}

impl<R: Returned> Collector for EachCollector<R> {
    fn results(&self, first_item: usize, items: usize, failures: &[(u32, TaskError)], values: &[u8]) {
        let mut part = Vec::with_capacity(items);
        let ((), shared_bytes) = with_arrived_bytes(|| {
            decode_each(items, failures, values, |outcome| part.push(outcome));
        });
        self.item_bytes.store((values.len() + shared_bytes) / items.max(1), Ordering::Relaxed);
        self.add(first_item, part);
    }

    fn failed(&self, first_item: usize, items: usize, error: &TaskError) {
        self.add(first_item, (0..items).map(|_| Err(error.clone())).collect());
    }
}
