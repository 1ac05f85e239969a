//! The axis of time: round moments, as many as fit, and their labels.

use egui::{Align2, Painter, Rangef, Rect, Stroke, TextStyle, Ui, pos2};

use super::quantity;
use super::time_window::TimeWindow;
use crate::ui::theme::{self, Palette};

/// Minimum distance of two labels, in points.
const MIN_LABEL_DISTANCE: f32 = 72.0;
/// Opacity of the selected stretch of time over what is drawn there.
const SELECTION_OPACITY: f32 = 0.22;
/// Height of an axis with its labels, in points.
pub const AXIS_HEIGHT: f32 = 2.5 * theme::UNIT;

/// Round moments in view of a time axis of some width.
#[derive(Clone, Debug, PartialEq)]
pub struct Ticks {
    /// The moments, in nanoseconds since the run's start.
    pub times_ns: Vec<f64>,
    /// The distance from one to the next.
    pub step_ns: f64,
}

impl Ticks {
    /// The moments whose labels fit.
    pub fn new(from_ns: f64, to_ns: f64, width: f32) -> Self {
        let max_labels = f64::from((width / MIN_LABEL_DISTANCE).max(1.0));
        let step_ns = round_step((to_ns - from_ns).max(1.0) / max_labels);
        let first = (from_ns / step_ns).ceil();
        let last = (to_ns / step_ns).floor();
        let times_ns = (0..=(last - first).max(-1.0) as i64).map(|index| (first + index as f64) * step_ns);
        Self { times_ns: if last < first { Vec::new() } else { times_ns.collect() }, step_ns }
    }

    /// The label of a moment, with enough digits to differ from its neighbours.
    pub fn label(&self, time_ns: f64) -> String {
        label(time_ns, self.step_ns)
    }
}

/// The label of a moment if moments are `step_ns` apart: `0`, `0.25 s`, `40 s`, `1:30`.
pub fn label(time_ns: f64, step_ns: f64) -> String {
    if time_ns == 0.0 {
        return "0".to_owned();
    }
    if time_ns >= 100e9 && step_ns >= 1e9 {
        return quantity::clock(time_ns);
    }
    let digits = (9.0 - step_ns.log10().floor()).clamp(0.0, 9.0) as usize;
    format!("{:.digits$} s", time_ns / 1e9)
}

fn round_step(min_ns: f64) -> f64 {
    const ROUND_SECS: [f64; 14] =
        [10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 14400.0, 21600.0, 43200.0];
    if min_ns > 5e9
        && let Some(secs) = ROUND_SECS.into_iter().find(|secs| secs * 1e9 >= min_ns)
    {
        return secs * 1e9;
    }
    quantity::round_step(min_ns)
}

/// Draws lines behind a plot at the ticks.
pub fn paint_grid(painter: &Painter, window: &TimeWindow, ticks: &Ticks, rect: Rect, palette: &Palette) {
    for &time_ns in &ticks.times_ns {
        let x = painter.round_to_pixel_center(window.place_of(rect.x_range(), time_ns));
        painter.vline(x, rect.y_range(), Stroke::new(1.0, palette.grid));
    }
}

/// Draws the labels of the ticks in the strip below or above a plot.
pub fn paint_labels(ui: &Ui, window: &TimeWindow, ticks: &Ticks, strip: Rect, x: Rangef) {
    let font = TextStyle::Small.resolve(ui.style());
    let color = theme::palette(ui).text_weak;
    let mut free_from = strip.left();
    for &time_ns in &ticks.times_ns {
        let at = window.place_of(x, time_ns);
        let galley = ui.painter().layout_no_wrap(ticks.label(time_ns), font.clone(), color);
        let half = galley.size().x / 2.0;
        // At the ends a label moves inwards rather than be cut off.
        let center = at.clamp(strip.left() + half, (strip.right() - half).max(strip.left() + half));
        if center - half >= free_from && (center - at).abs() <= half {
            let rect = Align2::CENTER_CENTER.anchor_size(pos2(center, strip.center().y), galley.size());
            ui.painter().galley(rect.min, galley, color);
            free_from = center + half + theme::UNIT;
        }
    }
}

/// Draws what all plots of a page have in common above their contents: the selected stretch of time, and a line at the pointer's
/// moment.
pub fn paint_marks(painter: &Painter, window: &TimeWindow, rect: Rect, palette: &Palette) {
    if let Some(selection) = window.selection() {
        let [left, right] = [selection.from_ns, selection.to_ns]
            .map(|time_ns| window.place_of(rect.x_range(), time_ns as f64).clamp(rect.left(), rect.right()));
        let selected = Rect::from_x_y_ranges(left..=right, rect.y_range());
        painter.rect_filled(selected, 0.0, palette.accent.gamma_multiply(SELECTION_OPACITY));
        for x in [left, right] {
            painter.vline(painter.round_to_pixel_center(x), rect.y_range(), Stroke::new(1.0, palette.accent));
        }
    }
    if let Some(time_ns) = window.pointer_ns() {
        let x = painter.round_to_pixel_center(window.place_of(rect.x_range(), time_ns));
        if rect.x_range().contains(x) {
            painter.vline(x, rect.y_range(), Stroke::new(1.0, palette.edge));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_as_many_as_fit() {
        let ticks = Ticks::new(0.0, 4.3e9, 500.0);
        assert_eq!(ticks.step_ns, 1e9);
        assert_eq!(ticks.times_ns, [0.0, 1e9, 2e9, 3e9, 4e9]);
        assert_eq!(ticks.times_ns.iter().map(|time| ticks.label(*time)).collect::<Vec<_>>()[2], "2 s");
        assert_eq!(Ticks::new(0.0, 3600e9, 800.0).step_ns, 600e9);
        assert_eq!(Ticks::new(1.234e9, 1.2341e9, 400.0).step_ns, 2e4);
    }

    #[test]
    fn labels_tell_neighbours_apart() {
        assert_eq!(
            [label(0.25e9, 0.05e9), label(40e9, 10e9), label(90e9, 30e9), label(150e9, 30e9), label(0.0, 1.0)],
            ["0.25 s", "40 s", "90 s", "2:30", "0"]
        );
        assert_ne!(label(1.23402e9, 2e4), label(1.23404e9, 2e4));
    }

    #[test]
    fn a_span_between_two_ticks_has_none() {
        assert_eq!(Ticks::new(1.11e9, 1.19e9, 10.0).times_ns, Vec::<f64>::new());
    }
}
