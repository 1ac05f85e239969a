//! Which values a task has: how inputs combine to rows, and rows to tasks. Nothing is stored for a row.

mod cutting;
mod opening;

use std::borrow::Cow;
use std::io::{BufRead, Read};
use std::path::Path;
use std::sync::Arc;

use bstr::BStr;
use serde::{Deserialize, Serialize};

use super::{BatchError, Source};
use crate::job::inputs::feeder::Feeder;
use crate::job::inputs::stream::RowStream;
use crate::job::order::sample;
use crate::job::template::{Digits, NumberUse, Values, WrittenAs, is_whole_number};
use crate::job::{Job, MAX_ARGS};
use opening::open_sources;

/// The inputs of a batch and how they combine.
#[derive(Debug)]
pub(super) struct Layout {
    sources: Vec<Member>,
    /// Where each value of a row comes from.
    slots: Vec<Slot>,
    /// Number of rows to choose from; with an input that grows, the number of rows that each of its rows is part of.
    rows: u64,
    /// The rows that arrive during the run.
    growing: Option<Arc<RowStream>>,
    /// The rows that were chosen; `None`: all.
    chosen: Option<Vec<u64>>,
    /// Number of rows in a task; the last task may have fewer. With `cuts`, those that positions in a template can mean.
    rows_per_task: u64,
    /// The first row of each task, where as many rows as fit go into one.
    cuts: Option<Vec<u64>>,
    /// A row's values are left out.
    without_values: bool,
}

/// A source and its place among the inputs.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Member {
    source: Source,
    /// The number of its input in the job, from 1.
    number: usize,
    /// Members of the same group are walked side by side.
    group: usize,
}

/// The place of a value: its source, row and column.
#[derive(Clone, Copy, Debug)]
struct Slot {
    source: usize,
    column: usize,
    /// Number of rows in succession that have the same row of the source.
    stride: u64,
    /// Number of rows after which the source starts again.
    rows: u64,
}

impl Member {
    /// Whether a deserialized member is consistent and belongs to an input of the job.
    pub(super) fn is_whole(&self, job: &Job) -> bool {
        let group = if job.linked { 0 } else { self.number.wrapping_sub(1) };
        (1..=job.input_count()).contains(&self.number) && self.group == group && self.source.is_whole()
    }

    /// The number of its input in the job, from 1.
    pub(super) const fn number(&self) -> usize {
        self.number
    }
}

impl Slot {
    const fn row_of(&self, row: u64) -> u64 {
        // The two divisions are most of what a small task costs, and the fastest input needs only one.
        let step = if self.stride == 1 { row } else { row / self.stride };
        if step < self.rows { step } else { step % self.rows }
    }
}

/// What the rows of an input that grows have to fulfil.
#[derive(Debug)]
pub(super) struct RowRules {
    /// The number of the rows' input in the job, from 1.
    pub number: usize,
    /// Columns that must be whole numbers, each with where a template asks for that.
    pub numbers: Vec<(usize, usize)>,
}

