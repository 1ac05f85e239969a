//! Which lane stands in which row: the order, the height of a row, and how many lanes share one where there are too many.

use std::ops::Range;
use std::sync::Arc;

use egui::Rangef;

use super::LanesData;
use super::row_heads::{COLUMNS, Column};
use crate::ui::theme;

/// Maximum height of a row, in points.
pub const MAX_ROW: f32 = 8.0 * theme::UNIT;
/// Height from which on a row has words, and is a whole number of points high.
const MIN_READABLE_ROW: f32 = 14.0;
/// Minimum height of a row, in pixels.
const MIN_ROW_PIXELS: f32 = 2.0;
/// How often the rows are put in order again, in seconds.
const ORDER_INTERVAL_SECS: f64 = 2.0;

/// How much room a row has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Density {
    /// All lanes are in view, in thin rows if they are many.
    #[default]
    Fit,
    /// Each row can be read; the lanes scroll.
    Readable,
}

/// The order of the lanes.
#[derive(Clone, Debug, Default)]
pub struct RowOrder {
    /// The column that they are sorted by, and whether the largest comes first; `None`: by number.
    sort: Option<(usize, bool)>,
    lanes: Arc<Vec<usize>>,
    /// When they were put in order, in seconds of the window's clock.
    sorted_secs: f64,
    outdated: bool,
}

impl RowOrder {
    pub fn for_another_run(&self) -> Self {
        Self { sort: self.sort, ..Self::default() }
    }

    /// The lanes from top to bottom.
    pub fn lanes(&self) -> Arc<Vec<usize>> {
        Arc::clone(&self.lanes)
    }

    /// The column that the lanes are sorted by, and whether the largest comes first.
    pub const fn sort(&self) -> Option<(usize, bool)> {
        self.sort
    }

    /// Sorts by a column: the largest first, then the smallest first, then by number again.
    pub fn sort_by(&mut self, column: usize) {
        self.sort = match self.sort {
            Some((before, true)) if before == column => Some((column, false)),
            Some((before, false)) if before == column => None,
            _ => Some((column, true)),
        };
        self.outdated = true;
    }

    /// Brings the order up to date. Rows stay where they are as long as they are pointed at.
    pub fn refresh(&mut self, data: &LanesData<'_>, now_secs: f64, is_pointed_at: bool) {
        let count = data.lanes.lanes().len();
        let is_due = self.sort.is_some() && !is_pointed_at && now_secs - self.sorted_secs >= ORDER_INTERVAL_SECS;
        if self.lanes.len() == count && !self.outdated && !is_due {
            return;
        }
        self.outdated = false;
        self.sorted_secs = now_secs;
        let mut lanes: Vec<usize> = (0..count).collect();
        if let Some((column, descending)) = self.sort {
            let Column { key, .. } = &COLUMNS[column];
            let key = |lane: &usize| key(&data.lanes.lanes()[*lane], *lane, data.now_ns);
            lanes.sort_by(|one, other| {
                let order = key(one).total_cmp(&key(other));
                if descending { order.reverse() } else { order }
            });
        }
        self.lanes = Arc::new(lanes);
    }
}

/// The rows of a frame.
pub struct Rows<'a> {
    lanes: &'a [usize],
    per_row: usize,
    height: f32,
    thin: bool,
}

impl<'a> Rows<'a> {
    /// The rows for lanes in this order in some room; a pixel is this many points.
    pub fn new(lanes: &'a [usize], room: f32, pixel: f32, density: Density) -> Self {
        let share = room / lanes.len().max(1) as f32;
        let least = MIN_ROW_PIXELS * pixel;
        let (height, per_row) = match density {
            Density::Readable => (share.floor().clamp(theme::ROW, MAX_ROW.max(share.floor())), 1),
            Density::Fit if share >= MIN_READABLE_ROW => (share.floor(), 1),
            Density::Fit if share >= least => (share, 1),
            Density::Fit => {
                let per_row = (least / share).ceil() as usize;
                (room / lanes.len().div_ceil(per_row) as f32, per_row)
            }
        };
        Self { lanes, per_row, height, thin: height < MIN_READABLE_ROW }
    }

    /// Rows have no words.
    pub const fn are_thin(&self) -> bool {
        self.thin
    }

    /// Height of a row, in points.
    pub const fn height(&self) -> f32 {
        self.height
    }

    /// Height of all rows, in points.
    pub fn total_height(&self) -> f32 {
        self.height * self.count() as f32
    }

    /// Number of rows.
    pub const fn count(&self) -> usize {
        self.lanes.len().div_ceil(self.per_row)
    }

    /// Number of lanes in a row.
    pub const fn lanes_per_row(&self) -> usize {
        self.per_row
    }

    /// The lanes in the order of their rows.
    pub const fn order(&self) -> &'a [usize] {
        self.lanes
    }

    /// The lanes of a row.
    pub fn lanes(&self, row: usize) -> &'a [usize] {
        let from = (row * self.per_row).min(self.lanes.len());
        &self.lanes[from..(from + self.per_row).min(self.lanes.len())]
    }

    /// The row of a lane.
    pub fn row_of(&self, lane: usize) -> Option<usize> {
        self.lanes.iter().position(|one| *one == lane).map(|place| place / self.per_row)
    }

    /// The row at a distance from the top of the first.
    pub fn row_at(&self, y: f32) -> Option<usize> {
        let row = (y / self.height).floor();
        (row >= 0.0 && (row as usize) < self.count()).then_some(row as usize)
    }

    /// The rows of a part of their height.
    pub fn within(&self, y: Rangef) -> Range<usize> {
        let first = (y.min / self.height).floor().max(0.0) as usize;
        let last = (y.max / self.height).ceil().max(0.0) as usize;
        first.min(self.count())..last.min(self.count())
    }

    /// The place of a row, if the first is at `top`.
    pub fn range(&self, row: usize, top: f32) -> Rangef {
        Rangef::new(top + row as f32 * self.height, top + (row + 1) as f32 * self.height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(lanes: &[usize], room: f32, density: Density) -> Rows<'_> {
        Rows::new(lanes, room, 1.0, density)
    }

    #[test]
    fn from_two_lanes_to_ten_thousand_all_are_in_the_room_there_is() {
        for count in [1, 2, 7, 20, 60, 100, 239, 240, 241, 500, 1000, 10_000] {
            let lanes: Vec<usize> = (0..count).collect();
            let rows = rows(&lanes, 480.0, Density::Fit);
            assert!(rows.total_height() <= 480.01, "{count}: {}", rows.total_height());
            assert!(rows.height() >= MIN_ROW_PIXELS, "{count}: {}", rows.height());
            let drawn: usize = (0..rows.count()).map(|row| rows.lanes(row).len()).sum();
            assert_eq!(drawn, count, "each lane is in one row");
            assert!(
                (0..count).step_by(7).all(|lane| rows.row_of(lane).is_some_and(|row| rows.lanes(row).contains(&lane)))
            );
        }
    }

    #[test]
    fn rows_that_can_be_read_scroll() {
        let lanes: Vec<usize> = (0..100).collect();
        let rows = rows(&lanes, 240.0, Density::Readable);
        assert_eq!((rows.height(), rows.count(), rows.are_thin()), (theme::ROW, 100, false));
        assert_eq!(rows.within(Rangef::new(48.0, 288.0)), 2..12);
        assert_eq!((rows.row_at(49.0), rows.row_at(-1.0), rows.row_at(2400.0)), (Some(2), None, None));
    }
}
