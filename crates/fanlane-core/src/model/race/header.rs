//! What is known of a race at its start: the job, the rules, and the machine.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::TaskId;
use crate::job::Job;
use crate::job::dependencies::Dependencies;

use super::Contender;

/// Known before the first run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RaceHeader {
    /// The job's name, or its command line.
    pub name: String,
    /// What is run: one job, or several under the same rules.
    pub cases: Vec<Case>,
    /// The contenders.
    pub contenders: Vec<Contender>,
    /// How it is measured.
    pub rules: Rules,
    /// Where it is measured.
    pub evidence: Evidence,
}

/// A job of a race.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// The job.
    pub job: Job,
    /// Number of tasks of its batch.
    pub tasks: u64,
    /// Which tasks wait for which, by their places from 0.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub needs: BTreeMap<u64, Vec<u64>>,
    /// Number of tasks of the whole batch, where a sample of them is raced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_of: Option<u64>,
}

impl Case {
    /// A job with what it expanded to.
    pub fn new(job: Job, tasks: u64, needs: &Dependencies) -> Self {
        let needs = needs.iter().map(|(task, before)| (task.0, before.iter().map(|task| task.0).collect())).collect();
        Self { job, tasks, needs, sample_of: None }
    }

    /// `on 60 of 5,000 tasks`; `None` where all are raced.
    pub fn sample_words(&self) -> Option<String> {
        let count = crate::model::format::count;
        self.sample_of.map(|whole| format!("on {} of {} tasks", count(self.tasks), count(whole)))
    }

    /// Which tasks wait for which, as a dispatcher takes it.
    pub fn dependencies(&self) -> Dependencies {
        let ids = |places: &[u64]| places.iter().map(|place| TaskId(*place)).collect();
        self.needs.iter().map(|(task, before)| (TaskId(*task), ids(before))).collect()
    }
}

/// How a race is measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rules {
    /// Seed of the order within the blocks.
    pub seed: u64,
    /// Warm-up runs of each contender, which do not count.
    pub warm_up: u32,
    /// Minimum number of counted runs of each.
    pub least_runs: u32,
    /// Maximum number of counted runs of each.
    pub most_runs: u32,
    /// Relative precision of the mean: no further block begins once each contender's mean is known this precisely.
    pub wanted_share: f64,
    /// Time limit in seconds: no further block begins after it, once each contender has its minimum of runs.
    pub time_limit_secs: f64,
    /// What is timed.
    pub until: Until,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            seed: 0,
            warm_up: 1,
            least_runs: 3,
            most_runs: 50,
            wanted_share: 0.02,
            time_limit_secs: 60.0,
            until: Until::LastTask,
        }
    }
}

/// The end of the timing of a run. It always begins before the first worker is started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Until {
    /// Until the last task has ended.
    #[default]
    LastTask,
    /// Until the last worker has ended as well.
    LastWorker,
}

/// The machine that a race ran on, and its load.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Version of this program.
    pub fanlane: String,
    /// Name and version of the system.
    pub system: String,
    /// The machine's name; empty: unknown.
    pub host: String,
    /// The processor's name; empty: unknown.
    pub cpu_model: String,
    /// Physical cores.
    pub physical_cores: u32,
    /// Logical cores.
    pub logical_cores: u32,
    /// The frequency governor of the cores; `None`: unknown.
    pub governor: Option<String>,
    /// The load average over one minute; `None`: unknown.
    pub load_at_start: Option<f64>,
    /// Memory of the machine, in bytes.
    pub memory_bytes: u64,
    /// Wall clock at the start, in milliseconds since 1970-01-01 UTC.
    pub started_unix_ms: u64,
}

impl Evidence {
    /// The machine in a line: `Example CPU, 2 cores (4 threads), governor performance, load 0.10 at the start`.
    pub fn words(&self) -> String {
        let cpu = if self.cpu_model.is_empty() { "unknown processor" } else { &self.cpu_model };
        let cores = match (self.physical_cores, self.logical_cores) {
            (physical, logical) if physical == logical => plural(physical, "core"),
            (physical, logical) => format!("{} ({logical} threads)", plural(physical, "core")),
        };
        let governor = self.governor.as_deref().unwrap_or("unknown");
        let load = self.load_at_start.map_or_else(|| "unknown".to_owned(), |load| format!("{load:.2}"));
        format!("{cpu}, {cores}, governor {governor}, load {load} at the start")
    }
}

fn plural(count: u32, noun: &str) -> String {
    crate::model::format::plural(count.into(), noun)
}
