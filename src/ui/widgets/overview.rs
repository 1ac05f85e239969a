//! The whole run in a narrow strip: how much ran, where tasks failed, and which part of it the page shows. Dragging moves that
//! part; where all of it is shown, a drag chooses a part.

use egui::{CursorIcon, Mesh, Rangef, Rect, Response, Role, Sense, Shape, Stroke, StrokeKind, Ui};

use super::time_window::TimeWindow;
use super::{describe, quantity};
use crate::ui::theme;
use fanlane_core::event::OutcomeClass;
use fanlane_core::model::depth::Step;
use fanlane_core::model::{PoolColumn, PoolHistory, Stretch, format};

/// Minimum width and height of the mark of a failure, in points.
const MIN_MARK: f32 = 2.0;
/// Share of the strip that the marks of failures take at most, where fewer of its tasks failed.
const MAX_MARKED_SHARE: f32 = 0.15;
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
        // In the colour of running tasks: what they came to is not known of a stretch.
        mesh.add_colored_rect(bar, palette.accent.gamma_multiply(0.5));
    }
    paint_failures(&mut mesh, rect, pool, &place_of, palette);
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

/// Marks where tasks failed: few failures by lines across the strip; where there are some almost everywhere, by as much of its height
/// as their share of the tasks, so that the strip has their colour only if most tasks failed.
fn paint_failures(
    mesh: &mut Mesh,
    rect: Rect,
    pool: &PoolHistory,
    place_of: &dyn Fn(f64) -> f32,
    palette: &theme::Palette,
) {
    const BAD: [OutcomeClass; 3] = [OutcomeClass::Lost, OutcomeClass::Failed, OutcomeClass::TimedOut];
    let width_ns = pool.width_ns() as f64;
    let worst_of = |column: &PoolColumn| BAD.into_iter().find(|class| column.ended.of(*class) > 0);
    let width = (place_of(width_ns) - place_of(0.0)).max(MIN_MARK);
    let marked = pool.columns().iter().filter(|column| worst_of(column).is_some()).count();
    let marked_share = (marked as f32 * width / rect.width().max(1.0)).min(1.0);
    for (index, column) in pool.columns().iter().enumerate() {
        let Some(worst) = worst_of(column) else { continue };
        let failed_share = column.ended.failures() as f32 / column.ended.total().max(1) as f32;
        let height = (rect.height() * mark_height(failed_share, marked_share)).max(MIN_MARK);
        let left = place_of(index as f64 * width_ns).min(rect.right() - MIN_MARK);
        let mark =
            Rect::from_min_max(egui::pos2(left, rect.bottom() - height), egui::pos2(left + width, rect.bottom()));
        mesh.add_colored_rect(mark.intersect(rect), palette.outcome(worst));
    }
}

/// The height of a mark as a share of the strip's, by the share of its tasks that failed and the share of the strip's width that has
/// marks.
fn mark_height(failed_share: f32, marked_share: f32) -> f32 {
    failed_share.max(MAX_MARKED_SHARE / marked_share.max(MAX_MARKED_SHARE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_failures_are_seen_and_failures_everywhere_take_no_more_than_their_share() {
        assert_eq!(mark_height(0.001, 0.01), 1.0, "one failure of thousands is a line across the strip");
        assert!(mark_height(0.001, 1.0) <= MAX_MARKED_SHARE, "one task of thousands, all the time");
        assert_eq!(mark_height(0.5, 1.0), 0.5, "every second task");
        assert_eq!(mark_height(1.0, 1.0), 1.0, "all tasks");
    }
}
