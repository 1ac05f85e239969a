//! The figures of PEP 371, which brought `multiprocessing` into Python: six workloads, in one process, in threads and in
//! processes, where n workers do n times the work and starting them is inside the timing. They are raced with the work of
//! 2008, which takes a few milliseconds today, with more of it, and with the work of 2008 as functions of Python.

use crate::event::InterpreterFacts;
use crate::job::Mode;
use crate::model::statistics::Summary;

use super::{Contender, RaceHeader, RaceModel};

/// The numbers of workers in the table.
pub const WORKERS: [u32; 4] = [1, 2, 4, 8];

/// The source of the figures of 2008.
pub const SOURCE: &str = "PEP 371 (2008): 4 cores, Python 2.5.2, best of 100";

/// Which six workloads: how much a task is, and what does it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WorkSet {
    /// That of the table.
    #[default]
    Of2008,
    /// Some tens of milliseconds on a machine of today; the empty function stays empty.
    Today,
    /// The work of the table, by functions of Python.
    Python,
}

impl WorkSet {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Of2008, Self::Today, Self::Python];

    /// What a race of this work is called.
    pub const fn race_name(self) -> &'static str {
        match self {
            Self::Of2008 => "PEP 371",
            Self::Today => "PEP 371, sized for today",
            Self::Python => "PEP 371 in Python",
        }
    }

    /// What the size means for the result, in a sentence.
    pub const fn note(self) -> &'static str {
        match self {
            Self::Of2008 => {
                "The work is that of 2008: a task takes 0 to 20 ms today, so that starting the workers decides most of it."
            }
            Self::Today => {
                "The workloads are those of 2008 with more to do: a task takes some tens of milliseconds; the empty function \
                 stays empty."
            }
            Self::Python => {
                "The work is that of 2008, by functions of Python: each worker keeps an interpreter, which is started inside the \
                 timing."
            }
        }
    }

    /// Whether the work is that of the table, so that its figures can be compared.
    pub const fn has_table(self) -> bool {
        !matches!(self, Self::Today)
    }

    /// The set of a race of the six workloads; `None`: the race is of something else.
    pub fn of(header: &RaceHeader) -> Option<Self> {
        let set = Self::ALL.into_iter().find(|set| set.race_name() == header.name);
        (header.contenders == contenders()).then(|| set.unwrap_or_default())
    }
}

/// A workload of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PepWorkload {
    /// Its name, with the work of 2008 and with that of today.
    names: [&'static str; 2],
    /// The built-in presets that do it, by their file names without extension.
    presets: [&'static str; 3],
    /// The differences from 2008 of the built-in workload and of the function of Python; empty: none of importance.
    differs: [&'static str; 2],
    /// Seconds in 2008, in one process, for each of [`WORKERS`].
    pub one_secs: [f64; 4],
    /// Seconds in 2008, in threads.
    pub threads_secs: [f64; 4],
    /// Seconds in 2008, in processes.
    pub pool_secs: [f64; 4],
}

impl PepWorkload {
    /// Its name.
    pub const fn name(&self, set: WorkSet) -> &'static str {
        self.names[if set.has_table() { 0 } else { 1 }]
    }

    /// The difference from 2008; empty: none of importance.
    pub const fn differs(&self, set: WorkSet) -> &'static str {
        self.differs[if matches!(set, WorkSet::Python) { 1 } else { 0 }]
    }

    /// The built-in preset that does it, by its file name without extension.
    pub const fn preset(&self, set: WorkSet) -> &'static str {
        self.presets[set as usize]
    }

    /// Seconds in 2008 in a mode.
    pub const fn secs(&self, mode: Mode) -> &[f64; 4] {
        match mode {
            Mode::One => &self.one_secs,
            Mode::Threads => &self.threads_secs,
            Mode::Pool => &self.pool_secs,
        }
    }
}

