//! A frame of the window: where the bars, the jobs and the page are.

use egui::style::ScrollStyle;
use egui::{CentralPanel, Frame, Margin, Panel, ScrollArea, Sense, Ui, UiBuilder, vec2};

use super::FanlaneApp;
use crate::ui::areas::Area;
use crate::ui::focus_in_sight::FocusInSight;
use crate::ui::notices::notices_ui;
use crate::ui::sidebar::sidebar_ui;
use crate::ui::theme;

impl FanlaneApp {
    /// Draws a frame.
    pub(super) fn frame_ui(&mut self, ui: &mut Ui) {
        ui.ctx().accesskit_node_builder(egui::accesskit_root_id(), |window| window.set_label(self.title.clone()));
        let room = ui.max_rect().size();
        if room.x >= theme::MIN_WINDOW.x && room.y >= theme::MIN_WINDOW.y {
            self.parts_ui(ui);
        } else {
            // A small window, or everything drawn large: nothing is cut off, and the parts are scrolled to.
            let usual = std::mem::replace(&mut ui.spacing_mut().scroll, ScrollStyle::solid());
            ScrollArea::both().auto_shrink(false).show(ui, |ui| {
                ui.spacing_mut().scroll = usual;
                let (rect, _) = ui.allocate_exact_size(room.max(theme::MIN_WINDOW), Sense::hover());
                self.parts_ui(&mut ui.new_child(UiBuilder::new().max_rect(rect)));
                FocusInSight::scroll_to(ui);
            });
        }
        notices_ui(ui, &self.session, &mut self.requests);
        self.dialog.show_ui(ui, &self.session, &self.pages, &mut self.file_dialog, &mut self.requests);
    }

    /// The bars, the jobs and the page, each in its place.
    fn parts_ui(&mut self, ui: &mut Ui) {
        // The window is cleared to the panels' colour; filling them would draw every pixel twice.
        let panel = Frame::new().inner_margin(Margin::same(theme::GAP as i8));
        let bar = panel.inner_margin(Margin::symmetric(theme::GAP as i8, theme::UNIT as i8));
        let page = panel.inner_margin(Margin::symmetric(theme::GAP as i8, theme::UNIT as i8 + 2));
        Panel::top("top bar").frame(bar).resizable(false).show(ui, |ui| {
            self.top_bar.show_ui(ui, &self.session, &self.pages, &mut self.requests);
        });
        Panel::left("presets").frame(bar).default_size(26.0 * theme::UNIT).size_range(160.0..=360.0).show(ui, |ui| {
            Area::Jobs.anchor_ui(ui, ui.max_rect().expand(theme::HALF), "Jobs and runs");
            sidebar_ui(ui, &self.session, &mut self.requests);
        });
        CentralPanel::default().frame(page).show(ui, |ui| {
            // In the margins around the page, so that a ring along its edge does not touch what is in it.
            let rect = ui.max_rect().expand2(vec2(theme::GAP - theme::HALF, theme::UNIT));
            Area::Page.anchor_ui(ui, rect, &format!("Contents of the page {}", self.session.page().title()));
            if let Some(view) = self.pages.view_mut(self.session.page()) {
                view.show_ui(ui, &self.session, &mut self.requests);
            }
        });
    }
}
