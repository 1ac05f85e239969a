//! The figures beside each lane: number, process, CPU, memory, tasks and utilisation, in columns that sort the lanes. Where the
//! page is narrow the less important ones are left out; where rows are thin, figures are drawn as bars.

use std::ops::Range;

use egui::{Align2, Button, Mesh, Rangef, Rect, RichText, Role, Sense, Shape, TextStyle, Ui, pos2};
use egui_material_icons::icons::{ICON_ARROW_DOWNWARD, ICON_ARROW_UPWARD};

use super::LanesData;
use super::rows::{RowOrder, Rows};
use crate::ui::icon_button::icon_text;
use crate::ui::widgets::{describe, quantity};
use crate::ui::{sanitize, theme};
use fanlane_core::model::format;
use fanlane_core::model::lanes::LaneTimeline;

/// A column of figures.
pub struct Column {
    title: &'static str,
    width: f32,
    /// Columns with a higher number are left out first.
    rank: u8,
    explanation: &'static str,
    words: fn(&LaneTimeline, usize, u64) -> String,
    /// What it sorts by.
    pub key: fn(&LaneTimeline, usize, u64) -> f64,
    /// It is drawn as a bar where rows are thin, as long as its share of this value, or of the largest.
    thin: Option<Option<f64>>,
}

const MISSING: &str = "–";

/// The columns, from left to right.
pub const COLUMNS: [Column; 6] = [
    Column {
        title: "Lane",
        width: 48.0,
        rank: 0,
        explanation: "The worker's row; a worker that died is replaced in the same row",
        words: |_, index, _| (index + 1).to_string(),
        key: |_, index, _| index as f64,
        thin: None,
    },
    Column {
        title: "PID",
        width: 66.0,
        rank: 5,
        explanation: "The worker's process",
        words: |lane, _, _| lane.pid().map_or_else(|| MISSING.to_owned(), |pid| pid.to_string()),
        key: |lane, _, _| lane.pid().map_or(-1.0, f64::from),
        thin: None,
    },
    Column {
        title: "CPU",
        width: 60.0,
        rank: 2,
        explanation: "CPU use of the worker and its child processes; 100 % is one busy core. A task that waits, for a disk, a \
                      network or a time, keeps its worker busy and uses no CPU",
        words: |lane, _, _| {
            lane.sample.as_ref().map_or_else(|| MISSING.to_owned(), |s| format!("{:.0} %", s.cpu_percent))
        },
        key: |lane, _, _| lane.sample.as_ref().map_or(-1.0, |sample| f64::from(sample.cpu_percent)),
        thin: Some(None),
    },
    Column {
        title: "Memory",
        width: 86.0,
        rank: 3,
        explanation: "Memory of the worker and its child processes",
        words: |lane, _, _| lane.sample.as_ref().map_or_else(|| MISSING.to_owned(), |s| format::bytes(s.rss_bytes)),
        key: |lane, _, _| lane.sample.as_ref().map_or(-1.0, |sample| sample.rss_bytes as f64),
        thin: Some(None),
    },
    Column {
        title: "Tasks",
        width: 66.0,
        rank: 4,
        explanation: "Tasks that ended in this lane",
        words: |lane, _, _| format::count(lane.counts.total()),
        key: |lane, _, _| lane.counts.total() as f64,
        thin: Some(None),
    },
    Column {
        title: "Busy",
        width: 60.0,
        rank: 1,
        explanation: "The share of the worker's time spent in tasks, whether they compute or wait: a task that sleeps makes its \
                      worker 100 % busy at 0 % CPU",
        words: |lane, _, now_ns| lane.utilisation(now_ns).map_or_else(|| MISSING.to_owned(), quantity::share),
        key: |lane, _, now_ns| lane.utilisation(now_ns).unwrap_or(-1.0),
        thin: Some(Some(1.0)),
    },
];

/// Width of the figures on a page of some width, in points: all columns, or the more important ones.
pub fn width(page: f32) -> f32 {
    let room = (page * 0.26).max(MIN_WIDTH);
    let mut width = 0.0;
    for rank in 0..COLUMNS.len() as u8 {
        let next: f32 = COLUMNS.iter().filter(|column| column.rank <= rank).map(|column| column.width).sum();
        if next <= room {
            width = next;
        }
    }
    (width + theme::UNIT).max(MIN_WIDTH)
}

/// Minimum width of the figures, in points: room for titles and legends of the plots below.
const MIN_WIDTH: f32 = 23.0 * theme::UNIT;
/// Minimum distance of the numbers of thin rows, in points.
const MIN_NUMBER_DISTANCE: f32 = 14.0;

/// The columns that fit, each with its number and its place.
fn shown(heads: Rangef) -> impl Iterator<Item = (usize, &'static Column, Rangef)> {
    let room = heads.span() - theme::UNIT;
    let fits = move |rank: u8| COLUMNS.iter().filter(|c| c.rank <= rank).map(|c| c.width).sum::<f32>() <= room + 0.5;
    let mut left = heads.min;
    COLUMNS.iter().enumerate().filter(move |(_, column)| column.rank == 0 || fits(column.rank)).map(
        move |(index, column)| {
            let place = Rangef::new(left, left + column.width);
            left += column.width;
            (index, column, place)
        },
    )
}