/// How standard input is read, where an input asks for it.
pub(super) enum StdinReading<'a> {
    /// To its end.
    Whole(&'a mut dyn Read),
    /// As far as its columns need; the rest comes while the batch runs. It is the first input then, and linked to none.
    Growing(&'a mut dyn BufRead),
}

impl Layout {
    /// Reads the inputs; an input that was left open has a feeder.
    pub(super) fn open(
        job: &Job,
        working_dir: &Path,
        reading: StdinReading<'_>,
    ) -> Result<(Self, Option<Feeder>), BatchError> {
        let (sources, feeder) = open_sources(job, working_dir, reading)?;
        Ok((Self::of(job, sources)?, feeder))
    }

    /// Combines inputs that were read.
    pub(super) fn of(job: &Job, sources: Vec<Member>) -> Result<Self, BatchError> {
        let growing = sources.iter().find_map(|member| member.source.stream()).cloned();
        let mut groups = group_lens(&sources);
        if growing.is_some() {
            groups[0] = u64::MAX;
        }
        let fixed = if growing.is_some() { &groups[1..] } else { &groups[..] };
        let rows = if fixed.contains(&0) {
            0
        } else {
            fixed.iter().try_fold(1_u64, |len, group| len.checked_mul(*group)).ok_or(BatchError::TooManyTasks)?
        };
        let slots = place_slots(&sources, &groups);
        let chosen = job.sample.filter(|count| *count < rows).map(|count| sample(count, rows, job.sample_seed));
        let fills = job.max_chars.is_some();
        let rows_to_take = chosen.as_ref().map_or(rows, |chosen| chosen.len() as u64);
        let default_rows = if fills { u32::try_from(rows_to_take).unwrap_or(MAX_ARGS) } else { 1 };
        let rows_per_task = u64::from(job.max_args.unwrap_or(default_rows).clamp(1, MAX_ARGS));
        let without_values = job.max_args == Some(0);
        Ok(Self { sources, slots, rows, growing, chosen, rows_per_task, cuts: None, without_values })
    }

    /// The inputs as they were read.
    pub(super) fn sources(&self) -> &[Member] {
        &self.sources
    }

    /// Whether an input gives values with their types.
    pub(super) fn has_types(&self) -> bool {
        self.sources.iter().any(|member| member.source.is_typed())
    }

    /// Number of tasks so far.
    pub(super) fn len(&self) -> u64 {
        self.len_and_end().0
    }

    /// Number of tasks so far, and whether that is final.
    pub(super) fn len_and_end(&self) -> (u64, bool) {
        if let Some(cuts) = &self.cuts {
            return (cuts.len() as u64, true);
        }
        let (rows, closed) = self.chosen_rows();
        // A task whose rows are incomplete is no task yet.
        let tasks = if closed { rows.div_ceil(self.rows_per_task) } else { rows / self.rows_per_task };
        (tasks, closed)
    }

    fn chosen_rows(&self) -> (u64, bool) {
        match (&self.growing, &self.chosen) {
            (Some(stream), _) => {
                let extent = stream.extent();
                (extent.len.saturating_mul(self.rows), extent.closed)
            }
            (None, Some(chosen)) => (chosen.len() as u64, true),
            (None, None) => (self.rows, true),
        }
    }

    /// The rows that arrive during the run; `None` where all are read.
    pub(super) const fn stream(&self) -> Option<&Arc<RowStream>> {
        self.growing.as_ref()
    }

    /// Notes that a task was made of its rows, which makes room for further rows.
    pub(super) fn take(&self, task: u64) {
        if let Some(stream) = &self.growing {
            stream.take(task * self.rows_per_task / self.rows.max(1));
        }
    }

    /// The rules for later rows, where templates pad these values.
    pub(super) fn rules<'a>(&self, wanted: impl Iterator<Item = &'a NumberUse>) -> RowRules {
        let later = |wanted: &NumberUse| {
            let slot = &self.slots[wanted.index % self.slots.len()];
            let is_growing = self.sources[slot.source].source.stream().is_some();
            is_growing.then_some((slot.column, wanted.column))
        };
        let number = self.sources.iter().find(|member| member.source.stream().is_some());
        RowRules { number: number.map_or(1, |member| member.number), numbers: wanted.filter_map(later).collect() }
    }

    /// A name for each value of a task.
    pub(super) fn columns(&self) -> Result<Vec<String>, BatchError> {
        let mut columns: Vec<String> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for Member { source, .. } in &self.sources {
            for column in 0..source.columns() {
                let name = source.names().get(column).filter(|name| !name.is_empty());
                if let Some(name) = name
                    && !seen.insert(name.clone())
                {
                    return Err(BatchError::ColumnTwice { name: name.clone() });
                }
                columns.push(name.cloned().unwrap_or_else(|| (columns.len() + 1).to_string()));
            }
        }
        if self.without_values {
            columns.clear();
        }
        // A task of several rows has the names for its first, as in GNU parallel.
        for _ in 1..self.rows_per_task {
            for _ in 0..self.slots.len() {
                columns.push((columns.len() + 1).to_string());
            }
        }
        Ok(columns)
    }

    /// Checks that all values that a template pads are numbers.
    pub(super) fn check_numbers(&self, wanted: &NumberUse) -> Result<(), BatchError> {
        let slot = &self.slots[wanted.index % self.slots.len()];
        let Member { source, number, .. } = &self.sources[slot.source];
        if source.is_range() {
            return Ok(());
        }
        for row in 0..source.len() {
            let value = source.value(row, slot.column, &mut Digits::new()).to_owned();
            if !is_whole_number(&value) {
                return Err(BatchError::NotANumber { number: *number, row: row + 1, value, column: wanted.column });
            }
        }
        Ok(())
    }

    /// The values of a task, counted from 0.
    pub(super) fn row(&self, task: u64) -> Row<'_> {
        assert!(task < self.len(), "task {} of {}", task + 1, self.len());
        if let Some(cuts) = &self.cuts {
            let task = usize::try_from(task).expect("what is held in memory is counted in usize");
            let end = cuts.get(task + 1).copied().unwrap_or_else(|| self.rows_to_cut());
            return self.rows_from(cuts[task], end - cuts[task]);
        }
        let first = task * self.rows_per_task;
        let rows = if self.rows_per_task == 1 { 1 } else { self.rows_per_task.min(self.chosen_rows().0 - first) };
        self.rows_from(first, rows)
    }

    /// The values of a task of `rows` rows, from the row `first` on.
    pub(super) fn rows_from(&self, first: u64, rows: u64) -> Row<'_> {
        let count = if self.without_values { 0 } else { self.slots.len() * rows as usize };
        Row { layout: self, first, count }
    }
}

