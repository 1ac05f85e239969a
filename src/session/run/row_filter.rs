//! Whether a result is one that a query asks for.
//!
//! What stands in records is looked at under the lock of the model; command lines are made from the batch without it.

use fanlane_core::event::{AttemptRecord, LaneId, Outcome, OutcomeClass, TaskId};
use fanlane_core::job::Batch;
use fanlane_core::model::search::{Hit, Needle};
use fanlane_core::model::{RunModel, Stretch};
use fanlane_os::signal;

use super::row_query::RowQuery;
use super::search_words::{ColumnWord, Compared, NumberColumn, TextColumn};

/// How much of a command line is searched, in bytes.
const MAX_COMMAND_BYTES: usize = 2048;

/// A query, ready to be asked of many results.
#[derive(Clone)]
pub struct RowFilter {
    /// What the command line has to have.
    commands: Vec<Needle>,
    /// What a value of the inputs has to have.
    inputs: Vec<Needle>,
    tasks: Vec<Compared>,
    lane: Option<LaneId>,
    span: Option<Stretch>,
    /// Asked of the record.
    columns: Vec<RecordColumn>,
    /// Looked for in outputs, and shown.
    hit: Option<Needle>,
}

#[derive(Clone)]
enum RecordColumn {
    Outcome(OutcomeClass),
    Exit(Compared),
    Signal(String),
    Output(Needle),
    Value(Needle),
    Number(NumberColumn, Compared),
}

impl RowFilter {
    /// What a query asks, without its outcome and its cause.
    pub fn new(query: &RowQuery) -> Self {
        let words = query.words();
        let hit = query.needle();
        let mut filter = Self {
            commands: Needle::new(&words.text).filter(|_| hit.is_none()).into_iter().collect(),
            inputs: Vec::new(),
            tasks: Vec::new(),
            lane: query.lane,
            span: query.span,
            columns: Vec::new(),
            hit,
        };
        for column in words.columns {
            filter.add(column);
        }
        filter
    }

    fn add(&mut self, column: ColumnWord) {
        match column {
            ColumnWord::Text(TextColumn::Command, text) => self.commands.extend(Needle::new(&text)),
            ColumnWord::Text(TextColumn::Input, text) => self.inputs.extend(Needle::new(&text)),
            ColumnWord::Text(TextColumn::Output, text) => {
                self.columns.extend(Needle::new(&text).map(RecordColumn::Output));
            }
            ColumnWord::Text(TextColumn::Value, text) => {
                self.columns.extend(Needle::new(&text).map(RecordColumn::Value));
            }
            ColumnWord::Outcome(class) => self.columns.push(RecordColumn::Outcome(class)),
            ColumnWord::Exit(compared) => self.columns.push(RecordColumn::Exit(compared)),
            ColumnWord::Signal(name) => self.columns.push(RecordColumn::Signal(name)),
            ColumnWord::Number(NumberColumn::Task, compared) => self.tasks.push(compared),
            ColumnWord::Number(column, compared) => self.columns.push(RecordColumn::Number(column, compared)),
        }
    }

    /// What is looked for in outputs and shown.
    pub const fn hit(&self) -> Option<&Needle> {
        self.hit.as_ref()
    }

    /// Something is asked of records.
    pub fn asks_records(&self) -> bool {
        self.hit.is_some() || self.lane.is_some() || self.span.is_some() || !self.columns.is_empty()
    }

    /// Something is asked of command lines, inputs or numbers of tasks.
    pub fn asks_tasks(&self) -> bool {
        !(self.commands.is_empty() && self.inputs.is_empty() && self.tasks.is_empty())
    }

