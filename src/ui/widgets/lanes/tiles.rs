//! Thin rows as pictures that are kept between frames. A tile is a part of the axis of time at one level of detail, with a pixel
//! for each row and each cell of time; a level has cells of twice the length of the one below. Moving the view draws the same
//! tiles elsewhere, zooming needs new ones from time to time. They are made a part in each frame, and meanwhile coarser ones stand
//! in.
//!
//! A cell is never smaller than a pixel of the screen, so that no failure falls between two pixels.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

use egui::{Color32, ColorImage, Mesh, Rangef, Rect, Shape, TextureHandle, TextureOptions, pos2};

use super::bars::{Scene, shade};
use super::rows::Rows;
use crate::ui::theme::Palette;
use fanlane_core::model::LaneHistory;
use fanlane_core::model::lanes::Mark;

/// Width of a tile, in cells.
const TILE_CELLS: usize = 128;
/// Work after which no further row of a tile is made in a frame, in segments of bars: about 3 ms.
const MAX_WORK_A_FRAME: usize = 60_000;
/// The work of finding the first bar of a lane, in segments of bars.
const LANE_WORK: usize = 40;
/// Maximum number of tiles that are kept.
const MAX_TILES: usize = 96;
/// How many levels coarser a tile may be that stands in for a missing one.
const MAX_COARSER: i32 = 16;

/// The tiles of a timeline.
#[derive(Clone, Default)]
pub struct Tiles {
    made_for: Option<MadeFor>,
    /// The change of the timeline up to which tiles are known to be current or stale.
    revision: u64,
    frame: u64,
    tiles: HashMap<TileKey, Tile>,
    /// The tile that is being made.
    unfinished: Option<Unfinished>,
}

/// A tile of which some rows are made.
#[derive(Clone)]
struct Unfinished {
    key: TileKey,
    image: ColorImage,
    rows: usize,
    /// Bars have been added since it was begun. It is finished all the same: in a busy run it would never be otherwise.
    stale: bool,
}

/// What all tiles have in common.
#[derive(Clone, Copy, PartialEq, Eq)]
struct MadeFor {
    rows: usize,
    lanes: usize,
    order: u64,
    dark: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct TileKey {
    /// The length of a cell, as a power of two of nanoseconds.
    level: i32,
    /// Its place, in widths of tiles.
    index: u64,
}

#[derive(Clone)]
struct Tile {
    texture: TextureHandle,
    /// Bars have been added since it was made.
    stale: bool,
    used: u64,
}

impl TileKey {
    fn cell_ns(self) -> f64 {
        2_f64.powi(self.level)
    }

    fn span_ns(self) -> f64 {
        self.cell_ns() * TILE_CELLS as f64
    }

    fn left_ns(self) -> f64 {
        self.span_ns() * self.index as f64
    }

    fn right_ns(self) -> f64 {
        self.left_ns() + self.span_ns()
    }

    fn coarser(self, levels: i32) -> Self {
        Self { level: self.level + levels, index: self.index >> levels }
    }

    fn finer(self) -> [Self; 2] {
        [0, 1].map(|half| Self { level: self.level - 1, index: 2 * self.index + half })
    }

    /// The tiles for a view with pixels of this length.
    fn covering((from_ns, to_ns): (f64, f64), pixel_ns: f64) -> impl Iterator<Item = Self> {
        let level = pixel_ns.max(1.0).log2().ceil() as i32;
        let first = Self { level, index: 0 };
        let index = |time_ns: f64| (time_ns.max(0.0) / first.span_ns()).floor() as u64;
        (index(from_ns)..=index(to_ns)).map(move |index| Self { level, index })
    }
}

impl Scene<'_> {
    /// Draws thin rows.
    pub fn paint_thin(&self, shown: Range<usize>, tiles: &mut Tiles) {
        self.paint_thin_ground(shown.clone());
        tiles.paint(self);
        self.paint_thin_marks(shown);
    }
}

