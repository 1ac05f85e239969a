//! The job of a batch: as it was given, and with the values of its parameters.

use std::borrow::Cow;

use super::{Batch, BatchError};
use crate::job::Job;
use crate::job::parameter::fill::{self, ParameterValues};
use crate::job::template::Template;

/// A job with the values of its parameters.
pub(super) struct FilledJob<'a> {
    pub given: &'a Job,
    pub job: Cow<'a, Job>,
    pub parameters: ParameterValues,
    /// The template of the command line; `None` for kinds of task that are given the values themselves.
    pub template: Option<Template>,
}

impl<'a> FilledJob<'a> {
    pub(super) fn of(given: &'a Job) -> Result<Self, BatchError> {
        let template = given.task.command_line(&given.shell)?;
        let (job, parameters) = fill::fill(given)?;
        let template = template.map(|template| template.filled(&parameters)).transpose()?;
        let template = template.map(|template| template.repeating_words(job.repeat_words));
        Ok(Self { given, job, parameters, template })
    }
}

impl Batch {
    /// The job this was made from, with the values of its parameters: only its templates still hold `{@name}`.
    pub const fn job(&self) -> &Job {
        &self.job
    }

    /// The job as it was given: what is kept of the batch, and can be run again with other values.
    pub fn given_job(&self) -> &Job {
        self.given.as_deref().unwrap_or(&self.job)
    }

    /// This batch under another name.
    #[must_use]
    pub fn renamed(mut self, name: String) -> Self {
        if let Some(given) = &mut self.given {
            given.name.clone_from(&name);
        }
        self.job.name = name;
        self
    }

    /// This batch for a pool of this size.
    #[must_use]
    pub fn in_pool(mut self, workers: Option<u32>) -> Self {
        if let Some(given) = &mut self.given {
            given.workers = workers;
        }
        self.job.workers = workers;
        self
    }

    /// Checks that a pool of this size can run it.
    ///
    /// # Errors
    /// What no such pool can do.
    pub fn check_pool(&self, workers: u32) -> Result<(), String> {
        if let Some(requests) = self.requests() {
            requests.check_pool(workers, |task| self.number(task)).map_err(|error| error.to_string())?;
        }
        match self.job.check_in_pool(workers).first() {
            Some(problem) => Err(problem.to_string()),
            None => Ok(()),
        }
    }
}