/// The titles of the columns; a click sorts.
pub fn titles_ui(ui: &mut Ui, rect: Rect, order: &mut RowOrder) {
    let palette = theme::palette(ui);
    for (index, column, place) in shown(rect.x_range()) {
        let cell = Rect::from_x_y_ranges(place, rect.y_range());
        let sorted = order.sort().filter(|(by, _)| *by == index);
        let words = RichText::new(column.title).small();
        let words = words.color(if sorted.is_some() { palette.text_strong } else { palette.text_weak });
        let arrow = sorted.map(|(_, descending)| if descending { ICON_ARROW_DOWNWARD } else { ICON_ARROW_UPWARD });
        let builder = egui::UiBuilder::new()
            .max_rect(cell)
            .id_salt(column.title)
            .layout(egui::Layout::right_to_left(egui::Align::Center));
        ui.scope_builder(builder, |ui| {
            ui.spacing_mut().button_padding = egui::vec2(theme::HALF, 0.0);
            ui.spacing_mut().item_spacing.x = 1.0;
            ui.spacing_mut().interact_size.y = rect.height();
            let button = match arrow {
                Some(arrow) => Button::new((icon_text(arrow).size(theme::SMALL_SIZE), words)),
                None => Button::new(words),
            };
            let response = ui.add(button.frame_when_inactive(false));
            response.widget_info(|| {
                let mut info = egui::WidgetInfo::labeled(Role::ColumnHeader, ui.is_enabled(), column.title);
                info.current_text_value = sorted
                    .map(|(_, descending)| if descending { "largest first" } else { "smallest first" }.to_owned());
                info
            });
            if response.clicked() {
                order.sort_by(index);
            }
            response.on_hover_text(format!("{}. Click: sort the lanes", column.explanation));
        });
    }
}

/// The columns of one lane.
pub fn row_ui(ui: &mut Ui, data: &LanesData<'_>, index: usize, rect: Rect) {
    let palette = theme::palette(ui);
    let lane = &data.lanes.lanes()[index];
    let live = lane.live().is_some() || data.lanes.finished();
    let color = if live { palette.text } else { palette.text_weak };
    let font = theme::number_style().resolve(ui.style());
    let painter = ui.painter_at(rect.intersect(ui.clip_rect()));
    for (_, column, place) in shown(rect.x_range()) {
        let at = pos2(place.max - theme::HALF, rect.center().y);
        let words = (column.words)(lane, index, data.now_ns);
        painter.text(at, Align2::RIGHT_CENTER, words, font.clone(), color);
    }
    let response = ui.interact(rect, ui.scope_id().with(("lane", index)), Sense::hover());
    describe(ui, &response, Role::Row, &format!("Lane {}", index + 1), || sentence(data, lane, index));
    if let Some(how) = &lane.died {
        let at = pos2(rect.left() + theme::HALF, rect.center().y);
        let icon = theme::outcome_icon(fanlane_core::event::OutcomeClass::Lost).codepoint;
        let color = palette.outcome(fanlane_core::event::OutcomeClass::Lost);
        painter.text(at, Align2::LEFT_CENTER, icon, theme::icon_font(theme::BODY_SIZE), color);
        response.on_hover_text(format!("The last worker of this lane died: {}", sanitize::line(how.as_bytes())));
    }
}

/// The figures of thin rows as bars, and numbers of some lanes.
pub fn thin_rows_ui(ui: &Ui, data: &LanesData<'_>, rows: &Rows<'_>, shown_rows: Range<usize>, heads: Rangef, top: f32) {
    let palette = theme::palette(ui);
    let painter = ui.painter();
    let mut mesh = Mesh::default();
    let value = |column: &Column, lane: &usize| (column.key)(&data.lanes.lanes()[*lane], *lane, data.now_ns);
    for (_, column, place) in shown(heads) {
        let Some(full) = column.thin else { continue };
        let largest = || rows.order().iter().map(|lane| value(column, lane)).fold(0.0, f64::max);
        let full = full.unwrap_or_else(largest).max(f64::MIN_POSITIVE);
        let room = Rangef::new(place.min + theme::UNIT, place.max - theme::HALF);
        for row in shown_rows.clone() {
            let share = rows.lanes(row).iter().map(|lane| value(column, lane)).fold(0.0, f64::max) / full;
            if share > 0.0 {
                let x = Rangef::new(room.max - room.span() * share.min(1.0) as f32, room.max);
                mesh.add_colored_rect(Rect::from_x_y_ranges(x, rows.range(row, top)), palette.border);
            }
        }
    }
    painter.add(Shape::mesh(mesh));
    let font = TextStyle::Small.resolve(ui.style());
    let every = (MIN_NUMBER_DISTANCE / rows.height()).ceil().max(1.0) as usize;
    let right = shown(heads).next().map_or(heads.max, |(_, _, place)| place.max) - theme::HALF;
    // The last one only where it is not cut.
    let bottom = ui.clip_rect().bottom() - MIN_NUMBER_DISTANCE / 2.0;
    for row in shown_rows.step_by(every) {
        let Some(lane) = rows.lanes(row).first() else { continue };
        let at =
            pos2(right, (rows.range(row, top).min + MIN_NUMBER_DISTANCE / 2.0).min(rows.range(row, top).max + 7.0));
        if at.y <= bottom {
            painter.text(at, Align2::RIGHT_CENTER, lane + 1, font.clone(), palette.text_weak);
        }
    }
}

fn sentence(data: &LanesData<'_>, lane: &LaneTimeline, index: usize) -> String {
    let mut parts: Vec<String> = COLUMNS[1..]
        .iter()
        .map(|column| format!("{} {}", column.title, (column.words)(lane, index, data.now_ns)))
        .collect();
    parts.push(match (lane.live(), lane.running) {
        (_, Some(running)) => {
            let state = if running.is_suspended { "stopped" } else { "running" };
            let line = lane.latest_line().map_or_else(String::new, |line| format!(": {}", line.words()));
            format!("{state} task {}{line}", data.tasks.number(running.task))
        }
        (Some(_), None) => "between tasks".to_owned(),
        (None, None) => "without a worker".to_owned(),
    });
    parts.join(", ")
}
