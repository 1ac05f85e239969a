//! A chain of runs that resume each other, read as one run of the whole batch: each task with its last end, under the number
//! that it has in the batch.

use std::collections::HashMap;

use super::{History, HistoryError, RunLines, RunRow};
use crate::event::{
    AttemptRecord, Event, EventKind, Outcome, OutcomeCounts, RunEvent, RunHeader, Summary, TaskEvent, TaskId,
};
use crate::store::record::{RecordHeader, RecordLine, TaskWords};

/// A run and those that it resumes, directly or indirectly.
#[derive(Clone, Debug)]
pub struct RunChain {
    /// The newest first; at least one.
    runs: Vec<RunRow>,
}

impl History {
    /// A run and those that it resumes. A run that was removed ends the chain.
    ///
    /// # Errors
    /// When there is no such run, or the history cannot be read.
    pub fn chain(&self, id: i64) -> Result<RunChain, HistoryError> {
        let mut runs = vec![self.run(id)?];
        while let Some((last, before)) = runs.last().and_then(|last| Some((last.id, last.continues?))) {
            // A run only resumes an older one; the check keeps a damaged number from causing an endless loop.
            if before >= last {
                break;
            }
            match self.run(before) {
                Ok(run) => runs.push(run),
                Err(HistoryError::NoRun { .. }) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(RunChain { runs })
    }

    /// The lines of a chain as those of one run. Times are since the start of its first run.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn lines_of_chain<'a>(&'a self, chain: &'a RunChain) -> Result<ChainLines<'a>, HistoryError> {
        let places = self.picked(chain.first().id)?;
        let places = places.map(|numbers| numbers.into_iter().zip(0..).collect());
        let mut found = ChainLines {
            history: self,
            chain,
            places,
            last_ends: HashMap::new(),
            next: 0,
            lines: None,
            shift_ns: 0,
            ids: HashMap::new(),
            counts: OutcomeCounts::default(),
            damaged: 0,
            is_over: false,
        };
        if chain.runs.len() > 1 {
            for (run, place) in chain.runs.iter().rev().zip(0..) {
                self.find_last_ends(run.id, place, &mut found.last_ends)?;
            }
        }
        Ok(found)
    }

    /// Notes the tasks that a run ended. One that it only cancelled is left to an earlier run that did more.
    fn find_last_ends(&self, run: i64, place: usize, ends: &mut HashMap<u64, LastEnd>) -> Result<(), HistoryError> {
        let mut numbers: HashMap<u64, u64> = HashMap::new();
        for line in self.lines(run) {
            match line? {
                RecordLine::Tasks(tasks) => {
                    numbers = tasks.iter().map(|task| (task.task, task.number())).collect();
                }
                RecordLine::Event(Event { kind: EventKind::Task(TaskEvent::Finished(records)), .. }) => {
                    for record in &records {
                        let is_cancelled = record.outcome == Outcome::Cancelled;
                        let Some(number) = numbers.get(&record.task.number()) else { continue };
                        if !is_cancelled || ends.get(number).is_none_or(|end| end.is_cancelled) {
                            ends.insert(*number, LastEnd { place, is_cancelled });
                        }
                    }
                }
                RecordLine::Event(_) | RecordLine::Header(_) => {}
            }
        }
        Ok(())
    }

    /// The events of a chain, as [`History::events`] has those of a run.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn events_of_chain(&self, chain: &RunChain, mut take: impl FnMut(Event)) -> Result<u64, HistoryError> {
        if let [run] = &*chain.runs {
            return self.events(run.id, take);
        }
        let mut lines = self.lines_of_chain(chain)?;
        for line in lines.by_ref() {
            if let RecordLine::Event(event) = line? {
                take(event);
            }
        }
        Ok(lines.damaged())
    }
}

impl RunChain {
    /// Its runs, the newest first.
    pub fn runs(&self) -> &[RunRow] {
        &self.runs
    }

    /// The newest of its runs, which the chain is named by.
    pub fn newest(&self) -> &RunRow {
        &self.runs[0]
    }

    /// The first of its runs.
    pub fn first(&self) -> &RunRow {
        &self.runs[self.runs.len() - 1]
    }

    /// The header of a record of all of it.
    pub fn header(&self) -> &RecordHeader {
        &self.first().header
    }

    /// Number of tasks of the batch, without those that the first run had left out.
    pub fn tasks(&self) -> u64 {
        self.first().tasks.max(self.newest().batch_tasks() - self.first().earlier.total())
    }

    fn shift_ns(&self, run: &RunRow) -> u64 {
        run.started_unix_ms.saturating_sub(self.first().started_unix_ms).saturating_mul(1_000_000)
    }

    /// The totals of all of it.
    fn summary(&self, counts: OutcomeCounts) -> Summary {
        let newest = self.newest();
        let sum = |of: &dyn Fn(&RunRow) -> u64| self.runs.iter().map(of).sum();
        Summary {
            counts,
            wall_ns: sum(&|run| run.wall_ns),
            cpu_ns: sum(&|run| run.summary.as_ref().map_or(0, |summary| summary.cpu_ns)),
            retries: sum(&|run| run.retries),
            workers: newest.workers,
            mode: newest.mode,
            stopped: newest.summary.as_ref().is_none_or(|summary| summary.stopped),
        }
    }
}

