//! An outcome as icon, colour and word together, so that none of the three has to be known.

use egui::{Response, Role, Sense, TextStyle, Ui, WidgetInfo, vec2};

use crate::event::OutcomeClass;
use crate::model::format;
use crate::ui::theme;

/// An outcome: its icon and its word.
pub fn outcome_badge_ui(ui: &mut Ui, class: OutcomeClass) -> Response {
    badge_ui(ui, class, theme::outcome_word(class).to_owned())
}

/// An outcome and how many there are of it: `Failed 3`.
pub fn count_badge_ui(ui: &mut Ui, class: OutcomeClass, count: u64) -> Response {
    badge_ui(ui, class, format!("{} {}", theme::outcome_word(class), format::count(count)))
}

fn badge_ui(ui: &mut Ui, class: OutcomeClass, text: String) -> Response {
    let palette = theme::palette(ui);
    let font = TextStyle::Body.resolve(ui.style());
    let icon = theme::outcome_icon(class).codepoint.to_owned();
    let icon = ui.painter().layout_no_wrap(icon, theme::icon_font(theme::BODY_SIZE + 2.0), palette.outcome(class));
    let words = ui.painter().layout_no_wrap(text.clone(), font, palette.text);
    let size = vec2(icon.size().x + theme::HALF + words.size().x, icon.size().y.max(words.size().y));
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    if ui.is_rect_visible(rect) {
        let icon_width = icon.size().x;
        let centered = |height: f32| rect.center().y - height / 2.0;
        let (icon_y, words_y) = (centered(icon.size().y), centered(words.size().y));
        ui.painter().galley(egui::pos2(rect.left(), icon_y), icon, palette.outcome(class));
        ui.painter().galley(egui::pos2(rect.left() + icon_width + theme::HALF, words_y), words, palette.text);
    }
    response.widget_info(|| WidgetInfo::labeled(Role::Label, ui.is_enabled(), &text));
    response
}
