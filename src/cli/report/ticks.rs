//! What a report does between events: the progress at intervals, and pauses, in which it draws nothing.

use std::io::{self, Write};
use std::time::Duration;

use super::Report;
use crate::cli::suspension::{Pause, Pauses};

impl Report<'_> {
    /// Sets where it learns of pauses, in which the terminal belongs to the shell.
    pub fn pausing(self, pauses: Pauses) -> Self {
        Self { pauses, ..self }
    }

    /// Draws nothing while the terminal belongs to the shell.
    pub(super) fn pause(&mut self, pause: Pause) {
        // What cannot be written is noticed when the next is.
        let _ = self.streams.flush();
        self.streams.bar.leave();
        self.suspended(pause.wait());
    }

    /// The run was suspended for so long, and its clock stood still.
    pub fn suspended(&mut self, lasted: Duration) {
        self.begun += lasted;
        self.keepers.suspended(self.now_ns(), lasted);
    }

    /// Writes what was gathered while no event waits. Under a bar that costs a redraw, so there the next tick does it.
    pub(super) fn flush_unless_bar(&mut self) -> io::Result<()> {
        if self.streams.bar.is_drawn() { Ok(()) } else { self.streams.flush() }
    }

    pub(super) fn tick(&mut self) -> io::Result<()> {
        self.streams.flush()?;
        self.show_progress()
    }

    fn show_progress(&mut self) -> io::Result<()> {
        let now_ns = self.now_ns();
        match self.streams.bar.show(&self.progress, self.earlier, now_ns) {
            Some(line) => self.streams.stderr(|err| err.write_all(line.as_bytes())),
            None => Ok(()),
        }
    }

    fn now_ns(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}
