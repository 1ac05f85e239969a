//! The use of each core over time as lines, and of all of them together.

use std::ops::Range;

use egui::{Rect, Response, RichText, Role, Sense, Stroke, Ui, vec2};

use super::plot_frame::{PlotFrame, TimePlot, plot_frame_ui};
use super::time_window::TimeWindow;
use super::{describe, quantity};
use crate::ui::theme;
use fanlane_core::model::{CoreHistory, format};

/// Maximum number of steps of all lines; beyond it neighbouring samples are merged to their peak.
const MAX_STEPS: usize = 20_000;
/// Number of lines over each other that are as strong as one.
const FAINT_LINES: f32 = 6.0;
/// Minimum opacity of a line.
const MIN_OPACITY: f32 = 0.1;
/// The top of the axis, in percent: leaves room for the line at 100 %.
const TOP_PERCENT: f64 = 104.0;

/// The average use of all cores and the memory in use over time.
pub fn core_average_ui(ui: &mut Ui, rect: Rect, cores: &CoreHistory, window: &mut TimeWindow) -> Response {
    let palette = theme::palette(ui);
    let memory = memory_percent(cores);
    let response = plot_ui(
        ui,
        "core average",
        rect,
        window,
        |plot, shown, group| {
            let average = |columns: Range<usize>| columns.map(|column| mean(cores.percent(column))).fold(0.0, f32::max);
            let peak = |columns: Range<usize>| columns.map(&memory).fold(0.0, f64::max);
            let average = steps(cores, shown.clone(), group, |columns| f64::from(average(columns)));
            plot.steps(steps(cores, shown, group, peak), memory_color(palette));
            plot.steps(average, palette.accent);
        },
        cores,
        1,
    );
    describe(ui, &response, Role::Image, "Average CPU use of all cores, and memory", || {
        let Some(newest) = cores.newest() else { return "no sample yet".to_owned() };
        let (used, total) = (format::bytes(newest.memory_used_bytes), format::bytes(newest.memory_total_bytes));
        format!("now {:.0} %, memory {used} of {total}", mean(&newest.core_percent))
    });
    let words = |column: usize| {
        let memory = format::bytes(cores.columns()[column].memory_used_bytes);
        format!("\naverage of all cores: {:.0} %\nmemory: {memory}", mean(cores.percent(column)))
    };
    with_words(response, cores, window, words)
}

/// The use of each core over time; where cores are more than colours, all of them faint, and their average over them.
pub fn core_lines_ui(ui: &mut Ui, rect: Rect, cores: &CoreHistory, window: &mut TimeWindow) -> Response {
    let palette = theme::palette(ui);
    let count = cores.cores();
    let response = plot_ui(
        ui,
        "core lines",
        rect,
        window,
        |plot, shown, group| {
            let are_told_apart = count <= palette.series.len();
            let faint = palette.queued.gamma_multiply((FAINT_LINES / count as f32).max(MIN_OPACITY));
            for core in 0..count {
                let peak =
                    |columns: Range<usize>| columns.map(|column| cores.percent(column)[core]).fold(0.0, f32::max);
                let color = if are_told_apart { palette.line(core) } else { faint };
                plot.steps(steps(cores, shown.clone(), group, |columns| f64::from(peak(columns))), color);
            }
            if !are_told_apart {
                let average =
                    |columns: Range<usize>| columns.map(|column| mean(cores.percent(column))).fold(0.0, f32::max);
                plot.steps(steps(cores, shown, group, |columns| f64::from(average(columns))), palette.accent);
            }
        },
        cores,
        count,
    );
    describe(ui, &response, Role::Image, "CPU use of each core over time, as lines", || {
        cores.newest().map_or_else(|| "no sample yet".to_owned(), |newest| words(&newest.core_percent))
    });
    with_words(response, cores, window, |column| words(cores.percent(column)))
}

/// The legend of the lines.
pub fn core_legend_ui(ui: &mut Ui, cores: &CoreHistory) {
    let palette = theme::palette(ui);
    ui.spacing_mut().item_spacing.x = theme::HALF;
    let mut key_ui = |color, words: &str| {
        let (rect, _) = ui.allocate_exact_size(vec2(1.5 * theme::UNIT, theme::UNIT), Sense::hover());
        ui.painter().hline(rect.x_range(), rect.center().y, Stroke::new(2.0 * theme::LINE, color));
        ui.label(RichText::new(words).small().color(palette.text_weak));
    };
    if cores.cores() > palette.series.len() {
        key_ui(palette.accent, "average");
        return key_ui(palette.queued, "each");
    }
    for core in 0..cores.cores() {
        key_ui(palette.line(core), &core.to_string());
    }
}

/// The colour of the line for memory.
pub const fn memory_color(palette: &theme::Palette) -> egui::Color32 {
    palette.series[3]
}

/// Draws lines; `draw` gets the visible columns and how many of them are merged in one step.
fn plot_ui(
    ui: &mut Ui,
    name: &str,
    rect: Rect,
    window: &mut TimeWindow,
    draw: impl FnOnce(&mut TimePlot, Range<usize>, usize),
    cores: &CoreHistory,
    lines: usize,
) -> Response {
    let (from_ns, to_ns) = window.range_ns();
    let columns = cores.columns();
    let first = columns.partition_point(|column| (column.to_ns as f64) < from_ns);
    let last = columns.partition_point(|column| (column.from_ns as f64) < to_ns).max(first);
    let group = ((last - first) * lines).div_ceil(MAX_STEPS).max(1);
    let y_words = |percent: f64| format!("{percent:.0} %");
    let frame = PlotFrame { name, rect, y_max: TOP_PERCENT, y_words: &y_words };
    plot_frame_ui(ui, &frame, window, |plot| draw(plot, first..last, group))
}

/// A sample is about the time before it; neighbours are merged to their peak.
fn steps(
    cores: &CoreHistory,
    shown: Range<usize>,
    group: usize,
    peak: impl Fn(Range<usize>) -> f64,
) -> impl Iterator<Item = (f64, f64, f64)> {
    let columns = cores.columns();
    let end = shown.end;
    shown.step_by(group).map(move |start| {
        let merged = start..(start + group).min(end);
        (columns[start].from_ns as f64, columns[merged.end - 1].to_ns as f64, peak(merged))
    })
}

fn with_words(
    response: Response,
    cores: &CoreHistory,
    window: &TimeWindow,
    words: impl Fn(usize) -> String,
) -> Response {
    let time_ns = window.pointer_ns().filter(|_| response.hover_pos().is_some());
    match time_ns.and_then(|time_ns| Some((time_ns, cores.column_at(time_ns as u64)?))) {
        Some((time_ns, column)) => {
            response.on_hover_text_at_pointer(format!("at {}{}", quantity::moment(time_ns), words(column)))
        }
        None => response,
    }
}

fn memory_percent(cores: &CoreHistory) -> impl Fn(usize) -> f64 {
    let total = cores.newest().map_or(1, |newest| newest.memory_total_bytes).max(1) as f64;
    move |column| cores.columns()[column].memory_used_bytes as f64 * 100.0 / total
}

/// The mean of all cores, in percent.
pub fn mean(percent: &[f32]) -> f32 {
    percent.iter().sum::<f32>() / percent.len().max(1) as f32
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
