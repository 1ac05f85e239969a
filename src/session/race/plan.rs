//! The plan of a race: batches, contenders and rules, checked before anything runs.

use std::path::Path;
use std::sync::Arc;

use crate::session::Machine;
use fanlane_core::engine::python::{PythonCall, PythonError};
use fanlane_core::event::TaskId;
use fanlane_core::job::{Batch, MAX_WORKERS, TaskTemplate};
use fanlane_core::model::race::pep371::{self, WorkSet};
use fanlane_core::model::race::{Case, Contender, RaceHeader, Rules, Until};
use fanlane_core::store::presets::Presets;

use super::machine_facts;

/// A race that can be started.
#[derive(Clone, Debug)]
pub struct RacePlan {
    /// Its name.
    pub name: String,
    /// The batch of each case.
    pub batches: Vec<Arc<Batch>>,
    /// The contenders.
    pub contenders: Vec<Contender>,
    /// The rules of measuring.
    pub rules: Rules,
    /// Number of tasks of the whole batch, where the first case is a sample of them.
    pub sample_of: Option<u64>,
}

/// Why something cannot be raced.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RacePlanError {
    /// No contenders.
    #[error("the race has no contenders: choose a mode, and a pool size from 1 on")]
    NoContender,
    /// No tasks.
    #[error("the batch has no tasks, so there is nothing to race")]
    NoTask,
    /// A size is out of range.
    #[error("a pool of {0} cannot be raced: sizes go from 1 to {MAX_WORKERS}")]
    Size(u32),
    /// A chunk is out of range.
    #[error("chunks of 0 tasks cannot be handed out: chunk sizes begin at 1")]
    NoChunk,
    /// Too few runs.
    #[error(
        "at least {least} and at most {most} runs: both must be at least 1, and the first no larger than the second"
    )]
    Runs {
        /// The minimum.
        least: u32,
        /// The maximum.
        most: u32,
    },
    /// A built-in job does not expand.
    #[error("the built-in job '{name}' cannot be opened: {reason}")]
    BuiltIn {
        /// Its name.
        name: String,
        /// Why.
        reason: String,
    },
}

impl RacePlan {
    /// One batch, run by these contenders.
    ///
    /// # Errors
    /// Why it cannot be raced.
    pub fn of_batch(batch: Arc<Batch>, contenders: Vec<Contender>, rules: Rules) -> Result<Self, RacePlanError> {
        let name = batch.job().display_name().to_owned();
        Self { name, batches: vec![batch], contenders, rules, sample_of: None }.checked()
    }

    /// A set of the six workloads of PEP 371, timed until the last worker has ended. `interpreter`: that of functions of Python;
    /// `None`: the one that is found.
    ///
    /// # Errors
    /// When a built-in preset cannot be opened, for example because there is no temporary folder.
    pub fn pep371(set: WorkSet, interpreter: Option<&str>, rules: Rules, folder: &Path) -> Result<Self, RacePlanError> {
        let presets = Presets::builtin();
        let batches = pep371::WORKLOADS.iter().map(|workload| {
            let slug = workload.preset(set);
            let refused = |reason: String| RacePlanError::BuiltIn { name: slug.to_owned(), reason };
            let preset = presets.iter().find(|preset| preset.slug.as_str() == slug);
            let preset = preset.ok_or_else(|| refused("it is not there".to_owned()))?;
            let mut job = preset.job.clone();
            if let TaskTemplate::Python(spec) = &mut job.task {
                spec.interpreter = interpreter.map(str::to_owned);
            }
            let batch = Batch::open(&job, folder, &mut std::io::empty());
            batch.map(Arc::new).map_err(|error| refused(error.to_string()))
        });
        let batches = batches.collect::<Result<Vec<_>, _>>()?;
        let rules = Rules { until: Until::LastWorker, ..rules };
        Self { name: set.race_name().to_owned(), batches, contenders: pep371::contenders(), rules, sample_of: None }
            .checked()
    }

    fn checked(self) -> Result<Self, RacePlanError> {
        if self.contenders.is_empty() {
            return Err(RacePlanError::NoContender);
        }
        if self.batches.iter().any(|batch| batch.is_empty()) {
            return Err(RacePlanError::NoTask);
        }
        for contender in &self.contenders {
            if !(1..=MAX_WORKERS).contains(&contender.workers) {
                return Err(RacePlanError::Size(contender.workers));
            }
            if contender.chunk == Some(0) {
                return Err(RacePlanError::NoChunk);
            }
        }
        let (least, most) = (self.rules.least_runs, self.rules.most_runs);
        if least == 0 || least > most {
            return Err(RacePlanError::Runs { least, most });
        }
        Ok(self)
    }

    /// The Python function of each case, as an interpreter knows it.
    pub(super) fn functions(&self) -> Result<Vec<Option<PythonCall>>, PythonError> {
        let function = |batch: &Arc<Batch>| match &batch.job().task {
            TaskTemplate::Python(spec) => PythonCall::prepare(spec, batch).map(Some),
            TaskTemplate::Command(_) | TaskTemplate::Workload(_) => Ok(None),
        };
        self.batches.iter().map(function).collect()
    }

    /// The batch that a contender runs.
    pub(super) fn batch_of(&self, contender: &Contender) -> Arc<Batch> {
        let whole = &self.batches[contender.case as usize];
        match contender.tasks {
            Some(tasks) if tasks < whole.len() => {
                let first: Vec<TaskId> = (0..tasks).map(TaskId).collect();
                Arc::new(whole.only(&first))
            }
            _ => Arc::clone(whole),
        }
    }

    /// The header of the race, with the facts about the machine at this moment.
    pub(super) fn header(&self, machine: Machine) -> RaceHeader {
        let case = |batch: &Arc<Batch>| Case {
            sample_of: self.sample_of,
            ..Case::new(batch.given_job().clone(), batch.len(), batch.dependencies())
        };
        RaceHeader {
            name: self.name.clone(),
            cases: self.batches.iter().map(case).collect(),
            contenders: self.contenders.clone(),
            rules: self.rules.clone(),
            evidence: machine_facts::evidence(machine),
        }
    }
}
