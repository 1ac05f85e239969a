//! The frame of all plots over time: the axis of time that they share with the lanes, grid lines, and no gestures of their own,
//! since zooming applies to the whole page.

use egui::{Color32, Id, Rangef, Response, Stroke, TextStyle, Ui};
use egui_plot::{AxisHints, GridInput, GridMark, Line, Plot, PlotBounds, PlotPoint, PlotPoints, PlotUi, VLine};

use super::time_axis::{self, AXIS_HEIGHT, Ticks};
use super::time_window::TimeWindow;
use crate::ui::theme;

/// Width of the numbers at the left, in points.
pub const Y_AXIS_WIDTH: f32 = 5.0 * theme::UNIT;

/// The properties of a plot.
pub struct PlotFrame<'a> {
    /// Its id on the page.
    pub name: &'a str,
    /// Height with the axis of time, in points.
    pub height: f32,
    /// With an axis of time below it.
    pub time_axis: bool,
    /// The largest value in view; the axis begins at 0.
    pub y_max: f64,
    /// The label of a mark of the vertical axis.
    pub y_words: &'a dyn Fn(f64) -> String,
}

/// Draws a plot over time, in seconds, and lets the pointer move the page's time.
pub fn plot_frame_ui<'a>(
    ui: &mut Ui,
    frame: &'a PlotFrame<'a>,
    window: &mut TimeWindow,
    draw: impl FnOnce(&mut PlotUi<'a>) + 'a,
) -> Response {
    let palette = theme::palette(ui);
    let font = TextStyle::Small.resolve(ui.style());
    let (from_ns, to_ns) = window.range_ns();
    // The last label of the axis of time is centred at the plot's right edge.
    let width = ui.available_width() - theme::UNIT;
    let ticks = Ticks::new(from_ns, to_ns, (width - Y_AXIS_WIDTH).max(1.0));
    let step_ns = ticks.step_ns;
    let y_axis = AxisHints::new_y()
        .min_thickness(Y_AXIS_WIDTH)
        .tick_label_font(font.clone())
        .tick_label_color(palette.text_weak)
        // Marks are chosen to fit, so none fades.
        .label_spacing(Rangef::new(4.0, 5.0))
        .formatter(move |mark, _| {
            // The first label of the axis of time is in the same corner.
            if frame.time_axis && mark.value == 0.0 { String::new() } else { (frame.y_words)(mark.value) }
        });
    let x_axis = AxisHints::new_x()
        .min_thickness(AXIS_HEIGHT)
        .tick_label_font(font)
        .tick_label_color(palette.text_weak)
        .label_spacing(Rangef::new(4.0, 5.0))
        .formatter(move |mark, _| time_axis::label(mark.value * 1e9, step_ns));
    let pointer_ns = window.pointer_ns();
    let response = Plot::new(frame.name)
        .id(Id::unique(("plot over time", frame.name)))
        .width(width)
        .height(frame.height)
        .min_size(egui::Vec2::splat(theme::UNIT))
        .show_axes([frame.time_axis, true])
        .custom_x_axes(vec![x_axis])
        .custom_y_axes(vec![y_axis])
        .show_background(false)
        .grid_color(palette.grid)
        .grid_fade(0.0)
        .show_x(false)
        .show_y(false)
        .show_crosshair(false)
        .allow_zoom(false)
        .allow_drag(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_axis_zoom_drag(false)
        .allow_double_click_reset(false)
        .set_margin_fraction(egui::Vec2::ZERO)
        .x_grid_spacer(move |_| {
            ticks
                .times_ns
                .iter()
                .map(|time_ns| GridMark { value: time_ns / 1e9, step_size: ticks.step_ns / 1e9 })
                .collect()
        })
        .y_grid_spacer(move |input| y_marks(input, frame))
        .show(ui, move |plot| {
            plot.set_plot_bounds(PlotBounds::from_min_max([from_ns / 1e9, 0.0], [to_ns / 1e9, frame.y_max]));
            draw(plot);
            if let Some(pointer_ns) = pointer_ns {
                plot.vline(VLine::new("", pointer_ns / 1e9).stroke(Stroke::new(1.0, palette.edge)).allow_hover(false));
            }
        })
        .response;
    let x = Rangef::new(response.rect.left(), response.rect.right());
    window.navigate(ui, &response, x);
    window.navigate_by_keys(ui, &response);
    response
}

/// A line of a plot.
pub fn line(name: impl Into<String>, points: &[PlotPoint], color: Color32) -> Line<'_> {
    let line = Line::new(name, PlotPoints::Borrowed(points)).stroke(Stroke::new(theme::LINE, color));
    line.allow_band(false).allow_hover(false)
}

// At most four marks, at round whole numbers.
fn y_marks(input: GridInput, frame: &PlotFrame<'_>) -> Vec<GridMark> {
    let (min, max) = input.bounds;
    let max_marks = (frame.height / (4.0 * theme::UNIT)).clamp(1.0, 4.0);
    let min_step = (max - min) / f64::from(max_marks);
    let power = 10_f64.powf(min_step.max(1e-9).log10().floor());
    let round = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|factor| factor * power);
    let step = round.into_iter().find(|step| *step >= min_step && step.fract() == 0.0).unwrap_or(1.0);
    let last = (max / step + 1e-9).floor() as i64;
    (0..=last).map(|index| GridMark { value: index as f64 * step, step_size: step }).collect()
}
