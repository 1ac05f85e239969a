//! The queue of jobs above the history: what runs and what waits, in its order, with what can be done to each.

use egui::{CursorIcon, DragAndDrop, Frame, Label, Panel, Response, RichText, Sense, Stroke, Ui};
use egui_extras::TableRow;
use egui_material_icons::MaterialIcon;
use egui_material_icons::icons::{ICON_PAUSE, ICON_PLAY_ARROW, ICON_VISIBILITY};

use crate::session::{Command, QueueCommand, Session};
use crate::ui::action::{Action, Shortcut};
use crate::ui::cut_label::cut_label;
use crate::ui::icon_button::{icon_button, small_icon_button};
use crate::ui::job_action::JobAction;
use crate::ui::part::right_end_ui;
use crate::ui::request::Requests;
use crate::ui::sanitize;
use crate::ui::theme;
use crate::ui::widgets::table::{ROW_HEIGHT, cell_ui, describe_table, row_number_ui, table, title_cell_ui};
use fanlane_core::model::format;
use fanlane_core::store::queue::{Change, JobList, JobState, MAX_PARALLEL, Place, QueuedJob};
use fanlane_os::clock::unix_ms;

/// Maximum share of the page that the queue takes.
const MAX_SHARE: f32 = 0.45;
/// Width of the cell with what can be done to a job, in grid units.
const BUTTONS: f32 = 25.0;
/// Width of the columns beside names and details, with their gaps, in grid units.
const OTHER_COLUMNS: f32 = 52.0;
/// Share of the names in what names and details have together.
const NAMES_SHARE: f32 = 0.42;
/// Minimum width of the list with a column for the places, in points.
const ROOM_FOR_PLACES: f32 = 900.0;

/// The number of the job whose row is dragged.
#[derive(Clone, Copy)]
struct DraggedJob(u64);

/// Draws the queue; nothing, and false, if it is empty and nothing holds it up.
pub fn queue_ui(ui: &mut Ui, session: &Session, requests: &mut Requests) -> bool {
    let list = session.queue.list();
    if list.jobs.is_empty() && !list.paused && session.queue.fault().is_none() {
        return false;
    }
    let frame = Frame::new().inner_margin(egui::Margin { bottom: theme::UNIT as i8, ..egui::Margin::ZERO });
    let rows = (list.jobs.len() + 1) as f32 * ROW_HEIGHT;
    let room = (ui.available_height() * MAX_SHARE).max(3.0 * ROW_HEIGHT);
    Panel::top("queue").frame(frame).resizable(false).show(ui, |ui| {
        head_ui(ui, list, requests);
        if let Some(words) = session.queue.fault() {
            let text = RichText::new(sanitize::text(words.as_bytes())).color(theme::palette(ui).error);
            ui.add(Label::new(text).wrap());
        }
        if !list.jobs.is_empty() {
            ui.allocate_ui(egui::vec2(ui.available_width(), rows.min(room)), |ui| {
                table_ui(ui, session, list, requests)
            });
        }
    });
    true
}

fn head_ui(ui: &mut Ui, list: &JobList, requests: &mut Requests) {
    let palette = theme::palette(ui);
    ui.horizontal(|ui| {
        ui.label(RichText::new("Queue").text_style(theme::title_style()).color(palette.text_strong));
        let waiting = list.waiting().count() as u64;
        let words = match (list.paused, waiting) {
            (true, _) => "Paused: no job starts".to_owned(),
            (false, 0) => "No job waits".to_owned(),
            (false, waiting) => format!("{} in the order in which they start", format::plural(waiting, "job")),
        };
        ui.label(RichText::new(words).color(palette.text_weak));
        right_end_ui(ui, "queue", |ui| {
            ui.label(RichText::new("At the same time").color(palette.text_weak));
            let mut parallel = list.parallel;
            let number = egui::DragValue::new(&mut parallel).range(1..=MAX_PARALLEL).speed(0.05);
            let number = ui.add(number.update_while_editing(false));
            let number = number.on_hover_text("Number of jobs of the queue that run at the same time");
            if number.accessible_name("Jobs at the same time").changed() {
                requests.command(QueueCommand::SetParallel(parallel));
            }
            let (icon, words) =
                if list.paused { (ICON_PLAY_ARROW, "Resume the queue") } else { (ICON_PAUSE, "Pause the queue") };
            let hint = "While it is paused, no job of the queue starts; those that run go on";
            if icon_button(ui, icon, words, true).on_hover_text(hint).clicked() {
                requests.action(Action::PauseQueue);
            }
        });
    });
}

fn table_ui(ui: &mut Ui, session: &Session, list: &JobList, requests: &mut Requests) {
    // The order of the rows says the place, too.
    let has_places = ui.available_width() >= ROOM_FOR_PLACES;
    let names = ((ui.available_width() / theme::UNIT - OTHER_COLUMNS) * NAMES_SHARE).clamp(16.0, 60.0);
    let titles = [
        ("Job", 5.0, true),
        ("Place", 6.0, true),
        ("State", 10.0, false),
        ("Name", names, false),
        ("Details", 0.0, false),
        ("", BUTTONS, true),
    ];
    let titles: Vec<_> = titles.into_iter().filter(|(title, ..)| has_places || *title != "Place").collect();
    table(ui, "queue of jobs", titles.iter().map(|(_, width, _)| *width))
        .sense(Sense::CLICK | Sense::DRAG)
        .header(ROW_HEIGHT, |mut header| {
            for (place, (title, _, right)) in titles.iter().enumerate() {
                header.col(|ui| title_cell_ui(ui, title, *right, place + 1 == titles.len()));
            }
        })
        .body(|mut body| {
            describe_table(&mut body, "Table of the queue", list.jobs.len(), titles.len());
            body.rows(ROW_HEIGHT, list.jobs.len(), |mut row| {
                let job = &list.jobs[row.index()];
                row.set_selected(session.queue.selected() == Some(job.id));
                row_ui(&mut row, session, list, job, has_places, requests);
            });
        });
}

