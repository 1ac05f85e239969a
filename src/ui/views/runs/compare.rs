//! Two runs side by side: totals, and the tasks that differ.

use egui::{Button, RichText, Ui, vec2};
use egui_extras::TableRow;
use egui_material_icons::icons::{ICON_CHECK_CIRCLE, ICON_CLOSE, ICON_REPLAY, ICON_TABLE_ROWS};

use crate::session::{ChangeKind, HistoryCommand, PastRunUse, RunComparison, Session, TaskChange, TaskEnd};
use crate::ui::icon_button::{icon_button, small_icon_button};
use crate::ui::part::{left_of_ui, right_end_ui};
use crate::ui::request::Requests;
use crate::ui::sanitize;
use crate::ui::theme;
use crate::ui::views::results::task_label_ui;
use crate::ui::widgets::table::{ROW_HEIGHT, describe_table, number_cell_ui, table, title_cell_ui};
use crate::ui::widgets::{empty_state_ui, outcome_badge_ui};
use fanlane_core::model::format;
use fanlane_core::store::history::RunRow;

/// In place of the numbers of the two runs.
const BEFORE: &str = "before";
const NOW: &str = "now";

/// The columns: title, width in grid units (0: what is left), numbers to the right.
const COLUMNS: [(&str, f32, bool); 7] = [
    ("#", 8.0, true),
    (BEFORE, 12.0, false),
    ("Time", 9.0, true),
    (NOW, 12.0, false),
    ("Time", 9.0, true),
    ("Change", 12.0, true),
    ("Task", 0.0, false),
];

/// The comparison.
#[derive(Default)]
pub struct CompareView {
    /// The runs that it shows, and the chosen kind of difference.
    chosen: Option<((i64, i64), ChangeKind)>,
}

impl CompareView {
    /// Draws two runs side by side.
    pub fn show_ui(&mut self, ui: &mut Ui, session: &Session, both: &RunComparison, requests: &mut Requests) {
        head_ui(ui, session, both, requests);
        totals_ui(ui, both);
        let runs = (both.before.id, both.now.id);
        // The first kind that there is, from the most important on.
        let first = ChangeKind::ALL.into_iter().find(|kind| !both.changes(*kind).is_empty());
        let chosen = self.chosen.filter(|(of, _)| *of == runs).map(|(_, kind)| kind).or(first);
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = theme::HALF;
            for kind in ChangeKind::ALL {
                let count = both.changes(kind).len();
                let words = format!("{} {}", word(kind, both), format::count(count as u64));
                let button = ui.add_enabled(count > 0, Button::selectable(chosen == Some(kind), &words));
                if button.on_hover_text(explanation(kind)).accessible_name(format!("Tasks: {words}")).clicked() {
                    self.chosen = Some((runs, kind));
                }
            }
        });
        ui.add_space(theme::HALF);
        match chosen {
            Some(kind) => table_ui(ui, both, both.changes(kind)),
            None => {
                let advice = "Each task ended as before, and took about as long.";
                empty_state_ui(ui, ICON_CHECK_CIRCLE, "No task differs", advice);
            }
        }
    }
}

fn word(kind: ChangeKind, both: &RunComparison) -> String {
    match kind {
        ChangeKind::FailedNewly => "Failed newly".to_owned(),
        ChangeKind::Fixed => "Fixed".to_owned(),
        ChangeKind::Slower => "Slower".to_owned(),
        ChangeKind::Faster => "Faster".to_owned(),
        ChangeKind::OnlyBefore => format!("Only in run {}", both.before.id),
        ChangeKind::OnlyNow => format!("Only in run {}", both.now.id),
    }
}

const fn explanation(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::FailedNewly => "Tasks that failed now and did not before",
        ChangeKind::Fixed => "Tasks that are done now and were not before",
        ChangeKind::Slower => "Tasks that took at least 10 % and 1 ms longer, the largest difference first",
        ChangeKind::Faster => "Tasks that took at least 10 % and 1 ms less, the largest difference first",
        ChangeKind::OnlyBefore | ChangeKind::OnlyNow => "Tasks with a command line that the other run did not end",
    }
}

/// Width of the steps before they were drawn, in points.
const STEPS_WIDTH: f32 = 44.0 * theme::UNIT;