impl Tiles {
    fn paint(&mut self, scene: &Scene<'_>) {
        self.refresh(scene.data.lanes, scene.rows, scene.palette);
        let range_ns = scene.window.range_ns();
        let pixels = f64::from((scene.time.span() * scene.painter.pixels_per_point()).max(1.0));
        // Beyond the end there is nothing to draw.
        let seen = (range_ns.0, range_ns.1.min(scene.data.lanes.end_ns() as f64));
        let wanted: Vec<TileKey> = TileKey::covering(seen, scene.window.span_ns() / pixels).collect();
        let mut work = 0;
        // The newest first: that is where something happens; but what was begun is finished.
        let begun = self.unfinished.as_ref().map(|unfinished| unfinished.key).filter(|key| wanted.contains(key));
        for key in begun.iter().chain(wanted.iter().rev()) {
            let is_current = self.tiles.get(key).is_some_and(|tile| !tile.stale);
            if !is_current && work < MAX_WORK_A_FRAME {
                work += self.make(scene, *key, MAX_WORK_A_FRAME - work);
            }
            if !is_current && work >= MAX_WORK_A_FRAME {
                scene.painter.ctx().request_repaint();
            }
        }
        for key in wanted {
            self.paint_tile(scene, key);
        }
        self.drop_oldest();
    }

    fn refresh(&mut self, lanes: &LaneHistory, rows: &Rows<'_>, palette: &Palette) {
        self.frame += 1;
        let mut hasher = DefaultHasher::new();
        rows.order().hash(&mut hasher);
        let order = hasher.finish();
        let made_for = MadeFor { rows: rows.count(), lanes: rows.order().len(), order, dark: palette.dark };
        if self.made_for != Some(made_for) {
            self.tiles.clear();
            self.unfinished = None;
            self.made_for = Some(made_for);
        }
        if let Some(changed_ns) = lanes.changed_since(self.revision) {
            let stale = self.tiles.iter_mut().filter(|(key, _)| key.right_ns() > changed_ns as f64);
            stale.for_each(|(_, tile)| tile.stale = true);
            let unfinished = self.unfinished.iter_mut().filter(|tile| tile.key.right_ns() > changed_ns as f64);
            unfinished.for_each(|tile| tile.stale = true);
            self.revision = lanes.revision();
        }
    }

    /// Goes on with a tile, for as much work as is allowed; returns how much it took.
    fn make(&mut self, scene: &Scene<'_>, key: TileKey, allowed: usize) -> usize {
        let begun = self.unfinished.take().filter(|unfinished| unfinished.key == key);
        let mut unfinished = begun.unwrap_or_else(|| Unfinished::new(key, scene.rows.count()));
        let work = unfinished.go_on(scene.data.lanes, scene.rows, scene.palette, allowed);
        if unfinished.rows < scene.rows.count() {
            self.unfinished = Some(unfinished);
            return work;
        }
        let Unfinished { image, stale, .. } = unfinished;
        match self.tiles.get_mut(&key) {
            Some(tile) => {
                tile.texture.set(image, TextureOptions::NEAREST);
                tile.stale = stale;
            }
            None => {
                let texture = scene.painter.ctx().load_texture("lanes", image, TextureOptions::NEAREST);
                self.tiles.insert(key, Tile { texture, stale, used: self.frame });
            }
        }
        work
    }

