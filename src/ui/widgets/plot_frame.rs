//! The frame of all plots over time: grid lines, the marks of the vertical axis, and no gestures of their own, since zooming
//! applies to the whole page. All of them stand in the same columns, so that a moment is at one place in all.
//!
//! Everything is drawn as steps: a slope would show values that never existed. What falls into one pixel is drawn from its
//! minimum to its maximum, so that no peak is lost.

use egui::{Align2, Color32, Mesh, Painter, Rangef, Rect, Response, Sense, Shape, Stroke, TextStyle, Ui, pos2};

use super::time_axis::{self, Ticks};
use super::time_window::TimeWindow;
use crate::ui::theme;

/// Width of the numbers at the left of a plot, in points.
pub const Y_AXIS_WIDTH: f32 = 5.0 * theme::UNIT;
/// Minimum distance of two marks of the vertical axis, in points.
const MIN_MARK_DISTANCE: f32 = 18.0;
/// Maximum number of these marks.
const MAX_MARKS: f32 = 4.0;

/// Where the parts of a page over time stand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeColumns {
    /// Titles, legends and figures.
    pub heads: Rangef,
    /// The axis of time.
    pub time: Rangef,
}

/// The properties of a plot.
pub struct PlotFrame<'a> {
    /// Its id on the page.
    pub name: &'a str,
    /// Its place; the numbers of the vertical axis are left of it.
    pub rect: Rect,
    /// The largest value in view; the axis begins at 0.
    pub y_max: f64,
    /// The label of a mark of the vertical axis; empty: none.
    pub y_words: &'a dyn Fn(f64) -> String,
}

/// What a plot is drawn on.
pub struct TimePlot<'a> {
    rect: Rect,
    window: &'a TimeWindow,
    y_max: f64,
    pixel: f32,
    mesh: Mesh,
}

/// Draws a plot and lets the pointer move the page's time.
pub fn plot_frame_ui(
    ui: &Ui,
    frame: &PlotFrame<'_>,
    window: &mut TimeWindow,
    draw: impl FnOnce(&mut TimePlot<'_>),
) -> Response {
    let palette = theme::palette(ui);
    let rect = frame.rect;
    let response = ui.interact(rect, ui.scope_id().with(("plot over time", frame.name)), Sense::click_and_drag());
    window.navigate(ui, &response, rect.x_range());
    let painter = ui.painter_at(rect);
    paint_frame(ui, &painter, frame, window);
    let pixel = 1.0 / ui.pixels_per_point();
    let mut plot = TimePlot { rect, window, y_max: frame.y_max.max(f64::MIN_POSITIVE), pixel, mesh: Mesh::default() };
    draw(&mut plot);
    let mesh = plot.mesh;
    painter.add(Shape::mesh(mesh));
    time_axis::paint_marks(&painter, window, rect, palette);
    window.navigate_by_keys(ui, &response);
    response
}

fn paint_frame(ui: &Ui, painter: &Painter, frame: &PlotFrame<'_>, window: &TimeWindow) {
    let palette = theme::palette(ui);
    let rect = frame.rect;
    let (from_ns, to_ns) = window.range_ns();
    time_axis::paint_grid(painter, window, &Ticks::new(from_ns, to_ns, rect.width()), rect, palette);
    let font = TextStyle::Small.resolve(ui.style());
    for value in marks(frame.y_max, rect.height()) {
        let y = rect.bottom() - (value / frame.y_max) as f32 * rect.height();
        painter.hline(rect.x_range(), painter.round_to_pixel_center(y), Stroke::new(1.0, palette.grid));
        let half = theme::SMALL_SIZE / 2.0;
        // At the ends a label moves inwards rather than into the next plot.
        let at = pos2(rect.left() - theme::HALF, y.clamp(rect.top() + half - 1.0, rect.bottom() - half + 1.0));
        ui.painter().text(at, Align2::RIGHT_CENTER, (frame.y_words)(value), font.clone(), palette.text_weak);
    }
}

/// Round whole numbers from 0 up, as many as fit.
fn marks(max: f64, height: f32) -> impl Iterator<Item = f64> {
    let count = (height / MIN_MARK_DISTANCE - 1.0).clamp(1.0, MAX_MARKS);
    let min_step = max / f64::from(count);
    let power = 10_f64.powf(min_step.max(1e-9).log10().floor());
    let round = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|factor| factor * power);
    let step = round.into_iter().find(|step| *step >= min_step * 0.999 && step.fract() == 0.0).unwrap_or(1.0);
    // One mark besides 0 there is always.
    let below = [5.0, 2.0, 1.0].into_iter().map(|factor| factor * power).find(|step| *step <= max);
    let step = if step > max { below.unwrap_or(step).max(1.0) } else { step };
    let last = (max / step + 1e-9).floor() as i64;
    (0..=last).map(move |index| index as f64 * step)
}

