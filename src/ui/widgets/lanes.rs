//! The lanes: a row per worker with its figures, and a bar for each attempt, coloured by outcome.
//!
//! Wheel, drag and keys move through time; a click or Enter selects a task. Labels of tasks come from a callback, since the
//! models know tasks only by number.

mod bars;
mod readout;
mod row_heads;

use egui::{EventFilter, Key, Rangef, Rect, Response, Role, ScrollArea, Sense, Stroke, StrokeKind, Ui, pos2, vec2};

use super::describe;
use super::time_axis::{self, AXIS_HEIGHT, Ticks};
use super::time_window::{TimeWindow, pressed};
use crate::ui::theme;
use fanlane_core::event::TaskId;
use fanlane_core::model::LaneHistory;

/// Maximum height of a row, in points.
const MAX_ROW: f32 = 8.0 * theme::UNIT;
/// Height of the text line below the lanes, in points.
const READOUT_HEIGHT: f32 = 3.0 * theme::UNIT;

/// The data of the lanes.
pub struct LanesData<'a> {
    /// The lanes.
    pub lanes: &'a LaneHistory,
    /// The run's time, in nanoseconds since its start, up to which running tasks extend.
    pub now_ns: u64,
    /// The label of a task: its command line or call.
    pub label: &'a dyn Fn(TaskId) -> String,
    /// The displayed number of a task.
    pub number: &'a dyn Fn(TaskId) -> u64,
}

/// The keyboard's cursor.
#[derive(Clone, Debug, Default)]
pub struct LanesState {
    cursor: Option<Place>,
    scroll_to_cursor: bool,
}

/// A bar of a lane, or its running task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    lane: usize,
    // The bar's index; one past the last is the running task.
    bar: usize,
}

/// The bar under the pointer or the cursor.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Found {
    place: Place,
    task: TaskId,
    from_ns: u64,
    to_ns: u64,
    // Number of bars in its pixel.
    crowd: u32,
}

/// The heights from which on `lanes` lanes need no scrolling, and up to which they fill the room, in points.
pub fn heights(lanes: usize) -> Rangef {
    let around = AXIS_HEIGHT + READOUT_HEIGHT;
    Rangef::new(around + lanes as f32 * theme::ROW, around + lanes as f32 * MAX_ROW)
}