    /// Draws a tile, or what stands in for it.
    fn paint_tile(&mut self, scene: &Scene<'_>, key: TileKey) {
        let known = |key: &TileKey| self.tiles.contains_key(key);
        let coarser = (0..=MAX_COARSER).map(|levels| key.coarser(levels)).find(known);
        let parts: Vec<TileKey> = match coarser {
            Some(coarser) => vec![coarser],
            None => key.finer().into_iter().filter(known).collect(),
        };
        let height = scene.rows.total_height();
        for part in parts {
            let Some(tile) = self.tiles.get_mut(&part) else { continue };
            tile.used = self.frame;
            let from_ns = part.left_ns().max(key.left_ns());
            let to_ns = part.right_ns().min(key.right_ns());
            let share = |time_ns: f64| ((time_ns - part.left_ns()) / part.span_ns()) as f32;
            let [left, right] = [from_ns, to_ns].map(|time_ns| scene.window.place_of(scene.time, time_ns));
            let y = Rangef::new(scene.top, scene.top + height);
            let uv = Rect::from_min_max(pos2(share(from_ns), 0.0), pos2(share(to_ns), 1.0));
            let mut mesh = Mesh::with_texture(tile.texture.id());
            mesh.add_rect_with_uv(Rect::from_x_y_ranges(left..=right, y), uv, Color32::WHITE);
            scene.painter.add(Shape::mesh(mesh));
        }
    }

    fn drop_oldest(&mut self) {
        if self.tiles.len() <= MAX_TILES {
            return;
        }
        let mut ages: Vec<u64> = self.tiles.values().map(|tile| tile.used).collect();
        ages.sort_unstable();
        let oldest_kept = ages[ages.len() - MAX_TILES];
        self.tiles.retain(|_, tile| tile.used >= oldest_kept);
    }
}

impl Unfinished {
    fn new(key: TileKey, rows: usize) -> Self {
        Self { key, image: ColorImage::filled([TILE_CELLS, rows], Color32::TRANSPARENT), rows: 0, stale: false }
    }

    /// Makes further rows until the work is at least as much as is allowed; returns how much it was.
    fn go_on(&mut self, lanes: &LaneHistory, rows: &Rows<'_>, palette: &Palette, allowed: usize) -> usize {
        let mut work = 0;
        let missing = self.image.pixels.chunks_mut(TILE_CELLS).enumerate().skip(self.rows);
        for (row, pixels) in missing {
            if work >= allowed {
                break;
            }
            work += row_of_tile(lanes, rows.lanes(row), palette, self.key, pixels);
            self.rows = row + 1;
        }
        work
    }
}

/// Fills the row of a tile that these lanes share; returns how much work it was.
fn row_of_tile(
    lanes: &LaneHistory,
    sharing: &[usize],
    palette: &Palette,
    key: TileKey,
    pixels: &mut [Color32],
) -> usize {
    let (from_ns, to_ns, cell_ns) = (key.left_ns(), key.right_ns(), key.cell_ns());
    let mut work = 0;
    let mut cells = [None::<(Mark, f32)>; TILE_CELLS];
    for lane in sharing {
        work += LANE_WORK;
        lanes.lanes()[*lane].segments(from_ns as u64, to_ns as u64, cell_ns, |segment| {
            work += 1;
            let place = |time_ns: f64| (time_ns - from_ns) / cell_ns;
            let (left, right) = (place(segment.from_ns), place(segment.to_ns));
            let first = left.max(0.0).floor() as usize;
            let last = (right.ceil() as usize).clamp(first + 1, TILE_CELLS.max(first + 1));
            for (place, cell) in cells.iter_mut().enumerate().take(last).skip(first) {
                // What is less than a cell wide has its share already.
                let covered = (right.min((place + 1) as f64) - left.max(place as f64)).clamp(0.0, 1.0) as f32;
                let (worst, busy) = cell.unwrap_or((Mark::Done, 0.0));
                *cell = Some((worst.max(segment.worst), covered.mul_add(segment.busy, busy)));
            }
        });
    }
    for (pixel, cell) in pixels.iter_mut().zip(cells) {
        if let Some((worst, busy)) = cell {
            *pixel = shade(palette, worst, busy / sharing.len() as f32);
        }
    }
    work
}

#[cfg(test)]
mod tests {
    use super::super::rows::Density;
    use super::*;
    use crate::ui::theme;
    use fanlane_core::event::{
        AttemptRecord, Event, EventKind, LaneId, Outcome, OutcomeClass, TaskEvent, TaskId, WorkerEvent, WorkerId,
    };

