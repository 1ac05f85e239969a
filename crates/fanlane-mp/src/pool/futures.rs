//! Several calls at once: their results as they come, and waiting for the first or all of them. They may be of different pools.

use std::fmt;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use super::AsyncResult;
use crate::error::PoolError;
use fanlane_os::clock::deadline_after;

/// What several calls are waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitFor {
    /// The first that has an outcome.
    First,
    /// The first that fails, or all.
    FirstFailure,
    /// All of them.
    All,
}

/// Tells the places of calls that have come to an outcome, each once.
struct Arrivals {
    places: Receiver<usize>,
    seen: Vec<bool>,
    missing: usize,
}

impl Arrivals {
    fn of<T: 'static>(calls: &[AsyncResult<T>]) -> Self {
        let (sender, places) = channel();
        for (place, call) in calls.iter().enumerate() {
            let told = sender.clone();
            // Where nothing listens any more, nothing is missed.
            call.on_ready(move |_| {
                let _ = told.send(place);
            });
            // A result that was taken calls nothing.
            if call.ready() {
                let _ = sender.send(place);
            }
        }
        Self { places, seen: vec![false; calls.len()], missing: calls.len() }
    }

    /// The place of the next call; `None` when all are there, or the deadline is over.
    fn next(&mut self, deadline: Option<Instant>) -> Option<usize> {
        while self.missing > 0 {
            let place = match deadline {
                None => self.places.recv().ok()?,
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    match self.places.recv_timeout(left) {
                        Ok(place) => place,
                        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
                    }
                }
            };
            if !std::mem::replace(&mut self.seen[place], true) {
                self.missing -= 1;
                return Some(place);
            }
        }
        None
    }
}

/// The results of several calls in the order in which they come; see [`as_completed`].
pub struct AsCompleted<T> {
    calls: Vec<AsyncResult<T>>,
    arrivals: Arrivals,
}

impl<T> fmt::Debug for AsCompleted<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("AsCompleted").field("missing", &self.arrivals.missing).finish_non_exhaustive()
    }
}

/// The results of several calls, also of different pools, as they come: each with the place of its call.
///
/// ```
/// use fanlane_mp::{self as mp, Pool, as_completed, function};
///
/// fn nap(millis: u64) -> u64 {
///     std::thread::sleep(std::time::Duration::from_millis(millis));
///     millis
/// }
///
/// fn main() -> Result<(), mp::Error> {
///     mp::init([function!(nap)]);
///     let pools = [Pool::new(1)?, Pool::new(1)?];
///     let calls = [pools[0].apply_async(nap, (400,))?, pools[1].apply_async(nap, (1,))?];
///     let mut results = as_completed(calls);
///     let (place, result) = results.next().expect("there are two");
///     assert_eq!((place, result?), (1, 1));
///     let (place, result) = results.next().expect("there is one more");
///     assert_eq!((place, result?), (0, 400));
///     Ok(())
/// }
/// ```
pub fn as_completed<T: 'static>(calls: impl IntoIterator<Item = AsyncResult<T>>) -> AsCompleted<T> {
    let calls: Vec<AsyncResult<T>> = calls.into_iter().collect();
    let arrivals = Arrivals::of(&calls);
    AsCompleted { calls, arrivals }
}

impl<T> AsCompleted<T> {
    /// As [`Iterator::next`], for at most `timeout`: also `None` when that is over, after which it can be asked again.
    pub fn next_timeout(&mut self, timeout: Duration) -> Option<(usize, Result<T, PoolError>)> {
        self.next_until(deadline_after(timeout))
    }

    fn next_until(&mut self, deadline: Option<Instant>) -> Option<(usize, Result<T, PoolError>)> {
        let place = self.arrivals.next(deadline)?;
        Some((place, self.calls[place].get()))
    }
}

impl<T> Iterator for AsCompleted<T> {
    type Item = (usize, Result<T, PoolError>);

