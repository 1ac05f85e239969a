//! The figures of PEP 371, which brought `multiprocessing` into Python: six workloads, in one process, in threads and in
//! processes, where n workers do n times the work and starting them is inside the timing. They are raced with the work of
//! 2008, which takes a few milliseconds today, and with more of it.

use crate::job::Mode;
use crate::model::statistics::Summary;

use super::{Contender, RaceHeader, RaceModel};

/// The numbers of workers in the table.
pub const WORKERS: [u32; 4] = [1, 2, 4, 8];

/// The source of the figures of 2008.
pub const SOURCE: &str = "PEP 371 (2008): 4 cores, Python 2.5.2, best of 100";

/// How much work a task is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WorkSize {
    /// That of the table.
    #[default]
    Of2008,
    /// Some tens of milliseconds on a machine of today; the empty function stays empty.
    Today,
}

impl WorkSize {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Of2008, Self::Today];

    /// What a race of this work is called.
    pub const fn race_name(self) -> &'static str {
        match self {
            Self::Of2008 => "PEP 371",
            Self::Today => "PEP 371, sized for today",
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
        }
    }

    /// The size in a race of the six workloads; `None`: the race is of something else.
    pub fn of(header: &RaceHeader) -> Option<Self> {
        let size = Self::ALL.into_iter().find(|size| size.race_name() == header.name);
        (header.contenders == contenders()).then(|| size.unwrap_or_default())
    }
}

/// A workload of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PepWorkload {
    /// Its name, with the work of 2008 and with that of today.
    names: [&'static str; 2],
    /// The built-in presets that do it, by their file names without extension.
    presets: [&'static str; 2],
    /// The difference from 2008; empty: none of importance.
    pub differs: &'static str,
    /// Seconds in 2008, in one process, for each of [`WORKERS`].
    pub one_secs: [f64; 4],
    /// Seconds in 2008, in threads.
    pub threads_secs: [f64; 4],
    /// Seconds in 2008, in processes.
    pub pool_secs: [f64; 4],
}

impl PepWorkload {
    /// Its name.
    pub const fn name(&self, size: WorkSize) -> &'static str {
        self.names[size as usize]
    }

    /// The built-in preset that does it, by its file name without extension.
    pub const fn preset(&self, size: WorkSize) -> &'static str {
        self.presets[size as usize]
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
        presets: ["pep-371-empty-function"; 2],
        differs: "one process starts a worker process too",
        one_secs: [0.000_001, 0.000_002, 0.000_002, 0.000_003],
        threads_secs: [0.000_796, 0.001_963, 0.003_986, 0.007_990],
        pool_secs: [0.000_714, 0.001_466, 0.002_701, 0.005_512],
    },
    PepWorkload {
        names: ["50,000 Fibonacci numbers", "150,000 Fibonacci numbers"],
        presets: ["pep-371-fibonacci", "pep-371-today-fibonacci"],
        differs: "",
        one_secs: [0.195_548, 0.397_540, 0.795_333, 1.591_680],
        threads_secs: [0.197_909, 0.397_637, 0.797_262, 1.596_824],
        pool_secs: [0.201_175, 0.204_265, 0.206_990, 0.417_899],
    },
    PepWorkload {
        names: ["Sum of primes below 100,000", "Sum of primes below 40,000,000"],
        presets: ["pep-371-primes", "pep-371-today-primes"],
        differs: "a sieve in place of trial division",
        one_secs: [0.495_157, 1.052_048, 2.104_733, 4.217_455],
        threads_secs: [0.522_320, 1.154_726, 2.455_215, 5.109_192],
        pool_secs: [0.523_757, 0.524_603, 0.530_688, 1.077_939],
    },
    PepWorkload {
        names: ["File I/O: 1,000 lines", "File I/O: 40,000 lines"],
        presets: ["pep-371-file-io", "pep-371-today-file-io"],
        differs: "lines of a file made for it",
        one_secs: [0.057_750, 0.180_256, 0.370_841, 0.749_571],
        threads_secs: [0.089_992, 0.329_961, 1.103_678, 2.437_204],
        pool_secs: [0.090_817, 0.096_683, 0.101_535, 0.203_438],
    },
    PepWorkload {
        names: ["100 GETs a worker", "600 GETs a worker"],
        presets: ["pep-371-gets", "pep-371-today-gets"],
        differs: "from a server on the same machine",
        one_secs: [0.124_774, 0.239_574, 0.479_159, 0.960_621],
        threads_secs: [0.120_478, 0.146_138, 0.200_985, 0.659_298],
        pool_secs: [0.121_404, 0.138_366, 0.188_847, 0.298_625],
    },
    PepWorkload {
        names: ["Queue traffic: 1,000 items", "Queue traffic: 20,000 items"],
        presets: ["pep-371-queue", "pep-371-today-queue"],
        differs: "through a queue of each worker's own",
        one_secs: [0.010_546, 0.020_768, 0.041_718, 0.083_488],
        threads_secs: [0.015_164, 0.041_635, 0.086_394, 0.184_254],
        pool_secs: [0.066_167, 0.084_270, 0.144_176, 0.302_999],
    },
];

/// The note about threads in a chart of these figures.
pub const THREADS_NOTE: &str =
    "Threads here are native and have no global lock, so they scale where Python's threads of 2008 did not.";

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
                    workload.name(WorkSize::Of2008)
                );
            }
        }
    }
}
