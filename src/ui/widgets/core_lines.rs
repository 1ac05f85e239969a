//! The use of each core over time as lines.

use egui::{Response, RichText, Role, Sense, Stroke, Ui, WidgetInfo, vec2};
use egui_plot::{Line, PlotPoint, PlotPoints};

use super::plot_frame::{PlotFrame, plot_frame_ui};
use super::quantity;
use super::time_window::TimeWindow;
use crate::ui::theme;
use fanlane_core::model::CoreHistory;

/// Maximum number of points of all lines; beyond it neighbouring samples are merged to their peak.
const MAX_POINTS: usize = 40_000;

/// The average use of all cores over time, in the available room.
pub fn core_average_ui(ui: &mut Ui, cores: &CoreHistory, window: &mut TimeWindow) -> Response {
    let palette = theme::palette(ui);
    let points = average(cores, window);
    let frame = frame("core average", ui.available_height());
    let response = plot_frame_ui(ui, &frame, window, |plot| {
        let line = Line::new("average", PlotPoints::Borrowed(&points));
        plot.line(line.stroke(Stroke::new(theme::LINE, palette.line(0))).allow_band(false).allow_hover(false));
    });
    response.widget_info(|| WidgetInfo::labeled(Role::Image, ui.is_enabled(), "Average CPU use of all cores"));
    let column =
        window.pointer_ns().and_then(|time_ns| cores.column_at(time_ns as u64).map(|column| (time_ns, column)));
    match (response.hover_pos(), column) {
        (Some(_), Some((time_ns, column))) => {
            let words = format!("at {}\naverage: {:.0} %", quantity::moment(time_ns), mean(cores.percent(column)));
            response.on_hover_text_at_pointer(words)
        }
        _ => response,
    }
}

fn frame(name: &str, height: f32) -> PlotFrame<'_> {
    PlotFrame { name, height, time_axis: true, y_max: 104.0, whole_numbers: true, y_words: &percent_words }
}

fn percent_words(percent: f64) -> String {
    format!("{percent:.0} %")
}

/// The use of each core over time, in the available room.
pub fn core_lines_ui(ui: &mut Ui, cores: &CoreHistory, window: &mut TimeWindow) -> Response {
    let palette = theme::palette(ui);
    let lines = lines(cores, window);
    let frame = frame("core lines", ui.available_height());
    let response = plot_frame_ui(ui, &frame, window, |plot| {
        for (core, points) in lines.iter().enumerate() {
            let line = Line::new(format!("core {core}"), PlotPoints::Borrowed(points));
            plot.line(line.stroke(Stroke::new(theme::LINE, palette.line(core))).allow_band(false).allow_hover(false));
        }
    });
    response
        .widget_info(|| WidgetInfo::labeled(Role::Image, ui.is_enabled(), "CPU use of each core over time, as lines"));
    let column =
        window.pointer_ns().and_then(|time_ns| cores.column_at(time_ns as u64).map(|column| (time_ns, column)));
    match (response.hover_pos(), column) {
        (Some(_), Some((time_ns, column))) => response.on_hover_text_at_pointer(words(cores, column, time_ns)),
        _ => response,
    }
}

/// The legend of the lines, for a layout from right to left; nothing if lines share colours.
pub fn core_legend_ui(ui: &mut Ui, cores: &CoreHistory) {
    let palette = theme::palette(ui);
    if cores.cores() > palette.series.len() {
        return;
    }
    for core in (0..cores.cores()).rev() {
        ui.spacing_mut().item_spacing.x = theme::HALF;
        ui.label(RichText::new(core.to_string()).small().color(palette.text_weak));
        let (rect, _) = ui.allocate_exact_size(vec2(1.5 * theme::UNIT, theme::UNIT), Sense::hover());
        ui.painter().hline(rect.x_range(), rect.center().y, Stroke::new(2.0 * theme::LINE, palette.line(core)));
        ui.add_space(theme::HALF);
    }
    ui.label(RichText::new("core").small().color(palette.text_weak));
}

fn mean(percent: &[f32]) -> f32 {
    percent.iter().sum::<f32>() / percent.len().max(1) as f32
}

/// The visible columns, and how many neighbours are merged to their peak.
fn in_view(cores: &CoreHistory, window: &TimeWindow, lines: usize) -> (std::ops::Range<usize>, usize) {
    let (from_ns, to_ns) = window.range_ns();
    let columns = cores.columns();
    let first = columns.partition_point(|column| (column.to_ns as f64) < from_ns).saturating_sub(1);
    let last = (columns.partition_point(|column| (column.from_ns as f64) < to_ns) + 1).min(columns.len());
    (first..last, ((last - first) * lines).div_ceil(MAX_POINTS).max(1))
}

fn average(cores: &CoreHistory, window: &TimeWindow) -> Vec<PlotPoint> {
    let (range, group) = in_view(cores, window, 1);
    let columns = cores.columns();
    let mut points = Vec::with_capacity(range.len() / group + 2);
    for start in range.clone().step_by(group) {
        let end = (start + group).min(range.end);
        let peak = (start..end).map(|column| mean(cores.percent(column))).fold(0.0, f32::max);
        if start == 0 {
            points.push(PlotPoint::new(columns[0].from_ns as f64 / 1e9, f64::from(peak)));
        }
        points.push(PlotPoint::new(columns[end - 1].to_ns as f64 / 1e9, f64::from(peak)));
    }
    points
}

fn lines(cores: &CoreHistory, window: &TimeWindow) -> Vec<Vec<PlotPoint>> {
    let (range, group) = in_view(cores, window, cores.cores());
    let (first, last) = (range.start, range.end);
    let columns = cores.columns();
    let mut lines = vec![Vec::with_capacity((last - first) / group + 1); cores.cores()];
    for start in (first..last).step_by(group) {
        let end = (start + group).min(last);
        let secs = columns[end - 1].to_ns as f64 / 1e9;
        let begin_secs = (start == 0).then_some(columns[0].from_ns as f64 / 1e9);
        for (line, percent) in lines.iter_mut().zip(cores.peak_percent(start..end)) {
            // A sample is about the time before it.
            line.extend(begin_secs.map(|secs| PlotPoint::new(secs, f64::from(percent))));
            line.push(PlotPoint::new(secs, f64::from(percent)));
        }
    }
    lines
}

fn words(cores: &CoreHistory, column: usize, time_ns: f64) -> String {
    let percent = cores.percent(column);
    let mut order: Vec<usize> = (0..percent.len()).collect();
    order.sort_by(|a, b| percent[*b].total_cmp(&percent[*a]));
    let mut text = format!("at {}", quantity::moment(time_ns));
    for core in order.iter().take(8) {
        text += &format!("\ncore {core}: {:.0} %", percent[*core]);
    }
    if order.len() > 8 {
        text += &format!("\nand {} less busy ones", order.len() - 8);
    }
    text
}
