//! Some of the tasks of a batch as a batch of their own, in which each keeps its number.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::Batch;
use crate::job::dependencies::Dependencies;
use crate::job::order::TaskOrder;
use crate::job::{TaskId, TaskTemplate};

impl Batch {
    /// Some of these tasks as a batch of their own, in this order, or in that of their values where the job has one;
    /// without dependencies. Ids begin anew, but each task keeps its columns and its number; see [`Batch::number`].
    /// No input is read again.
    ///
    /// # Panics
    /// When there is no such task.
    #[must_use]
    pub fn only(&self, tasks: &[TaskId]) -> Self {
        let picked: Box<[u64]> = tasks.iter().map(|&task| self.place_of(task)).collect();
        Self {
            job: self.job.clone(),
            given: self.given.clone(),
            parameters: self.parameters.clone(),
            working_dir: self.working_dir.clone(),
            layout: Arc::clone(&self.layout),
            columns: self.columns.clone(),
            keywords: self.keywords.clone(),
            command: self.command.clone(),
            command_environment: self.command_environment.clone(),
            tagstring: self.tagstring.clone(),
            files: self.files.clone(),
            total: self.total,
            picked: Some(picked),
            is_rest: false,
            order: self.order.only(tasks),
            dependencies: Dependencies::new(),
            requests: self.requests.as_ref().map(|requests| Arc::new(requests.only(tasks))),
            blocks: self.blocks.clone(),
        }
    }

    /// The remaining tasks of this batch when its other tasks are done: as [`Batch::only`], but the tasks begin in the
    /// job's order and keep their dependencies among each other. `tasks` are in the order of the inputs.
    ///
    /// # Panics
    /// When there is no such task.
    #[must_use]
    pub fn rest(&self, tasks: &[TaskId]) -> Self {
        let mut rest = self.only(tasks);
        rest.is_rest = true;
        if !self.order.is_ranked() {
            rest.order = TaskOrder::new(&self.job.order, rest.len());
        }
        if !self.dependencies.is_empty() {
            let ids: HashMap<TaskId, TaskId> =
                tasks.iter().zip(0..).map(|(&whole, place)| (whole, TaskId(place))).collect();
            let waiting = self.dependencies.iter().filter_map(|(task, before)| {
                let before: Vec<TaskId> = before.iter().filter_map(|one| ids.get(one).copied()).collect();
                Some((*ids.get(task)?, before)).filter(|(_, before)| !before.is_empty())
            });
            rest.dependencies = waiting.collect();
        }
        rest
    }

    /// This batch for a run of it on another machine: without the condition that ends the whole run early, of which a part knows too
    /// little, and with the interpreter that is there.
    #[must_use]
    pub(crate) fn in_element(mut self, python: Option<&Path>) -> Self {
        self.job.control.halt = None;
        if let (TaskTemplate::Python(spec), Some(python)) = (&mut self.job.task, python) {
            spec.interpreter = Some(python.to_string_lossy().into_owned());
        }
        self
    }

    /// The task with a number, as far as there is one.
    pub fn with_number(&self, number: u64) -> Option<TaskId> {
        let place = number.checked_sub(1)?;
        match &self.picked {
            None => (place < self.len()).then_some(TaskId(place)),
            Some(picked) => picked.iter().position(|one| *one == place).map(|index| TaskId(index as u64)),
        }
    }
}