/// The table.
pub const WORKLOADS: [PepWorkload; 6] = [
    PepWorkload {
        names: ["Empty function"; 2],
        presets: ["pep-371-empty-function", "pep-371-empty-function", "pep-371-python-empty-function"],
        differs: ["one process starts a worker process too"; 2],
        one_secs: [0.000_001, 0.000_002, 0.000_002, 0.000_003],
        threads_secs: [0.000_796, 0.001_963, 0.003_986, 0.007_990],
        pool_secs: [0.000_714, 0.001_466, 0.002_701, 0.005_512],
    },
    PepWorkload {
        names: ["50,000 Fibonacci numbers", "150,000 Fibonacci numbers"],
        presets: ["pep-371-fibonacci", "pep-371-today-fibonacci", "pep-371-python-fibonacci"],
        differs: [""; 2],
        one_secs: [0.195_548, 0.397_540, 0.795_333, 1.591_680],
        threads_secs: [0.197_909, 0.397_637, 0.797_262, 1.596_824],
        pool_secs: [0.201_175, 0.204_265, 0.206_990, 0.417_899],
    },
    PepWorkload {
        names: ["Sum of primes below 100,000", "Sum of primes below 40,000,000"],
        presets: ["pep-371-primes", "pep-371-today-primes", "pep-371-python-primes"],
        differs: ["a sieve in place of trial division", ""],
        one_secs: [0.495_157, 1.052_048, 2.104_733, 4.217_455],
        threads_secs: [0.522_320, 1.154_726, 2.455_215, 5.109_192],
        pool_secs: [0.523_757, 0.524_603, 0.530_688, 1.077_939],
    },
    PepWorkload {
        names: ["File I/O: 1,000 lines", "File I/O: 40,000 lines"],
        presets: ["pep-371-file-io", "pep-371-today-file-io", "pep-371-python-file-io"],
        differs: ["lines of a file made for it"; 2],
        one_secs: [0.057_750, 0.180_256, 0.370_841, 0.749_571],
        threads_secs: [0.089_992, 0.329_961, 1.103_678, 2.437_204],
        pool_secs: [0.090_817, 0.096_683, 0.101_535, 0.203_438],
    },
    PepWorkload {
        names: ["100 GETs a worker", "600 GETs a worker"],
        presets: ["pep-371-gets", "pep-371-today-gets", "pep-371-python-gets"],
        differs: ["from a server on the same machine"; 2],
        one_secs: [0.124_774, 0.239_574, 0.479_159, 0.960_621],
        threads_secs: [0.120_478, 0.146_138, 0.200_985, 0.659_298],
        pool_secs: [0.121_404, 0.138_366, 0.188_847, 0.298_625],
    },
    PepWorkload {
        names: ["Queue traffic: 1,000 items", "Queue traffic: 20,000 items"],
        presets: ["pep-371-queue", "pep-371-today-queue", "pep-371-python-queue"],
        differs: ["through a queue of each worker's own"; 2],
        one_secs: [0.010_546, 0.020_768, 0.041_718, 0.083_488],
        threads_secs: [0.015_164, 0.041_635, 0.086_394, 0.184_254],
        pool_secs: [0.066_167, 0.084_270, 0.144_176, 0.302_999],
    },
];

/// The note about threads in a chart of these figures: whether they share a lock.
pub fn threads_note(set: WorkSet, interpreter: Option<&InterpreterFacts>) -> String {
    let native =
        "Threads here are native and have no global lock, so they scale where Python's threads of 2008 did not.";
    match interpreter {
        _ if set != WorkSet::Python => native.to_owned(),
        None => "Whether threads scale depends on the interpreter: one with a global lock runs one of them at a time."
            .to_owned(),
        Some(facts) if facts.has_gil => format!(
            "{} has the global lock, as all had in 2008: one of its threads at a time runs Python code. A free-threaded one has \
             none.",
            facts.words()
        ),
        Some(facts) => {
            format!(
                "{} is free-threaded: its threads scale where those of 2008, with a global lock, did not.",
                facts.words()
            )
        }
    }
}

/// The contenders of the race of PEP 371: every workload in every mode, n workers doing n tasks.
pub fn contenders() -> Vec<Contender> {
    let mut all = Vec::new();
    for case in 0..WORKLOADS.len() as u32 {
        for mode in Mode::ALL {
            for workers in WORKERS {
                let lanes = if mode == Mode::One { 1 } else { workers };
                all.push(Contender { case, mode, workers: lanes, chunk: None, tasks: Some(workers.into()) });
            }
        }
    }
    all
}

impl RaceModel {
    /// The time of a workload of the race of PEP 371 with n workers doing n tasks, in seconds; `None` before it has
    /// run.
    pub fn wall_time(&self, case: u32, mode: Mode, workers: u32) -> Option<Summary> {
        let is_meant = |one: &Contender| (one.case, one.mode, one.tasks) == (case, mode, Some(workers.into()));
        self.time(self.contenders().iter().position(is_meant)?)
    }

    /// How many times as fast as one process the most workers were at a workload, here and where it can be compared in 2008:
    /// `Speed-up by 8 workers against one process: threads 1.0 × (2008: 0.8 ×), processes 1.9 × (2008: 3.9 ×)`; `None`
    /// before each of them has run.
    pub fn wall_speed_ups(&self, case: u32, set: WorkSet) -> Option<String> {
        let last = WORKERS.len() - 1;
        let workload = WORKLOADS.get(case as usize)?;
        let times = |speed_up: f64| if speed_up < 0.1 { "below 0.1".to_owned() } else { format!("{speed_up:.1}") };
        let words = |mode: Mode| {
            let secs = |mode| Some(self.wall_time(case, mode, WORKERS[last])?.mean).filter(|secs| *secs > 0.0);
            let here = secs(Mode::One)? / secs(mode)?;
            let then = workload.one_secs[last] / workload.secs(mode)[last];
            let then = if set.has_table() { format!(" (2008: {} ×)", times(then)) } else { String::new() };
            Some(format!("{} ×{then}", times(here)))
        };
        let (threads, pool) = (words(Mode::Threads)?, words(Mode::Pool)?);
        let workers = WORKERS[last];
        Some(format!("Speed-up by {workers} workers against one process: threads {threads}, processes {pool}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_workload_is_raced_in_every_way_of_the_table() {
        let all = contenders();
        assert_eq!(all.len(), 6 * 3 * 4);
        let distinct: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        for workload in &WORKLOADS {
            for mode in Mode::ALL {
                assert!(
                    workload.secs(mode).windows(2).all(|pair| pair[0] <= pair[1]),
                    "{}",
                    workload.name(WorkSet::Of2008)
                );
            }
        }
    }
}
