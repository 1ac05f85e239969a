//! The end of a report: what still waited, the summary, and what was measured.

use std::io;

use super::{Format, Report, describe, json, printable};
use crate::cli::choices::TransportArg;

impl Report<'_> {
    /// Writes what waits for its turn, and the summary.
    ///
    /// # Errors
    /// When a stream cannot be written.
    pub fn finish(&mut self) -> io::Result<()> {
        if let Some(mut order) = self.order.take() {
            order.finish(|record| self.write_task(&record))?;
        }
        self.streams.bar.clear();
        if let Some(summary) = self.progress.summary.clone() {
            if self.style.format == Format::Json && !self.shared.is_empty() {
                self.streams.stdout(|out| json::write_shared(&self.shared, out))?;
            }
            if self.style.format == Format::Json {
                let (earlier, shortfall) = (self.earlier, self.shortfall);
                let python =
                    json::PythonFields { interpreter: self.interpreter.clone(), result_ways: self.objects.ways() };
                self.streams.stdout(|out| json::write_summary(&summary, earlier, shortfall, python, out))?;
            }
            // Where nothing was run, the reason says it all.
            let is_nothing = self.progress.gave_up && summary.counts.total() == summary.counts.cancelled;
            if !self.style.quiet && !is_nothing {
                self.say(&describe::summary(&summary, self.earlier, self.shortfall))?;
                if let Some(facts) = self.interpreter.take() {
                    self.say(&printable(&facts.words_in(summary.mode), usize::MAX))?;
                }
                if let Some((better, advice)) = self.transports.better().zip(self.transports.advice()) {
                    let flag = TransportArg::from(better).flag();
                    self.say(&format!("{advice}; it is chosen by --transport {flag}"))?;
                }
                if let Some(ways) = self.objects.ways() {
                    self.say(&ways.advice())?;
                }
                for content in std::mem::take(&mut self.shared) {
                    self.say(&describe::shared(&content))?;
                }
            }
        }
        self.streams.flush()
    }
}
