//! What can be opened: saved jobs, job files and runs of late, and one line that leads to the examples.

use std::path::Path;

use egui::{Button, Response, RichText, ScrollArea, Ui};
use egui_material_icons::icons::{ICON_DESCRIPTION, ICON_GRID_VIEW};

use super::action::Action;
use crate::session::{
    Command, HistoryCommand, Origin, Page, PastRunUse, Preset, PresetCommand, PresetId, SAVED_GROUP, Session,
};
use fanlane_core::store::history::RunRow;

use super::icon_button::icon_text;
use super::request::{Question, Requests};
use super::sanitize;
use super::theme;
use super::views::runs::{state_icon, state_word};

/// Number of jobs of the queue that are named on hover.
const MAX_NAMES: usize = 10;

/// Draws the list.
pub fn sidebar_ui(ui: &mut Ui, session: &Session, requests: &mut Requests) {
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = theme::HALF / 2.0;
        title_ui(ui, SAVED_GROUP);
        presets_ui(ui, session.presets.saved(), session, requests);
        if session.presets.saved().is_empty() {
            let words = RichText::new("None yet: Save keeps the open job").color(theme::palette(ui).text_weak);
            ui.label(words.text_style(egui::TextStyle::Small));
        }
        if !session.recent_files().is_empty() {
            ui.add_space(theme::GAP);
            title_ui(ui, "Recent job files");
            for file in session.recent_files() {
                file_ui(ui, file, session, requests);
            }
        }
        queue_ui(ui, session, requests);
        if session.history.recent().next().is_some() {
            ui.add_space(theme::GAP);
            title_ui(ui, "Recent runs");
            for run in session.history.recent() {
                run_ui(ui, run, session, requests);
            }
        }
        ui.add_space(theme::GAP);
        let examples = marked_entry_ui(ui, false, icon_text(ICON_GRID_VIEW), "Examples", Action::Examples.text());
        if examples.on_hover_text(Action::Examples.hint()).clicked() {
            requests.action(Action::Examples);
        }
    });
}

fn title_ui(ui: &mut Ui, title: &str) {
    ui.label(RichText::new(title).text_style(egui::TextStyle::Small).color(theme::palette(ui).text_weak));
}

/// An entry over the whole width.
fn entry_ui(ui: &mut Ui, selected: bool, words: RichText) -> Response {
    let size = egui::vec2(ui.available_width(), theme::ROW);
    ui.add(Button::selectable(selected, words).truncate().min_size(size))
}

/// The same behind an icon. The icon stands beside the button: within it, the two would widen the panel instead of being cut.
fn marked_entry_ui(ui: &mut Ui, selected: bool, icon: RichText, spoken: &str, words: &str) -> Response {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = theme::HALF;
        ui.label(icon).accessible_name(spoken);
        // In a row the words of a button would be centred.
        ui.vertical(|ui| entry_ui(ui, selected, RichText::new(words))).inner
    })
    .inner
}

fn file_ui(ui: &mut Ui, file: &Path, session: &Session, requests: &mut Requests) {
    let name = sanitize::command(&file.file_stem().unwrap_or_default().to_string_lossy());
    let open = session.editor.origin() == Some(&Origin::File(file.to_owned()));
    let response = marked_entry_ui(ui, open, icon_text(ICON_DESCRIPTION), "Job file", &name);
    let response = response.on_hover_text(file.display().to_string());
    if response.accessible_name(format!("Job file {name}")).clicked() {
        requests.command(Command::OpenJob(file.to_owned()));
    }
}

/// One line about the queue of jobs, which leads to it; nothing where no job is in it.
fn queue_ui(ui: &mut Ui, session: &Session, requests: &mut Requests) {
    let list = session.queue.list();
    let running = list.jobs.iter().filter(|job| job.is_running()).count();
    let held = list.jobs.iter().filter(|job| job.is_held()).count();
    let waiting = list.jobs.len() - running - held;
    if list.jobs.is_empty() {
        return;
    }
    let words_of = |counts: &[(usize, &str)]| {
        let some = counts.iter().filter(|(count, _)| *count > 0);
        some.map(|(count, word)| format!("{count} {word}")).collect::<Vec<_>>().join(", ")
    };
    let whole = words_of(&[(running, "running"), (waiting, "waiting"), (held, "held")]);
    let paused = if list.paused { ", paused" } else { "" };
    // Those that run are among the recent runs, too.
    let waits = words_of(&[(waiting, "waiting"), (held, "held")]);
    let words = if waits.is_empty() { &whole } else { &waits };
    ui.add_space(theme::GAP);
    title_ui(ui, &format!("Queue{paused}"));
    let response = entry_ui(ui, false, RichText::new(words));
    let names: Vec<_> = list.jobs.iter().take(MAX_NAMES).map(|job| sanitize::command(job.name())).collect();
    let more = list.jobs.len().saturating_sub(MAX_NAMES);
    let more = if more > 0 { format!("\nand {more} more") } else { String::new() };
    let response = response.on_hover_text(format!("{whole}{paused}\n{}{more}", names.join("\n")));
    if response.accessible_name(format!("Queue of jobs: {whole}{paused}")).clicked() {
        requests.command(Command::Show(Page::RUNS));
    }
}

