//! The queue of jobs above the history: what runs and what waits, in its order, with what can be done to each.

use egui::{Frame, Key, Label, Panel, RichText, Sense, Ui};
use egui_extras::TableRow;
use egui_material_icons::MaterialIcon;
use egui_material_icons::icons::{
    ICON_ARROW_DOWNWARD, ICON_ARROW_UPWARD, ICON_DELETE, ICON_PAUSE, ICON_PLAY_ARROW, ICON_PLAYLIST_PLAY,
    ICON_SCHEDULE, ICON_VISIBILITY,
};

use crate::session::{Command, QueueCommand, Session};
use crate::ui::areas::keys_are_free;
use crate::ui::icon_button::{icon_button, small_icon_button};
use crate::ui::request::{Question, Requests};
use crate::ui::sanitize;
use crate::ui::theme;
use crate::ui::widgets::table::{ROW_HEIGHT, cell_ui, row_number_ui, table, title_cell_ui};
use fanlane_core::model::format;
use fanlane_core::store::queue::{Change, JobList, JobState, MAX_PARALLEL, Place, QueuedJob};
use fanlane_os::clock::unix_ms;

/// Maximum share of the page that the queue takes.
const MAX_SHARE: f32 = 0.45;
/// Width of the cell with what can be done to a job, in grid units.
const BUTTONS: f32 = 27.0;

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
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let (icon, words) =
                if list.paused { (ICON_PLAY_ARROW, "Resume the queue") } else { (ICON_PAUSE, "Pause the queue") };
            let hint = "While it is paused, no job of the queue starts; those that run go on";
            if icon_button(ui, icon, words, true).on_hover_text(hint).clicked() {
                requests.command(QueueCommand::SetPaused(!list.paused));
            }
            let mut parallel = list.parallel;
            let number = egui::DragValue::new(&mut parallel).range(1..=MAX_PARALLEL).speed(0.05);
            let number = ui.add(number.update_while_editing(false));
            let number = number.on_hover_text("Number of jobs of the queue that run at the same time");
            if number.accessible_name("Jobs at the same time").changed() {
                requests.command(QueueCommand::SetParallel(parallel));
            }
            ui.label(RichText::new("At the same time").color(palette.text_weak));
        });
    });
}

fn table_ui(ui: &mut Ui, session: &Session, list: &JobList, requests: &mut Requests) {
    table(ui, "queue of jobs", [5.0, 6.0, 11.0, 22.0, 0.0, BUTTONS])
        .sense(Sense::click())
        .header(ROW_HEIGHT, |mut header| {
            let titles =
                [("Job", true), ("Place", true), ("State", false), ("Name", false), ("Details", false), ("", true)];
            for (place, (title, right)) in titles.into_iter().enumerate() {
                header.col(|ui| title_cell_ui(ui, title, right, place == 5));
            }
        })
        .body(|body| {
            body.rows(ROW_HEIGHT, list.jobs.len(), |mut row| {
                let job = &list.jobs[row.index()];
                row.set_selected(session.queue.selected() == Some(job.id));
                row_ui(&mut row, session, list, job, requests);
            });
        });
}

