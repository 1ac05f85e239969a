//! The figures of PEP 371, which brought `multiprocessing` into Python: six workloads, in one process, in threads and in
//! processes, where n workers do n times the work and starting them is inside the timing.

use crate::job::Mode;
use crate::model::statistics::Summary;

use super::{Contender, RaceModel};

/// The numbers of workers in the table.
pub const WORKERS: [u32; 4] = [1, 2, 4, 8];

/// The source of the figures of 2008.
pub const SOURCE: &str = "PEP 371 (2008): 4 cores, Python 2.5.2, best of 100";

/// A workload of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PepWorkload {
    /// Its name here.
    pub name: &'static str,
    /// The built-in preset that does the same, by its file name without extension.
    pub preset: &'static str,
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
        name: "Empty function",
        preset: "pep-371-empty-function",
        differs: "one process starts a worker process too",
        one_secs: [0.000_001, 0.000_002, 0.000_002, 0.000_003],
        threads_secs: [0.000_796, 0.001_963, 0.003_986, 0.007_990],
        pool_secs: [0.000_714, 0.001_466, 0.002_701, 0.005_512],
    },
    PepWorkload {
        name: "50,000 Fibonacci numbers",
        preset: "pep-371-fibonacci",
        differs: "",
        one_secs: [0.195_548, 0.397_540, 0.795_333, 1.591_680],
        threads_secs: [0.197_909, 0.397_637, 0.797_262, 1.596_824],
        pool_secs: [0.201_175, 0.204_265, 0.206_990, 0.417_899],
    },
    PepWorkload {
        name: "Sum of primes below 100,000",
        preset: "pep-371-primes",
        differs: "a sieve in place of trial division",
        one_secs: [0.495_157, 1.052_048, 2.104_733, 4.217_455],
        threads_secs: [0.522_320, 1.154_726, 2.455_215, 5.109_192],
        pool_secs: [0.523_757, 0.524_603, 0.530_688, 1.077_939],
    },
    PepWorkload {
        name: "File I/O",
        preset: "pep-371-file-io",
        differs: "1,000 lines of a file made for it",
        one_secs: [0.057_750, 0.180_256, 0.370_841, 0.749_571],
        threads_secs: [0.089_992, 0.329_961, 1.103_678, 2.437_204],
        pool_secs: [0.090_817, 0.096_683, 0.101_535, 0.203_438],
    },
    PepWorkload {
        name: "100 GETs a worker",
        preset: "pep-371-gets",
        differs: "from a server on the same machine",
        one_secs: [0.124_774, 0.239_574, 0.479_159, 0.960_621],
        threads_secs: [0.120_478, 0.146_138, 0.200_985, 0.659_298],
        pool_secs: [0.121_404, 0.138_366, 0.188_847, 0.298_625],
    },
    PepWorkload {
        name: "Queue traffic",
        preset: "pep-371-queue",
        differs: "1,000 items through a queue of each worker's own",
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
                assert!(workload.secs(mode).windows(2).all(|pair| pair[0] <= pair[1]), "{}", workload.name);
            }
        }
    }
}
