//! The lanes: a row per worker with its figures, and a bar for each attempt, coloured by outcome. Where there are more lanes than
//! room, rows become thin, and then several lanes share one: the whole pool is seen as a picture.
//!
//! Drag and keys move through time; a click or Enter selects a task. What a task is called comes from [`TaskInfo`], since the
//! models know tasks only by number.

mod bars;
mod find;
mod labels;
mod links;
mod menu;
mod readout;
mod row_heads;
mod rows;
mod tiles;

use egui::{CursorIcon, Rangef, Rect, Response, Role, ScrollArea, Sense, Stroke, StrokeKind, Ui, pos2, vec2};

use super::describe;
use super::plot_frame::TimeColumns;
use super::time_axis::{self, AXIS_HEIGHT, Ticks};
use super::time_window::TimeWindow;
use crate::ui::theme;
use fanlane_core::event::TaskId;
use fanlane_core::model::{LaneHistory, Stretch};

use find::{Found, Place};
pub use menu::TaskOrder;
pub use row_heads::width as heads_width;
pub use rows::{Density, MAX_ROW};
use rows::{RowOrder, Rows};
use tiles::Tiles;

/// Height of the text line below the lanes, in points.
const READOUT_HEIGHT: f32 = 3.0 * theme::UNIT;
/// Width of the scroll bar and of the space beside it, in points.
pub const SCROLL_WIDTH: f32 = 2.0 * theme::UNIT;

/// What is known of tasks besides their places in the lanes.
pub trait TaskInfo {
    /// The whole command line or call of a task.
    fn label(&self, task: TaskId) -> String;

    /// The displayed number of a task.
    fn number(&self, task: TaskId) -> u64;

    /// The input of a task: what it does not have in common with the others. Empty if it has none.
    fn input(&self, task: TaskId) -> String {
        self.label(task)
    }

    /// What distinguishes the input of a task, in as few characters as possible; empty if that is not known.
    fn short_input(&self, task: TaskId) -> String {
        let _ = task;
        String::new()
    }

    /// The tasks that it waited for, or waits for.
    fn before(&self, task: TaskId) -> &[TaskId] {
        let _ = task;
        &[]
    }

    /// The tasks that wait for it, or waited for it.
    fn after(&self, task: TaskId) -> &[TaskId] {
        let _ = task;
        &[]
    }

    /// The lane of the last attempt of a task, when it began and until when it ran; `None` before it has begun.
    fn place(&self, task: TaskId) -> Option<(usize, u64, u64)> {
        let _ = task;
        None
    }

    /// Which try began at this time, and how many there may be; `None` for a task that is tried once.
    fn attempt(&self, task: TaskId, start_ns: u64) -> Option<(u32, u32)> {
        let _ = (task, start_ns);
        None
    }
}

/// The data of the lanes.
#[derive(Clone, Copy)]
pub struct LanesData<'a> {
    /// The lanes.
    pub lanes: &'a LaneHistory,
    /// The run's time, in nanoseconds since its start, up to which running tasks extend.
    pub now_ns: u64,
    /// The run can be asked for more than the end of a task.
    pub can_steer: bool,
    /// How long a task runs before it is marked as overdue, in nanoseconds.
    pub overdue_ns: Option<u64>,
    /// What the tasks are called.
    pub tasks: &'a dyn TaskInfo,
}

/// The state between frames.
#[derive(Clone, Default)]
pub struct LanesState {
    /// How much room a row has.
    pub density: Density,
    order: RowOrder,
    cursor: Option<Place>,
    scroll_to_cursor: bool,
    /// The bar whose menu is open.
    menu_of: Option<Place>,
    tiles: Tiles,
}

impl LanesState {
    /// The state for another run: keeps how the rows are shown.
    pub fn for_another_run(&self) -> Self {
        Self { density: self.density, order: self.order.for_another_run(), ..Self::default() }
    }
}

/// Something that was asked of the lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LanesAction {
    /// Open a task.
    Open(TaskId),
    /// Show the results of the selected stretch of time.
    ShowStretch(Stretch),
    /// Do something with a task that has not ended.
    Order(TaskId, TaskOrder),
    /// Run a task of the ended run again.
    Rerun(TaskId),
}

/// The heights of axis and text line around the rows, in points.
pub const AROUND_ROWS: f32 = AXIS_HEIGHT + READOUT_HEIGHT;

