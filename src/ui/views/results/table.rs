//! The table of results. Only the visible rows are made.

use egui::{Align, Button, Label, RichText, Sense, Ui};
use egui_extras::TableRow;
use egui_material_icons::icons::{ICON_ARROW_DOWNWARD, ICON_ARROW_UPWARD};

use crate::session::{Command, CurrentRun, MAX_LISTED_REST, MAX_QUEUED, RowQuery, Session, SortKey, task_text};
use crate::ui::icon_button::icon_text;
use crate::ui::request::Requests;
use crate::ui::sanitize;
use crate::ui::theme;
use crate::ui::widgets::table::{
    ROW_HEIGHT, cell_ui, describe_table, number_cell_ui, row_number_ui, table, title_cell_ui,
};
use crate::ui::widgets::{TaskOrder, outcome_badge_ui, progress_badge_ui, waiting_badge_ui};
use fanlane_core::engine::RunCommand;
use fanlane_core::event::{AttemptRecord, OutcomeClass, TaskId};
use fanlane_core::model::search::{Hit, Needle};
use fanlane_core::model::{RunModel, format};

use super::find::marked;
use super::task_label::task_label_ui;
use super::words::{exit_word, value_text};

/// A column: its title, what it sorts by, its width in grid units (0: what is left), numbers to the right.
struct Title {
    words: &'static str,
    sort: Option<SortKey>,
    units: f32,
    right: bool,
}

const NUMBER: Title = Title { words: "#", sort: Some(SortKey::Number), units: 8.0, right: true };
/// It comes last, so that the other columns keep their places when it becomes narrower.
const TASK: Title = Title { words: "Task", sort: None, units: 0.0, right: false };
/// In place of the task, where outputs are searched.
const HIT: Title = Title { words: "Matching line", sort: None, units: 0.0, right: false };
const OUTCOME: Title = Title { words: "Outcome", sort: Some(SortKey::Outcome), units: 12.0, right: false };
const TRIES: Title = Title { words: "Tries", sort: Some(SortKey::Attempts), units: 6.0, right: true };
// `59 min 59 s` fits in it.
const WALL: Title = Title { words: "Wall", sort: Some(SortKey::Wall), units: 11.5, right: true };
const CPU: Title = Title { words: "CPU", sort: Some(SortKey::Cpu), units: 11.5, right: true };
const LANE: Title = Title { words: "Lane", sort: Some(SortKey::Worker), units: 6.0, right: true };

/// Distance between the numbers and the task, in points.
const TASK_MARGIN: f32 = theme::GAP;
/// Maximum number of bytes before and after a match in which the ends of its line are looked for in each frame.
const MAX_LINE_BYTES: usize = 4 << 10;

/// The columns for commands, which have an exit code and memory of their own.
const OF_COMMANDS: [Title; 9] = [
    NUMBER,
    OUTCOME,
    Title { words: "Exit", sort: Some(SortKey::Exit), units: 7.0, right: true },
    TRIES,
    WALL,
    CPU,
    Title { words: "Memory", sort: Some(SortKey::Memory), units: 9.0, right: true },
    LANE,
    TASK,
];

/// The columns for calls, which return a value.
const OF_CALLS: [Title; 8] =
    [NUMBER, OUTCOME, Title { words: "Value", sort: None, units: 17.0, right: true }, TRIES, WALL, CPU, LANE, TASK];

