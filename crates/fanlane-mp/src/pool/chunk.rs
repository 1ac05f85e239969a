//! How many items a worker is handed as one task.

/// Python's rule: four tasks for each worker, the last of them the shortest; at least one item each.
///
/// ```
/// # use fanlane_mp::default_chunk_size;
/// assert_eq!(default_chunk_size(1_000_000, 2), 125_000);
/// assert_eq!(default_chunk_size(6, 6), 1);
/// assert_eq!(default_chunk_size(9, 1), 3);
/// ```
pub fn default_chunk_size(items: usize, workers: usize) -> usize {
    items.div_ceil(workers.max(1).saturating_mul(4)).max(1)
}
