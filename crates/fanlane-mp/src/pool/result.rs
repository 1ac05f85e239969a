//! A result that is still to come.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{PoolError, TaskError};
use fanlane_os::clock::deadline_after;

type Outcome<T> = Result<T, TaskError>;
type Callback<T> = Box<dyn FnOnce(&Outcome<T>) + Send>;

enum Slot<T> {
    Pending(Vec<Callback<T>>),
    Ready(Outcome<T>),
    Taken { was_successful: bool },
}

/// The result of a call that goes on elsewhere. If this is dropped the call goes on all the same.
pub struct AsyncResult<T> {
    shared: Arc<Completion<T>>,
}

/// Where the result arrives.
pub(crate) struct Completion<T> {
    slot: Mutex<Slot<T>>,
    arrived: Condvar,
    cancelled: AtomicBool,
    /// How many threads sleep until it is there; changed with the slot locked. With none there is no thread to wake,
    /// which is a call of the system.
    sleepers: AtomicUsize,
}

impl<T> fmt::Debug for AsyncResult<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("AsyncResult").field("successful", &self.successful()).finish()
    }
}

impl<T> Completion<T> {
    pub(crate) fn pair() -> (Arc<Self>, AsyncResult<T>) {
        let slot = Mutex::new(Slot::Pending(Vec::new()));
        let (arrived, sleepers, cancelled) = (Condvar::new(), AtomicUsize::new(0), AtomicBool::new(false));
        let shared = Arc::new(Self { slot, arrived, sleepers, cancelled });
        (Arc::clone(&shared), AsyncResult { shared })
    }

    fn slot(&self) -> MutexGuard<'_, Slot<T>> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first outcome counts.
    pub(crate) fn fulfil(&self, outcome: Outcome<T>) {
        let callbacks = match &mut *self.slot() {
            Slot::Pending(callbacks) => std::mem::take(callbacks),
            Slot::Ready(_) | Slot::Taken { .. } => return,
        };
        for callback in callbacks {
            callback(&outcome);
        }
        let mut slot = self.slot();
        if let Slot::Pending(late) = &mut *slot {
            for callback in std::mem::take(late) {
                callback(&outcome);
            }
            *slot = Slot::Ready(outcome);
        }
        let somebody_sleeps = self.sleepers.load(Ordering::Relaxed) > 0;
        drop(slot);
        if somebody_sleeps {
            self.arrived.notify_all();
        }
    }

    /// Whether its call was cancelled.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// Where its call was cancelled, that is the outcome.
    pub(crate) fn unless_cancelled(&self) -> Outcome<()> {
        if self.is_cancelled() { Err(TaskError::Cancelled) } else { Ok(()) }
    }

    fn wait_until(&self, deadline: Option<Instant>) -> MutexGuard<'_, Slot<T>> {
        let mut slot = self.slot();
        self.sleepers.fetch_add(1, Ordering::Relaxed);
        while matches!(*slot, Slot::Pending(_)) {
            slot = match deadline {
                None => self.arrived.wait(slot).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        break;
                    }
                    self.arrived.wait_timeout(slot, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        self.sleepers.fetch_sub(1, Ordering::Relaxed);
        slot
    }
}

impl<T> AsyncResult<T> {
    /// Waits for the result. It can be had once.
    ///
    /// # Errors
    /// [`PoolError::Task`] with what became of the call; [`PoolError::ResultTaken`] the second time.
    pub fn get(&self) -> Result<T, PoolError> {
        self.get_until(None)
    }

    /// As [`AsyncResult::get`], for at most `timeout`.
    ///
    /// # Errors
    /// Also [`PoolError::TimedOut`]; the result can be asked for again.
    pub fn get_timeout(&self, timeout: Duration) -> Result<T, PoolError> {
        self.get_until(deadline_after(timeout))
    }

    fn get_until(&self, deadline: Option<Instant>) -> Result<T, PoolError> {
        let mut slot = self.shared.wait_until(deadline);
        if matches!(*slot, Slot::Pending(_)) {
            return Err(PoolError::TimedOut);
        }
        let was_successful = matches!(&*slot, Slot::Ready(Ok(_)) | Slot::Taken { was_successful: true });
        match std::mem::replace(&mut *slot, Slot::Taken { was_successful }) {
            Slot::Ready(outcome) => outcome.map_err(PoolError::Task),
            Slot::Taken { .. } | Slot::Pending(_) => Err(PoolError::ResultTaken),
        }
    }

    /// Cancels the call, and wakes the threads that wait. `false` where it is there already.
    pub(super) fn cancel(&self) -> bool {
        if self.ready() {
            return false;
        }
        self.shared.cancelled.store(true, Ordering::Release);
        self.shared.fulfil(Err(TaskError::Cancelled));
        true
    }

    /// Waits until there is a result, without taking it.
    pub fn wait(&self) {
        drop(self.shared.wait_until(None));
    }

    /// The same; `false` when `timeout` is over first.
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        !matches!(*self.shared.wait_until(deadline_after(timeout)), Slot::Pending(_))
    }

    /// Whether there is a result.
    pub fn ready(&self) -> bool {
        !matches!(*self.shared.slot(), Slot::Pending(_))
    }

    /// Whether the call came to a result and to no error; `None` while it goes on.
    pub fn successful(&self) -> Option<bool> {
        match &*self.shared.slot() {
            Slot::Pending(_) => None,
            Slot::Ready(outcome) => Some(outcome.is_ok()),
            Slot::Taken { was_successful } => Some(*was_successful),
        }
    }

    /// Calls `callback` with the outcome when there is one: on a thread of the pool, which it should not keep, or at
    /// once where there is one already.
    pub fn on_ready(&self, callback: impl FnOnce(&Result<T, TaskError>) + Send + 'static) {
        match &mut *self.shared.slot() {
            Slot::Pending(callbacks) => callbacks.push(Box::new(callback)),
            Slot::Ready(outcome) => callback(outcome),
            Slot::Taken { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_waited_for_looked_at_and_taken_once() {
        let (completion, result) = Completion::pair();
        let (told, hears) = std::sync::mpsc::channel();
        result.on_ready(move |outcome| told.send(outcome.clone()).unwrap());
        assert!(!result.ready() && result.successful().is_none());
        assert!(!result.wait_timeout(Duration::ZERO));
        assert!(matches!(result.get_timeout(Duration::ZERO), Err(PoolError::TimedOut)));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| result.wait());
            completion.fulfil(Ok(7));
            completion.fulfil(Ok(8));
            waiting.join().unwrap();
        });
        assert_eq!(hears.recv().unwrap(), Ok(7));
        assert!(result.ready() && result.successful() == Some(true));
        assert_eq!(result.get().unwrap(), 7);
        assert_eq!(result.successful(), Some(true));
        assert!(matches!(result.get(), Err(PoolError::ResultTaken)));
    }

    #[test]
    fn a_failure_is_an_outcome() {
        let (completion, result) = Completion::<u8>::pair();
        completion.fulfil(Err(TaskError::Terminated));
        assert_eq!(result.successful(), Some(false));
        let (told, hears) = std::sync::mpsc::channel();
        result.on_ready(move |outcome| told.send(outcome.is_err()).unwrap());
        assert!(hears.recv().unwrap());
        assert!(matches!(result.get(), Err(PoolError::Task(TaskError::Terminated))));
    }
}