/// Draws the lanes in the available room; returns the task that was clicked.
pub fn lanes_ui(ui: &mut Ui, data: &LanesData<'_>, window: &mut TimeWindow, state: &mut LanesState) -> Option<TaskId> {
    let palette = theme::palette(ui);
    ui.spacing_mut().item_spacing = egui::Vec2::ZERO;
    let full = ui.available_rect_before_wrap();
    let bar_width = ui.spacing().scroll.allocated_width();
    let time = Rangef::new(full.left() + row_heads::width(), full.right() - bar_width);
    let count = data.lanes.lanes().len();

    let (header, _) = ui.allocate_exact_size(vec2(full.width(), AXIS_HEIGHT), Sense::hover());
    row_heads::titles_ui(ui, header);
    let (from_ns, to_ns) = window.range_ns();
    let ticks = Ticks::new(from_ns, to_ns, time.span());
    let strip = Rect::from_x_y_ranges(time, header.y_range());
    time_axis::paint_labels(ui, window, &ticks, strip, time);

    let rows_height = (full.height() - AXIS_HEIGHT - READOUT_HEIGHT).max(theme::ROW);
    let row = (rows_height / count.max(1) as f32).floor().clamp(theme::ROW, MAX_ROW);
    let area = Rect::from_min_size(header.left_bottom(), vec2(full.width(), rows_height));
    let timeline = Rect::from_x_y_ranges(time, area.y_range());
    let id = ui.scope_id().with("timeline");
    let response = ui.interact(timeline, id, Sense::click_and_drag());
    // Before the scroll area is shown, so that the wheel zooms here and scrolls beside the timeline.
    window.navigate(ui, &response, time);
    let mut chosen = keys(ui, &response, data, window, state);

    let mut found = None;
    let scroll = ScrollArea::vertical().id_salt("lane rows").max_height(rows_height).auto_shrink([false, false]);
    scroll.show_viewport(ui, |ui, viewport| {
        ui.set_height(row * count as f32);
        let top = ui.max_rect().top();
        let first = (viewport.top() / row).floor().max(0.0) as usize;
        let last = ((viewport.bottom() / row).ceil().max(0.0) as usize).min(count);
        let row_rect = |lane: usize| {
            Rect::from_x_y_ranges(full.x_range(), Rangef::new(top + lane as f32 * row, top + (lane + 1) as f32 * row))
        };
        if response.dragged() {
            ui.scroll_with_delta(vec2(0.0, response.drag_delta().y));
        }
        if std::mem::take(&mut state.scroll_to_cursor)
            && let Some(cursor) = state.cursor
        {
            ui.scroll_to_rect(row_rect(cursor.lane), None);
        }
        let clip = timeline.intersect(ui.clip_rect());
        let painter = ui.painter_at(clip);
        let rows = Rect::from_x_y_ranges(time, Rangef::new(row_rect(first).top(), row_rect(last.max(first)).top()));
        time_axis::paint_grid(&painter, window, &ticks, rows, palette);
        bars::paint(&painter, data, window, palette, first..last, &|lane| {
            Rect::from_x_y_ranges(time, row_rect(lane).y_range())
        });
        for lane in first..last {
            row_heads::row_ui(ui, data, lane, row_rect(lane));
        }
        if let Some(pointer) = response.hover_pos()
            && clip.contains(pointer)
        {
            let lane = ((pointer.y - top) / row) as usize;
            found = find_at(data, window, time, lane, pointer.x);
        }
        let cursor = state.cursor.filter(|_| response.has_focus()).and_then(|place| found_at(data, place));
        for (found, color) in [(found, palette.text), (cursor, palette.text_strong)] {
            if let Some(found) = found {
                let rect = row_rect(found.place.lane).shrink2(vec2(0.0, 1.0));
                bars::paint_mark(&painter, window, Rect::from_x_y_ranges(time, rect.y_range()), &found, color);
            }
        }
        time_axis::paint_pointer(&painter, window, rows, palette);
    });
    if response.has_focus() {
        ui.painter().rect_stroke(timeline, 0.0, Stroke::new(theme::FOCUS, palette.accent), StrokeKind::Inside);
    }
    if response.clicked()
        && response.interact_pointer_pos().is_some_and(|pointer| timeline.contains(pointer))
        && let Some(found) = found
    {
        state.cursor = Some(found.place);
        chosen = Some(found.task);
    }
    let line = Rect::from_min_max(pos2(full.left(), area.bottom()), full.right_bottom());
    let shown = found.or_else(|| state.cursor.filter(|_| response.has_focus()).and_then(|place| found_at(data, place)));
    readout::line_ui(ui, line, data, shown.as_ref());
    describe(ui, &response, Role::Group, "Timeline of the lanes", || match &shown {
        Some(found) => readout::sentence(data, found),
        None => format!("{count} lanes, {} attempts", data.lanes.bar_count()),
    });
    if let Some(found) = found {
        let response = response.on_hover_cursor(egui::CursorIcon::PointingHand);
        response.on_hover_ui_at_pointer(|ui| readout::tooltip_ui(ui, data, &found));
    }
    ui.advance_cursor_after_rect(full);
    chosen
}

