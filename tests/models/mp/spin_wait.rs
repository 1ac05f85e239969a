//! One look, as in `spin.rs`. Where a model says until when, whoever looks does so until then and has to have found something:
//! so it shows that nobody looks for longer than there is a reason to.

use std::sync::Arc;

use loom::sync::{Condvar, Mutex};

use crate::processes;

#[derive(Debug, Default)]
pub struct SpinWait {}

pub fn turn<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    look()
}

impl SpinWait {
    pub fn poll<T>(&mut self, mut look: impl FnMut() -> Option<T>) -> Option<T> {
        processes::patience().map(|patience| {
            patience.wait();
            look().expect("all has been done, and one who looks was not told")
        })
    }
}

/// How long all of a model look.
#[derive(Debug)]
pub struct Patience {
    is_over: Mutex<bool>,
    ends: Condvar,
}

impl Patience {
    pub fn new() -> Arc<Self> {
        let patience = Arc::new(Self { is_over: Mutex::new(false), ends: Condvar::new() });
        processes::set_patience(&patience);
        patience
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