/// The values of one task, as its template asks for them: those of one row, or of several in succession.
pub(super) struct Row<'a> {
    layout: &'a Layout,
    first: u64,
    count: usize,
}

impl<'a> Row<'a> {
    pub(super) fn values(&self) -> Vec<Cow<'a, BStr>> {
        let value = |index| {
            let (source, row, column) = self.find(index);
            source.owned_or_held(row, column)
        };
        (0..self.count).map(value).collect()
    }

    /// The source, row and column of a value.
    fn find(&self, index: usize) -> (&'a Source, u64, usize) {
        let layout = self.layout;
        let (row, index) = if index < layout.slots.len() {
            (self.first, index)
        } else {
            (self.first + (index / layout.slots.len()) as u64, index % layout.slots.len())
        };
        let row = match &layout.chosen {
            None => row,
            Some(chosen) => chosen[usize::try_from(row).expect("what is held in memory is counted in usize")],
        };
        let slot = &layout.slots[index];
        (&layout.sources[slot.source].source, slot.row_of(row), slot.column)
    }
}

impl Values for Row<'_> {
    fn count(&self) -> usize {
        self.count
    }

    fn value<'a>(&'a self, index: usize, digits: &'a mut Digits) -> &'a [u8] {
        let (source, row, column) = self.find(index);
        source.value(row, column, digits)
    }

    fn written_as(&self, index: usize) -> WrittenAs {
        let (source, row, column) = self.find(index);
        source.written_as(row, column)
    }
}

/// Number of rows of each group of inputs: that of its shortest member.
fn group_lens(members: &[Member]) -> Vec<u64> {
    let mut lens: Vec<u64> = Vec::new();
    for Member { source, group, .. } in members {
        match lens.get_mut(*group) {
            Some(len) => *len = (*len).min(source.len()),
            None => lens.push(source.len()),
        }
    }
    lens
}

/// The last group varies fastest.
fn place_slots(members: &[Member], groups: &[u64]) -> Vec<Slot> {
    let mut strides = vec![1_u64; groups.len()];
    for group in (1..groups.len()).rev() {
        // Where this wraps, the batch has no task.
        strides[group - 1] = strides[group].wrapping_mul(groups[group]);
    }
    let mut slots = Vec::new();
    for (index, Member { source, group, .. }) in members.iter().enumerate() {
        let (stride, rows) = (strides[*group], groups[*group]);
        slots.extend((0..source.columns()).map(|column| Slot { source: index, column, stride, rows }));
    }
    slots
}
