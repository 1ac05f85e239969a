//! The tabs of the pages.

use egui::{Align, Button, Layout, RichText, Ui};
use egui_material_icons::MaterialIcon;
use egui_material_icons::icons::{
    ICON_DESCRIPTION, ICON_KEYBOARD, ICON_SPORTS_SCORE, ICON_TABLE_ROWS, ICON_VIEW_TIMELINE,
};

use crate::session::{Action, Command, Page, Session};

use super::icon_button::{icon_text, small_icon_button};
use super::request::Requests;
use super::theme;

/// Draws the tabs.
pub fn tabs_ui(ui: &mut Ui, session: &Session, requests: &mut Requests) {
    ui.horizontal(|ui| {
        for page in Page::ALL {
            let action = page.action();
            let words = RichText::new(action.text()).text_style(theme::title_style());
            let tab = ui.add(Button::selectable(session.page == page, (icon_text(icon(page)), words)));
            let tab = tab.on_hover_text(action.hint()).accessible_name(format!("Page {}", action.text()));
            if tab.clicked() {
                requests.command(Command::Show(page));
            }
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if small_icon_button(ui, ICON_KEYBOARD, "Keys (F1)").clicked() {
                requests.action(Action::Keys);
            }
        });
    });
}

const fn icon(page: Page) -> MaterialIcon {
    match page {
        Page::Job => ICON_DESCRIPTION,
        Page::Live => ICON_VIEW_TIMELINE,
        Page::Results => ICON_TABLE_ROWS,
        Page::Race => ICON_SPORTS_SCORE,
    }
}
