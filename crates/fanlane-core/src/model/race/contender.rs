//! A contender: one way of running the batch in a race.

use serde::{Deserialize, Serialize};

use crate::job::Mode;

/// A way of running a batch.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Contender {
    /// The case of the race that it runs, from 0.
    pub case: u32,
    /// How the batch is run.
    pub mode: Mode,
    /// Number of workers, at least 1.
    pub workers: u32,
    /// Number of tasks sent to a worker at a time, none of which is taken back; `None`: the dispatcher decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunk: Option<u32>,
    /// Number of tasks, from the beginning of the batch; `None`: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tasks: Option<u64>,
}

impl Contender {
    /// The whole batch of the first case, with chunks chosen by the dispatcher.
    pub const fn new(mode: Mode, workers: u32) -> Self {
        Self { case: 0, mode, workers, chunk: None, tasks: None }
    }

    /// Its name in tables and legends: `one process`, `4 threads`, `pool of 4`, `pool of 4, chunks of 16`.
    pub fn name(&self) -> String {
        let base = match (self.mode, self.workers) {
            (Mode::One, _) => "one process".to_owned(),
            (Mode::Threads, 1) => "1 thread".to_owned(),
            (Mode::Threads, workers) => format!("{workers} threads"),
            (Mode::Pool, workers) => format!("pool of {workers}"),
        };
        match self.chunk {
            Some(chunk) => format!("{base}, chunks of {chunk}"),
            None => base,
        }
    }

    /// Its name within a sentence: `one process`, `the pool of 4`.
    pub fn name_in_sentence(&self) -> String {
        if self.mode == Mode::Pool { format!("the {}", self.name()) } else { self.name() }
    }

    /// The contenders of `modes` over `sizes`, without repetition, in the order of the modes and then of the sizes;
    /// the mode `one` takes part once.
    pub fn sweep(modes: &[Mode], sizes: &[u32]) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for &mode in modes {
            let sizes = if mode == Mode::One { &[1][..] } else { sizes };
            for &workers in sizes {
                let contender = Self::new(mode, workers);
                if !all.contains(&contender) {
                    all.push(contender);
                }
            }
        }
        all
    }

    /// The default pool sizes of a race: powers of two up to `cores`, and `cores`; at least 1 and 2.
    pub fn usual_sizes(cores: u32) -> Vec<u32> {
        let most = cores.max(2);
        let mut sizes: Vec<u32> =
            std::iter::successors(Some(1_u32), |size| size.checked_mul(2)).take_while(|size| *size < most).collect();
        sizes.push(most);
        sizes
    }

    /// The default pool sizes of a race that is to show where more workers stop to help: those up to `cores`, and twice as many.
    pub fn sizes_beyond(cores: u32) -> Vec<u32> {
        let mut sizes = Self::usual_sizes(cores);
        sizes.push(cores.max(2).saturating_mul(2));
        sizes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_has_each_way_once() {
        let names = |modes: &[Mode], sizes: &[u32]| {
            Contender::sweep(modes, sizes).iter().map(Contender::name).collect::<Vec<_>>()
        };
        let all = ["one process", "1 thread", "2 threads", "pool of 1", "pool of 2"];
        assert_eq!(names(&Mode::ALL, &[1, 2, 1]), all);
        assert_eq!(names(&[Mode::Pool, Mode::Pool], &[4]), ["pool of 4"]);
        assert_eq!(
            [1, 2, 3, 8, 12].map(Contender::usual_sizes),
            [vec![1, 2], vec![1, 2], vec![1, 2, 3], vec![1, 2, 4, 8], vec![1, 2, 4, 8, 12]]
        );
        assert_eq!([1, 2, 6].map(Contender::sizes_beyond), [vec![1, 2, 4], vec![1, 2, 4], vec![1, 2, 4, 6, 12]]);
    }
}