/// Draws the table.
pub fn table_ui(
    ui: &mut Ui,
    session: &Session,
    queued: &[TaskId],
    scroll_to: Option<(usize, Option<Align>)>,
    requests: &mut Requests,
) {
    let mut query = session.run.query().clone();
    let Some(run) = session.run.current() else { return };
    let has_exit_code = run.batch.kind().traits().has_exit_code;
    let titles: &[Title] = if has_exit_code { &OF_COMMANDS } else { &OF_CALLS };
    let rows = session.run.rows().rows();
    let needle = session.run.query().needle();
    let running = session.run.running_rows();
    let rest = session.run.rows().rest();
    let unlisted = unlisted(session, queued.len());
    let mut table = table(ui, "results", titles.iter().map(|title| title.units)).sense(Sense::CLICK);
    if let Some((place, align)) = scroll_to {
        table = table.scroll_to_row(place, align);
    }
    table
        .header(ROW_HEIGHT, |mut header| {
            for (place, title) in titles.iter().enumerate() {
                header.col(|ui| {
                    let is_hit = title.words == TASK.words && needle.is_some();
                    title_ui(ui, if is_hit { &HIT } else { title }, place + 1 == titles.len(), &mut query);
                });
            }
        })
        .body(|mut body| {
            describe_table(
                &mut body,
                "Table of tasks",
                running.len() + rows.len() + rest.len() + queued.len(),
                titles.len(),
            );
            let model = run.model();
            let last = usize::from(unlisted > 0);
            body.rows(ROW_HEIGHT, running.len() + rows.len() + rest.len() + queued.len() + last, |mut row| {
                let selected = session.run.selected();
                let place = row.index();
                if let Some(&task) = running.get(place) {
                    row.set_selected(selected == Some(task));
                    return running_row_ui(&mut row, task, run, &model, requests);
                }
                let place = place - running.len();
                let Some(&index) = rows.get(place) else {
                    return match rest.get(place - rows.len()) {
                        Some(&task) => {
                            row.set_selected(selected == Some(task));
                            rest_row_ui(&mut row, task, (run, &model), titles.len(), requests);
                        }
                        None => match queued.get(place - rows.len() - rest.len()) {
                            Some(&task) => {
                                row.set_selected(selected == Some(task));
                                queued_row_ui(&mut row, task, (run, &model), titles.len(), requests);
                            }
                            None => {
                                unlisted_row_ui(&mut row, &unlisted_words(unlisted, !queued.is_empty()), titles.len())
                            }
                        },
                    };
                };
                if let Some(record) = model.records.get(index as usize) {
                    row.set_selected(selected == Some(record.task));
                    let hit = needle.as_ref().zip(session.run.rows().hit(place));
                    row_ui(&mut row, record, (run, &model), hit, requests);
                }
            });
        });
    if query != *session.run.query() {
        requests.command(Command::SetQuery(query));
    }
}

fn title_ui(ui: &mut Ui, title: &Title, is_last: bool, query: &mut RowQuery) {
    let Some(sort) = title.sort else {
        ui.add_space(if is_last { TASK_MARGIN } else { 0.0 });
        return title_cell_ui(ui, title.words, title.right, false);
    };
    let palette = theme::palette(ui);
    cell_ui(ui, title.right, is_last, |ui| {
        let words = RichText::new(title.words).color(palette.text_weak);
        let sorted = query.sort == sort;
        ui.spacing_mut().button_padding.x = 0.0;
        ui.spacing_mut().item_spacing.x = 2.0;
        let button = if sorted {
            let arrow = if query.descending { ICON_ARROW_DOWNWARD } else { ICON_ARROW_UPWARD };
            Button::new((words.color(palette.text_strong), icon_text(arrow).size(theme::SMALL_SIZE)))
        } else {
            Button::new(words)
        };
        let name = match (sorted, query.descending) {
            (false, _) => format!("Sort by {}", title.words),
            (true, false) => format!("Sort by {}, smallest first now", title.words),
            (true, true) => format!("Sort by {}, largest first now", title.words),
        };
        let response = ui.add(button.frame_when_inactive(false)).accessible_name(name);
        if response.clicked() {
            // Times, memory and tries sort the largest first.
            query.descending = if sorted { !query.descending } else { title.right && sort != SortKey::Number };
            query.sort = sort;
        }
    });
}

