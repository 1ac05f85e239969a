//! A sink for the tests of reports.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

/// Keeps what is written; clones share it.
#[derive(Clone, Default)]
pub struct Watched(Arc<Mutex<Vec<u8>>>);

impl Watched {
    /// What was written so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("no writer panics")).into_owned()
    }
}

impl Write for Watched {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no writer panics").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
