//! The whole run in a narrow strip: how much ran, where tasks failed, and which part of it the page shows. Dragging moves that
//! part; where all of it is shown, a drag chooses a part.

use egui::{CursorIcon, Mesh, Rangef, Rect, Response, Role, Sense, Shape, Stroke, StrokeKind, Ui};

use super::time_window::TimeWindow;
use super::{describe, quantity};
use crate::ui::theme;
use fanlane_core::event::OutcomeClass;
use fanlane_core::model::depth::Step;
use fanlane_core::model::{PoolHistory, Stretch, format};

/// Height of the strip, in points.
pub const OVERVIEW_HEIGHT: f32 = 2.5 * theme::UNIT;
/// Minimum width of the frame around what is shown, in points.
const MIN_FRAME_WIDTH: f32 = 6.0;

/// Draws the strip.
pub fn overview_ui(ui: &Ui, rect: Rect, steps: &[Step], pool: &PoolHistory, window: &mut TimeWindow) -> Response {
    let palette = theme::palette(ui);
    let response = ui.interact(rect, ui.scope_id().with("overview"), Sense::click_and_drag());
    let x = rect.x_range();
    let end_ns = window.end_ns().max(1.0);
    let time_at = |place: f32| f64::from((place - x.min) / x.span().max(1.0)).clamp(0.0, 1.0) * end_ns;
    let place_of = |time_ns: f64| x.min + (time_ns / end_ns).clamp(0.0, 1.0) as f32 * x.span();
    let pressed = ui.input(|input| input.pointer.press_origin()).map(|origin| time_at(origin.x));
    let pointed = response.interact_pointer_pos().map(|pointer| time_at(pointer.x));
    if response.double_clicked() {
        window.show_whole();
    } else if let (true, Some(pressed), Some(pointed)) = (response.dragged(), pressed, pointed) {
        if window.is_whole() && response.drag_started() || window.selects_view {
            window.selects_view = true;
            let stretch = Stretch::between(pressed as u64, pointed as u64);
            // A short one may still become longer.
            if stretch.span_ns() as f64 > end_ns / 1000.0 {
                window.show(stretch);
            }
        } else {
            window.pan(f64::from(response.drag_delta().x / x.span().max(1.0)) * end_ns);
        }
    } else if let (true, Some(pointed)) = (response.clicked(), pointed) {
        window.center_on(pointed);
    }
    if !response.dragged() {
        window.selects_view = false;
    }
    let painter = ui.painter_at(rect.expand(1.0));
    painter.rect_filled(rect, 0.0, palette.idle);
    let mut mesh = Mesh::default();
    let most = steps.iter().map(|step| step.running_max).max().unwrap_or(0).max(1) as f32;
    for step in steps.iter().filter(|step| step.running_max > 0) {
        let height = (step.running_mean as f32 / most).clamp(0.0, 1.0) * rect.height();
        let across = Rangef::new(place_of(step.from_ns as f64), place_of(step.to_ns as f64));
        let bar = Rect::from_x_y_ranges(across, rect.bottom() - height.max(1.0)..=rect.bottom());
        mesh.add_colored_rect(bar, palette.done_bar);
    }
    for (index, column) in pool.columns().iter().enumerate() {
        let bad = [OutcomeClass::Lost, OutcomeClass::Failed, OutcomeClass::TimedOut];
        let Some(worst) = bad.into_iter().find(|class| column.ended.of(*class) > 0) else { continue };
        let from_ns = index as f64 * pool.width_ns() as f64;
        let left = place_of(from_ns).min(rect.right() - 2.0);
        let right = place_of(from_ns + pool.width_ns() as f64).max(left + 2.0);
        mesh.add_colored_rect(Rect::from_x_y_ranges(left..=right, rect.y_range()), palette.outcome(worst));
    }
    painter.add(Shape::mesh(mesh));
    let (from_ns, to_ns) = window.range_ns();
    if !window.is_whole() {
        let (left, right) = (place_of(from_ns), place_of(to_ns));
        let frame = Rangef::new(left, right.max(left + MIN_FRAME_WIDTH));
        let veil = palette.sunken.gamma_multiply(0.6);
        for outside in [Rangef::new(rect.left(), frame.min), Rangef::new(frame.max, rect.right())] {
            if outside.span() > 0.0 {
                painter.rect_filled(Rect::from_x_y_ranges(outside, rect.y_range()), 0.0, veil);
            }
        }
        let frame = Rect::from_x_y_ranges(frame, rect.y_range());
        painter.rect_stroke(frame, 2.0, Stroke::new(theme::LINE, palette.text_strong), StrokeKind::Inside);
    }
    if let Some(time_ns) = window.pointer_ns() {
        let at = painter.round_to_pixel_center(place_of(time_ns));
        painter.vline(at, rect.y_range(), Stroke::new(1.0, palette.edge));
    }
    window.navigate_by_keys(ui, &response);
    let failures: u64 = pool.columns().iter().map(|column| column.ended.failures()).sum();
    let words = || {
        let [from, to, end] = [from_ns, to_ns, end_ns].map(quantity::moment);
        format!("{from} to {to} of {end} in view, {}", format::plural(failures, "failed task"))
    };
    describe(ui, &response, Role::Image, "Overview of the run", words);
    let cursor = if window.is_whole() { CursorIcon::Crosshair } else { CursorIcon::Grab };
    response.on_hover_cursor(cursor).on_hover_text("The whole run. Drag: choose or move what is in view")
}