/// Draws the lanes into the available room.
pub fn lanes_ui(
    ui: &mut Ui,
    data: &LanesData<'_>,
    columns: TimeColumns,
    window: &mut TimeWindow,
    state: &mut LanesState,
) -> Option<LanesAction> {
    let palette = theme::palette(ui);
    ui.spacing_mut().item_spacing = egui::Vec2::ZERO;
    let full = ui.available_rect_before_wrap();
    let time = columns.time;

    let header = Rect::from_min_size(full.min, vec2(full.width(), AXIS_HEIGHT));
    row_heads::titles_ui(ui, Rect::from_x_y_ranges(columns.heads, header.y_range()), &mut state.order);
    let (from_ns, to_ns) = window.range_ns();
    let ticks = Ticks::new(from_ns, to_ns, time.span());
    time_axis::paint_labels(ui, window, &ticks, Rect::from_x_y_ranges(time, header.y_range()), time);

    let rows_height = (full.height() - AROUND_ROWS).max(theme::ROW);
    let area = Rect::from_min_size(header.left_bottom(), vec2(full.width(), rows_height));
    let timeline = Rect::from_x_y_ranges(time, area.y_range());
    let response = ui.interact(timeline, ui.scope_id().with("timeline"), Sense::click_and_drag());
    window.navigate(ui, &response, time);
    let is_pointed_at = ui.rect_contains_pointer(area);
    state.order.refresh(data, ui.input(|input| input.time), is_pointed_at);
    let order = state.order.lanes();
    let rows = Rows::new(&order, rows_height, 1.0 / ui.pixels_per_point(), state.density);
    let mut action = find::keys(ui, &response, data, &rows, window, state);

    let mut found = None;
    let scroll_area = area.with_max_x(full.right());
    ui.scope_builder(egui::UiBuilder::new().max_rect(scroll_area), |ui| {
        // A bar that is always seen where there is more than fits.
        ui.spacing_mut().scroll = egui::style::ScrollStyle::solid();
        let scroll = ScrollArea::vertical().id_salt("lane rows").max_height(rows_height).auto_shrink([false, false]);
        scroll.show_viewport(ui, |ui, viewport| {
            ui.set_height(rows.total_height());
            let top = ui.max_rect().top();
            let shown = rows.within(viewport.y_range());
            let row_rect = |row: usize| Rect::from_x_y_ranges(full.x_range(), rows.range(row, top));
            if response.dragged() {
                ui.scroll_with_delta(vec2(0.0, response.drag_delta().y));
            }
            if std::mem::take(&mut state.scroll_to_cursor)
                && let Some(row) = state.cursor.and_then(|cursor| rows.row_of(cursor.lane))
            {
                ui.scroll_to_rect(row_rect(row), None);
            }
            let clip = timeline.intersect(ui.clip_rect());
            let painter = ui.painter_at(clip);
            let shown_rows = Rect::from_x_y_ranges(
                time,
                Rangef::new(
                    rows.range(shown.start, top).min,
                    rows.range(shown.end.saturating_sub(1).max(shown.start), top).max,
                ),
            );
            time_axis::paint_grid(&painter, window, &ticks, shown_rows, palette);
            let scene = bars::Scene { painter: &painter, data, window, palette, rows: &rows, top, time };
            if rows.are_thin() {
                scene.paint_thin(shown.clone(), &mut state.tiles);
                row_heads::thin_rows_ui(ui, data, &rows, shown.clone(), columns.heads, top);
            } else {
                scene.paint(shown.clone());
                for row in shown.clone() {
                    let rect = Rect::from_x_y_ranges(columns.heads, row_rect(row).y_range());
                    row_heads::row_ui(ui, data, rows.lanes(row)[0], rect);
                }
            }
            if let Some(pointer) = response.hover_pos().filter(|pointer| clip.contains(*pointer)) {
                found = rows
                    .row_at(pointer.y - top)
                    .and_then(|row| find::find_at(data, window, time, rows.lanes(row), pointer.x));
            }
            let cursor = state.cursor.filter(|_| response.has_focus()).and_then(|place| find::found_at(data, place));
            for (found, color) in [(found, palette.text), (cursor, palette.text_strong)] {
                if let Some(found) = found
                    && let Some(row) = rows.row_of(found.place.lane)
                {
                    let rect = row_rect(row).shrink2(vec2(0.0, if rows.are_thin() { 0.0 } else { 1.0 }));
                    bars::paint_frame(&painter, window, Rect::from_x_y_ranges(time, rect.y_range()), &found, color);
                    links::paint(&scene, &found, palette.text_strong);
                }
            }
            time_axis::paint_marks(&painter, window, shown_rows, palette);
        });
    });
    if response.has_focus() {
        ui.painter().rect_stroke(timeline, 0.0, Stroke::new(theme::FOCUS, palette.accent), StrokeKind::Inside);
    }
    if response.clicked()
        && response.interact_pointer_pos().is_some_and(|pointer| timeline.contains(pointer))
        && let Some(found) = found
    {
        state.cursor = Some(found.place);
        action = Some(LanesAction::Open(found.task));
    }
    let line = Rect::from_min_max(pos2(full.left(), area.bottom()), full.right_bottom());
    let shown =
        found.or_else(|| state.cursor.filter(|_| response.has_focus()).and_then(|place| find::found_at(data, place)));
    action = readout::line_ui(ui, line, data, window, shown.as_ref(), rows.total_height() > rows_height).or(action);
    tell(ui, &response, data, &rows, shown.as_ref());
    action = menu::menu_ui(&response, data, state, found).or(action);
    if let Some(found) = found.filter(|_| !response.context_menu_opened()) {
        let response = response.on_hover_cursor(CursorIcon::PointingHand);
        response.on_hover_ui_at_pointer(|ui| readout::tooltip_ui(ui, data, &found));
    }
    ui.advance_cursor_after_rect(full);
    action
}

/// The accessible value of the lanes: the bar at hand, or else what there is.
fn tell(ui: &Ui, response: &Response, data: &LanesData<'_>, rows: &Rows<'_>, shown: Option<&Found>) {
    describe(ui, response, Role::Group, "Timeline of the lanes", || match shown {
        Some(found) => readout::sentence(data, found),
        None => {
            let count = data.lanes.lanes().len();
            let shared = match rows.lanes_per_row() {
                1 => String::new(),
                several => format!(", {several} in a row"),
            };
            format!("{count} lanes{shared}, {} attempts", data.lanes.bar_count())
        }
    });
}
