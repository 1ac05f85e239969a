//! Scrolls to what the keyboard moves the focus to, where it is not in view: egui moves the focus alone.

use egui::accesskit::{Action, ActionRequest, TreeId};
use egui::{Context, Event, Id, RawInput, Ui};

/// Maximum number of scrolls for one move of the focus: one for each area around it.
const MAX_SCROLLS: u8 = 3;

/// Follows the focus.
#[derive(Default)]
pub struct FocusInSight {
    focused: Option<Id>,
    scrolls_left: u8,
}

impl FocusInSight {
    /// Scrolls the area around all others, in which `ui` is, to what the focus was moved to. The widget's own scrolling ends
    /// with the innermost area.
    pub fn scroll_to(ui: &Ui) {
        let moved = ui.ctx().with_plugin(|own: &mut Self| own.focused.filter(|_| own.scrolls_left > 0)).flatten();
        let rect = moved.and_then(|id| ui.ctx().read_response(id)).map(|part| part.rect);
        if let Some(rect) = rect.filter(|rect| !ui.clip_rect().contains(rect.center())) {
            ui.scroll_to_rect(rect, None);
        }
    }
}

impl egui::Plugin for FocusInSight {
    fn debug_name(&self) -> &'static str {
        "focus in sight"
    }

    fn on_end_pass(&mut self, ui: &mut Ui) {
        let focused = ui.memory(|memory| memory.focused());
        if focused != self.focused {
            self.focused = focused;
            // What was clicked stays under the pointer.
            let by_pointer = ui.input(|input| input.pointer.any_down() || input.pointer.any_released());
            self.scrolls_left = if by_pointer { 0 } else { MAX_SCROLLS };
        }
        if self.scrolls_left > 0 {
            ui.ctx().request_repaint();
        }
    }

    fn input_hook(&mut self, ctx: &Context, input: &mut RawInput) {
        let Some(id) = self.focused.filter(|_| self.scrolls_left > 0) else { return };
        self.scrolls_left -= 1;
        let is_cut = ctx.read_response(id).is_some_and(|part| {
            let whole = part.rect.shrink(part.rect.size().min_elem().min(1.0));
            !part.interact_rect.contains_rect(whole)
        });
        if is_cut {
            // The widget scrolls by itself to where it is, as for a screen reader.
            input.events.push(Event::AccessKitActionRequest(ActionRequest {
                action: Action::ScrollIntoView,
                target_tree: TreeId::ROOT,
                target_node: id.accesskit_id(),
                data: None,
            }));
        } else {
            self.scrolls_left = 0;
        }
    }
}
