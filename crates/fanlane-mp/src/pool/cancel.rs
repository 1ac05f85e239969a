//! Cancelled calls: what becomes of their tasks.

use std::collections::VecDeque;
use std::sync::Arc;

use rustix::process::Signal;

use super::shared::PoolShared;
use super::state::{InFlight, PoolState, Work, wake_all};
use super::{AsyncResult, Pool};
use crate::error::TaskError;
use fanlane_os::child::Child;

impl Pool {
    /// Cancels a call of this pool: its tasks that are not begun are dropped, the workers that are at others are ended
    /// and replaced, and its result is [`TaskError::Cancelled`]. Tasks of other calls are not touched. `false` where the
    /// result is there already.
    ///
    /// ```
    /// use fanlane_mp::{self as mp, PoolError, Pool, TaskError, function};
    ///
    /// fn wait_for_ever() {
    ///     loop {
    ///         std::thread::park();
    ///     }
    /// }
    ///
    /// fn main() -> Result<(), mp::Error> {
    ///     mp::init([function!(wait_for_ever)]);
    ///     let pool = Pool::new(1)?;
    ///     let result = pool.apply_async(wait_for_ever, ())?;
    ///     assert!(pool.cancel(&result));
    ///     assert!(matches!(result.get(), Err(PoolError::Task(TaskError::Cancelled))));
    ///     Ok(())
    /// }
    /// ```
    pub fn cancel<T>(&self, call: &AsyncResult<T>) -> bool {
        let is_cancelled = call.cancel();
        if is_cancelled {
            self.shared.drop_cancelled();
        }
        is_cancelled
    }
}

impl PoolShared {
    /// Drops cancelled work, and ends the workers that are at it. Nothing else is lost: a worker has sent the
    /// results of one job before it begins the next.
    fn drop_cancelled(&self) {
        let (dropped, wakers) = {
            let mut state = self.state();
            // Before anything else can be sent to them.
            for child in state.busy_with_cancelled() {
                child.signal(Signal::KILL);
            }
            let dropped = state.drop_cancelled();
            let queued = state.queued;
            (dropped, state.wake(queued))
        };
        wake_all(&wakers);
        self.fail(dropped.into_iter().map(|work| (work, TaskError::Cancelled)).collect());
    }
}

impl PoolState {
    /// Takes cancelled work out of the queue.
    pub fn drop_cancelled(&mut self) -> VecDeque<Work> {
        let queue = std::mem::take(&mut self.queue).into_iter();
        let (cancelled, wanted): (VecDeque<_>, _) = queue.partition(|work| work.job.collector.is_cancelled());
        self.queued -= cancelled.iter().map(|work| work.chunks).sum::<usize>();
        self.queue = wanted;
        cancelled
    }

    /// Takes back from the workers that have any of it in hand what they have not begun. Gives those that are at
    /// cancelled work: they have nothing else to do then.
    fn busy_with_cancelled(&mut self) -> Vec<Arc<Child>> {
        let is_cancelled = |flight: &InFlight| flight.work.job.collector.is_cancelled();
        let mut busy = Vec::new();
        for lane in 0..self.lanes.len() {
            if !self.lanes[lane].flights.iter().any(is_cancelled) {
                continue;
            }
            self.take_back(lane);
            let lane = &self.lanes[lane];
            if lane.flights.back().is_some_and(is_cancelled) {
                busy.extend(lane.worker.as_ref().map(|worker| Arc::clone(&worker.child)));
            }
        }
        busy
    }
}
