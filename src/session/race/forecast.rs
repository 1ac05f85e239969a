//! The forecast for the open job from a race: the wall time for each pool size, and the knee.

use serde::{Deserialize, Serialize};

use fanlane_core::job::{Job, Mode};
use fanlane_core::model::race::{RaceModel, knee_within};

use super::{Question, WhatIf, WhatIfOrder, Work};

/// Maximum number of tasks of a forecast, since each size takes a moment. The page Race replays larger batches on demand.
const MAX_TASKS: usize = 2_000;

/// The forecast wall time for each pool size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// When the race began, in milliseconds since 1970-01-01 UTC.
    pub raced_unix_ms: u64,
    /// The smallest pool size that is about as fast as the fastest.
    pub knee: Option<u32>,
    /// The mode that was raced.
    pub mode: Mode,
    /// What is known of the raced tasks.
    #[serde(default)]
    pub work: Option<Work>,
    job: Job,
    /// How many times as many tasks as were raced the job has.
    scale: f64,
    /// Until the first worker is ready, in seconds; it does not grow with the tasks.
    start_secs: f64,
    /// Pool sizes with their times in seconds, smallest first.
    curve: Vec<(u32, f64)>,
}

impl Forecast {
    /// Forecasts pool sizes up to `max_workers` and the largest that was raced. A size that was raced has its measured time, and
    /// those between them are corrected as their neighbours are: a replay does not know that tasks slow each other down.
    /// `None` if the race has several jobs, is not over, or cannot be replayed.
    pub fn of(race: &RaceModel, max_workers: u32) -> Option<Self> {
        let header = race.header.as_ref().filter(|header| header.cases.len() == 1)?;
        race.end.as_ref()?;
        let what_if = WhatIf::of(race).ok().filter(|what_if| what_if.tasks() <= MAX_TASKS)?;
        let question = Question { workers: 1, chunk: None, order: WhatIfOrder::AsGiven };
        let mode = race.scaling_mode();
        let measured: Vec<(u32, f64)> = race.sizes(mode).iter().map(|(size, time)| (*size, time.mean)).collect();
        let beyond = measured.iter().map(|(size, _)| *size).filter(|size| *size > max_workers);
        let mut curve = what_if.sweep(question, (1..=max_workers).chain(beyond));
        let replayed = curve.clone();
        let factors: Vec<(u32, f64)> =
            measured.iter().filter_map(|(size, secs)| Some((*size, secs / between(&replayed, *size)?))).collect();
        for (size, secs) in &mut curve {
            *secs *= nearest(&factors, *size);
        }
        let knee = if measured.len() > 1 { knee_within(&measured) } else { knee_within(&curve) };
        let case = &header.cases[0];
        let scale = case.sample_of.map_or(1.0, |whole| whole as f64 / case.tasks.max(1) as f64);
        let start_secs = what_if.machine().first_worker_ns as f64 / 1e9;
        let raced_unix_ms = header.evidence.started_unix_ms;
        Some(Self { raced_unix_ms, knee, mode, work: what_if.work(), job: case.job.clone(), scale, start_secs, curve })
    }

    /// Whether another forecast is of the same job's tasks.
    pub(super) fn is_of_same_job(&self, other: &Self) -> bool {
        self.is_of(&other.job)
    }

    /// The wall time of its job in a pool of this size, in seconds; `None` for a size beyond the largest.
    pub fn secs(&self, workers: u32) -> Option<f64> {
        let secs = between(&self.curve, workers)?;
        let start_secs = self.start_secs.min(secs);
        Some((secs - start_secs).mul_add(self.scale, start_secs))
    }

    /// Whether the race was of this job's tasks, in any mode and pool.
    pub fn is_of(&self, job: &Job) -> bool {
        let raced = &self.job;
        (&raced.task, &raced.inputs, raced.linked, &raced.order, &raced.control)
            == (&job.task, &job.inputs, job.linked, &job.order, &job.control)
            && (&raced.parameters, &raced.values) == (&job.parameters, &job.values)
            && (raced.max_args, raced.max_chars, raced.spread, raced.repeat_words)
                == (job.max_args, job.max_chars, job.spread, job.repeat_words)
            && (raced.sample, raced.sample_seed) == (job.sample, job.sample_seed)
    }
}

/// The value at a size, between its neighbours on a straight line; `None` beyond the first and the last.
fn between(curve: &[(u32, f64)], size: u32) -> Option<f64> {
    let place = curve.partition_point(|(other, _)| *other < size);
    let &(above, high) = curve.get(place)?;
    if above == size {
        return Some(high);
    }
    let &(below, low) = curve.get(place.checked_sub(1)?)?;
    let share = f64::from(size - below) / f64::from(above - below);
    Some((high - low).mul_add(share, low))
}

/// The same, and beyond the ends the value there; 1 without any.
fn nearest(factors: &[(u32, f64)], size: u32) -> f64 {
    let end = |end: Option<&(u32, f64)>| end.map_or(1.0, |(_, factor)| *factor);
    between(factors, size).unwrap_or_else(|| {
        if factors.first().is_some_and(|(first, _)| size < *first) { end(factors.first()) } else { end(factors.last()) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_measured_stays_and_what_lies_between_follows_it() {
        let curve = [(1, 8.0), (2, 4.0), (4, 2.0)];
        let read = [1, 2, 3, 4].map(|size| between(&curve, size));
        assert_eq!(read, [Some(8.0), Some(4.0), Some(3.0), Some(2.0)]);
        assert_eq!([between(&curve, 0), between(&curve, 5)], [None, None]);
        let factors = [(2, 1.0), (4, 1.5)];
        assert_eq!([1, 2, 3, 4, 9].map(|size| nearest(&factors, size)), [1.0, 1.0, 1.25, 1.5, 1.5]);
        assert_eq!(nearest(&[], 3), 1.0);
    }
}
