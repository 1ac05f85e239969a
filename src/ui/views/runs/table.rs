//! The table of runs. Only the visible rows are made.

use egui::{Align, Button, Label, Layout, RichText, Sense, Ui};
use egui_extras::{Column, TableBuilder, TableRow};

use crate::session::{HistoryCommand, Session};
use crate::ui::request::Requests;
use crate::ui::sanitize;
use crate::ui::theme;
use fanlane_core::model::date::utc_minute;
use fanlane_core::model::format;
use fanlane_core::store::history::RunRow;

use super::detail::state_ui;

/// Room for the bar that scrolls the table, beside its last column.
const SCROLL_BAR: f32 = 12.0;

/// A column's title, its width in grid units (0: what is left), and whether its numbers are to the right.
const TITLES: [(&str, f32, bool); 8] = [
    ("Run", 6.0, true),
    ("Started (UTC)", 16.5, false),
    ("Job", 0.0, false),
    ("State", 13.5, false),
    ("Tasks", 10.0, true),
    ("Done", 10.0, true),
    ("Not done", 9.0, true),
    ("Time", 11.0, true),
];

/// Draws the table.
pub fn table_ui(ui: &mut Ui, session: &Session, requests: &mut Requests) {
    let shown: Vec<&RunRow> = session.history.shown().collect();
    let selected = session.history.selected().map(|run| run.id);
    ui.spacing_mut().item_spacing = egui::vec2(theme::UNIT, 0.0);
    let height = theme::ROW + theme::HALF;
    let mut table = TableBuilder::new(ui)
        .id_salt("runs")
        .striped(true)
        .auto_shrink(false)
        .sense(Sense::click())
        .cell_layout(Layout::left_to_right(Align::Center));
    for (_, units, _) in TITLES {
        table = table.column(match units {
            0.0 => Column::remainder().at_least(96.0).clip(true),
            units => Column::exact(units * theme::UNIT).clip(true),
        });
    }
    table
        .header(height, |mut header| {
            for (place, (title, _, right)) in TITLES.into_iter().enumerate() {
                header.col(|ui| {
                    let words = RichText::new(title).color(theme::palette(ui).text_weak);
                    aligned(ui, right, place + 1 == TITLES.len(), |ui| {
                        ui.label(words);
                    });
                });
            }
        })
        .body(|body| {
            body.rows(height, shown.len(), |mut row| {
                let run = shown[row.index()];
                row.set_selected(selected == Some(run.id));
                row_ui(&mut row, run, requests);
            });
        });
}

fn aligned(ui: &mut Ui, right: bool, is_last: bool, add: impl FnOnce(&mut Ui)) {
    let align = if right { Layout::right_to_left(Align::Center) } else { Layout::left_to_right(Align::Center) };
    ui.with_layout(align, |ui| {
        if is_last {
            ui.add_space(SCROLL_BAR);
        }
        add(ui);
    });
}

fn row_ui(row: &mut TableRow<'_, '_>, run: &RunRow, requests: &mut Requests) {
    let mut clicked = false;
    row.col(|ui| aligned(ui, true, false, |ui| clicked |= number_ui(ui, run.id)));
    row.col(|ui| {
        ui.add(Label::new(RichText::new(utc_minute(run.started_unix_ms)).text_style(theme::number_style())).truncate());
    });
    row.col(|ui| {
        ui.add(Label::new(sanitize::command(&run.name)).truncate());
    });
    row.col(|ui| state_ui(ui, run));
    let counts = [run.tasks, run.counts.done, run.tasks.saturating_sub(run.counts.done)].map(format::count);
    let time = format::duration(run.wall_ns);
    for (place, text) in counts.into_iter().chain([time]).enumerate() {
        row.col(|ui| {
            aligned(ui, true, place == 3, |ui| {
                ui.add(Label::new(RichText::new(text).text_style(theme::number_style())).truncate());
            });
        });
    }
    if clicked || row.response().clicked() {
        requests.command(HistoryCommand::Select(Some(run.id)));
    }
}

/// The run's number, which is a button so that the keyboard can open the details.
fn number_ui(ui: &mut Ui, id: i64) -> bool {
    let number = RichText::new(id.to_string()).text_style(theme::number_style());
    ui.spacing_mut().button_padding = egui::vec2(theme::HALF, 0.0);
    ui.spacing_mut().interact_size.y = 0.0;
    let button = Button::new(number).frame_when_inactive(false);
    ui.add(button).accessible_name(format!("Run {id}")).clicked()
}
