//! What a page shows when there is nothing to show: what is missing, and how to come by it.

use egui::{RichText, Ui};
use egui_material_icons::MaterialIcon;

use super::theme;

/// Draws an icon and a sentence in the middle of what is left of the page.
pub fn empty_ui(ui: &mut Ui, icon: MaterialIcon, words: &str) {
    let palette = theme::palette(ui);
    ui.vertical_centered(|ui| {
        ui.add_space((ui.available_height() / 2.0 - 6.0 * theme::UNIT).max(theme::GAP));
        ui.label(icon.rich_text().size(theme::LARGE_ICON_SIZE).color(palette.text_weak));
        ui.label(RichText::new(words).color(palette.text_weak));
    });
}