/// Which run of a chain, from the first, ended a task last.
#[derive(Clone, Copy, Debug)]
struct LastEnd {
    place: usize,
    is_cancelled: bool,
}

/// The lines of a chain after its header.
pub struct ChainLines<'a> {
    history: &'a History,
    chain: &'a RunChain,
    /// The place of each number, if the first run was itself a part of a batch.
    places: Option<HashMap<u64, u64>>,
    /// By the tasks' numbers.
    last_ends: HashMap<u64, LastEnd>,
    /// The next run, from the first.
    next: usize,
    lines: Option<RunLines<'a>>,
    shift_ns: u64,
    /// The ids in the whole of the tasks of the next line, by those in their run; `None`: a later run ended it.
    ids: HashMap<TaskId, Option<TaskId>>,
    counts: OutcomeCounts,
    damaged: u64,
    is_over: bool,
}

impl ChainLines<'_> {
    /// Number of damaged blocks that were skipped.
    pub fn damaged(&self) -> u64 {
        self.damaged + self.lines.as_ref().map_or(0, RunLines::damaged)
    }

    fn id_of(&self, number: u64) -> Option<TaskId> {
        match &self.places {
            Some(places) => places.get(&number).map(|place| TaskId(*place)),
            None => number.checked_sub(1).map(TaskId),
        }
    }

    fn tasks(&mut self, tasks: Vec<TaskWords>) -> Option<RecordLine> {
        self.ids.clear();
        let mut kept = Vec::new();
        for mut task in tasks {
            let in_run = TaskId(task.task.wrapping_sub(1));
            let number = task.number();
            let is_last = self.last_ends.get(&number).is_none_or(|last| last.place == self.next - 1);
            let id = self.id_of(number).filter(|_| is_last);
            self.ids.insert(in_run, id);
            if let Some(id) = id {
                task.task = id.number();
                task.number = Some(number).filter(|number| *number != task.task);
                kept.push(task);
            }
        }
        (!kept.is_empty()).then_some(RecordLine::Tasks(kept))
    }

    fn record(&self, record: AttemptRecord) -> Option<AttemptRecord> {
        let task = (*self.ids.get(&record.task)?)?;
        Some(AttemptRecord { task, start_ns: record.start_ns.saturating_add(self.shift_ns), ..record })
    }

    fn event(&mut self, event: Event) -> Option<Event> {
        let at_ns = event.at_ns.saturating_add(self.shift_ns);
        let is_first = self.next == 1;
        let kind = match event.kind {
            EventKind::Run(RunEvent::Started(header)) if is_first => {
                EventKind::Run(RunEvent::Started(RunHeader { tasks: self.chain.tasks(), ..header }))
            }
            EventKind::Run(RunEvent::Started(_) | RunEvent::Finished(_) | RunEvent::BatchGrew { .. }) => return None,
            EventKind::Task(TaskEvent::Finished(records)) => {
                let records: Vec<_> = records.into_iter().filter_map(|record| self.record(record)).collect();
                records.iter().for_each(|record| self.counts.add(record.outcome.class()));
                if records.is_empty() {
                    return None;
                }
                EventKind::Task(TaskEvent::Finished(records))
            }
            EventKind::Task(TaskEvent::Retried(record)) => EventKind::Task(TaskEvent::Retried(self.record(record)?)),
            // They name tasks by their ids in a run, and say nothing that the end of the task does not.
            EventKind::Task(TaskEvent::Started { .. }) => return None,
            kind => kind,
        };
        Some(Event { at_ns, kind })
    }

    /// Lets a run alone be as it is recorded.
    fn is_chain(&self) -> bool {
        self.chain.runs.len() > 1
    }

    fn next_line(&mut self) -> Result<Option<RecordLine>, HistoryError> {
        loop {
            let Some(line) = self.lines.as_mut().and_then(Iterator::next) else {
                self.damaged = self.damaged();
                let Some(run) = self.chain.runs.iter().rev().nth(self.next) else {
                    self.lines = None;
                    return Ok(None);
                };
                self.next += 1;
                self.shift_ns = self.chain.shift_ns(run);
                self.lines = Some(self.history.lines(run.id));
                continue;
            };
            let line = line?;
            if !self.is_chain() {
                return Ok(Some(line));
            }
            let line = match line {
                RecordLine::Header(_) => None,
                RecordLine::Tasks(tasks) => self.tasks(tasks),
                RecordLine::Event(event) => self.event(event).map(RecordLine::Event),
            };
            if line.is_some() {
                return Ok(line);
            }
        }
    }
}

impl Iterator for ChainLines<'_> {
    type Item = Result<RecordLine, HistoryError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        match self.next_line() {
            Ok(Some(line)) => Some(Ok(line)),
            Ok(None) => {
                self.is_over = true;
                self.is_chain().then(|| {
                    let newest = self.chain.newest();
                    let at_ns = self.chain.shift_ns(newest).saturating_add(newest.wall_ns);
                    let summary = self.chain.summary(self.counts);
                    Ok(RecordLine::Event(Event { at_ns, kind: EventKind::Run(RunEvent::Finished(summary)) }))
                })
            }
            Err(error) => {
                self.is_over = true;
                Some(Err(error))
            }
        }
    }
}
