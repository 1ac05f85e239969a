//! The list of keys: those that hold everywhere, and those of each page.

use egui::{Align, Grid, Layout, RichText, Ui};

use super::Asked;
use crate::ui::action::Action;
use crate::ui::pages::Pages;
use crate::ui::shortcuts::KEYS_OF_PARTS;
use crate::ui::theme;

/// Minimum width of the list of keys in two columns, in points.
const IN_TWO_COLUMNS: f32 = 1200.0;

/// Width of the names of the keys, in points.
const NAMES_WIDTH: f32 = 140.0;

/// The width of the list in a window with this room.
pub fn width(room: f32) -> f32 {
    if room >= IN_TWO_COLUMNS { IN_TWO_COLUMNS } else { 640.0 }
}

impl Asked<'_> {
    pub(super) fn keys_ui(&mut self, pages: &Pages) -> bool {
        // Above the list: below it, the focus would scroll it to its end.
        let closes = self.ui.horizontal(|ui| {
            ui.label(RichText::new("Keyboard shortcuts").heading());
            let (requests, is_new) = (&mut *self.requests, self.is_new);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                Asked { ui, requests, is_new }.stay_ui("Close", true)
            })
            .inner
        });
        let closes = closes.inner;
        self.ui.add_space(theme::UNIT);
        let of_actions = || Action::ALL.iter().filter_map(|action| Some((action.shortcut()?, action.explanation())));
        let everywhere = |ui: &mut Ui| {
            for (shortcut, explanation) in of_actions().filter(|(shortcut, _)| shortcut.page.is_none()) {
                key_ui(ui, &shortcut.to_string(), explanation);
            }
            for (view, shortcut) in pages.iter() {
                if let Some(shortcut) = shortcut {
                    key_ui(ui, &shortcut.to_string(), &format!("Show the page {}", view.tab().page.title()));
                }
            }
            key_ui(ui, "Tab", "Go to the next button or field");
        };
        let of_pages = |ui: &mut Ui| {
            for page in pages.iter().map(|(view, _)| view.tab().page) {
                let of_page = of_actions().filter(|(shortcut, _)| shortcut.page == Some(page));
                let of_page = of_page.map(|(shortcut, explanation)| (shortcut.to_string(), explanation));
                let of_parts = KEYS_OF_PARTS.iter().filter(|(of, ..)| *of == page);
                let of_parts = of_parts.map(|(_, keys, explanation)| ((*keys).to_owned(), *explanation));
                for (place, (keys, explanation)) in of_page.chain(of_parts).enumerate() {
                    if place == 0 {
                        ui.label("");
                        ui.end_row();
                        ui.label("");
                        ui.label(RichText::new(format!("On the page {}", page.title())).strong());
                        ui.end_row();
                    }
                    key_ui(ui, &keys, explanation);
                }
            }
        };
        let grid = |name| {
            Grid::new(name)
                .num_columns(2)
                .min_col_width(NAMES_WIDTH)
                .min_row_height(0.0)
                .spacing([theme::GAP, theme::HALF])
        };
        // Those of the pages beside the others where there is room, or else below them.
        let is_wide = self.ui.available_width() >= IN_TWO_COLUMNS;
        let parts = |ui: &mut Ui| {
            ui.vertical(|ui| grid("keys").show(ui, everywhere));
            ui.add_space(theme::GAP);
            ui.vertical(|ui| grid("keys of pages").show(ui, of_pages));
        };
        if is_wide {
            self.ui.horizontal_top(parts);
        } else {
            parts(self.ui);
        }
        closes
    }
}

fn key_ui(ui: &mut Ui, keys: &str, explanation: &str) {
    ui.label(RichText::new(keys).monospace());
    ui.label(explanation);
    ui.end_row();
}
