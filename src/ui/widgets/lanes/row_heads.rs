//! The figures beside each lane: number, process, CPU, memory, tasks and utilisation, in columns.

use egui::{Align2, Rect, Role, Sense, TextStyle, Ui, WidgetInfo, pos2};

use super::LanesData;
use crate::ui::widgets::{describe, quantity};
use crate::ui::{sanitize, theme};
use fanlane_core::model::format;
use fanlane_core::model::lanes::LaneTimeline;

struct Column {
    title: &'static str,
    width: f32,
    explanation: &'static str,
    words: fn(&LaneTimeline, usize, u64) -> String,
}

const MISSING: &str = "–";

const COLUMNS: [Column; 6] = [
    Column {
        title: "Lane",
        width: 36.0,
        explanation: "The worker's row; a worker that died is replaced in the same row",
        words: |_, index, _| (index + 1).to_string(),
    },
    Column {
        title: "PID",
        width: 64.0,
        explanation: "The worker's process",
        words: |lane, _, _| lane.pid().map_or_else(|| MISSING.to_owned(), |pid| pid.to_string()),
    },
    Column {
        title: "CPU",
        width: 54.0,
        explanation: "CPU use of the worker and its child processes; 100 % is one busy core",
        words: |lane, _, _| {
            lane.sample.as_ref().map_or_else(|| MISSING.to_owned(), |s| format!("{:.0} %", s.cpu_percent))
        },
    },
    Column {
        title: "Memory",
        width: 82.0,
        explanation: "Memory of the worker and its child processes",
        words: |lane, _, _| lane.sample.as_ref().map_or_else(|| MISSING.to_owned(), |s| format::bytes(s.rss_bytes)),
    },
    Column {
        title: "Tasks",
        width: 74.0,
        explanation: "Tasks that ended in this lane",
        words: |lane, _, _| format::count(lane.counts.total()),
    },
    Column {
        title: "Busy",
        width: 50.0,
        explanation: "Utilisation: the share of the worker's time spent in tasks",
        words: |lane, _, now_ns| lane.utilisation(now_ns).map_or_else(|| MISSING.to_owned(), quantity::share),
    },
];

/// Width of all columns together, in points.
pub fn width() -> f32 {
    COLUMNS.iter().map(|column| column.width).sum::<f32>() + theme::UNIT + theme::HALF
}

/// The titles of the columns.
pub fn titles_ui(ui: &mut Ui, rect: Rect) {
    let color = theme::palette(ui).text_weak;
    let font = TextStyle::Small.resolve(ui.style());
    let mut right = rect.left();
    for column in &COLUMNS {
        let cell = Rect::from_x_y_ranges(right..=right + column.width, rect.y_range());
        right += column.width;
        let at = pos2(right - theme::HALF, rect.center().y);
        ui.painter().text(at, Align2::RIGHT_CENTER, column.title, font.clone(), color);
        let response = ui.interact(cell, ui.scope_id().with(column.title), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::ColumnHeader, ui.is_enabled(), column.title));
        response.on_hover_text(column.explanation);
    }
}

/// The columns of one lane.
pub fn row_ui(ui: &mut Ui, data: &LanesData<'_>, index: usize, rect: Rect) {
    let palette = theme::palette(ui);
    let lane = &data.lanes.lanes()[index];
    let live = lane.live().is_some() || data.lanes.finished();
    let color = if live { palette.text } else { palette.text_weak };
    let font = theme::number_style().resolve(ui.style());
    let mut right = rect.left();
    for column in &COLUMNS {
        right += column.width;
        let at = pos2(right - theme::HALF, rect.center().y);
        let words = (column.words)(lane, index, data.now_ns);
        ui.painter().text(at, Align2::RIGHT_CENTER, words, font.clone(), color);
    }
    let head = Rect::from_x_y_ranges(rect.left()..=right, rect.y_range());
    let response = ui.interact(head, ui.scope_id().with(("lane", index)), Sense::hover());
    describe(ui, &response, Role::Row, &format!("Lane {}", index + 1), || sentence(data, lane, index));
    if let Some(how) = &lane.died {
        let at = pos2(rect.left() + theme::HALF, rect.center().y);
        let icon = theme::outcome_icon(fanlane_core::event::OutcomeClass::Lost).codepoint;
        let color = palette.outcome(fanlane_core::event::OutcomeClass::Lost);
        ui.painter().text(at, Align2::LEFT_CENTER, icon, theme::icon_font(theme::BODY_SIZE), color);
        response.on_hover_text(format!("The last worker of this lane died: {}", sanitize::line(how.as_bytes())));
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
            format!("{state} task {}{line}", (data.number)(running.task))
        }
        (Some(_), None) => "between tasks".to_owned(),
        (None, None) => "without a worker".to_owned(),
    });
    parts.join(", ")
}
