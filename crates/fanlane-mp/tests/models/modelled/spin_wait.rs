//! One poll, as in `backoff.rs`. With a [`SpinDeadline`], polling goes on until then and must have found something by then:
//! so the model shows that polling always ends.

use std::sync::Arc;

use loom::sync::{Condvar, Mutex};

use crate::orders::processes;

#[derive(Debug, Default)]
pub struct SpinWait {}

pub fn burst<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    look()
}

impl SpinWait {
    pub fn poll<T>(&mut self, mut look: impl FnMut() -> Option<T>) -> Option<T> {
        processes::spin_deadline().map(|deadline| {
            deadline.wait();
            look().expect("all has been sent, and the polling receiver was not told")
        })
    }
}

/// How long all processes of a model poll.
#[derive(Debug)]
pub struct SpinDeadline {
    is_over: Mutex<bool>,
    ends: Condvar,
}

impl SpinDeadline {
    pub fn new() -> Arc<Self> {
        let deadline = Arc::new(Self { is_over: Mutex::new(false), ends: Condvar::new() });
        processes::set_spin_deadline(&deadline);
        deadline
    }

    pub fn end(&self) {
        *self.is_over.lock().unwrap() = true;
        self.ends.notify_all();
    }

    fn wait(&self) {
        let mut is_over = self.is_over.lock().unwrap();
        while !*is_over {
            is_over = self.ends.wait(is_over).unwrap();
        }
    }
}
