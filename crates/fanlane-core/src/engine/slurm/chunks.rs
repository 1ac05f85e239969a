//! How tasks are shared out to the elements of arrays: in their order, and in pieces that keep a node busy for a while but do not
//! leave it alone at the end.

use crate::event::TaskId;

/// Elements for each slot where nothing is known about the times of tasks.
const ELEMENTS_PER_SLOT: u64 = 4;
/// Maximum number of tasks of an element, where nothing is known about their times.
const MAX_UNKNOWN_TASKS: u64 = 1000;

/// What decides about the size of chunks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChunkRules {
    /// How many elements can run at the same time.
    pub slots: u32,
    /// Maximum number of elements of one array.
    pub max_elements: u32,
    /// Intended time of an element, in seconds.
    pub chunk_secs: f64,
    /// Mean time of a task, in seconds, if it is known.
    pub task_secs: Option<f64>,
}

impl ChunkRules {
    /// Number of elements for this number of tasks: as many for each slot, so that all end at about the same time.
    pub fn elements(&self, tasks: u64) -> u64 {
        let slots = u64::from(self.slots.max(1));
        let wanted = match self.task_secs {
            // Rounded to rounds of all slots.
            Some(secs) => {
                let by_time = (secs * tasks as f64 / self.chunk_secs).ceil().min(1e15) as u64;
                by_time.div_ceil(slots).max(1) * slots
            }
            None => (slots * ELEMENTS_PER_SLOT).max(tasks.div_ceil(MAX_UNKNOWN_TASKS)),
        };
        wanted.min(tasks)
    }

    /// The tasks of each element of the arrays that are to be submitted, in their order; at least one for each.
    pub fn share_out(&self, tasks: &[TaskId]) -> Vec<Vec<Vec<TaskId>>> {
        if tasks.is_empty() {
            return Vec::new();
        }
        let elements = self.elements(tasks.len() as u64);
        let arrays = elements.div_ceil(u64::from(self.max_elements.max(1)));
        // As large as they have to be, rather than a second array that has to wait.
        let elements =
            if self.fits_in_one(tasks.len() as u64, arrays) { u64::from(self.max_elements) } else { elements };
        let chunks = even_pieces(tasks, elements.max(1) as usize);
        chunks.chunks(self.max_elements.max(1) as usize).map(<[_]>::to_vec).collect()
    }

    /// Whether an array at its limit has chunks that are still of a good size.
    fn fits_in_one(&self, tasks: u64, arrays: u64) -> bool {
        const MAX_STRETCH: f64 = 2.0;
        let most = self.task_secs.map_or(MAX_UNKNOWN_TASKS as f64, |secs| MAX_STRETCH * self.chunk_secs / secs);
        arrays > 1 && tasks as f64 / f64::from(self.max_elements) <= most
    }
}

/// Pieces whose lengths differ by one at most, none of them empty.
fn even_pieces(tasks: &[TaskId], pieces: usize) -> Vec<Vec<TaskId>> {
    let pieces = pieces.min(tasks.len()).max(1);
    let place = |piece: usize| piece * tasks.len() / pieces;
    (0..pieces).map(|piece| tasks[place(piece)..place(piece + 1)].to_vec()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tasks(count: u64) -> Vec<TaskId> {
        (0..count).map(TaskId).collect()
    }

    fn rules(slots: u32, max_elements: u32, task_secs: Option<f64>) -> ChunkRules {
        ChunkRules { slots, max_elements, chunk_secs: 45.0, task_secs }
    }

    #[test]
    fn chunks_are_as_long_as_wanted_and_fill_all_slots() {
        for (rules, count, elements) in [
            (rules(8, 1000, None), 3, 3),
            (rules(8, 1000, None), 10_000, 32),
            (rules(8, 100_000, None), 1_000_000, 1000),
            (rules(8, 1000, Some(1.0)), 400, 16),
            (rules(8, 1000, Some(100.0)), 40, 40),
            (rules(8, 1000, Some(0.001)), 10_000, 8),
            (rules(0, 1000, Some(0.0)), 5, 1),
        ] {
            assert_eq!(rules.elements(count), elements, "{rules:?}, {count}");
        }
    }

    #[test]
    fn every_task_is_in_one_chunk_in_order_and_no_array_is_too_long() {
        for (rules, count, arrays) in [
            (rules(8, 1000, None), 10_000, 1),
            (rules(8, 10, Some(100.0)), 35, 4),
            (rules(8, 10, Some(10.0)), 60, 1),
            (rules(4, 1, None), 3, 1),
            (rules(4, 1000, None), 0, 0),
        ] {
            let shared = rules.share_out(&tasks(count));
            assert_eq!(shared.len(), arrays, "{rules:?}, {count}");
            assert!(shared.iter().all(|array| array.len() <= rules.max_elements as usize));
            assert!(shared.iter().flatten().all(|chunk| !chunk.is_empty()));
            let all: Vec<TaskId> = shared.into_iter().flatten().flatten().collect();
            assert_eq!(all, tasks(count), "{rules:?}");
        }
    }
}
