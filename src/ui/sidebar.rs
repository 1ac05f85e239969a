//! The presets: the built-in examples and the saved jobs.

use egui::{Button, RichText, ScrollArea, Ui};

use super::action::Action;
use crate::session::{Origin, Preset, PresetCommand, PresetId, SAVED_GROUP, Session};

use super::request::{Question, Requests};
use super::sanitize;
use super::theme;

/// Draws the list.
pub fn sidebar_ui(ui: &mut Ui, session: &Session, requests: &mut Requests) {
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = theme::HALF / 2.0;
        group_ui(ui, SAVED_GROUP, session.presets.saved(), session, requests);
        if session.presets.saved().is_empty() {
            let words = RichText::new("None yet: save the open job").color(theme::palette(ui).text_weak);
            ui.label(words.text_style(egui::TextStyle::Small));
        }
        for group in session.presets.built_in().chunk_by(|one, next| one.group == next.group) {
            ui.add_space(theme::GAP);
            group_ui(ui, group[0].group, group, session, requests);
        }
    });
}

fn group_ui(ui: &mut Ui, title: &str, presets: &[Preset], session: &Session, requests: &mut Requests) {
    ui.label(RichText::new(title).text_style(egui::TextStyle::Small).color(theme::palette(ui).text_weak));
    for preset in presets {
        let open = session.editor.origin() == Some(&Origin::Preset(preset.id.clone()));
        let mark = if open && session.editor.is_edited() { " *" } else { "" };
        let words = RichText::new(format!("{}{mark}", sanitize::command(&preset.name)));
        let words = if preset.job.is_err() { words.color(theme::palette(ui).error) } else { words };
        let button = Button::selectable(open, words).truncate().min_size(egui::vec2(ui.available_width(), theme::ROW));
        let response = ui.add(button).on_hover_ui(|ui| hint_ui(ui, preset, open && session.editor.is_edited()));
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
