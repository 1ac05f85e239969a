//! Badges: an outcome as icon, colour and word together.

use egui::{Color32, Response, Role, Sense, TextStyle, Ui, WidgetInfo, vec2};

use egui_material_icons::MaterialIcon;

use crate::ui::{sanitize, theme};
use fanlane_core::event::OutcomeClass;
use fanlane_core::model::{TaskProgress, format};

/// An outcome: its icon and its word.
pub fn outcome_badge_ui(ui: &mut Ui, class: OutcomeClass) -> Response {
    outcome_ui(ui, class, theme::outcome_word(class).to_owned())
}

/// An outcome and how many there are of it: `Failed 3`, or without the word, which stands in the tooltip then.
pub fn count_badge_ui(ui: &mut Ui, class: OutcomeClass, count: u64, with_word: bool) -> Response {
    let color = theme::palette(ui).outcome(class);
    counted_ui(ui, theme::outcome_icon(class), color, theme::outcome_word(class), count, with_word)
}

/// Attempts that others followed, and how many there are.
pub fn retried_badge_ui(ui: &mut Ui, count: u64, with_word: bool) -> Response {
    let color = theme::palette(ui).retried_bar;
    counted_ui(ui, theme::retried_icon(), color, "Tried again", count, with_word)
}

fn counted_ui(ui: &mut Ui, icon: MaterialIcon, color: Color32, word: &str, count: u64, with_word: bool) -> Response {
    let text = format!("{word} {}", format::count(count));
    if with_word {
        return badge_ui(ui, icon, color, text);
    }
    let response = badge_ui(ui, icon, color, format::count(count));
    response.widget_info(|| WidgetInfo::labeled(Role::Label, ui.is_enabled(), &text));
    response.on_hover_text(text)
}

fn outcome_ui(ui: &mut Ui, class: OutcomeClass, text: String) -> Response {
    let color = theme::palette(ui).outcome(class);
    badge_ui(ui, theme::outcome_icon(class), color, text)
}

/// A running task or run.
pub fn running_badge_ui(ui: &mut Ui) -> Response {
    let color = theme::palette(ui).accent;
    badge_ui(ui, theme::running_icon(), color, "Running".to_owned())
}

/// A running task with its reported progress.
pub fn progress_badge_ui(ui: &mut Ui, progress: Option<&TaskProgress>) -> Response {
    let Some(progress) = progress else { return running_badge_ui(ui) };
    let color = theme::palette(ui).accent;
    let percent = format::percent(f64::from(progress.fraction) * 100.0);
    let text = match sanitize::line(progress.message.as_bytes()) {
        message if message.is_empty() => percent,
        message => format!("{percent} {message}"),
    };
    badge_ui(ui, theme::running_icon(), color, text).on_hover_text(progress_words(progress))
}

pub(super) fn badge_ui(ui: &mut Ui, icon: MaterialIcon, color: Color32, text: String) -> Response {
    let palette = theme::palette(ui);
    let font = TextStyle::Body.resolve(ui.style());
    let icon = ui.painter().layout_no_wrap(icon.codepoint.to_owned(), theme::icon_font(theme::BODY_SIZE + 2.0), color);
    let words = ui.painter().layout_no_wrap(text.clone(), font, palette.text);
    let size = vec2(icon.size().x + theme::HALF + words.size().x, icon.size().y.max(words.size().y));
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    if ui.is_rect_visible(rect) {
        let icon_width = icon.size().x;
        let centered = |height: f32| rect.center().y - height / 2.0;
        let (icon_y, words_y) = (centered(icon.size().y), centered(words.size().y));
        ui.painter().galley(egui::pos2(rect.left(), icon_y), icon, color);
        ui.painter().galley(egui::pos2(rect.left() + icon_width + theme::HALF, words_y), words, palette.text);
    }
    response.widget_info(|| WidgetInfo::labeled(Role::Label, ui.is_enabled(), &text));
    response
}

/// The reported progress of a task: `40 % done: second pass`.
pub fn progress_words(progress: &TaskProgress) -> String {
    let done = format!("{} done", format::percent(f64::from(progress.fraction) * 100.0));
    if progress.message.is_empty() { done } else { format!("{done}: {}", sanitize::line(progress.message.as_bytes())) }
}
