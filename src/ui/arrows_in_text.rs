//! Arrow keys in a text field move its cursor, also in the frame after it has taken the focus: egui locks them to a field only once
//! the field was drawn with the focus, and until then they would move the focus to a neighbour.

use egui::{Event, FocusDirection, Key, Ui};

const ARROWS: [Key; 4] = [Key::ArrowUp, Key::ArrowDown, Key::ArrowLeft, Key::ArrowRight];

/// Keeps the focus in text fields.
#[derive(Default)]
pub struct ArrowsInText;

impl egui::Plugin for ArrowsInText {
    fn debug_name(&self) -> &'static str {
        "arrows in text"
    }

    fn on_begin_pass(&mut self, ui: &mut Ui) {
        let is_arrow = |event: &Event| matches!(event, Event::Key { key, pressed: true, modifiers, .. } if !modifiers.any() && ARROWS.contains(key));
        if ui.ctx().text_edit_focused() && ui.input(|input| input.events.iter().any(is_arrow)) {
            ui.memory_mut(|memory| memory.move_focus(FocusDirection::None));
        }
    }
}
