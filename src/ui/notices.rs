//! Messages over a corner of the window: errors with their reasons, and what was done and can be undone.
//!
//! They lie over the page, so that nothing moves when one appears.

use egui::{Align2, Area, Frame, Id, Label, Order, RichText, ScrollArea, Sides, Ui, vec2};
use egui_material_icons::icons::{ICON_CLOSE, ICON_INFO, ICON_UNDO, ICON_WARNING};

use crate::session::{Command, PresetCommand, Session, Severity};

use super::icon_button::{icon_button, icon_text, small_icon_button};
use super::request::Requests;
use super::sanitize;
use super::theme;
use super::widgets::announce;

/// Maximum number of messages shown, the newest ones.
const MAX_SHOWN: usize = 3;
/// Maximum length of a message that is shown as a whole, in characters.
const MAX_UNSCROLLED: usize = 500;
/// Maximum height of a longer one, as a share of the window's.
const MAX_HEIGHT_SHARE: f32 = 0.4;
/// Width of a message, in points.
const WIDTH: f32 = 55.0 * theme::UNIT;

/// Draws the messages.
pub fn notices_ui(ui: &Ui, session: &Session, requests: &mut Requests) {
    let cannot_start = cannot_start(session);
    let notices = session.notices.all();
    if cannot_start.is_none() && notices.is_empty() {
        return;
    }
    let area = Area::new(Id::unique("notices")).order(Order::Middle);
    area.anchor(Align2::RIGHT_BOTTOM, vec2(-theme::GAP, -theme::GAP)).show(ui.ctx(), |ui| {
        ui.set_width(WIDTH.min(ui.ctx().content_rect().width() - 2.0 * theme::GAP));
        if let Some(reason) = cannot_start {
            let words = format!("No worker can be started: {reason}.");
            banner_ui(ui, Severity::Error, &words, |_| {});
        }
        let skipped = notices.len().saturating_sub(MAX_SHOWN);
        for (place, notice) in notices.iter().enumerate().skip(skipped) {
            banner_ui(ui, notice.severity, &notice.text, |ui| {
                if small_icon_button(ui, ICON_CLOSE, "Dismiss").clicked() {
                    requests.command(Command::DismissNotice(place));
                }
                if notice.undo_edit && icon_button(ui, ICON_UNDO, "Undo", true).clicked() {
                    requests.command(Command::UndoEdit);
                }
                if notice.undo_delete.is_some() && icon_button(ui, ICON_UNDO, "Undo", true).clicked() {
                    requests.command(PresetCommand::UndoDelete);
                }
            });
        }
    });
}

fn cannot_start(session: &Session) -> Option<String> {
    let model = session.run.current()?.model();
    let goes_on = !model.is_finished() || model.progress.gave_up;
    model.progress.cannot_start.clone().filter(|_| goes_on)
}

fn banner_ui(ui: &mut Ui, severity: Severity, words: &str, buttons: impl FnOnce(&mut Ui)) {
    let palette = theme::palette(ui);
    let (icon, color) = match severity {
        Severity::Info => (ICON_INFO, palette.accent_text),
        Severity::Error => (ICON_WARNING, palette.error),
    };
    // Such as all that an imported line could not keep.
    let is_long = words.chars().count() > MAX_UNSCROLLED;
    let frame = Frame::popup(ui.style()).fill(palette.raised).stroke(egui::Stroke::new(1.0, palette.edge));
    frame.inner_margin(theme::UNIT).show(ui, |ui| {
        let left = |ui: &mut Ui| {
            ui.label(icon_text(icon).color(color));
            let words = RichText::new(sanitize::text(words.as_bytes())).color(palette.text_strong);
            let most = ui.ctx().content_rect().height() * MAX_HEIGHT_SHARE;
            let label = Label::new(words).wrap().selectable(true);
            let words_ui = |ui: &mut Ui| announce(&ui.add(label), severity == Severity::Error);
            if is_long {
                ScrollArea::vertical().id_salt("words").max_height(most).show(ui, words_ui);
            } else {
                words_ui(ui);
            }
        };
        Sides::new().shrink_left().wrap().show(ui, left, buttons);
    });
}
