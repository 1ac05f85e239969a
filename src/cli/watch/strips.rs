//! Numbers as a strip of blocks, one cell each: the cores at this moment, the queue over the time of the run.

use fanlane_core::model::DepthHistory;

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The use of each core; of several cores that share a cell the busiest.
pub fn cores(percent: &[f32], room: usize) -> String {
    let shared = percent.len().div_ceil(room.max(1)).max(1);
    percent.chunks(shared).map(|cores| block(f64::from(cores.iter().copied().fold(0.0, f32::max)) / 100.0)).collect()
}

/// The number of queued tasks over time, from the start of the run until now; of the times in one cell the longest queue.
pub fn queue(depth: &DepthHistory, now_ns: u64, room: usize) -> String {
    let steps = depth.steps(now_ns);
    let longest = steps.iter().map(|step| step.queued).max().unwrap_or(0).max(1);
    let mut cells = vec![0_u64; room];
    for step in &steps {
        let cell = |at_ns: u64| {
            let cell = u128::from(at_ns) * room as u128 / u128::from(now_ns.max(1));
            usize::try_from(cell).unwrap_or(usize::MAX).min(room)
        };
        // A step takes at least the cell in which it begins.
        let from = cell(step.from_ns).min(room.saturating_sub(1));
        for cell in &mut cells[from..cell(step.to_ns).max(from + 1).min(room)] {
            *cell = (*cell).max(step.queued);
        }
    }
    cells.into_iter().map(|queued| block(queued as f64 / longest as f64)).collect()
}

/// A share from 0 to 1.
fn block(share: f64) -> char {
    BLOCKS[((share * BLOCKS.len() as f64) as usize).min(BLOCKS.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_core_has_a_block_and_where_there_are_too_many_the_busiest_stands_for_its_neighbours() {
        assert_eq!(cores(&[0.0, 12.5, 50.0, 99.0, 100.0], 10), "▁▂▅██");
        assert_eq!(cores(&[0.0, 100.0, 0.0, 0.0], 2), "█▁");
        assert_eq!(cores(&[], 5), "");
        assert_eq!(cores(&[100.0, 0.0], 0), "█");
    }
}
