//! How long a race will take, before it begins: from what is known of the tasks. And how many of them it has time for.

use serde::{Deserialize, Serialize};

use fanlane_core::event::OutcomeClass;
use fanlane_core::model::race::{Contender, Rules};
use fanlane_core::model::{RunModel, format};
use fanlane_core::store::history::RunRow;

/// Time that a run takes besides its tasks, in seconds.
const RUN_SECS: f64 = 0.05;
/// Minimum number of tasks of a sample.
const MIN_SAMPLE: u64 = 20;
/// Minimum number of tasks of a sample for each worker of the largest pool.
const MIN_TASKS_PER_WORKER: u64 = 4;
/// Ratio of the longest time to the shortest up to which one of them is said.
const ALIKE: f64 = 1.3;

/// What is known of a batch's tasks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Work {
    /// Number of tasks.
    pub tasks: u64,
    /// Their time one after the other, in seconds.
    pub secs: f64,
    /// The longest of them, in seconds.
    pub longest_secs: f64,
    /// The share of their time for which they need a core, 0 to 1.
    pub core_share: f64,
}

impl Work {
    /// The work of the tasks of a run that are done; `None` if there are none.
    pub fn of_run(model: &RunModel) -> Option<Self> {
        let done = model.records.iter_from(0).filter(|record| record.outcome.class() == OutcomeClass::Done);
        Self::of_times(done.map(|record| (record.wall_ns, record.cpu_ns)))
    }

    /// The work of tasks by their wall time and their CPU time, in nanoseconds; `None` if there are none.
    pub fn of_times(times: impl Iterator<Item = (u64, u64)>) -> Option<Self> {
        let mut work = Self { tasks: 0, secs: 0.0, longest_secs: 0.0, core_share: 0.0 };
        let mut cpu_secs = 0.0;
        for (wall_ns, cpu_ns) in times {
            let secs = wall_ns as f64 / 1e9;
            work.tasks += 1;
            work.secs += secs;
            work.longest_secs = work.longest_secs.max(secs);
            cpu_secs += cpu_ns as f64 / 1e9;
        }
        work.core_share = if work.secs > 0.0 { (cpu_secs / work.secs).min(1.0) } else { 0.0 };
        (work.tasks > 0).then_some(work)
    }

    /// The work of a run in the history, at most: its workers may have been idle.
    pub fn of_row(run: &RunRow) -> Option<Self> {
        let tasks = run.counts.total() - run.counts.cancelled;
        let secs = run.wall_ns as f64 / 1e9 * f64::from(run.workers.max(1));
        let cpu_secs = run.summary.as_ref().map_or(0.0, |summary| summary.cpu_ns as f64 / 1e9);
        let core_share = if secs > 0.0 { (cpu_secs / secs).min(1.0) } else { 0.0 };
        (tasks > 0).then_some(Self { tasks, secs, longest_secs: 0.0, core_share })
    }

    /// The time of one run of some of the tasks, in seconds.
    fn run_secs(self, contender: &Contender, tasks: u64, cores: u32) -> f64 {
        self.secs_with(contender.workers, tasks, cores)
    }

    /// The time of some of the tasks with this number of workers, in seconds.
    pub fn secs_with(self, workers: u32, tasks: u64, cores: u32) -> f64 {
        let secs = self.secs * tasks as f64 / self.tasks as f64;
        let shared = secs / f64::from(workers.max(1));
        let on_cores = secs * self.core_share / f64::from(cores.max(1));
        shared.max(on_cores).max(self.longest_secs.min(secs)) + RUN_SECS
    }

    fn block_secs(self, contenders: &[Contender], tasks: u64, cores: u32) -> f64 {
        contenders.iter().map(|contender| self.run_secs(contender, tasks, cores)).sum()
    }

