//! The forecast for the open job from a race: the wall time for each pool size, and the knee.

use fanlane_core::job::Job;
use fanlane_core::model::race::{RaceModel, knee_within};

use super::{Question, WhatIf, WhatIfOrder};

/// Maximum number of tasks of a forecast, since each size takes a moment. The page Race replays larger batches on demand.
const MAX_TASKS: usize = 2_000;

/// The forecast wall time for each pool size.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// The serial number of the race in the session.
    pub serial: u64,
    /// The smallest pool size that is about as fast as the fastest.
    pub knee: Option<u32>,
    job: Job,
    curve: Vec<(u32, f64)>,
}

impl Forecast {
    /// Forecasts pool sizes up to `max_workers`. `None` if the race has several jobs, is not over, or cannot be replayed.
    pub fn of(serial: u64, race: &RaceModel, max_workers: u32) -> Option<Self> {
        let header = race.header.as_ref().filter(|header| header.cases.len() == 1)?;
        race.end.as_ref()?;
        let what_if = WhatIf::of(race).ok().filter(|what_if| what_if.tasks() <= MAX_TASKS)?;
        let question = Question { workers: 1, chunk: None, order: WhatIfOrder::AsGiven };
        let curve = what_if.sweep(question, 1..=max_workers);
        Some(Self { serial, knee: knee_within(&curve), job: header.cases[0].job.clone(), curve })
    }

    /// The wall time of a job in a pool of this size, in seconds; `None` for another job or another size.
    pub fn secs(&self, job: &Job, workers: u32) -> Option<f64> {
        self.is_of(job).then(|| self.curve.iter().find(|(size, _)| *size == workers).map(|(_, secs)| *secs))?
    }

    /// Whether the race was of this job's tasks, in any mode and pool.
    pub fn is_of(&self, job: &Job) -> bool {
        let raced = &self.job;
        (&raced.task, &raced.inputs, raced.linked, &raced.order, &raced.control)
            == (&job.task, &job.inputs, job.linked, &job.order, &job.control)
            && (raced.max_args, raced.sample, raced.sample_seed) == (job.max_args, job.sample, job.sample_seed)
    }
}
