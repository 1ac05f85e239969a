//! Buttons with icons. The accessible name of a button is its label, not the glyph of its icon.

use egui::{Button, Response, RichText, Ui};
use egui_material_icons::MaterialIcon;

use super::theme;

/// A button with an icon beside its label.
pub fn icon_button(ui: &mut Ui, icon: MaterialIcon, words: &str, enabled: bool) -> Response {
    let button = Button::new((icon_text(icon), words));
    ui.add_enabled(enabled, button).accessible_name(words)
}

/// As [`icon_button`], with a minimum width, so that it keeps its size when its label changes.
pub fn steady_icon_button(ui: &mut Ui, icon: MaterialIcon, words: &str, enabled: bool, width: f32) -> Response {
    let button = Button::new((icon_text(icon), words)).min_size(egui::vec2(width, 0.0));
    ui.add_enabled(enabled, button).accessible_name(words)
}

/// The most important button of a page.
pub fn primary_button(ui: &mut Ui, icon: MaterialIcon, words: &str, enabled: bool) -> Response {
    let palette = theme::palette(ui);
    let color = if enabled { palette.on_accent } else { palette.text_weak };
    let mut button = Button::new((icon_text(icon).color(color), RichText::new(words).color(color)));
    if enabled {
        button = button.fill(palette.accent);
    }
    let response = ui.add_enabled(enabled, button).accessible_name(words);
    if response.has_focus() {
        // The usual ring has the button's own colour.
        let stroke = egui::Stroke::new(theme::FOCUS, palette.text_strong);
        let corner = egui::CornerRadius::same(theme::RADIUS + 2);
        ui.painter().rect_stroke(response.rect.expand(3.0), corner, stroke, egui::StrokeKind::Inside);
    }
    response
}

/// A small button that shows only an icon; its label is its accessible name and its tooltip.
pub fn small_icon_button(ui: &mut Ui, icon: MaterialIcon, words: &str) -> Response {
    ui.add(Button::new(icon_text(icon)).frame_when_inactive(false)).on_hover_text(words).accessible_name(words)
}

/// An icon in the size of text.
pub fn icon_text(icon: MaterialIcon) -> RichText {
    icon.rich_text().size(theme::ICON_SIZE)
}
