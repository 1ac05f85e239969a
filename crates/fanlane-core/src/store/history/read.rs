//! Reading the events of a run, block by block, as lines of a record. Damaged blocks are skipped and counted.

use std::collections::HashMap;

use rusqlite::OptionalExtension;

use super::words::TaskDescriber;
use super::{History, HistoryError, block};
use crate::event::{AttemptRecord, Event, EventKind, Outcome, RunEvent, Summary, TaskEvent};
use crate::store::record::{RecordLine, TaskWords};

/// The lines of a run's record after its header.
pub struct RunLines<'a> {
    history: &'a History,
    run: i64,
    place: i64,
    lines: std::vec::IntoIter<RecordLine>,
    describer: TaskDescriber,
    damaged: u64,
    over: bool,
}

/// A block as it is stored.
pub(super) struct StoredBlock {
    pub place: i64,
    /// `None`: they are damaged.
    pub bytes: Option<Vec<u8>>,
}

impl History {
    /// The lines of a run, as far as they are recorded at the time of reading.
    pub fn lines(&self, run: i64) -> RunLines<'_> {
        RunLines {
            history: self,
            run,
            place: -1,
            lines: Vec::new().into_iter(),
            describer: TaskDescriber::default(),
            damaged: 0,
            over: false,
        }
    }

    /// The first block of a run behind a place.
    pub(super) fn block_behind(&self, run: i64, place: i64) -> Result<Option<StoredBlock>, HistoryError> {
        let text = "SELECT place, checksum, bytes FROM blocks WHERE run = ?1 AND place > ?2 ORDER BY place LIMIT 1";
        let found = self.connection.prepare(text).and_then(|mut statement| {
            let block = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
            statement.query_row((run, place), block).optional()
        });
        let found: Option<(i64, i64, Vec<u8>)> = found.map_err(|error| self.fault(error))?;
        Ok(found.map(|(place, checksum, bytes)| {
            let is_whole = block::checksum(&bytes) == checksum;
            StoredBlock { place, bytes: is_whole.then_some(bytes) }
        }))
    }

    /// The events of a run; returns the number of damaged blocks. A run without an end gets one, at its last known
    /// time, so that a model folded from them is complete.
    ///
    /// # Errors
    /// When there is no such run, or the history cannot be read.
    pub fn events(&self, run: i64, mut take: impl FnMut(Event)) -> Result<u64, HistoryError> {
        let row = self.run(run)?;
        let mut lines = self.lines(run);
        let mut has_ended = false;
        for line in lines.by_ref() {
            if let RecordLine::Event(event) = line? {
                has_ended |= matches!(event.kind, EventKind::Run(RunEvent::Finished(_)));
                take(event);
            }
        }
        if !has_ended {
            let summary = row.summary.unwrap_or(Summary {
                counts: row.counts,
                wall_ns: row.wall_ns,
                cpu_ns: 0,
                retries: row.retries,
                workers: row.workers,
                mode: row.mode,
                stopped: true,
            });
            take(Event { at_ns: row.wall_ns, kind: EventKind::Run(RunEvent::Finished(summary)) });
        }
        Ok(lines.damaged)
    }

    /// Calls `take` with each task of a run that has ended and was not cancelled, in the order in which they ended.
    ///
    /// # Errors
    /// When the history cannot be read, and any error of `take`, which ends the reading.
    pub fn each_ended<E: From<HistoryError>>(
        &self,
        run: i64,
        mut take: impl FnMut(&TaskWords, &AttemptRecord) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut words: HashMap<u64, TaskWords> = HashMap::new();
        for line in self.lines(run) {
            match line? {
                RecordLine::Tasks(tasks) => words = tasks.into_iter().map(|task| (task.task, task)).collect(),
                RecordLine::Event(Event { kind: EventKind::Task(TaskEvent::Finished(records)), .. }) => {
                    for record in records.iter().filter(|record| record.outcome != Outcome::Cancelled) {
                        if let Some(words) = words.get(&record.task.number()) {
                            take(words, record)?;
                        }
                    }
                }
                RecordLine::Event(_) | RecordLine::Header(_) => {}
            }
        }
        Ok(())
    }
}

impl RunLines<'_> {
    /// Number of damaged blocks that were skipped, each of some thousand tasks or fewer.
    pub const fn damaged(&self) -> u64 {
        self.damaged
    }

    fn next_block(&mut self) -> Result<Option<Vec<RecordLine>>, HistoryError> {
        let Some(StoredBlock { place, bytes }) = self.history.block_behind(self.run, self.place)? else {
            return Ok(None);
        };
        self.place = place;
        let (history, run, describer) = (self.history, self.run, &mut self.describer);
        let describe = |words: &mut TaskWords| describer.describe(history, run, words);
        let whole = bytes.and_then(|bytes| block::read(&bytes, describe));
        self.damaged += u64::from(whole.is_none());
        Ok(Some(whole.unwrap_or_default()))
    }
}

impl Iterator for RunLines<'_> {
    type Item = Result<RecordLine, HistoryError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(line) = self.lines.next() {
                return Some(Ok(line));
            }
            if self.over {
                return None;
            }
            match self.next_block() {
                Ok(Some(lines)) => self.lines = lines.into_iter(),
                Ok(None) => self.over = true,
                Err(error) => {
                    self.over = true;
                    return Some(Err(error));
                }
            }
        }
    }
}
