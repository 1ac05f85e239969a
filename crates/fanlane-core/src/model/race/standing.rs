//! The ranking: each contender's figures, compared with the fastest and with one process.

use crate::job::Mode;
use crate::model::statistics::{OUTLIER_SCORE, Quotient, Summary, modified_z_scores};

use super::outcome::RaceModel;

/// Relative difference from the best mean up to which a pool size counts as equally good.
const AS_GOOD: f64 = 0.05;

/// Minimum number of runs for outliers to be told.
const MIN_BULK: usize = 5;

/// A contender's figures, from its counted runs.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Standing {
    /// Index of the contender.
    pub contender: usize,
    /// How long its runs took, in seconds.
    pub time: Summary,
    /// Number of outliers among them; 0 for too few runs.
    pub outliers: usize,
    /// Slow-down against the fastest of its case; `None` for the fastest itself.
    pub slower: Option<Quotient>,
    /// Speed-up against the baseline of its case; `None` for the baseline, and if that has not run.
    pub speed_up: Option<Quotient>,
    /// Mean CPU time of all attempts, in seconds.
    pub cpu_secs: f64,
    /// Peak memory over its runs, in bytes; `None`: never sampled.
    pub memory_bytes: Option<u64>,
    /// Maximum number of tasks that were not done in one of its runs.
    pub not_done: u64,
    /// The first failed task of one of its runs and why it failed, in words.
    pub failure: Option<String>,
}

impl RaceModel {
    /// The baseline of a case: one process, or else the smallest pool that takes part.
    pub fn baseline(&self, case: u32) -> Option<usize> {
        let of_case = self.contenders().iter().enumerate().filter(|(_, one)| one.case == case && one.chunk.is_none());
        of_case.min_by_key(|(_, one)| (one.tasks, one.workers, one.mode != Mode::One)).map(|(place, _)| place)
    }

    /// The contenders of a case that have run, in their order.
    pub fn standings(&self, case: u32) -> Vec<Standing> {
        let places = (0..self.contenders().len()).filter(|place| self.contenders()[*place].case == case);
        let timed: Vec<(usize, Summary)> = places.filter_map(|place| Some((place, self.time(place)?))).collect();
        let fastest = timed.iter().min_by(|one, other| one.1.mean.total_cmp(&other.1.mean)).copied();
        let baseline = self.baseline(case).and_then(|place| timed.iter().find(|(timed, _)| *timed == place)).copied();
        let compared = |place: usize, with: Option<(usize, Summary)>| with.filter(|(other, _)| *other != place);
        timed
            .iter()
            .map(|&(place, time)| Standing {
                contender: place,
                time,
                outliers: self.outliers(place),
                slower: compared(place, fastest).map(|(_, fastest)| Quotient::of(&time, &fastest)),
                speed_up: compared(place, baseline).map(|(_, baseline)| Quotient::of(&baseline, &time)),
                cpu_secs: self.mean_of(place, |run| run.cpu_ns as f64 / 1e9),
                memory_bytes: self.counted(place).filter_map(|run| run.usage.peak_memory_bytes).max(),
                not_done: self.counted(place).map(|run| run.counts.not_done()).max().unwrap_or(0),
                failure: self.counted(place).find_map(|run| run.failure.clone()),
            })
            .collect()
    }

    fn outliers(&self, place: usize) -> usize {
        let secs = self.secs(place);
        if secs.len() < MIN_BULK {
            return 0;
        }
        modified_z_scores(&secs).iter().filter(|score| score.abs() > OUTLIER_SCORE).count()
    }

    /// The mean of something over a contender's counted runs; 0 before the first.
    pub(super) fn mean_of(&self, place: usize, of: impl Fn(&super::RunMeasure) -> f64) -> f64 {
        let (sum, count) = self.counted(place).fold((0.0, 0), |(sum, count), run| (sum + of(run), count + 1));
        if count == 0 { 0.0 } else { sum / f64::from(count) }
    }

    /// Pool sizes of a mode with their times, smallest first: those with the whole batch and no fixed chunks.
    pub fn sizes(&self, mode: Mode) -> Vec<(u32, Summary)> {
        let places = self
            .contenders()
            .iter()
            .enumerate()
            .filter(|(_, one)| one.case == 0 && one.mode == mode && one.chunk.is_none() && one.tasks.is_none());
        let mut sizes: Vec<(u32, Summary)> =
            places.filter_map(|(place, one)| Some((one.workers, self.time(place)?))).collect();
        sizes.sort_unstable_by_key(|(workers, _)| *workers);
        sizes
    }
}

/// The knee of sizes with their times, smallest size first: the smallest size that is as good as the best. `None` for
/// fewer than two sizes.
///
/// Where it is the largest of them, the true one may lie beyond: see [`knee_within`].
pub fn knee_of(sizes: &[(u32, f64)]) -> Option<u32> {
    let best = sizes.iter().map(|(_, secs)| *secs).min_by(f64::total_cmp)?;
    let first = sizes.iter().find(|(_, secs)| *secs <= best * (1.0 + AS_GOOD));
    first.filter(|_| sizes.len() > 1).map(|(size, _)| *size)
}

/// As [`knee_of`]; also `None` where the largest size is the knee, since larger ones were not tried.
pub fn knee_within(sizes: &[(u32, f64)]) -> Option<u32> {
    knee_of(sizes).filter(|knee| sizes.last().is_some_and(|(largest, _)| knee < largest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_knee_is_the_smallest_size_that_is_as_good_as_the_best() {
        assert_eq!(knee_of(&[(1, 8.0), (2, 4.1), (4, 2.0), (8, 1.95), (16, 2.3)]), Some(4));
        assert_eq!(knee_of(&[(1, 1.0), (2, 1.2)]), Some(1));
        assert_eq!(knee_of(&[(1, 8.0), (2, 4.0)]), Some(2));
        assert_eq!([knee_within(&[(1, 8.0), (2, 4.0)]), knee_within(&[(1, 1.0), (2, 1.2)])], [None, Some(1)]);
        assert_eq!(knee_of(&[(4, 1.0)]), None);
        assert_eq!(knee_of(&[]), None);
    }
}
