//! What a drawn thing is for accessibility tools.

use egui::{Response, Role, Ui, WidgetInfo};

/// Gives a drawn thing its role, its name and its value in words.
pub fn describe(ui: &Ui, response: &Response, role: Role, name: &str, value: impl Fn() -> String) {
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(role, ui.is_enabled(), name);
        info.current_text_value = Some(value());
        info
    });
}
