//! The layout of tasks that have as many rows as fit, and so not all the same number.

use super::Layout;

impl Layout {
    /// The first row of each task, where as many rows as fit go into one.
    pub(in super::super) fn cuts(&self) -> Option<&[u64]> {
        self.cuts.as_deref()
    }

    /// Makes tasks of the rows between these cuts, of which each is the first row of a task. False, with nothing done, where they
    /// are no cuts of these rows.
    pub(in super::super) fn cut(&mut self, cuts: Vec<u64>) -> bool {
        let rows = self.rows_to_cut();
        let is_whole = cuts.is_sorted_by(|one, next| one < next)
            && cuts.first().copied() == (rows > 0).then_some(0)
            && cuts.last().is_none_or(|last| *last < rows);
        if is_whole {
            self.cuts = Some(cuts);
        }
        is_whole
    }

    /// Number of rows, all of which are read.
    pub(in super::super) fn rows_to_cut(&self) -> u64 {
        self.chosen_rows().0
    }

    /// The columns of the longest task, where as many rows as fit go into one: whatever positions the templates may mean, a task
    /// has no more values than these.
    pub(in super::super) fn cut_columns(&self, mut columns: Vec<String>) -> Vec<String> {
        let Some(cuts) = &self.cuts else { return columns };
        let ends = cuts.iter().skip(1).copied().chain([self.rows_to_cut()]);
        let rows = cuts.iter().zip(ends).map(|(first, end)| end - first).max().unwrap_or(1);
        let count = self.slots.len() * usize::try_from(rows).expect("what is held in memory is counted in usize");
        let named = columns.len();
        columns.truncate(count);
        columns.extend((named..count).map(|index| (index + 1).to_string()));
        columns
    }
}