fn row_ui(
    row: &mut TableRow<'_, '_>,
    session: &Session,
    list: &JobList,
    job: &QueuedJob,
    has_places: bool,
    requests: &mut Requests,
) {
    let now = unix_ms();
    let place = list.place(job.id);
    let name = sanitize::command(job.name());
    let mut clicked = false;
    let words = || {
        let place = place.map_or_else(String::new, |place| format!("place {place}, "));
        format!("{place}{} {}", job.state_word(now), job.note(now)).trim_end().to_owned()
    };
    row.col(|ui| clicked |= row_number_ui(ui, job.id.to_string(), format!("Job {}: {name}", job.id), words));
    if has_places {
        row.col(|ui| {
            let text = place.map_or_else(String::new, |place| place.to_string());
            cell_ui(ui, true, false, |ui| drop(ui.label(RichText::new(text).text_style(theme::number_style()))));
        });
    }
    row.col(|ui| state_ui(ui, job, now));
    row.col(|ui| {
        let text = RichText::new(&name).color(theme::palette(ui).text_strong);
        let folder = sanitize::text(job.folder.to_string_lossy().as_bytes());
        let order = if place.is_some() { "\nDrag the row to change its place" } else { "" };
        ui.add(cut_label(text)).on_hover_text(format!("{name}\n{folder}{order}"));
    });
    row.col(|ui| {
        let note = sanitize::text(job.note(now).as_bytes());
        ui.add(cut_label(RichText::new(&*note).color(theme::palette(ui).text_weak))).on_hover_text(&*note);
    });
    row.col(|ui| {
        cell_ui(ui, true, true, |ui| match place {
            Some(_) => waiting_ui(ui, list, job, requests),
            None => running_ui(ui, session, job, requests),
        });
    });
    let response = row.response();
    if clicked || response.clicked() {
        requests.command(QueueCommand::Select(job.id));
    }
    drag(&response, job, (list, place), requests);
}

/// Moves a row that is dragged to the place where it is dropped; a line shows where that is.
fn drag(response: &Response, job: &QueuedJob, (list, place): (&JobList, Option<usize>), requests: &mut Requests) {
    let ctx = &response.ctx;
    if place.is_some() {
        response.dnd_set_drag_payload(DraggedJob(job.id));
    }
    let Some(DraggedJob(dragged)) = DragAndDrop::payload::<DraggedJob>(ctx).map(|dragged| *dragged) else { return };
    ctx.set_cursor_icon(CursorIcon::Grabbing);
    let Some(from) = list.place(dragged) else { return };
    let rect = response.rect;
    let Some(pointer) = ctx.pointer_interact_pos().filter(|pointer| rect.contains(*pointer)) else { return };
    let is_above = pointer.y < rect.center().y;
    // Jobs that run stand above all that wait.
    let gap = place.map_or(0, |place| if is_above { place - 1 } else { place });
    // The gap below the dragged row and the one above it are its own place.
    let to = if gap >= from { gap } else { gap + 1 };
    let y = if is_above && place.is_some() { rect.top() } else { rect.bottom() };
    let stroke = Stroke::new(theme::FOCUS, theme::of(ctx.global_style().visuals.dark_mode).accent);
    ctx.layer_painter(response.layer_id).hline(rect.x_range(), y, stroke);
    if ctx.input(|input| input.pointer.any_released()) {
        DragAndDrop::clear_payload(ctx);
        if to != from {
            requests.command(QueueCommand::Change(dragged, Change::Move(Place::Number(to))));
        }
    }
}

fn state_ui(ui: &mut Ui, job: &QueuedJob, now: u64) {
    let palette = theme::palette(ui);
    let color = match job.state {
        JobState::Running { .. } => palette.accent_text,
        JobState::Held { reason: Some(_) } | JobState::Unreadable { .. } => palette.error,
        _ => palette.text,
    };
    let word = job.state_word(now);
    let word = format!("{}{}", word[..1].to_uppercase(), &word[1..]);
    ui.label(RichText::new(word).color(color));
}

fn button_ui(ui: &mut Ui, enabled: bool, icon: MaterialIcon, words: &str, id: u64, shortcut: Option<Shortcut>) -> bool {
    let hint = Shortcut::hint(shortcut, words);
    let button = ui.add_enabled_ui(enabled, |ui| small_icon_button(ui, icon, &hint)).inner;
    button.accessible_name(format!("{words}: job {id}")).clicked()
}

fn running_ui(ui: &mut Ui, session: &Session, job: &QueuedJob, requests: &mut Requests) {
    let JobState::Running { run: Some(run) } = job.state else { return };
    let is_shown = session.run.current().is_some_and(|shown| shown.history_id() == Some(run));
    if session.detached.is_running(run)
        && !is_shown
        && button_ui(ui, !session.is_busy(), ICON_VISIBILITY, "Watch", job.id, None)
    {
        requests.command(Command::WatchRun(run));
    }
}

/// What can be done to a job that waits.
fn waiting_ui(ui: &mut Ui, list: &JobList, job: &QueuedJob, requests: &mut Requests) {
    ui.spacing_mut().button_padding.x = theme::HALF;
    ui.spacing_mut().item_spacing.x = theme::HALF;
    // They stand from the right.
    for action in JobAction::ALL.into_iter().rev() {
        let (words, icon) = action.button(job);
        let request = action.request(list, job);
        if button_ui(ui, request.is_some(), icon, words, job.id, Some(action.shortcut()))
            && let Some(request) = request
        {
            requests.request(request);
        }
    }
}