    fn next(&mut self) -> Option<Self::Item> {
        self.next_until(None)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.arrivals.missing, Some(self.arrivals.missing))
    }
}

/// Waits for several calls, also of different pools, without taking their results; for at most `timeout`, if there is one. Returns
/// the places of the calls that have an outcome, in the order of the calls.
///
/// ```
/// use fanlane_mp::{self as mp, Pool, WaitFor, function, wait_for_calls};
///
/// fn cube(x: i64) -> i64 {
///     x * x * x
/// }
///
/// fn main() -> Result<(), mp::Error> {
///     mp::init([function!(cube)]);
///     let pool = Pool::new(2)?;
///     let calls = [pool.apply_async(cube, (2,))?, pool.apply_async(cube, (3,))?];
///     assert_eq!(wait_for_calls(&calls, WaitFor::All, None), [0, 1]);
///     assert_eq!(calls[1].get()?, 27);
///     Ok(())
/// }
/// ```
pub fn wait_for_calls<T: 'static>(calls: &[AsyncResult<T>], wanted: WaitFor, timeout: Option<Duration>) -> Vec<usize> {
    let deadline = timeout.and_then(deadline_after);
    let mut arrivals = Arrivals::of(calls);
    while let Some(place) = arrivals.next(deadline) {
        // It is told just before the outcome is there.
        calls[place].wait();
        let is_enough = match wanted {
            WaitFor::First => true,
            WaitFor::FirstFailure => calls[place].successful() == Some(false),
            WaitFor::All => false,
        };
        if is_enough {
            break;
        }
    }
    (0..calls.len()).filter(|place| calls[*place].ready()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::TaskError;
    use crate::pool::result::Completion;

    #[test]
    fn results_come_in_the_order_of_their_arrival_each_once() {
        let (completions, calls): (Vec<_>, Vec<_>) = (0..4).map(|_| Completion::<u32>::pair()).unzip();
        completions[1].fulfil(Ok(1));
        assert_eq!(calls[1].get().expect("a result"), 1, "it was taken before");
        completions[2].fulfil(Ok(2));
        let mut results = as_completed(calls);
        assert_eq!(results.size_hint(), (4, Some(4)));
        let first: Vec<_> = results.by_ref().take(2).map(|(place, result)| (place, result.ok())).collect();
        assert_eq!(first, [(1, None), (2, Some(2))]);
        assert!(results.next_timeout(Duration::ZERO).is_none());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                completions[3].fulfil(Err(TaskError::Terminated));
                completions[0].fulfil(Ok(0));
            });
            assert!(matches!(results.next(), Some((3, Err(PoolError::Task(TaskError::Terminated))))));
            assert!(matches!(results.next(), Some((0, Ok(0)))));
        });
        assert!(results.next().is_none());
    }

    #[test]
    fn waiting_ends_with_the_first_a_failure_or_all() {
        let (completions, calls): (Vec<_>, Vec<_>) = (0..3).map(|_| Completion::<u32>::pair()).unzip();
        assert!(wait_for_calls(&calls, WaitFor::First, Some(Duration::ZERO)).is_empty());
        completions[1].fulfil(Ok(1));
        assert_eq!(wait_for_calls(&calls, WaitFor::First, None), [1]);
        assert_eq!(wait_for_calls(&calls, WaitFor::FirstFailure, Some(Duration::ZERO)), [1]);
        completions[2].fulfil(Err(TaskError::Cancelled));
        assert_eq!(wait_for_calls(&calls, WaitFor::FirstFailure, None), [1, 2]);
        std::thread::scope(|scope| {
            scope.spawn(|| completions[0].fulfil(Ok(0)));
            assert_eq!(wait_for_calls(&calls, WaitFor::All, None), [0, 1, 2]);
        });
        assert!(wait_for_calls::<u32>(&[], WaitFor::All, None).is_empty());
    }
}
