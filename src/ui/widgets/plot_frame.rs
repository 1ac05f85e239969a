//! The frame of all plots over time: grid lines, the marks of the vertical axis, and no gestures of their own, since zooming
//! applies to the whole page. All of them stand in the same columns, so that a moment is at one place in all.
//!
//! Everything is drawn as steps: a slope would show values that never existed. What falls into one pixel is drawn from its
//! minimum to its maximum, so that no peak is lost and a million steps cost as little as a thousand.

use egui::{Align2, Color32, Id, Painter, Rangef, Rect, Response, Stroke, TextStyle, Ui, UiBuilder, Vec2, pos2};
use egui_plot::{FilledArea, Line, Plot, PlotBounds, PlotPoint, PlotPoints};

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

/// What is to be drawn in a plot, in seconds since the run's start.
pub struct TimePlot {
    pixel_ns: f64,
    lines: Vec<(Vec<PlotPoint>, Color32)>,
    areas: Vec<(Area, Color32)>,
}

/// The edge of an area, from left to right.
#[derive(Default)]
struct Area {
    secs: Vec<f64>,
    min: Vec<f64>,
    max: Vec<f64>,
}

/// Draws a plot and lets the pointer move the page's time.
pub fn plot_frame_ui(
    ui: &mut Ui,
    frame: &PlotFrame<'_>,
    window: &mut TimeWindow,
    draw: impl FnOnce(&mut TimePlot),
) -> Response {
    let palette = theme::palette(ui);
    let rect = frame.rect;
    let painter = ui.painter_at(rect);
    paint_frame(ui, &painter, frame, window);
    let (from_ns, to_ns) = window.range_ns();
    let mut content = TimePlot::new((to_ns - from_ns) / f64::from((rect.width() * ui.pixels_per_point()).max(1.0)));
    draw(&mut content);
    let bounds = PlotBounds::from_min_max([from_ns / 1e9, 0.0], [to_ns / 1e9, frame.y_max.max(f64::MIN_POSITIVE)]);
    let mut inside = ui.new_child(UiBuilder::new().max_rect(rect));
    let response = Plot::new(frame.name)
        .id(Id::unique(("plot over time", frame.name)))
        .width(rect.width())
        .height(rect.height())
        .min_size(Vec2::splat(1.0))
        .show_axes(false)
        .show_grid(false)
        .show_background(false)
        .show_x(false)
        .show_y(false)
        .show_crosshair(false)
        .allow_zoom(false)
        .allow_drag(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_axis_zoom_drag(false)
        .allow_double_click_reset(false)
        .set_margin_fraction(Vec2::ZERO)
        .show(&mut inside, |plot| {
            plot.set_plot_bounds(bounds);
            for (area, color) in &content.areas {
                plot.add(FilledArea::new("", &area.secs, &area.min, &area.max).fill_color(*color).allow_hover(false));
            }
            for (points, color) in &content.lines {
                let line = Line::new("", PlotPoints::Borrowed(points)).stroke(Stroke::new(theme::LINE, *color));
                plot.line(line.allow_band(false).allow_hover(false));
            }
        })
        .response;
    time_axis::paint_marks(&painter, window, rect, palette);
    window.navigate(ui, &response, rect.x_range());
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
    let step = match below {
        // The highest of these, since there is room for no more.
        Some(below) if step > max => ((max / below).floor() * below).max(1.0),
        _ if step > max => step.max(1.0),
        _ => step,
    };
    let last = (max / step + 1e-9).floor() as i64;
    (0..=last).map(move |index| index as f64 * step)
}

impl TimePlot {
    const fn new(pixel_ns: f64) -> Self {
        Self { pixel_ns, lines: Vec::new(), areas: Vec::new() }
    }

    /// Draws a line of steps: from when until when, in nanoseconds, and the value; in the order of time.
    pub fn steps(&mut self, steps: impl IntoIterator<Item = (f64, f64, f64)>, color: Color32) {
        let mut points = Vec::new();
        let mut pen: Option<Pen> = None;
        for (from_ns, to_ns, value) in steps {
            let column = self.column(from_ns);
            let current = match pen.take() {
                Some(pen) if column <= pen.column => pen.through(value),
                before => {
                    let reached = before.map_or(value, |pen| pen.draw(&mut points));
                    Pen { column, at_ns: from_ns, low: reached, high: reached, last: reached }.through(value)
                }
            };
            let end = self.column(to_ns);
            pen = Some(if end > current.column {
                current.draw(&mut points);
                Pen { column: end, at_ns: to_ns, low: value, high: value, last: value }
            } else {
                current
            });
        }
        if let Some(pen) = pen {
            pen.draw(&mut points);
        }
        self.lines.push((points, color));
    }

    /// Fills from a minimum to a maximum: from when until when, in nanoseconds, and both values; in the order of time.
    pub fn range(&mut self, parts: impl IntoIterator<Item = (f64, f64, f64, f64)>, color: Color32) {
        let mut area = Area::default();
        for (from_ns, to_ns, min, max) in parts {
            area.secs.extend([from_ns / 1e9, to_ns / 1e9]);
            area.min.extend([min; 2]);
            area.max.extend([max; 2]);
        }
        self.areas.push((area, color));
    }

    /// The pixel of a time, counted from the run's start, so that nothing flickers while the view moves.
    fn column(&self, time_ns: f64) -> i64 {
        (time_ns / self.pixel_ns).floor() as i64
    }
}

/// A line within one pixel: its place, what it has touched there, and where it goes on.
struct Pen {
    column: i64,
    at_ns: f64,
    low: f64,
    high: f64,
    last: f64,
}

impl Pen {
    fn through(self, value: f64) -> Self {
        Self { low: self.low.min(value), high: self.high.max(value), last: value, ..self }
    }

    /// Draws it upright, from the height that the line has reached; returns where it goes on.
    fn draw(self, points: &mut Vec<PlotPoint>) -> f64 {
        let secs = self.at_ns / 1e9;
        let reached = points.last().map(|point| point.y);
        let mut drawn = reached;
        for y in reached.into_iter().chain([self.low, self.high, self.last]) {
            let is_new = drawn != Some(y) || points.last().is_none_or(|point| point.x < secs);
            if is_new {
                points.push(PlotPoint::new(secs, y));
                drawn = Some(y);
            }
        }
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_steps_in_a_pixel_cost_little_and_keep_their_peak() {
        // A second over 100 pixels.
        let mut plot = TimePlot::new(1e7);
        let steps = (0..100_000_u32).map(|at| {
            let value = if at == 43_210 { 100.0 } else { 1.0 };
            (f64::from(at) * 1e4, f64::from(at + 1) * 1e4, value)
        });
        plot.steps(steps, Color32::WHITE);
        let points = &plot.lines[0].0;
        assert!(points.len() < 1000, "{} points", points.len());
        let highest = points.iter().max_by(|a, b| a.y.total_cmp(&b.y)).expect("it is drawn");
        assert!(highest.y == 100.0 && (highest.x - 0.432).abs() <= 0.02, "{highest:?}");
    }

    #[test]
    fn a_line_is_drawn_as_steps_without_a_slope() {
        let mut plot = TimePlot::new(1e7);
        plot.steps([(0.0, 5e8, 0.0), (5e8, 1e9, 100.0), (1e9, 1.3e9, 7.0)], Color32::WHITE);
        let points = &plot.lines[0].0;
        assert!(points.windows(2).all(|pair| pair[0].x == pair[1].x || pair[0].y == pair[1].y), "{points:?}");
        assert_eq!((points[0].x, points[0].y), (0.0, 0.0));
        let last = points.last().expect("it is drawn");
        assert_eq!((last.x, last.y), (1.3, 7.0));
        assert!(points.iter().any(|point| (point.x, point.y) == (0.5, 100.0)), "{points:?}");
    }

    #[test]
    fn marks_are_round_whole_and_few() {
        let of = |max: f64, height: f32| marks(max, height).collect::<Vec<_>>();
        assert_eq!(of(104.0, 48.0), [0.0, 100.0]);
        assert_eq!(of(2.2, 40.0), [0.0, 2.0]);
        assert_eq!(of(41.6, 96.0), [0.0, 20.0, 40.0]);
        assert_eq!(of(1.04, 20.0), [0.0, 1.0]);
        assert_eq!((of(42.0, 24.0), of(173.0, 24.0)), (vec![0.0, 40.0], vec![0.0, 100.0]), "no room for more");
    }
}