fn run_ui(ui: &mut Ui, run: &RunRow, session: &Session, requests: &mut Requests) {
    let palette = theme::palette(ui);
    let name = sanitize::command(&run.name);
    let can_be_watched = session.detached.is_running(run.id);
    let state = state_word(run).to_lowercase();
    let (icon, color) = state_icon(run)
        .map_or_else(|| (theme::running_icon(), palette.accent_text), |(icon, class)| (icon, palette.outcome(class)));
    let is_shown = session.run.current().is_some_and(|shown| shown.history_id() == Some(run.id));
    let response = marked_entry_ui(ui, is_shown, icon_text(icon).color(color), &state, &name);
    let response = response.on_hover_text(format!("{name}\nRun {}, {state}", run.id));
    if response.accessible_name(format!("Open run {}: {name}, {state}", run.id)).clicked() && !is_shown {
        if can_be_watched {
            requests.command(Command::WatchRun(run.id));
        } else {
            requests.command(HistoryCommand::Open(run.id, PastRunUse::Show));
        }
    }
}

fn presets_ui(ui: &mut Ui, presets: &[Preset], session: &Session, requests: &mut Requests) {
    for preset in presets {
        let open = session.editor.origin() == Some(&Origin::Preset(preset.id.clone()));
        let mark = if open && session.editor.is_edited() { " *" } else { "" };
        let words = RichText::new(format!("{}{mark}", sanitize::command(&preset.name)));
        let words = if preset.job.is_err() { words.color(theme::palette(ui).error) } else { words };
        let response = entry_ui(ui, open, words);
        let response = response.on_hover_ui(|ui| hint_ui(ui, preset, open && session.editor.is_edited()));
        let response = response.accessible_name(format!("Preset {}", sanitize::command(&preset.name)));
        if response.clicked() {
            requests.command(PresetCommand::Open(preset.id.clone()));
        }
        response.context_menu(|ui| menu_ui(ui, preset, open, requests));
    }
}

fn hint_ui(ui: &mut Ui, preset: &Preset, edited: bool) {
    match &preset.job {
        Ok(job) if job.description.is_empty() => ui.label(sanitize::command(&preset.name)),
        Ok(job) => ui.label(sanitize::text(job.description.as_bytes())),
        Err(error) => ui.label(sanitize::text(error.as_bytes())),
    };
    if edited {
        ui.label("Unsaved changes");
    }
    ui.label(RichText::new("Right click: save, rename, duplicate, delete").color(theme::palette(ui).text_weak));
}

fn menu_ui(ui: &mut Ui, preset: &Preset, open: bool, requests: &mut Requests) {
    let id = &preset.id;
    let saved = matches!(id, PresetId::Saved(_));
    let mut entry = |enabled: bool, words: &str, why_not: &str, ask: &mut dyn FnMut(&mut Requests)| {
        let response = ui.add_enabled(enabled, Button::new(words)).on_disabled_hover_text(why_not);
        if response.clicked() {
            ask(requests);
            ui.close();
        }
    };
    let built_in = "Built-in examples cannot be changed; save a copy under another name";
    entry(open && saved, "Save", if saved { "Open it first" } else { built_in }, &mut |requests| {
        requests.command(PresetCommand::Save);
    });
    entry(open, "Save as…", "Open it first", &mut |requests| requests.action(Action::SaveAs));
    entry(saved, "Rename…", built_in, &mut |requests| {
        requests.ask(Question::Rename(id.clone(), preset.name.clone()));
    });
    entry(preset.job.is_ok(), "Duplicate", "Its file cannot be read", &mut |requests| {
        requests.command(PresetCommand::Duplicate(id.clone()));
    });
    entry(saved, "Delete", built_in, &mut |requests| requests.command(PresetCommand::Delete(id.clone())));
}
