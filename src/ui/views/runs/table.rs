//! The table of runs. Only the visible rows are made.

use egui::text::{LayoutJob, TextFormat};
use egui::{RichText, Sense, TextStyle, Ui};
use egui_extras::TableRow;

use crate::session::{HistoryCommand, PastRunUse, Session};
use crate::ui::cut_label::cut_label;
use crate::ui::request::Requests;
use crate::ui::sanitize;
use crate::ui::theme;
use crate::ui::widgets::table::{ROW_HEIGHT, describe_table, number_cell_ui, row_number_ui, table, title_cell_ui};
use fanlane_core::job::Mode;
use fanlane_core::model::date::local_minute;
use fanlane_core::model::format;
use fanlane_core::store::history::{RunRow, RunState};

use super::detail::state_ui;

/// A column of numbers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Number {
    Workers,
    Tasks,
    Done,
    Failed,
    Time,
    Change,
}

/// Minimum width of a page with all columns, in points.
const WIDE: f32 = 1000.0;
/// Minimum width with the year of the start, in points.
const ROOM_FOR_YEARS: f32 = 900.0;
/// Length of the year and its dash in a date.
const YEAR: usize = "2026-".len();

/// Draws the table.
pub fn table_ui(ui: &mut Ui, session: &Session, requests: &mut Requests) {
    let shown: Vec<&RunRow> = session.history.shown().collect();
    let selected = session.history.selected().map(|run| run.id);
    let width = ui.available_width();
    let has_years = width >= ROOM_FOR_YEARS;
    let numbers: &[(Number, &str, f32, &str)] = &[
        (Number::Workers, "Workers", 8.5, "Size of the pool at the start, or the number of threads"),
        (Number::Tasks, "Tasks", 8.5, "Tasks of the whole batch"),
        (Number::Done, "Done", 9.0, "Tasks that are done, also in earlier runs of the same batch"),
        (Number::Failed, "Failed", 7.0, "Tasks that failed, timed out or were lost with their worker"),
        (Number::Time, "Time", 12.0, "From the start of the run to its end"),
        (Number::Change, "Change", 11.0, "Time against the last run of the same job before it"),
    ];
    let numbers: Vec<_> = numbers.iter().filter(|(number, ..)| *number != Number::Done || width >= WIDE).collect();
    let fixed = [5.0, if has_years { 16.5 } else { 11.5 }, 12.0];
    let widths = [fixed[0], fixed[1], 0.0, fixed[2]].into_iter().chain(numbers.iter().map(|(_, _, units, _)| *units));
    table(ui, "runs", widths)
        .sense(Sense::CLICK)
        .header(ROW_HEIGHT, |mut header| {
            for (title, right) in [("Run", true), ("Started", false), ("Job", false), ("State", false)] {
                header.col(|ui| title_cell_ui(ui, title, right, false));
            }
            for (place, (_, title, _, meaning)) in numbers.iter().enumerate() {
                let (_, response) = header.col(|ui| title_cell_ui(ui, title, true, place + 1 == numbers.len()));
                response.on_hover_text(*meaning);
            }
        })
        .body(|mut body| {
            describe_table(&mut body, "Table of runs", shown.len(), numbers.len() + 4);
            let kinds: Vec<Number> = numbers.iter().map(|(number, ..)| *number).collect();
            body.rows(ROW_HEIGHT, shown.len(), |mut row| {
                let run = shown[row.index()];
                row.set_selected(selected == Some(run.id));
                row_ui(&mut row, session, run, (&kinds, has_years), requests);
            });
        });
}

fn row_ui(
    row: &mut TableRow<'_, '_>,
    session: &Session,
    run: &RunRow,
    (numbers, has_years): (&[Number], bool),
    requests: &mut Requests,
) {
    let mut clicked = false;
    let words = || format!("{}, {}", sanitize::command(&run.name), local_minute(run.started_unix_ms));
    row.col(|ui| clicked |= row_number_ui(ui, run.id.to_string(), format!("Run {}", run.id), words));
    row.col(|ui| {
        let started = local_minute(run.started_unix_ms);
        let words = if has_years { &started } else { started.get(YEAR..).unwrap_or(&started) };
        ui.add(cut_label(RichText::new(words).text_style(theme::number_style()))).on_hover_text(&started);
    });
    row.col(|ui| job_ui(ui, run, session.history.command(run)));
    row.col(|ui| state_ui(ui, run));
    for (place, number) in numbers.iter().enumerate() {
        let text = match number {
            Number::Workers if run.mode == Mode::One => "one".to_owned(),
            Number::Workers if run.mode == Mode::Threads => format::plural(u64::from(run.workers), "thread"),
            Number::Workers => format::count(u64::from(run.workers)),
            Number::Tasks => format::count(run.batch_tasks()),
            Number::Done => format::count(run.batch_done()),
            Number::Failed => format::count(run.counts.failures() + run.earlier.failed),
            Number::Time => format::duration(run.wall_ns),
            // The words behind it say the same in each row.
            Number::Change => {
                change_words(session, run).map_or_else(String::new, |words| words.replace(" as long", ""))
            }
        };
        row.col(|ui| number_cell_ui(ui, &text, place + 1 == numbers.len()));
    }
    let response = row.response();
    if response.double_clicked() && !session.is_running() {
        requests.command(HistoryCommand::Open(run.id, PastRunUse::Show));
    } else if clicked || response.clicked() {
        requests.command(HistoryCommand::Select(Some(run.id)));
    }
}

/// How much longer or shorter a run was than the one before of the same job, if both did all of the same number of tasks.
pub fn change_words(session: &Session, run: &RunRow) -> Option<String> {
    let before = session.history.before(run).filter(|before| before.tasks == run.tasks)?;
    (run.state == RunState::Finished).then(|| format::relative(run.wall_ns, before.wall_ns))?
}

/// What a run does, where its name does not say it.
pub fn command_beside(name: &str, command: Option<&str>) -> Option<String> {
    command.map(sanitize::command).filter(|command| !name.starts_with(&**command))
}

/// The name of a run's job, and what it does where that is something else.
fn job_ui(ui: &mut Ui, run: &RunRow, command: Option<&str>) {
    let name = sanitize::command(&run.name);
    let command = command_beside(&name, command);
    let palette = theme::palette(ui);
    let mut job = LayoutJob::default();
    job.append(&name, 0.0, TextFormat::simple(TextStyle::Body.resolve(ui.style()), palette.text_strong));
    let hint = match &command {
        Some(command) => {
            let font = TextStyle::Monospace.resolve(ui.style());
            job.append(command, theme::GAP, TextFormat::simple(font, palette.text_weak));
            format!("{name}\n{command}")
        }
        None => name,
    };
    ui.add(cut_label(job)).accessible_name(hint.replace('\n', ": ")).on_hover_text(hint);
}