    /// Whether a record is asked for, and where the text is.
    pub fn takes_record(&self, record: &AttemptRecord, model: &RunModel) -> Option<Option<Hit>> {
        let lane = model.lane_of.get(&record.worker).copied().filter(|_| record.attempt > 0);
        let in_lane = self.lane.is_none_or(|wanted| lane == Some(wanted));
        let in_span = self.span.is_none_or(|span| span.meets_attempt(record));
        if !(in_lane && in_span && self.columns.iter().all(|column| column.takes(record, lane))) {
            return None;
        }
        let Some(needle) = &self.hit else { return Some(None) };
        let attempts = std::iter::once(record).chain(model.records.retried(record.task));
        attempts.into_iter().find_map(|attempt| needle.find_in_record(attempt)).map(Some)
    }

    /// Whether a task that is running or never began is asked for, by what is known of it.
    pub fn takes_without_record(&self, lane: Option<LaneId>, span_ns: Option<(u64, u64)>) -> bool {
        let number = lane.map(|lane| f64::from(lane.0 + 1));
        let column = |column: &RecordColumn| match column {
            RecordColumn::Number(NumberColumn::Lane, compared) => number.is_some_and(|lane| compared.is_met_by(lane)),
            RecordColumn::Number(NumberColumn::Start, compared) => {
                span_ns.is_some_and(|(start_ns, _)| compared.is_met_by(start_ns as f64))
            }
            _ => false,
        };
        self.hit.is_none()
            && self.lane.is_none_or(|wanted| lane == Some(wanted))
            && self.span.is_none_or(|span| span_ns.is_some_and(|(from_ns, to_ns)| span.meets(from_ns, to_ns)))
            && self.columns.iter().all(column)
    }

    /// Whether a task is asked for by its command line, its inputs and its number. `room` is reused from task to task.
    pub fn takes_task(&self, task: TaskId, batch: &Batch, room: &mut Vec<u8>) -> bool {
        if task.0 >= batch.len() {
            return !self.asks_tasks();
        }
        if !self.tasks.is_empty() {
            let number = batch.number(task) as f64;
            if !self.tasks.iter().all(|compared| compared.is_met_by(number)) {
                return false;
            }
        }
        if !self.commands.is_empty() {
            room.clear();
            batch.command_into(task, 1, room);
            room.truncate(MAX_COMMAND_BYTES);
            if !self.commands.iter().all(|needle| needle.is_in(room)) {
                return false;
            }
        }
        self.inputs.is_empty() || {
            let values = batch.values(task);
            self.inputs.iter().all(|needle| values.iter().any(|value| needle.is_in(value)))
        }
    }
}

impl RecordColumn {
    fn takes(&self, record: &AttemptRecord, lane: Option<LaneId>) -> bool {
        match self {
            Self::Outcome(class) => record.outcome.class() == *class,
            Self::Exit(compared) => match record.outcome {
                Outcome::Done => compared.is_met_by(0.0),
                Outcome::Exited { code } => compared.is_met_by(f64::from(code)),
                _ => false,
            },
            Self::Signal(name) => match record.outcome {
                Outcome::Signalled { signal: number } => signal::name(number).contains(&**name),
                _ => false,
            },
            Self::Output(needle) => needle.find_in_record(record).is_some(),
            Self::Value(needle) => record.value.as_ref().is_some_and(|value| needle.is_in(&value.text())),
            Self::Number(column, compared) => {
                let has_begun = record.attempt > 0;
                let number = match column {
                    NumberColumn::Task => Some(record.task.number() as f64),
                    NumberColumn::Lane => lane.map(|lane| f64::from(lane.0 + 1)),
                    NumberColumn::Tries => Some(f64::from(record.attempt)),
                    NumberColumn::Start => has_begun.then_some(record.start_ns as f64),
                    NumberColumn::Wall => has_begun.then_some(record.wall_ns as f64),
                    NumberColumn::Cpu => has_begun.then_some(record.cpu_ns as f64),
                    NumberColumn::Memory => (record.max_rss_bytes > 0).then_some(record.max_rss_bytes as f64),
                };
                number.is_some_and(|number| compared.is_met_by(number))
            }
        }
    }
}