fn head_ui(ui: &mut Ui, session: &Session, both: &RunComparison, requests: &mut Requests) {
    ui.horizontal(|ui| {
        let title = format!("Run {} compared with run {}", both.now.id, both.before.id);
        ui.label(RichText::new(title).text_style(theme::title_style()).color(theme::palette(ui).text_strong));
        let name = RichText::new(sanitize::command(&both.now.name)).color(theme::palette(ui).text_weak);
        let usual = vec2(STEPS_WIDTH, ui.spacing().interact_size.y);
        left_of_ui(ui, "steps", usual, |ui| ui.add(egui::Label::new(name).truncate()));
        right_end_ui(ui, "steps", |ui| {
            let is_free = !session.is_running() && !session.history.is_opening();
            let mut button = |ui: &mut Ui, icon, words: &str, id, then| {
                let button = icon_button(ui, icon, words, is_free);
                if button.on_disabled_hover_text("A run is under way, or being opened").clicked() {
                    requests.command(HistoryCommand::Open(id, then));
                }
            };
            for run in [&both.before, &both.now] {
                button(ui, ICON_TABLE_ROWS, &format!("Open run {}", run.id), run.id, PastRunUse::Show);
            }
            button(ui, ICON_REPLAY, "Rerun all", both.now.id, PastRunUse::Rerun);
            if small_icon_button(ui, ICON_CLOSE, "Close the comparison").clicked() {
                requests.command(HistoryCommand::CloseComparison);
            }
        });
    });
}

/// The totals of both, from the earlier to the later.
fn totals_ui(ui: &mut Ui, both: &RunComparison) {
    let (before, now) = (&both.before, &both.now);
    let count = |name: &'static str, of: &dyn Fn(&RunRow) -> u64| {
        let (before, now) = (of(before), of(now));
        let words = if before == now { format::count(now) } else { arrow(&format::count(before), &format::count(now)) };
        (name, words)
    };
    let times = arrow(&format::duration(before.wall_ns), &format::duration(now.wall_ns));
    let change = format::relative(now.wall_ns, before.wall_ns).map_or_else(String::new, |words| format!(" ({words})"));
    let pairs = [
        ("Time", format!("{times}{change}")),
        count("Workers", &|run| u64::from(run.workers)),
        count("Done", &|run| run.counts.done),
        count("Failed", &|run| run.counts.failures()),
        count("Cancelled", &|run| run.counts.cancelled),
        count("Retries", &|run| run.retries),
        ("In both", format::plural(both.both, "task")),
    ];
    ui.horizontal_wrapped(|ui| {
        for (name, words) in pairs {
            ui.label(RichText::new(name).color(theme::palette(ui).text_weak));
            ui.label(RichText::new(words).text_style(theme::number_style()));
            ui.add_space(theme::UNIT);
        }
    });
}

fn arrow(before: &str, now: &str) -> String {
    format!("{before} → {now}")
}

fn table_ui(ui: &mut Ui, both: &RunComparison, changes: &[TaskChange]) {
    table(ui, "compared", COLUMNS.map(|(_, units, _)| units))
        .header(ROW_HEIGHT, |mut header| {
            for (title, _, right) in COLUMNS {
                let title = match title {
                    BEFORE => format!("Run {}", both.before.id),
                    NOW => format!("Run {}", both.now.id),
                    title => title.to_owned(),
                };
                header.col(|ui| title_cell_ui(ui, &title, right, false));
            }
        })
        .body(|mut body| {
            describe_table(&mut body, "Table of differences", changes.len(), COLUMNS.len());
            body.rows(ROW_HEIGHT, changes.len(), |mut row| {
                let change = &changes[row.index()];
                row_ui(&mut row, both, change);
            });
        });
}

fn row_ui(row: &mut TableRow<'_, '_>, both: &RunComparison, change: &TaskChange) {
    let task = both.task(change);
    let number = task.map_or_else(String::new, |(batch, task)| format::count(batch.number(task)));
    row.col(|ui| number_cell_ui(ui, &number, false));
    for end in [change.before, change.now] {
        row.col(|ui| {
            if let Some(TaskEnd { class, .. }) = end {
                outcome_badge_ui(ui, class);
            }
        });
        let time = end.map_or_else(String::new, |end| format::duration(end.wall_ns));
        row.col(|ui| number_cell_ui(ui, &time, false));
    }
    let relative =
        change.before.zip(change.now).and_then(|(before, now)| format::relative(now.wall_ns, before.wall_ns));
    row.col(|ui| number_cell_ui(ui, &relative.unwrap_or_default(), false));
    row.col(|ui| {
        if let Some((batch, task)) = task {
            ui.add_space(theme::GAP);
            task_label_ui(ui, batch, task);
        }
    });
}