    /// How many of `tasks` tasks a race has time for; all if they are not many more.
    pub fn sample(self, contenders: &[Contender], rules: &Rules, tasks: u64, cores: u32) -> u64 {
        let blocks = f64::from(rules.warm_up + rules.least_runs);
        let secs = |tasks: u64| self.block_secs(contenders, tasks, cores) * blocks;
        if secs(tasks) <= rules.time_limit_secs {
            return tasks;
        }
        let workers = contenders.iter().map(|contender| u64::from(contender.workers)).max().unwrap_or(1);
        let fewest = MIN_SAMPLE.max(MIN_TASKS_PER_WORKER * workers).min(tasks);
        // The time grows with the number of tasks: the largest number that fits is found by halves.
        let (mut fits, mut too_many) = (fewest, tasks);
        while too_many - fits > 1 {
            let middle = fits + (too_many - fits) / 2;
            if secs(middle) <= rules.time_limit_secs { fits = middle } else { too_many = middle }
        }
        fits
    }
}

/// How long a race will take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// At least, in seconds.
    pub least_secs: f64,
    /// At most, in seconds.
    pub most_secs: f64,
}

impl Estimate {
    /// The time of a race of `tasks` tasks.
    pub fn of(work: Work, contenders: &[Contender], rules: &Rules, tasks: u64, cores: u32) -> Self {
        let block_secs = work.block_secs(contenders, tasks, cores);
        let least_secs = block_secs * f64::from(rules.warm_up + rules.least_runs);
        let most_blocks = block_secs * f64::from(rules.warm_up + rules.most_runs);
        // The block that reaches the limit is run to its end.
        let most_secs = most_blocks.min(least_secs.max(rules.time_limit_secs + block_secs));
        Self { least_secs, most_secs }
    }

    /// `about 40 s`, `8 s to 1 min 00 s`.
    pub fn words(self) -> String {
        if self.most_secs <= self.least_secs.max(1.0) * ALIKE {
            return format!("about {}", format::estimate(self.most_secs.max(1.0)));
        }
        format!("{} to {}", format::estimate(self.least_secs.max(1.0)), format::estimate(self.most_secs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fanlane_core::job::Mode;

    fn contenders() -> Vec<Contender> {
        Contender::sweep(&Mode::ALL, &[1, 2, 4])
    }

    #[test]
    fn the_time_of_a_race_is_known_before_and_a_long_job_is_sampled() {
        let rules = Rules::default();
        let waiting = Work { tasks: 100, secs: 1.0, longest_secs: 0.01, core_share: 0.0 };
        // One process and six ways: 1 + (1 + 0.5 + 0.25) × 2 seconds and the starts, four times at least.
        let short = Estimate::of(waiting, &contenders(), &rules, 100, 2);
        assert!((short.least_secs - 4.0 * (4.5 + 7.0 * RUN_SECS)).abs() < 1e-9, "{short:?}");
        assert_eq!(short.words(), "19 s to 1 min 05 s");
        let busy = Work { core_share: 1.0, ..waiting };
        assert!(Estimate::of(busy, &contenders(), &rules, 100, 2).least_secs > short.least_secs, "two cores for four");
        assert_eq!(waiting.sample(&contenders(), &rules, 100, 2), 100);

        let long = Work { tasks: 5000, secs: 500.0, longest_secs: 0.2, core_share: 1.0 };
        let sample = long.sample(&contenders(), &rules, 5000, 2);
        let estimate = Estimate::of(long, &contenders(), &rules, sample, 2);
        assert!((20..500).contains(&sample) && estimate.least_secs <= 60.0, "{sample}: {estimate:?}");
        assert_eq!(Estimate { least_secs: 38.0, most_secs: 40.0 }.words(), "about 40 s");
        let few = Work { tasks: 10, secs: 5000.0, longest_secs: 500.0, core_share: 1.0 };
        assert_eq!(few.sample(&contenders(), &rules, 10, 2), 10, "no fewer than keep the workers busy");
    }
}
