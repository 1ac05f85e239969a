//! The use of each core over time as lines.

use std::ops::Range;

use egui::{Response, RichText, Role, Sense, Stroke, Ui, WidgetInfo, vec2};
use egui_plot::PlotPoint;

use super::plot_frame::{PlotFrame, line, plot_frame_ui};
use super::quantity;
use super::time_window::TimeWindow;
use crate::ui::theme;
use fanlane_core::model::CoreHistory;

/// Maximum number of points of all lines; beyond it neighbouring samples are merged to their peak.
const MAX_POINTS: usize = 40_000;

/// The average use of all cores over time, in the available room.
pub fn core_average_ui(ui: &mut Ui, cores: &CoreHistory, window: &mut TimeWindow) -> Response {
    let peak = |columns: Range<usize>| vec![columns.map(|column| mean(cores.percent(column))).fold(0.0, f32::max)];
    let lines = points(cores, window, 1, peak);
    let words = |column: usize| format!("\naverage: {:.0} %", mean(cores.percent(column)));
    plot_ui(ui, cores, window, ["core average", "Average CPU use of all cores"], &lines, words)
}

/// The use of each core over time, in the available room.
pub fn core_lines_ui(ui: &mut Ui, cores: &CoreHistory, window: &mut TimeWindow) -> Response {
    let lines = points(cores, window, cores.cores(), |columns| cores.peak_percent(columns));
    let label = "CPU use of each core over time, as lines";
    plot_ui(ui, cores, window, ["core lines", label], &lines, |column| words(cores.percent(column)))
}

/// Draws lines; the tooltip has the words for the column at the pointer.
fn plot_ui(
    ui: &mut Ui,
    cores: &CoreHistory,
    window: &mut TimeWindow,
    [name, label]: [&str; 2],
    lines: &[Vec<PlotPoint>],
    words: impl Fn(usize) -> String,
) -> Response {
    let palette = theme::palette(ui);
    let y_words = |percent: f64| format!("{percent:.0} %");
    let frame = PlotFrame { name, height: ui.available_height(), time_axis: true, y_max: 104.0, y_words: &y_words };
    let response = plot_frame_ui(ui, &frame, window, |plot| {
        for (index, points) in lines.iter().enumerate() {
            plot.line(line(format!("{name} {index}"), points, palette.line(index)));
        }
    });
    response.widget_info(|| WidgetInfo::labeled(Role::Image, ui.is_enabled(), label));
    let time_ns = window.pointer_ns().filter(|_| response.hover_pos().is_some());
    match time_ns.and_then(|time_ns| Some((time_ns, cores.column_at(time_ns as u64)?))) {
        Some((time_ns, column)) => {
            response.on_hover_text_at_pointer(format!("at {}{}", quantity::moment(time_ns), words(column)))
        }
        None => response,
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

/// The points of `count` lines in the visible columns, of which neighbours are merged to their peak if they are too many.
fn points(
    cores: &CoreHistory,
    window: &TimeWindow,
    count: usize,
    peaks: impl Fn(Range<usize>) -> Vec<f32>,
) -> Vec<Vec<PlotPoint>> {
    let (from_ns, to_ns) = window.range_ns();
    let columns = cores.columns();
    let first = columns.partition_point(|column| (column.to_ns as f64) < from_ns).saturating_sub(1);
    let last = (columns.partition_point(|column| (column.from_ns as f64) < to_ns) + 1).min(columns.len());
    let group = ((last - first) * count).div_ceil(MAX_POINTS).max(1);
    let mut lines = vec![Vec::with_capacity((last - first) / group + 2); count];
    for start in (first..last).step_by(group) {
        let end = (start + group).min(last);
        let secs = columns[end - 1].to_ns as f64 / 1e9;
        let begin_secs = (start == 0).then_some(columns[0].from_ns as f64 / 1e9);
        for (line, percent) in lines.iter_mut().zip(peaks(start..end)) {
            // A sample is about the time before it.
            line.extend(begin_secs.map(|secs| PlotPoint::new(secs, f64::from(percent))));
            line.push(PlotPoint::new(secs, f64::from(percent)));
        }
    }
    lines
}

fn words(percent: &[f32]) -> String {
    let mut order: Vec<usize> = (0..percent.len()).collect();
    order.sort_by(|a, b| percent[*b].total_cmp(&percent[*a]));
    let busiest = order.iter().take(8).map(|core| format!("\ncore {core}: {:.0} %", percent[*core]));
    let mut text: String = busiest.collect();
    if order.len() > 8 {
        text += &format!("\nand {} less busy ones", order.len() - 8);
    }
    text
}
