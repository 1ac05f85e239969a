//! What becomes of a pool, of processes or of threads, and waiting for its end.

use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::error::{PoolError, TaskError};

/// What becomes of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    Open,
    /// It takes nothing more and does what it has.
    Closed,
    /// It does nothing more, and why.
    Ended(TaskError),
}

impl Phase {
    /// Whether it takes tasks; otherwise the error of one.
    pub fn check_open(&self) -> Result<(), TaskError> {
        match self {
            Self::Open => Ok(()),
            Self::Closed => Err(TaskError::PoolClosed),
            Self::Ended(why) => Err(why.clone()),
        }
    }

    /// Takes nothing more.
    pub fn close(&mut self) {
        if *self == Self::Open {
            *self = Self::Closed;
        }
    }

    /// Does nothing more; `false` where it has ended before.
    pub fn end(&mut self, why: &TaskError) -> bool {
        let ends = !self.is_ended();
        if ends {
            *self = Self::Ended(why.clone());
        }
        ends
    }

    pub const fn is_ended(&self) -> bool {
        matches!(self, Self::Ended(_))
    }

    /// Whether a pool in this phase may be joined.
    pub fn check_joinable(&self) -> Result<(), PoolError> {
        if *self == Self::Open {
            return Err(PoolError::Open);
        }
        Ok(())
    }

    /// What joining a pool gives that has come to its end.
    pub fn joined(&self) -> Result<(), PoolError> {
        match self {
            Self::Ended(error @ TaskError::PoolFailed(_)) => Err(PoolError::Task(error.clone())),
            _ => Ok(()),
        }
    }
}

/// The threads of a pool.
#[derive(Default)]
pub struct PoolThreads(Mutex<Vec<JoinHandle<()>>>);

impl PoolThreads {
    /// No threads.
    pub const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// Starts another thread, and forgets those that have ended.
    pub fn start(&self, name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work)?;
        let mut threads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        threads.retain(|thread| !thread.is_finished());
        threads.push(thread);
        Ok(())
    }

    /// Waits until all have ended, those that are started meanwhile too: a thread may start its successor before it ends.
    pub fn join(&self) {
        loop {
            let threads = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
            if threads.is_empty() {
                return;
            }
            for thread in threads {
                // A callback that panics ends its thread; the panic was reported then.
                let _ = thread.join();
            }
        }
    }
}
