//! What a race forecasts for the job that is open: the finish at each size of the pool, and the knee.

use fanlane_core::job::Job;
use fanlane_core::model::race::{RaceModel, knee_within};

use super::{Question, WhatIf, WhatIfOrder};

/// Batches of more tasks are forecast on the page Race only, where someone asks for it: each size takes a moment.
const MOST_TASKS: usize = 2_000;

/// The finish at each size of the pool, forecast from a race.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// Tells the race from others of the session.
    pub serial: u64,
    /// The smallest size that is about as good as the best.
    pub knee: Option<u32>,
    job: Job,
    curve: Vec<(u32, f64)>,
}

impl Forecast {
    /// Foretells sizes up to `most`. `None` where the race has no single job, is not over, or cannot be replayed.
    pub fn of(serial: u64, race: &RaceModel, most: u32) -> Option<Self> {
        let header = race.header.as_ref().filter(|header| header.cases.len() == 1)?;
        race.end.as_ref()?;
        let what_if = WhatIf::of(race).ok().filter(|what_if| what_if.tasks() <= MOST_TASKS)?;
        let question = Question { workers: 1, chunk: None, order: WhatIfOrder::AsGiven };
        let curve = what_if.sweep(question, 1..=most);
        Some(Self { serial, knee: knee_within(&curve), job: header.cases[0].job.clone(), curve })
    }

    /// The finish of a job in a pool of this size, in seconds; `None` where it is another job or another size.
    pub fn secs(&self, job: &Job, workers: u32) -> Option<f64> {
        self.is_of(job).then(|| self.curve.iter().find(|(size, _)| *size == workers).map(|(_, secs)| *secs))?
    }

    /// The race was of this job's tasks, in whatever mode and pool.
    pub fn is_of(&self, job: &Job) -> bool {
        let raced = &self.job;
        (&raced.task, &raced.inputs, raced.linked, &raced.order, &raced.control)
            == (&job.task, &job.inputs, job.linked, &job.order, &job.control)
            && (raced.max_args, raced.sample, raced.sample_seed) == (job.max_args, job.sample, job.sample_seed)
    }
}
