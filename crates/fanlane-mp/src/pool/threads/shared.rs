//! What the threads of a pool share, and what each of them does.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::error::TaskError;
use crate::pool::phase::{Phase, PoolThreads};

/// What each thread calls first; the words of its failure.
pub type FirstCall = Arc<dyn Fn() -> Option<String> + Send + Sync>;

/// What was chosen when the pool was made.
#[derive(Default)]
pub struct ThreadPoolPlan {
    pub initializer: Option<FirstCall>,
    pub max_tasks_per_child: Option<u64>,
}

/// Done by a thread, or called with the reason why it is not.
pub type Task = Box<dyn FnOnce(Result<(), TaskError>) + Send>;

/// The pool as its threads see it.
pub struct ThreadPoolShared {
    pub plan: ThreadPoolPlan,
    pub threads: PoolThreads,
    pub state: Mutex<ThreadPoolState>,
    pub changed: Condvar,
}

/// What changes.
pub struct ThreadPoolState {
    pub phase: Phase,
    pub queue: VecDeque<Task>,
    pub wanted: usize,
    pub running: usize,
}

impl ThreadPoolShared {
    pub fn state(&self) -> MutexGuard<'_, ThreadPoolState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn submit(&self, task: Task) -> Result<(), TaskError> {
        let mut state = self.state();
        state.phase.check_open()?;
        state.queue.push_back(task);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Starts a thread more.
    pub fn start_thread(self: &Arc<Self>, state: &mut ThreadPoolState) -> std::io::Result<()> {
        let shared = Arc::clone(self);
        self.threads.start("pool's thread", move || shared.work())?;
        state.running += 1;
        Ok(())
    }

    /// The life of a thread.
    fn work(self: &Arc<Self>) {
        if let Some(reason) = self.plan.initializer.as_ref().and_then(|call| call()) {
            self.end(&TaskError::PoolFailed(reason));
        }
        let mut done = 0;
        let mut state = self.state();
        loop {
            if state.running > state.wanted || state.phase.is_ended() {
                break;
            }
            // Where no other thread can be had, this one goes on.
            if self.plan.max_tasks_per_child.is_some_and(|most| done >= most) && self.start_thread(&mut state).is_ok() {
                break;
            }
            if let Some(task) = state.queue.pop_front() {
                drop(state);
                // Tasks take care of their own panics; a panic of a callback ends with it.
                let _ = catch_unwind(AssertUnwindSafe(|| task(Ok(()))));
                done += 1;
                state = self.state();
            } else if state.phase == Phase::Closed {
                break;
            } else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
        state.running -= 1;
    }

    /// Begins no more tasks: those fail with `why`.
    pub fn end(&self, why: &TaskError) {
        let mut state = self.state();
        state.phase.end(why);
        let tasks = std::mem::take(&mut state.queue);
        drop(state);
        self.changed.notify_all();
        for task in tasks {
            task(Err(why.clone()));
        }
    }
}
