//! What a task does, as a person reads it and as it is recorded.

use super::Batch;
use super::blocks::BlockRow;
use crate::job::quote::quote_into;
use crate::job::template::{Digits, Values};
use crate::job::{TaskId, TaskKind, TaskTemplate};

impl Batch {
    /// Appends what a task does as a person reads it: its command line in the lane `slot` (1 for the first), words that
    /// no shell sees quoted as if one did; for a workload its argument, for a Python function its arguments.
    ///
    /// # Panics
    /// When there is no such task.
    pub fn line_into(&self, task: TaskId, slot: u32, out: &mut Vec<u8>) {
        let row = self.layout.row(self.place_of(task));
        let Some(command) = &self.command else {
            match &self.job.task {
                TaskTemplate::Python(spec) => spec.call_into(&row, self.keyword_names(), out),
                TaskTemplate::Command(_) | TaskTemplate::Workload(_) => values_into(&row, out),
            }
            return;
        };
        let place = self.place(task, slot);
        let expand = |out: &mut Vec<u8>| match self.job.reads_blocks() {
            true => command.expand_into(place, &BlockRow::default(), out),
            false => command.expand_into(place, &row, out),
        };
        if self.job.shell.is_used() {
            expand(out);
            return;
        }
        let mut words = Vec::new();
        expand(&mut words);
        for (index, word) in words.split(|byte| *byte == 0).enumerate() {
            if index > 0 {
                out.push(b' ');
            }
            quote_into(word, out);
        }
    }

    /// Appends what a task runs, as a record and a job log have it: its command line in the lane `slot` (from 1), or the
    /// name of what is called and its argument.
    ///
    /// # Panics
    /// When there is no such task.
    pub fn command_into(&self, task: TaskId, slot: u32, out: &mut Vec<u8>) {
        let Some(callee) = self.job.task.callee() else {
            return self.line_into(task, slot, out);
        };
        let (open, close) = match self.kind() {
            TaskKind::Python => (b"(".as_slice(), b")".as_slice()),
            TaskKind::Command | TaskKind::Workload => (b" ".as_slice(), b"".as_slice()),
        };
        out.extend_from_slice(callee.as_bytes());
        out.extend_from_slice(open);
        self.line_into(task, slot, out);
        out.extend_from_slice(close);
    }
}

pub(super) fn values_into(row: &impl Values, out: &mut Vec<u8>) {
    let mut digits = Digits::new();
    for index in 0..row.count() {
        if index > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(row.value(index, &mut digits));
    }
}