    /// Lanes with tasks of a microsecond, one after the other, of which one fails.
    fn history(lanes: u32, tasks: u64, failed: (u32, u64)) -> LaneHistory {
        let mut history = LaneHistory::default();
        for lane in 0..lanes {
            let worker = WorkerId(lane + 1);
            let ready = WorkerEvent::Started { worker, lane: LaneId(lane), pid: 9 };
            history.apply(&Event { at_ns: 0, kind: EventKind::Worker(ready) });
            let record = |task| {
                let outcome = if (lane, task) == failed { Outcome::Exited { code: 1 } } else { Outcome::Done };
                let record = AttemptRecord::new(TaskId(task), 1, worker, outcome);
                AttemptRecord { start_ns: task * 1000, wall_ns: 1000, ..record }
            };
            let kind = EventKind::Task(TaskEvent::Finished((0..tasks).map(record).collect()));
            history.apply(&Event { at_ns: tasks * 1000, kind });
        }
        history
    }

    fn failures(image: &ColorImage) -> Vec<(usize, usize)> {
        let failed = theme::DARK.outcome(OutcomeClass::Failed);
        let cells = image.pixels.iter().enumerate().filter(|(_, pixel)| **pixel == failed);
        cells.map(|(place, _)| (place / TILE_CELLS, place % TILE_CELLS)).collect()
    }

    #[test]
    fn one_failure_among_a_hundred_thousand_bars_is_seen_at_every_level() {
        let lanes = history(100, 1000, (57, 321));
        let order: Vec<usize> = (0..100).collect();
        let rows = Rows::new(&order, 40.0, 1.0, Density::Fit);
        assert_eq!((rows.count(), rows.lanes_per_row()), (20, 5));
        for level in 6..20 {
            let from_ns = 321_000;
            let key = TileKey { level, index: (from_ns / TILE_CELLS as u64) >> level };
            let mut tile = Unfinished::new(key, rows.count());
            // A part at a time, as in frames that have little time.
            while tile.rows < rows.count() {
                assert!(tile.go_on(&lanes, &rows, &theme::DARK, 300) > 0);
            }
            let found = failures(&tile.image);
            assert!(!found.is_empty() && found.iter().all(|(row, _)| *row == 11), "level {level}: {found:?}");
            let cell = ((from_ns as f64 - key.left_ns()) / key.cell_ns()) as usize;
            assert!(found.iter().any(|(_, column)| column.abs_diff(cell) <= 1), "level {level}: {found:?}, {cell}");
        }
    }

    #[test]
    fn tiles_cover_the_view_with_cells_of_one_to_two_pixels() {
        for (range_ns, pixels) in [((0.0, 1e9), 1000.0), ((123_456.0, 987_654.0), 700.0), ((5e12, 5e12 + 1e6), 2000.0)]
        {
            let pixel_ns = (range_ns.1 - range_ns.0) / pixels;
            let keys: Vec<TileKey> = TileKey::covering(range_ns, pixel_ns).collect();
            let (first, last) = (keys[0], keys[keys.len() - 1]);
            assert!(first.left_ns() <= range_ns.0 && last.right_ns() > range_ns.1);
            assert!((1.0..2.0).contains(&(first.cell_ns() / pixel_ns)), "{first:?}");
            assert!(keys.windows(2).all(|pair| pair[0].right_ns() == pair[1].left_ns()));
            assert!(keys.len() <= pixels as usize / TILE_CELLS + 2);
        }
    }

    #[test]
    fn a_coarser_tile_covers_the_ones_below_it() {
        let key = TileKey { level: 12, index: 1237 };
        for levels in 0..MAX_COARSER {
            let coarser = key.coarser(levels);
            assert!(coarser.left_ns() <= key.left_ns() && coarser.right_ns() >= key.right_ns(), "{coarser:?}");
        }
        let [left, right] = key.finer();
        assert_eq!(
            (left.left_ns(), left.right_ns(), right.right_ns()),
            (key.left_ns(), right.left_ns(), key.right_ns())
        );
    }
}
