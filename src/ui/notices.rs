//! Messages above the page: errors with their reasons, and what was done and can be undone.

use egui::{Frame, Label, RichText, Sides, Ui};
use egui_material_icons::icons::{ICON_CLOSE, ICON_INFO, ICON_UNDO, ICON_WARNING};

use crate::session::{Command, PresetCommand, Session, Severity};

use super::icon_button::{icon_button, icon_text, small_icon_button};
use super::request::Requests;
use super::sanitize;
use super::theme;

/// Maximum number of messages shown, the newest ones.
const MAX_SHOWN: usize = 3;

/// Draws the messages.
pub fn notices_ui(ui: &mut Ui, session: &Session, requests: &mut Requests) {
    if let Some(reason) = cannot_start(session) {
        let words = format!("No worker can be started: {reason}. The tasks wait.");
        banner_ui(ui, Severity::Error, &words, |_| {});
    }
    let skipped = session.notices.all().len().saturating_sub(MAX_SHOWN);
    for (place, notice) in session.notices.all().iter().enumerate().skip(skipped) {
        banner_ui(ui, notice.severity, &notice.text, |ui| {
            if small_icon_button(ui, ICON_CLOSE, "Dismiss").clicked() {
                requests.command(Command::DismissNotice(place));
            }
            if notice.undo_delete.is_some() && icon_button(ui, ICON_UNDO, "Undo", true).clicked() {
                requests.command(PresetCommand::UndoDelete);
            }
        });
    }
}

fn cannot_start(session: &Session) -> Option<String> {
    let model = session.run.current()?.model();
    if model.is_finished() { None } else { model.progress.cannot_start.clone() }
}

fn banner_ui(ui: &mut Ui, severity: Severity, words: &str, buttons: impl FnOnce(&mut Ui)) {
    let palette = theme::palette(ui);
    let (icon, color) = match severity {
        Severity::Info => (ICON_INFO, palette.accent_text),
        Severity::Error => (ICON_WARNING, palette.error),
    };
    Frame::new().fill(palette.raised).corner_radius(theme::RADIUS).inner_margin(theme::HALF).show(ui, |ui| {
        let left = |ui: &mut Ui| {
            ui.label(icon_text(icon).color(color));
            ui.add(
                Label::new(RichText::new(sanitize::text(words.as_bytes())).color(palette.text_strong))
                    .wrap()
                    .selectable(true),
            );
        };
        Sides::new().shrink_left().wrap().show(ui, left, buttons);
    });
}