impl TimePlot<'_> {
    /// Draws a line of steps: from when until when, in nanoseconds, and the value; in the order of time.
    pub fn steps(&mut self, steps: impl IntoIterator<Item = (f64, f64, f64)>, color: Color32) {
        let mut pen = Pen { column: f32::NEG_INFINITY, low: 0.0, high: 0.0, y: None };
        for (from_ns, to_ns, value) in steps {
            let (left, right) = (self.x(from_ns), self.x(to_ns));
            let y = self.y(value);
            let before = pen.y.unwrap_or(y);
            if left > pen.column {
                self.upright(&pen, color);
                (pen.column, pen.low, pen.high) = (left, before.max(y), before.min(y));
            }
            pen.low = pen.low.max(y);
            pen.high = pen.high.min(y);
            if right > left {
                self.upright(&pen, color);
                self.mesh.add_colored_rect(Rect::from_x_y_ranges(left..=right, self.across(y)), color);
                (pen.column, pen.low, pen.high) = (right, y, y);
            }
            pen.y = Some(y);
        }
        self.upright(&pen, color);
    }

    /// Fills from a minimum to a maximum: from when until when, in nanoseconds, and both values.
    pub fn range(&mut self, parts: impl IntoIterator<Item = (f64, f64, f64, f64)>, color: Color32) {
        for (from_ns, to_ns, min, max) in parts {
            let (left, right) = (self.x(from_ns), self.x(to_ns));
            let rect = Rect::from_x_y_ranges(left..=right.max(left + self.pixel), self.y(max)..=self.y(min));
            self.mesh.add_colored_rect(rect, color);
        }
    }

    /// Where a line changes its height.
    fn upright(&mut self, pen: &Pen, color: Color32) {
        if pen.y.is_some() && pen.low > pen.high {
            let y = Rangef::new(self.across(pen.high).min, self.across(pen.low).max);
            self.mesh.add_colored_rect(Rect::from_x_y_ranges(self.across(pen.column), y), color);
        }
    }

    /// The width of a line around a place, on whole pixels: all lines are equally strong.
    fn across(&self, place: f32) -> Rangef {
        let width = (theme::LINE / self.pixel).round().max(1.0) * self.pixel;
        let from = ((place - width / 2.0) / self.pixel).round() * self.pixel;
        Rangef::new(from, from + width)
    }

    /// On whole pixels, so that nothing flickers while the view moves, and never far outside.
    fn x(&self, time_ns: f64) -> f32 {
        let place = self.window.place_of(self.rect.x_range(), time_ns);
        let place = place.clamp(self.rect.left() - 2.0, self.rect.right() + 2.0);
        (place / self.pixel).round() * self.pixel
    }

    fn y(&self, value: f64) -> f32 {
        let inside = self.rect.shrink2(egui::vec2(0.0, theme::LINE / 2.0));
        inside.bottom() - (value / self.y_max).clamp(0.0, 1.0) as f32 * inside.height()
    }
}

/// Where a line is while it is drawn: its pixel, what it has touched there, and its height.
struct Pen {
    column: f32,
    low: f32,
    high: f32,
    y: Option<f32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(window: &TimeWindow) -> TimePlot<'_> {
        let rect = Rect::from_min_max(pos2(0.0, 0.0), pos2(100.0, 50.0));
        TimePlot { rect, window, y_max: 100.0, pixel: 1.0, mesh: Mesh::default() }
    }

    fn window() -> TimeWindow {
        let mut window = TimeWindow::default();
        window.begin(1_000_000_000);
        window
    }

    #[test]
    fn many_steps_in_a_pixel_cost_little_and_keep_their_peak() {
        let window = window();
        let mut plot = plot(&window);
        let steps = (0..100_000_u32).map(|at| {
            let value = if at == 43_210 { 100.0 } else { 1.0 };
            (f64::from(at) * 1e4, f64::from(at + 1) * 1e4, value)
        });
        plot.steps(steps, Color32::WHITE);
        assert!(plot.mesh.vertices.len() < 4 * 1000, "{} vertices", plot.mesh.vertices.len());
        let highest = plot.mesh.vertices.iter().min_by(|a, b| a.pos.y.total_cmp(&b.pos.y)).expect("it is drawn");
        assert!(highest.pos.y <= 1.0 && (highest.pos.x - 43.0).abs() <= 2.0, "{highest:?}");
    }

    #[test]
    fn a_line_is_drawn_as_steps_without_a_slope() {
        let window = window();
        let mut plot = plot(&window);
        plot.steps([(0.0, 5e8, 0.0), (5e8, 1e9, 100.0)], Color32::WHITE);
        let rects: Vec<Rect> = plot
            .mesh
            .vertices
            .chunks(4)
            .map(|corners| corners.iter().fold(Rect::NOTHING, |rect, vertex| rect.union(Rect::from_pos(vertex.pos))))
            .collect();
        assert_eq!(rects.len(), 3, "{rects:?}");
        assert!(rects.iter().all(|rect| rect.width() <= 2.0 || rect.height() <= 2.0), "{rects:?}");
    }

    #[test]
    fn marks_are_round_whole_and_few() {
        let of = |max: f64, height: f32| marks(max, height).collect::<Vec<_>>();
        assert_eq!(of(104.0, 48.0), [0.0, 100.0]);
        assert_eq!(of(2.2, 40.0), [0.0, 2.0]);
        assert_eq!(of(41.6, 96.0), [0.0, 20.0, 40.0]);
        assert_eq!(of(1.04, 20.0), [0.0, 1.0]);
        assert_eq!((of(42.0, 24.0), of(173.0, 24.0)), (vec![0.0, 20.0, 40.0], vec![0.0, 100.0]));
    }
}