fn keys(
    ui: &Ui,
    response: &Response,
    data: &LanesData<'_>,
    window: &mut TimeWindow,
    state: &mut LanesState,
) -> Option<TaskId> {
    if !response.has_focus() || data.lanes.lanes().is_empty() {
        return None;
    }
    let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    let pressed = |key| pressed(ui, key);
    let cursor = state.cursor.filter(|place| found_at(data, *place).is_some());
    let mut next = None;
    if pressed(Key::ArrowRight) {
        next = Some(cursor.map_or_else(|| newest_of(data, 0), |place| Place { bar: place.bar + 1, ..place }));
    }
    if pressed(Key::ArrowLeft) {
        next = Some(
            cursor.map_or_else(|| newest_of(data, 0), |place| Place { bar: place.bar.saturating_sub(1), ..place }),
        );
    }
    if pressed(Key::ArrowDown) {
        next = Some(cursor.map_or_else(|| newest_of(data, 0), |place| beside(data, place, place.lane + 1)));
    }
    if pressed(Key::ArrowUp) {
        next =
            Some(cursor.map_or_else(|| newest_of(data, 0), |place| beside(data, place, place.lane.saturating_sub(1))));
    }
    if let Some(found) = next.and_then(|place| found_at(data, place)) {
        state.cursor = Some(found.place);
        state.scroll_to_cursor = true;
        window.reveal(found.from_ns as f64, found.to_ns as f64);
    }
    let focus = state.cursor.and_then(|place| found_at(data, place));
    window.zoom_by_keys(ui, focus.map(|found| (found.from_ns + found.to_ns) as f64 / 2.0));
    focus.filter(|_| pressed(Key::Enter)).map(|found| found.task)
}

fn newest_of(data: &LanesData<'_>, lane: usize) -> Place {
    let lane_data = &data.lanes.lanes()[lane];
    let bars = lane_data.bars.len();
    Place { lane, bar: if lane_data.running.is_some() { bars } else { bars.saturating_sub(1) } }
}

// The bar of another lane that is nearest in time.
fn beside(data: &LanesData<'_>, place: Place, lane: usize) -> Place {
    let Some(other) = data.lanes.lanes().get(lane) else { return place };
    let at_ns = found_at(data, place).map_or(0, |found| found.from_ns);
    if other.running.is_some_and(|running| running.start_ns <= at_ns) {
        return newest_of(data, lane);
    }
    let bar = other.bars.as_slice().partition_point(|bar| bar.start_ns <= at_ns).saturating_sub(1);
    Place { lane, bar }
}

fn found_at(data: &LanesData<'_>, place: Place) -> Option<Found> {
    let lane = data.lanes.lanes().get(place.lane)?;
    if let Some(bar) = lane.bars.as_slice().get(place.bar) {
        return Some(Found { place, task: bar.task(), from_ns: bar.start_ns, to_ns: bar.end_ns(), crowd: 1 });
    }
    let running = lane.running.filter(|_| place.bar == lane.bars.len())?;
    Some(Found { place, task: running.task, from_ns: running.start_ns, to_ns: data.now_ns, crowd: 1 })
}

fn find_at(data: &LanesData<'_>, window: &TimeWindow, time: Rangef, lane: usize, x: f32) -> Option<Found> {
    let lane_data = data.lanes.lanes().get(lane)?;
    let at_ns = window.time_at(time, x).max(0.0);
    let pixel_ns = window.span_ns() / f64::from(time.span().max(1.0));
    if lane_data.running.is_some_and(|running| (running.start_ns as f64) <= at_ns && at_ns <= data.now_ns as f64) {
        return found_at(data, Place { lane, bar: lane_data.bars.len() });
    }
    let bar = lane_data.bars.at(at_ns as u64, (2.0 * pixel_ns) as u64)?;
    let bars = lane_data.bars.as_slice();
    let index = bars.partition_point(|other| other.start_ns < bar.start_ns);
    let index = bars[index..].iter().position(|other| other == bar).map_or(index, |offset| index + offset);
    let mut found = found_at(data, Place { lane, bar: index })?;
    if (bar.wall_ns as f64) < pixel_ns {
        let near = lane_data.bars.between((at_ns - pixel_ns / 2.0).max(0.0) as u64, (at_ns + pixel_ns / 2.0) as u64);
        found.crowd = near.len().max(1) as u32;
    }
    Some(found)
}