fn row_ui(
    row: &mut TableRow<'_, '_>,
    record: &AttemptRecord,
    (run, model): (&CurrentRun, &RunModel),
    hit: Option<(&Needle, Hit)>,
    requests: &mut Requests,
) {
    let has_exit_code = run.batch.kind().traits().has_exit_code;
    let mut clicked = number_ui(row, record.task, run, theme::outcome_word(record.outcome.class()));
    row.col(|ui| {
        outcome_badge_ui(ui, record.outcome.class());
    });
    let lane = model.lane_of.get(&record.worker).map_or_else(String::new, |lane| (lane.0 + 1).to_string());
    let begun = record.attempt > 0;
    let measured = |text: String| if begun { text } else { String::new() };
    let memory = if record.max_rss_bytes == 0 { String::new() } else { format::bytes(record.max_rss_bytes) };
    let tries = record.attempt.to_string();
    let (wall, cpu) = (measured(format::duration(record.wall_ns)), measured(format::duration(record.cpu_ns)));
    let texts: &[String] = if has_exit_code {
        &[exit_word(&record.outcome), tries, wall, cpu, memory, lane]
    } else {
        &[record.value.as_ref().map_or_else(String::new, value_text), tries, wall, cpu, lane]
    };
    texts_ui(row, texts);
    match hit {
        Some((needle, hit)) => hit_cell_ui(row, record.task, (run, model), needle, hit),
        None => task_cell_ui(row, record.task, run),
    }
    clicked |= row.response().clicked();
    if clicked {
        requests.command(Command::SelectTask(Some(record.task)));
    }
}

/// The row of a cancelled task that never began, or that waited for a retry.
fn rest_row_ui(
    row: &mut TableRow<'_, '_>,
    task: TaskId,
    (run, model): (&CurrentRun, &RunModel),
    columns: usize,
    requests: &mut Requests,
) {
    let mut clicked = number_ui(row, task, run, theme::outcome_word(OutcomeClass::Cancelled));
    row.col(|ui| drop(outcome_badge_ui(ui, OutcomeClass::Cancelled)));
    // The column of tries is the fourth.
    let tries = ["".to_owned(), model.records.retried(task).len().to_string()];
    texts_ui(row, &tries);
    texts_ui(row, &vec![String::new(); columns - 3 - tries.len()]);
    task_cell_ui(row, task, run);
    clicked |= row.response().clicked();
    if clicked {
        requests.command(Command::SelectTask(Some(task)));
    }
}

/// The row of a task that waits, with what can be done about it at a right click.
fn queued_row_ui(
    row: &mut TableRow<'_, '_>,
    task: TaskId,
    (run, model): (&CurrentRun, &RunModel),
    columns: usize,
    requests: &mut Requests,
) {
    let mut clicked = number_ui(row, task, run, "Waiting");
    row.col(|ui| drop(waiting_badge_ui(ui, &model.steering, task)));
    let tries = ["".to_owned(), model.records.retried(task).len().to_string()];
    texts_ui(row, &tries);
    texts_ui(row, &vec![String::new(); columns - 3 - tries.len()]);
    task_cell_ui(row, task, run);
    let response = row.response();
    clicked |= response.clicked();
    if clicked || response.secondary_clicked() {
        requests.command(Command::SelectTask(Some(task)));
    }
    let is_set = model.steering.has_breakpoint(task);
    let orders = [TaskOrder::Raise, TaskOrder::SetBreakpoint(!is_set), TaskOrder::Skip, TaskOrder::Kill];
    response.context_menu(|ui| {
        for order in orders.into_iter().filter(|order| order.is_possible(run.allows(RunCommand::Raise(task)))) {
            let words =
                if order == TaskOrder::SetBreakpoint(false) { "Do not pause before" } else { order.text(false) };
            if ui.add(Button::new((icon_text(order.icon()), words))).on_hover_text(order.explanation()).clicked() {
                requests.order(task, order);
                ui.close();
            }
        }
    });
}

