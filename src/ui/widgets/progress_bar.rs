//! The progress of a run as one bar with a part for each outcome.

use egui::{Mesh, Rect, Response, Role, Sense, Shape, Ui, WidgetInfo, pos2, vec2};

use crate::ui::theme;
use fanlane_core::event::OutcomeClass;
use fanlane_core::model::Progress;
use fanlane_core::model::format;

const HEIGHT: f32 = theme::UNIT;

/// Draws the progress of a run in the available width.
pub fn progress_bar_ui(ui: &mut Ui, progress: &Progress) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), Sense::hover());
    let palette = theme::palette(ui);
    if ui.is_rect_visible(rect) {
        ui.painter().rect_filled(rect, theme::HALF, palette.raised);
        let mut mesh = Mesh::default();
        let mut left = rect.left();
        for class in OutcomeClass::ALL {
            let count = progress.counts.of(class);
            if count > 0 && progress.tasks > 0 {
                // One failure in a million is still visible.
                let width = (rect.width() * (count as f64 / progress.tasks as f64) as f32).max(2.0);
                let right = (left + width).min(rect.right());
                let part = Rect::from_min_max(
                    pos2(right - width.min(right - rect.left()), rect.top()),
                    pos2(right, rect.bottom()),
                );
                mesh.add_colored_rect(part, palette.outcome(class));
                left = right;
            }
        }
        ui.painter().add(Shape::mesh(mesh));
    }
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::ProgressIndicator, ui.is_enabled(), "Progress");
        info.value = Some(progress.counts.total() as f64 / progress.tasks.max(1) as f64);
        info.current_text_value = Some(words(progress));
        info
    });
    response.on_hover_text(words(progress))
}

/// `812 of 1,000 tasks: 809 done, 3 failed`.
pub fn words(progress: &Progress) -> String {
    let ended = format::count(progress.counts.total());
    let mut text = format!("{ended} of {}", format::plural(progress.tasks, "task"));
    let parts = OutcomeClass::ALL.into_iter().filter(|class| progress.counts.of(*class) > 0);
    for (index, class) in parts.enumerate() {
        text += if index == 0 { ": " } else { ", " };
        text += &format!("{} {}", format::count(progress.counts.of(class)), class.name());
    }
    text
}
