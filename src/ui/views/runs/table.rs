//! The table of runs. Only the visible rows are made.

use egui::{Label, RichText, Sense, Ui};
use egui_extras::TableRow;

use crate::session::{HistoryCommand, PastRunUse, Session};
use crate::ui::request::Requests;
use crate::ui::sanitize;
use crate::ui::theme;
use crate::ui::widgets::table::{ROW_HEIGHT, number_cell_ui, row_number_ui, table, title_cell_ui};
use fanlane_core::model::date::local_minute;
use fanlane_core::model::format;
use fanlane_core::store::history::RunRow;

use super::detail::state_ui;

/// A column's title, its width in grid units (0: what is left), and whether its numbers are to the right.
const TITLES: [(&str, f32, bool); 8] = [
    ("Run", 6.0, true),
    ("Started", 16.5, false),
    ("Job", 0.0, false),
    ("State", 13.5, false),
    ("Tasks", 10.0, true),
    ("Done", 10.0, true),
    ("Failed", 9.0, true),
    ("Time", 12.0, true),
];

/// Draws the table.
pub fn table_ui(ui: &mut Ui, session: &Session, requests: &mut Requests) {
    let shown: Vec<&RunRow> = session.history.shown().collect();
    let selected = session.history.selected().map(|run| run.id);
    table(ui, "runs", TITLES.map(|(_, units, _)| units))
        .sense(Sense::click())
        .header(ROW_HEIGHT, |mut header| {
            for (place, (title, _, right)) in TITLES.into_iter().enumerate() {
                header.col(|ui| title_cell_ui(ui, title, right, place + 1 == TITLES.len()));
            }
        })
        .body(|body| {
            body.rows(ROW_HEIGHT, shown.len(), |mut row| {
                let run = shown[row.index()];
                row.set_selected(selected == Some(run.id));
                row_ui(&mut row, session, run, requests);
            });
        });
}

fn row_ui(row: &mut TableRow<'_, '_>, session: &Session, run: &RunRow, requests: &mut Requests) {
    let mut clicked = false;
    row.col(|ui| clicked |= row_number_ui(ui, run.id.to_string(), format!("Run {}", run.id)));
    row.col(|ui| {
        ui.add(
            Label::new(RichText::new(local_minute(run.started_unix_ms)).text_style(theme::number_style())).truncate(),
        );
    });
    row.col(|ui| {
        ui.add(Label::new(sanitize::command(&run.name)).truncate());
    });
    row.col(|ui| state_ui(ui, run));
    let failed = run.counts.failures() + run.earlier.failed;
    let counts = [run.batch_tasks(), run.batch_done(), failed].map(format::count);
    let time = format::duration(run.wall_ns);
    for (place, text) in counts.into_iter().chain([time]).enumerate() {
        row.col(|ui| number_cell_ui(ui, &text, place == 3));
    }
    let response = row.response();
    if response.double_clicked() && !session.is_running() {
        requests.command(HistoryCommand::Open(run.id, PastRunUse::Show));
    } else if clicked || response.clicked() {
        requests.command(HistoryCommand::Select(Some(run.id)));
    }
}
