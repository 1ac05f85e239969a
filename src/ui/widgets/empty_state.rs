//! A page or card without contents: why it is empty, and what to do.

use egui::{Align, Layout, Response, RichText, Ui, UiBuilder, vec2};
use egui_material_icons::MaterialIcon;

use crate::ui::theme;

/// Draws an icon, a title and an advice in the middle of the available room.
pub fn empty_state_ui(ui: &mut Ui, icon: MaterialIcon, title: &str, advice: &str) -> Response {
    let palette = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(ui.available_size(), egui::Sense::hover());
    let large = rect.height() > 20.0 * theme::UNIT;
    let height = if large { theme::LARGE_ICON_SIZE + 7.0 * theme::UNIT } else { 6.0 * theme::UNIT };
    let width = rect.width().min(60.0 * theme::UNIT);
    let inner = egui::Rect::from_center_size(rect.center(), vec2(width, height.min(rect.height())));
    let builder = UiBuilder::new().max_rect(inner).layout(Layout::top_down(Align::Center));
    ui.scope_builder(builder, |ui| {
        if large {
            let (place, _) = ui.allocate_exact_size(egui::Vec2::splat(theme::LARGE_ICON_SIZE), egui::Sense::hover());
            let font = theme::icon_font(theme::LARGE_ICON_SIZE);
            ui.painter().text(place.center(), egui::Align2::CENTER_CENTER, icon.codepoint, font, palette.text_weak);
        }
        ui.label(RichText::new(title).text_style(theme::title_style()).color(palette.text_strong));
        ui.label(RichText::new(advice).color(palette.text_weak));
    });
    response
}
