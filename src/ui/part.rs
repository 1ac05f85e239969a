//! Parts of the window that keep the ids of their widgets, and with them the keyboard focus and what is open, whatever appears
//! before them. The id of a widget is the number of what was drawn before it, so a part of its own begins to count anew.

use egui::{Align, Layout, Rect, Ui, UiBuilder, Vec2, pos2, vec2};

/// Draws a part in the layout of its parent; `name` is its only one there.
pub fn part_ui<R>(ui: &mut Ui, name: &str, contents: impl FnOnce(&mut Ui) -> R) -> R {
    let id = ui.scope_id().with(name);
    ui.scope_builder(UiBuilder::new().scope_id(id), contents).inner
}

/// Draws what stands left of the group `right`, in the room that this leaves: `usual` is the height of the line, and the width of
/// the group before it was drawn.
pub fn left_of_ui<R>(ui: &mut Ui, right: &str, usual: Vec2, contents: impl FnOnce(&mut Ui) -> R) -> R {
    let known = ui.data(|data| data.get_temp(ui.scope_id().with(right))).unwrap_or(usual.x);
    let size = vec2((ui.available_width() - known - ui.spacing().item_spacing.x).max(0.0), usual.y);
    let builder = UiBuilder::new()
        .scope_id(ui.scope_id().with(("left of", right)))
        .max_rect(Rect::from_min_size(ui.available_rect_before_wrap().min, size))
        .layout(Layout::left_to_right(Align::Center));
    ui.scope_builder(builder, |ui| {
        ui.set_min_size(size);
        ui.set_max_width(size.x);
        contents(ui)
    })
    .inner
}

/// Draws a group at the right end of the room that is left in a line. It is laid out from left to right, so that Tab and screen
/// readers go through it as it is read; a layout from right to left would have them go backwards.
pub fn right_end_ui<R>(ui: &mut Ui, name: &str, contents: impl FnOnce(&mut Ui) -> R) -> R {
    let id = ui.scope_id().with(name);
    // Known from the frame before.
    let known = ui.data(|data| data.get_temp::<f32>(id));
    let room = ui.available_rect_before_wrap();
    let rect = Rect::from_min_max(pos2(room.right() - known.unwrap_or_default(), room.top()), room.max);
    let builder = UiBuilder::new().scope_id(id).max_rect(rect).layout(Layout::left_to_right(Align::Center));
    let mut group = ui.new_child(builder);
    let inner = contents(&mut group);
    let drawn = group.min_rect();
    let width = drawn.width().ceil();
    if known.is_none_or(|known| (width - known).abs() > 0.5) {
        ui.data_mut(|data| data.insert_temp(id, width));
        ui.ctx().request_discard("a group at the right end of a line has another width");
    }
    ui.advance_cursor_after_rect(Rect::from_min_max(rect.min, pos2(room.right(), drawn.bottom())));
    inner
}
