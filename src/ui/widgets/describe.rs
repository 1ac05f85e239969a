//! What a drawn thing is for accessibility tools.

use egui::accesskit::{Live, Toggled};
use egui::{CollapsingResponse, Response, Role, Ui, WidgetInfo};

/// Gives a drawn thing its role, its name and its value in words.
pub fn describe(ui: &Ui, response: &Response, role: Role, name: &str, value: impl Fn() -> String) {
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(role, ui.is_enabled(), name);
        info.current_text_value = Some(value());
        info
    });
}

/// Gives the title of a part that can be folded its state.
pub fn describe_fold<R>(ui: &Ui, part: &CollapsingResponse<R>) {
    let is_open = part.openness > 0.5;
    ui.ctx().accesskit_node_builder(part.header_response.id, |title| {
        title.set_expanded(is_open);
        title.set_toggled(if is_open { Toggled::True } else { Toggled::False });
    });
}

/// Has a screen reader say a text when it appears or changes: at once, where `is_urgent`, or when it is through with what it is saying.
pub fn announce(response: &Response, is_urgent: bool) {
    let live = if is_urgent { Live::Assertive } else { Live::Polite };
    response.ctx.accesskit_node_builder(response.id, |node| node.set_live(live));
}
