//! The parts of the window that F6 goes through: the bars, the tabs of the pages, the jobs, the page. Each but the first two
//! has an anchor, which takes the focus for the part as a whole; Tab goes on to what is in it.

use egui::{Context, EventFilter, Id, LayerId, Order, Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo};

use super::theme;

/// Whether single keys are for the page: no text field, menu or question takes them.
pub fn keys_are_free(ctx: &Context) -> bool {
    let is_asked = ctx.memory(|memory| memory.top_modal_layer().is_some());
    !(is_asked || ctx.text_edit_focused() || egui::Popup::is_any_open(ctx))
}

/// A part of the window with an anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Area {
    /// The list of jobs and runs.
    Jobs,
    /// The shown page.
    Page,
}

impl Area {
    fn id(self) -> Id {
        Id::unique(("area", self as u8))
    }

    /// Puts the focus on the part.
    pub fn focus(self, ctx: &Context) {
        ctx.memory_mut(|memory| memory.request_focus(self.id()));
    }

    /// The focus is on the part as a whole.
    pub fn has_focus(self, ctx: &Context) -> bool {
        ctx.memory(|memory| memory.has_focus(self.id()))
    }

    /// Where the part begins, before what is in it; a ring around it shows the focus.
    pub fn anchor_ui(self, ui: &Ui, rect: Rect, name: &str) {
        let response =
            ui.interact(Rect::from_min_size(rect.min, egui::Vec2::ZERO), self.id(), Sense::focusable_noninteractive());
        response.widget_info(|| WidgetInfo::labeled(Role::Group, true, name));
        if response.has_focus() {
            // The arrows are for what is in the part: they do not lead out of it.
            let arrows = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
            ui.memory_mut(|memory| memory.set_focus_lock_filter(self.id(), arrows));
            let stroke = Stroke::new(theme::FOCUS, theme::palette(ui).accent);
            // Above what is in the part, whose rows may be as wide as it is.
            let painter = ui.ctx().layer_painter(LayerId::new(Order::Middle, self.id()));
            painter.rect_stroke(rect, f32::from(theme::RADIUS), stroke, StrokeKind::Inside);
        }
    }
}
