//! The failures of the shown run by cause, kept up to date as they come.
//!
//! A few are looked at on the spot, many by a thread that reads the model in slices.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fanlane_core::event::TaskId;
use fanlane_core::job::Batch;
use fanlane_core::model::{Cause, CauseId, Causes, Failure, RunModel};

use super::current::lock;
use crate::session::Wake;

/// Number of records that are read under one lock.
const SLICE: usize = 2_048;
/// Maximum number of records that are looked at without a thread.
const MAX_INLINE: usize = SLICE;
/// No cause, in the list of those of all records.
const NONE: u16 = u16::MAX;

/// The causes with those of each record, for threads.
pub type SharedCauses = Arc<Mutex<FoundCauses>>;

/// What was found so far.
#[derive(Default)]
pub struct FoundCauses {
    causes: Causes,
    /// By the record's index; records at the end that have none are left out.
    of: Vec<u16>,
    /// Number of records that were looked at.
    known: usize,
}

impl FoundCauses {
    /// The cause of a record; `None` for one that has not failed.
    pub fn of(&self, index: usize) -> Option<CauseId> {
        self.of.get(index).copied().filter(|cause| *cause != NONE).map(CauseId)
    }
}

/// The failures of a run by cause.
#[derive(Default)]
pub struct FailureCauses {
    found: SharedCauses,
    /// The thread is at work until this is true.
    under_way: Option<Arc<AtomicBool>>,
}

impl FailureCauses {
    /// The most frequent causes, no more than `most`.
    pub fn ranked(&self, most: usize) -> Vec<(CauseId, Cause)> {
        let found = locked(&self.found);
        found.causes.ranked().into_iter().take(most).map(|(id, cause)| (id, cause.clone())).collect()
    }

    /// Number of causes.
    pub fn count(&self) -> usize {
        locked(&self.found).causes.len()
    }

    /// A cause.
    pub fn get(&self, cause: CauseId) -> Option<Cause> {
        locked(&self.found).causes.get(cause).cloned()
    }

    /// The cause of a task that has failed.
    pub fn of_task(&self, task: TaskId, model: &RunModel) -> Option<CauseId> {
        locked(&self.found).of(model.records.index_of(task)?)
    }

    /// The tasks that failed for a cause, in the batch's order.
    pub(super) fn tasks(&self, cause: CauseId, model: &RunModel) -> Vec<TaskId> {
        let found = locked(&self.found);
        let indices = (0..found.of.len()).filter(|index| found.of(*index) == Some(cause));
        let mut tasks: Vec<TaskId> = indices.filter_map(|index| Some(model.records.get(index)?.task)).collect();
        tasks.sort_unstable();
        tasks
    }

    /// Number of records whose causes are known.
    pub(super) fn known(&self) -> usize {
        locked(&self.found).known
    }

    pub(super) fn shared(&self) -> SharedCauses {
        Arc::clone(&self.found)
    }

    /// Forgets everything, for another run.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Looks at the records that have come since, or starts a thread that does.
    pub(super) fn update(&mut self, model: &Arc<Mutex<RunModel>>, batch: &Arc<Batch>, wake: &Wake) {
        self.under_way.take_if(|done| done.load(Ordering::Acquire));
        let records = lock(model).records.len();
        let unknown = records - self.known().min(records);
        if unknown == 0 || self.under_way.is_some() {
            return;
        }
        if unknown <= MAX_INLINE {
            look_at(&self.found, model, batch);
            return;
        }
        let done = Arc::new(AtomicBool::new(false));
        let (found, model, batch) = (Arc::downgrade(&self.found), Arc::clone(model), Arc::clone(batch));
        let (own, wake) = (Arc::clone(&done), Arc::clone(wake));
        let look = move || {
            // Without an owner another run is shown.
            while found.upgrade().is_some_and(|found| look_at(&found, &model, &batch)) {}
            own.store(true, Ordering::Release);
            wake();
        };
        if std::thread::Builder::new().name("causes".to_owned()).spawn(look).is_ok() {
            self.under_way = Some(done);
        }
    }
}

/// What was found so far.
pub fn locked(found: &Mutex<FoundCauses>) -> MutexGuard<'_, FoundCauses> {
    found.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Looks at a slice of the records; false if there are no further ones.
pub(super) fn look_at(found: &Mutex<FoundCauses>, model: &Mutex<RunModel>, batch: &Batch) -> bool {
    let known = locked(found).known;
    let mut seen = 0;
    let failures: Vec<(usize, Failure)> = {
        let model = lock(model);
        let records = model.records.iter_from(known).take(SLICE).inspect(|_| seen += 1);
        (known..).zip(records).filter_map(|(index, record)| Some((index, Failure::of(record)?))).collect()
    };
    let mut found = locked(found);
    for (index, failure) in failures {
        let task = failure.task;
        let inputs = if task.0 < batch.len() { batch.values(task) } else { Vec::new() };
        let inputs: Vec<&[u8]> = inputs.iter().map(|value| value.as_ref().as_ref()).collect();
        let cause = found.causes.add(failure, &inputs);
        found.of.resize(index + 1, NONE);
        found.of[index] = cause.0;
    }
    found.known = known + seen;
    seen == SLICE
}
