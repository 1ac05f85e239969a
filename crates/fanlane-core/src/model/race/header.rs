//! What a race is about, and what makes its figures evidence: the job, the rules, and the machine.

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
    /// What is run: one job, or several that are raced by the same rules.
    pub cases: Vec<Case>,
    /// Who takes part.
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
    /// How many tasks it expanded to.
    pub tasks: u64,
    /// Which tasks wait for which, by their places from 0.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub needs: BTreeMap<u64, Vec<u64>>,
}

impl Case {
    /// A job with what it expanded to.
    pub fn new(job: Job, tasks: u64, needs: &Dependencies) -> Self {
        let needs = needs.iter().map(|(task, before)| (task.0, before.iter().map(|task| task.0).collect())).collect();
        Self { job, tasks, needs }
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
    /// What the order within the blocks depends on.
    pub seed: u64,
    /// So many runs of each contender come first and do not count.
    pub warm_up: u32,
    /// So many runs of each count at least.
    pub least_runs: u32,
    /// And so many at most.
    pub most_runs: u32,
    /// No further block begins once each contender's mean is known to this share of it, either way.
    pub wanted_share: f64,
    /// No further block begins after so many seconds, once each has its least runs.
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

/// Until when a run is timed. It begins before the first worker is started in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Until {
    /// Until the last task has ended.
    #[default]
    LastTask,
    /// Until the last worker is gone as well.
    LastWorker,
}

/// The machine that a race went on, and what it was doing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Version of this program.
    pub fanlane: String,
    /// Name and version of the system.
    pub system: String,
    /// What the machine is called; empty: unknown.
    pub host: String,
    /// The processor's name; empty: unknown.
    pub cpu_model: String,
    /// Cores.
    pub physical_cores: u32,
    /// Threads that the cores run side by side.
    pub logical_cores: u32,
    /// How the cores choose their frequency; `None`: the system does not say.
    pub governor: Option<String>,
    /// Tasks that wanted a core in the minute before; `None`: the system does not say.
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
