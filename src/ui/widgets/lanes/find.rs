//! The bar at a place of the lanes, and the keys that lead from one to the next.

use egui::{EventFilter, Key, Rangef, Response, Ui};

use super::rows::Rows;
use super::{LanesAction, LanesData, LanesState, menu};
use crate::ui::widgets::time_window::{TimeWindow, arrows, pressed};
use fanlane_core::event::TaskId;
use fanlane_core::model::lanes::{Bar, Mark};

/// A bar of a lane, or its running task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub lane: usize,
    /// The bar's index; one past the last is the running task.
    pub bar: usize,
}

/// The bar under the pointer or the cursor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    pub place: Place,
    pub task: TaskId,
    pub from_ns: u64,
    pub to_ns: u64,
    /// Number of bars in its pixel.
    pub crowd: u32,
}

impl Found {
    /// Its bar; `None` for a running task.
    pub fn bar<'a>(&self, data: &LanesData<'a>) -> Option<&'a Bar> {
        data.lanes.lanes().get(self.place.lane)?.bars.as_slice().get(self.place.bar)
    }
}

/// Handles the keys of the lanes.
pub fn keys(
    ui: &Ui,
    response: &Response,
    data: &LanesData<'_>,
    rows: &Rows<'_>,
    window: &mut TimeWindow,
    state: &mut LanesState,
) -> Option<LanesAction> {
    let first = *rows.order().first()?;
    if !response.has_focus() {
        return None;
    }
    let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    let pressed = |key| pressed(ui, key);
    let cursor = state.cursor.filter(|place| found_at(data, *place).is_some());
    let from = |step: &dyn Fn(Place) -> Place| Some(cursor.map_or_else(|| newest_of(data, first), step));
    let below = |place: Place, rows_down: isize| {
        let row = rows.order().iter().position(|lane| *lane == place.lane).unwrap_or(0);
        let next = row.saturating_add_signed(rows_down).min(rows.order().len() - 1);
        beside(data, place, rows.order()[next])
    };
    let mut next = None;
    window.select_by_keys(ui);
    match arrows(ui, false) {
        steps if steps > 0.0 => next = from(&|place| Place { bar: place.bar + 1, ..place }),
        steps if steps < 0.0 => next = from(&|place| Place { bar: place.bar.saturating_sub(1), ..place }),
        _ => {}
    }
    if pressed(Key::ArrowDown) {
        next = from(&|place| below(place, 1));
    }
    if pressed(Key::ArrowUp) {
        next = from(&|place| below(place, -1));
    }
    if let Some(found) = next.and_then(|place| found_at(data, place)) {
        state.cursor = Some(found.place);
        state.scroll_to_cursor = true;
        window.reveal(found.from_ns as f64, found.to_ns as f64);
    }
    let focus = state.cursor.and_then(|place| found_at(data, place));
    window.zoom_by_keys(ui, focus.map(|found| (found.from_ns + found.to_ns) as f64 / 2.0));
    if let Some((task, order)) = menu::keys(ui, data, focus.as_ref()) {
        return Some(LanesAction::Order(task, order));
    }
    focus.filter(|_| pressed(Key::Enter)).map(|found| LanesAction::Open(found.task))
}

fn newest_of(data: &LanesData<'_>, lane: usize) -> Place {
    let lane_data = &data.lanes.lanes()[lane];
    let bars = lane_data.bars.len();
    Place { lane, bar: if lane_data.running.is_some() { bars } else { bars.saturating_sub(1) } }
}

/// The bar of another lane that is nearest in time.
fn beside(data: &LanesData<'_>, place: Place, lane: usize) -> Place {
    let Some(other) = data.lanes.lanes().get(lane) else { return place };
    let at_ns = found_at(data, place).map_or(0, |found| found.from_ns);
    if other.running.is_some_and(|running| running.start_ns <= at_ns) {
        return newest_of(data, lane);
    }
    let bar = other.bars.as_slice().partition_point(|bar| bar.start_ns <= at_ns).saturating_sub(1);
    Place { lane, bar }
}

/// The bar at a place.
pub fn found_at(data: &LanesData<'_>, place: Place) -> Option<Found> {
    let lane = data.lanes.lanes().get(place.lane)?;
    if let Some(bar) = lane.bars.as_slice().get(place.bar) {
        return Some(Found { place, task: bar.task(), from_ns: bar.start_ns, to_ns: bar.end_ns(), crowd: 1 });
    }
    let running = lane.running.filter(|_| place.bar == lane.bars.len())?;
    Some(Found { place, task: running.task, from_ns: running.start_ns, to_ns: data.now_ns, crowd: 1 })
}

/// The bar at a place of the screen, in a row of these lanes: the worst of several.
pub fn find_at(data: &LanesData<'_>, window: &TimeWindow, time: Rangef, lanes: &[usize], x: f32) -> Option<Found> {
    let found = lanes.iter().filter_map(|lane| find_in(data, window, time, *lane, x));
    // The first of those that are equally bad.
    found.reduce(|best, other| if mark(data, &other) > mark(data, &best) { other } else { best })
}

fn mark(data: &LanesData<'_>, found: &Found) -> Option<Mark> {
    found.bar(data).map(Bar::mark)
}

fn find_in(data: &LanesData<'_>, window: &TimeWindow, time: Rangef, lane: usize, x: f32) -> Option<Found> {
    let lane_data = data.lanes.lanes().get(lane)?;
    let at_ns = window.time_at(time, x).max(0.0);
    let pixel_ns = window.span_ns() / f64::from(time.span().max(1.0));
    if lane_data.running.is_some_and(|running| (running.start_ns as f64) <= at_ns && at_ns <= data.now_ns as f64) {
        return found_at(data, Place { lane, bar: lane_data.bars.len() });
    }
    let bars = lane_data.bars.as_slice();
    let near = lane_data.bars.between((at_ns - pixel_ns / 2.0).max(0.0) as u64, (at_ns + pixel_ns / 2.0) as u64);
    // What is drawn of several is the worst, so that is what is told.
    let worst = near.clone().max_by_key(|index| (bars[*index].mark(), std::cmp::Reverse(*index)));
    let index = match worst.filter(|_| near.len() > 1) {
        Some(worst) => worst,
        None => {
            let bar = lane_data.bars.at(at_ns as u64, (2.0 * pixel_ns) as u64)?;
            let index = bars.partition_point(|other| other.start_ns < bar.start_ns);
            bars[index..].iter().position(|other| other == bar).map_or(index, |offset| index + offset)
        }
    };
    let mut found = found_at(data, Place { lane, bar: index })?;
    if (bars[index].wall_ns as f64) < pixel_ns {
        found.crowd = near.len().max(1) as u32;
    }
    Some(found)
}
