//! Chunk sizes: the number of tasks sent to a worker at a time. Large chunks need few messages but leave workers idle
//! at the end.

use crate::model::statistics::Summary;

use super::outcome::RaceModel;

/// The chunk size that Python's `Pool.map` takes by itself: a quarter of each worker's share, rounded up.
pub const fn python_default(tasks: u64, workers: u32) -> u32 {
    let parts = 4 * workers as u64;
    let size = if parts == 0 { tasks } else { tasks.div_ceil(parts) };
    if size == 0 {
        1
    } else if size > u32::MAX as u64 {
        u32::MAX
    } else {
        size as u32
    }
}

/// The chunk sizes worth trying: powers of two up to a worker's share of all tasks, that share, and Python's choice.
pub fn usual_sizes(tasks: u64, workers: u32) -> Vec<u32> {
    let share = u32::try_from(tasks.div_ceil(u64::from(workers.max(1)))).unwrap_or(u32::MAX).max(1);
    let powers = std::iter::successors(Some(1_u32), |size| size.checked_mul(2)).take_while(|size| *size < share);
    let mut sizes: Vec<u32> = powers.chain([share, python_default(tasks, workers)]).collect();
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

/// A race's times over chunk sizes, for the pool size that most of its contenders with chunks have.
#[derive(Clone, Debug, PartialEq)]
pub struct ChunkTimes {
    /// How many workers.
    pub workers: u32,
    /// How many tasks the batch has.
    pub tasks: u64,
    /// Chunk sizes with their times in seconds, smallest size first.
    pub times: Vec<(u32, Summary)>,
    /// The same pool with chunks chosen by the dispatcher.
    pub adaptive: Option<Summary>,
}

impl RaceModel {
    /// Times over chunk sizes; `None` where no contender with a chunk size has run.
    pub fn chunk_times(&self) -> Option<ChunkTimes> {
        let header = self.header.as_ref()?;
        let first = header.contenders.iter().find(|one| one.chunk.is_some())?;
        let alike = |one: &super::Contender| {
            (one.case, one.mode, one.workers, one.tasks) == (first.case, first.mode, first.workers, first.tasks)
        };
        let places = header.contenders.iter().enumerate().filter(|(_, one)| alike(one));
        let (mut times, mut adaptive) = (Vec::new(), None);
        for (place, one) in places {
            match (one.chunk, self.time(place)) {
                (Some(chunk), Some(time)) => times.push((chunk, time)),
                (None, time) => adaptive = time,
                (Some(_), None) => {}
            }
        }
        times.sort_unstable_by_key(|(chunk, _)| *chunk);
        let tasks = first.tasks.unwrap_or(header.cases.get(first.case as usize)?.tasks);
        (!times.is_empty()).then_some(ChunkTimes { workers: first.workers, tasks, times, adaptive })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pythons_chunk_size_is_pythons() {
        // divmod(len(iterable), len(pool) * 4), rounded up: checked against CPython's multiprocessing/pool.py.
        for (tasks, workers, size) in
            [(1000, 2, 125), (1001, 2, 126), (7, 2, 1), (9, 2, 2), (0, 4, 1), (1_000_000, 8, 31_250)]
        {
            assert_eq!(python_default(tasks, workers), size, "{tasks} tasks, {workers} workers");
        }
        assert_eq!(usual_sizes(100, 2), [1, 2, 4, 8, 13, 16, 32, 50]);
        assert_eq!(usual_sizes(1, 8), [1]);
    }
}