/// Number of tasks that are counted and not listed: cancelled ones, or those that wait where these are listed.
fn unlisted(session: &Session, queued: usize) -> u64 {
    if session.run.query().waiting {
        let is_cut = queued >= MAX_QUEUED && session.run.query().text.is_empty();
        let all = session.run.current().map_or(0, |run| run.model().queued());
        return if is_cut { all.saturating_sub(queued as u64) } else { 0 };
    }
    let rows = session.run.rows();
    let is_full = rows.rest().len() >= MAX_LISTED_REST && !session.run.query().is_filtered();
    let listed = rows.rows().len() + rows.rest().len();
    if is_full { rows.counts().total().saturating_sub(listed as u64) } else { 0 }
}

fn unlisted_words(unlisted: u64, waits: bool) -> String {
    if waits {
        format!("… and {} more; search for a task's number to find it", format::plural(unlisted, "waiting task"))
    } else {
        format!("… and {} more that never began", format::plural(unlisted, "cancelled task"))
    }
}

fn unlisted_row_ui(row: &mut TableRow<'_, '_>, words: &str, columns: usize) {
    for _ in 1..columns {
        row.col(|_| {});
    }
    row.col(|ui| {
        ui.add(Label::new(RichText::new(words).color(theme::palette(ui).text_weak)).truncate());
    });
}

/// The row of a running task: its reported progress and its time so far.
fn running_row_ui(
    row: &mut TableRow<'_, '_>,
    task: TaskId,
    run: &CurrentRun,
    model: &RunModel,
    requests: &mut Requests,
) {
    let has_exit_code = run.batch.kind().traits().has_exit_code;
    let Some(running) = model.running.get(&task) else { return };
    let mut clicked = number_ui(row, task, run, "Running");
    row.col(|ui| drop(progress_badge_ui(ui, model.lanes.progress_of(running.worker))));
    let lane = model.lane_of.get(&running.worker).map_or_else(String::new, |lane| (lane.0 + 1).to_string());
    let wall = format::duration(run.now_ns(model).saturating_sub(running.start_ns));
    let tries = running.attempt.to_string();
    let mut texts = vec![String::new(), tries, wall, String::new(), lane];
    if has_exit_code {
        texts.insert(4, String::new());
    }
    texts_ui(row, &texts);
    task_cell_ui(row, task, run);
    clicked |= row.response().clicked();
    if clicked {
        requests.command(Command::SelectTask(Some(task)));
    }
}

/// The number of a task; true when it was clicked.
fn number_ui(row: &mut TableRow<'_, '_>, task: TaskId, run: &CurrentRun, state: &str) -> bool {
    let number = run.number(task);
    let mut clicked = false;
    let words = || format!("{state}: {}", sanitize::command(&task_text(&run.batch, task)));
    row.col(|ui| clicked = row_number_ui(ui, format::count(number), format!("Task {number}"), words));
    clicked
}

fn task_cell_ui(row: &mut TableRow<'_, '_>, task: TaskId, run: &CurrentRun) {
    row.col(|ui| {
        ui.add_space(TASK_MARGIN);
        task_label_ui(ui, &run.batch, task);
    });
}

/// The line of a task's output that has the text; the tooltip has the command.
fn hit_cell_ui(
    row: &mut TableRow<'_, '_>,
    task: TaskId,
    (run, model): (&CurrentRun, &RunModel),
    needle: &Needle,
    hit: Hit,
) {
    row.col(|ui| {
        ui.add_space(TASK_MARGIN);
        let record = model.attempts(task).find(|record| record.attempt == hit.attempt);
        let line = record.map(|record| hit.line(record, MAX_LINE_BYTES)).unwrap_or_default();
        let places: Vec<_> = needle.find_all(line).collect();
        let current = (!places.is_empty()).then_some(0);
        let job = marked(ui, line, &places, current);
        let command = || sanitize::command(&task_text(&run.batch, task));
        ui.add(Label::new(job).truncate()).on_hover_ui(|ui| drop(ui.label(command())));
    });
}

fn texts_ui(row: &mut TableRow<'_, '_>, texts: &[String]) {
    for text in texts {
        row.col(|ui| number_cell_ui(ui, text, false));
    }
}