fn row_ui(row: &mut TableRow<'_, '_>, session: &Session, list: &JobList, job: &QueuedJob, requests: &mut Requests) {
    let now = unix_ms();
    let place = list.place(job.id);
    let name = sanitize::command(job.name());
    let mut clicked = false;
    let words = || {
        let place = place.map_or_else(String::new, |place| format!("place {place}, "));
        format!("{place}{} {}", job.state_word(now), job.note(now)).trim_end().to_owned()
    };
    row.col(|ui| clicked |= row_number_ui(ui, job.id.to_string(), format!("Job {}: {name}", job.id), words));
    row.col(|ui| {
        let text = place.map_or_else(String::new, |place| place.to_string());
        cell_ui(ui, true, false, |ui| drop(ui.label(RichText::new(text).text_style(theme::number_style()))));
    });
    row.col(|ui| state_ui(ui, job, now));
    row.col(|ui| {
        let text = RichText::new(&name).color(theme::palette(ui).text_strong);
        let folder = sanitize::text(job.folder.to_string_lossy().as_bytes());
        ui.add(Label::new(text).truncate()).on_hover_text(format!("{name}\n{folder}"));
    });
    row.col(|ui| {
        let note = sanitize::text(job.note(now).as_bytes());
        ui.add(Label::new(RichText::new(&*note).color(theme::palette(ui).text_weak)).truncate()).on_hover_text(&*note);
    });
    row.col(|ui| {
        cell_ui(ui, true, true, |ui| match place {
            Some(place) => waiting_ui(ui, list, job, place, requests),
            None => running_ui(ui, session, job, requests),
        });
    });
    if clicked || row.response().clicked() {
        requests.command(QueueCommand::Select(Some(job.id)));
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

fn button_ui(ui: &mut Ui, enabled: bool, icon: MaterialIcon, words: &str, id: u64) -> bool {
    let button = ui.add_enabled_ui(enabled, |ui| small_icon_button(ui, icon, words)).inner;
    button.accessible_name(format!("{words}: job {id}")).clicked()
}

fn running_ui(ui: &mut Ui, session: &Session, job: &QueuedJob, requests: &mut Requests) {
    let JobState::Running { run: Some(run) } = job.state else { return };
    let is_shown = session.run.current().is_some_and(|shown| shown.history_id() == Some(run));
    if session.detached.is_running(run)
        && !is_shown
        && button_ui(ui, !session.is_busy(), ICON_VISIBILITY, "Watch", job.id)
    {
        requests.command(Command::WatchRun(run));
    }
}

/// What can be done to a job that waits, from the right; with the keys Alt and up or down it is moved, too.
fn waiting_ui(ui: &mut Ui, list: &JobList, job: &QueuedJob, place: usize, requests: &mut Requests) {
    ui.spacing_mut().button_padding.x = theme::HALF;
    ui.spacing_mut().item_spacing.x = theme::HALF;
    let id = job.id;
    let mut change = |change: Change| requests.command(QueueCommand::Change(id, change));
    let is_readable = !matches!(job.state, JobState::Unreadable { .. });
    let last = list.waiting().count();
    let drops = button_ui(ui, true, ICON_DELETE, "Drop from the queue", id);
    let times = button_ui(ui, is_readable, ICON_SCHEDULE, "Start at a time", id);
    let is_starting = job.state == JobState::Wanted;
    if button_ui(ui, is_readable && !is_starting, ICON_PLAY_ARROW, "Start now", id) {
        change(Change::Start);
    }
    if job.is_held() {
        if button_ui(ui, is_readable, ICON_PLAYLIST_PLAY, "Release", id) {
            change(Change::Release);
        }
    } else if button_ui(ui, true, ICON_PAUSE, "Hold", id) {
        change(Change::Hold);
    }
    if button_ui(ui, place < last, ICON_ARROW_DOWNWARD, "Start later", id) {
        change(Change::Move(Place::Number(place + 1)));
    }
    if button_ui(ui, place > 1, ICON_ARROW_UPWARD, "Start earlier", id) {
        change(Change::Move(Place::Number(place - 1)));
    }
    if drops {
        requests.ask(Question::DropJob(id, job.name().to_owned()));
    }
    if times {
        requests.ask(Question::StartAt { id, time: String::new(), fault: None });
    }
}

/// The keys for the selected job: Alt with up or down moves it, Delete asks whether to drop it.
pub fn keys_ui(ui: &Ui, session: &Session, requests: &mut Requests) {
    let list = session.queue.list();
    let selected = session.queue.selected().and_then(|id| list.jobs.iter().find(|job| job.id == id));
    let Some((job, place)) = selected.and_then(|job| Some((job, list.place(job.id)?))) else { return };
    if !keys_are_free(ui.ctx()) {
        return;
    }
    let (up, down, drops) = ui.input_mut(|input| {
        let mut pressed = |modifiers, key| input.consume_key(modifiers, key);
        let alt = egui::Modifiers::ALT;
        (pressed(alt, Key::ArrowUp), pressed(alt, Key::ArrowDown), pressed(egui::Modifiers::NONE, Key::Delete))
    });
    let to = if up { place.checked_sub(1).filter(|to| *to > 0) } else { down.then_some(place + 1) };
    if let Some(to) = to {
        requests.command(QueueCommand::Change(job.id, Change::Move(Place::Number(to))));
    }
    if drops {
        requests.ask(Question::DropJob(job.id, job.name().to_owned()));
    }
}
