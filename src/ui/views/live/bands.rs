//! The plots below the lanes: cores, queue, throughput. Titles, legends and figures stand left of each, below the figures of the
//! lanes.

use egui::{Align, Color32, Layout, Rangef, Rect, RichText, Role, Sense, Stroke, Ui, UiBuilder, vec2};
use egui_material_icons::icons::{ICON_GRID_ON, ICON_LIST_ALT, ICON_SHOW_CHART, ICON_SPEED};

use super::status::icon_button_ui;
use super::{Band, LiveData, LiveState};
use crate::ui::part::right_end_ui;
use crate::ui::theme;
use crate::ui::widgets::core_lines::{mean, memory_color};
use crate::ui::widgets::plot_frame::{PlotFrame, Y_AXIS_WIDTH, plot_frame_ui};
use crate::ui::widgets::{
    TimeColumns, TimeWindow, core_average_ui, core_legend_ui, core_lines_ui, depth_plot_ui, describe, heat_legend_ui,
    heat_strip, heat_strip_ui, quantity,
};
use fanlane_core::event::OutcomeClass;
use fanlane_core::model::depth::Step;
use fanlane_core::model::{PoolHistory, format};

/// Minimum height of the plot of averages below the heat strip, in points.
const MIN_AVERAGE_HEIGHT: f32 = 3.5 * theme::UNIT;
/// Height of a heat strip of many cores as a share of its band.
const STRIP_SHARE: f32 = 0.62;
/// Minimum height of the throughput with a plot of memory below it, in points.
const MIN_MEMORY_HEIGHT: f32 = 8.0 * theme::UNIT;
/// The share of the throughput's height for the ended tasks.
const RATE_SHARE: f32 = 0.56;

/// Draws a band.
pub fn band_ui(
    ui: &mut Ui,
    band: Band,
    rect: Rect,
    columns: TimeColumns,
    data: &LiveData<'_>,
    steps: &[Step],
    state: &mut LiveState,
) {
    let heads = Rangef::new(columns.heads.min, columns.heads.max - Y_AXIS_WIDTH);
    let heads = Rect::from_x_y_ranges(heads, rect.y_range());
    let plot = Rect::from_x_y_ranges(columns.time, rect.y_range().shrink(2.0));
    match band {
        Band::Cores => cores_ui(ui, heads, plot, data, state),
        Band::Queue => queue_ui(ui, heads, plot, data, steps, state, false),
        Band::Throughput => throughput_ui(ui, heads, plot, data, state, false),
        Band::Either if state.shows_throughput => throughput_ui(ui, heads, plot, data, state, true),
        Band::Either => queue_ui(ui, heads, plot, data, steps, state, true),
    }
}

/// The title of a band with its controls, and what stands below them.
fn heads_ui(ui: &mut Ui, rect: Rect, title: &str, controls: impl FnOnce(&mut Ui), below: impl FnOnce(&mut Ui)) {
    let builder = UiBuilder::new().max_rect(rect).layout(Layout::top_down(Align::Min));
    let clip = rect.expand(2.0).intersect(ui.clip_rect());
    ui.scope_builder(builder, |ui| {
        ui.set_clip_rect(clip);
        ui.spacing_mut().item_spacing = vec2(theme::HALF, 1.0);
        ui.allocate_ui_with_layout(vec2(rect.width(), theme::ROW), Layout::left_to_right(Align::Center), |ui| {
            ui.set_min_height(theme::ROW);
            let color = theme::palette(ui).text_strong;
            ui.label(RichText::new(title).text_style(theme::title_style()).color(color));
            right_end_ui(ui, title, controls);
        });
        below(ui);
    });
}

/// A line of a legend with its value.
fn key_ui(ui: &mut Ui, color: Color32, name: &str, value: &str) {
    let palette = theme::palette(ui);
    ui.allocate_ui_with_layout(vec2(ui.available_width(), theme::GAP), Layout::left_to_right(Align::Center), |ui| {
        ui.set_min_height(theme::GAP);
        ui.spacing_mut().item_spacing.x = theme::HALF;
        let (rect, _) = ui.allocate_exact_size(vec2(1.5 * theme::UNIT, theme::UNIT), Sense::hover());
        ui.painter().hline(rect.x_range(), rect.center().y, Stroke::new(2.0 * theme::LINE, color));
        ui.label(RichText::new(name).small().color(palette.text_weak));
        ui.add(egui::Label::new(RichText::new(value).text_style(theme::small_number_style())).truncate());
    });
}

fn note_ui(ui: &mut Ui, words: &str) {
    let text = RichText::new(words).small().color(theme::palette(ui).text_weak);
    ui.add(egui::Label::new(text).truncate());
}

/// When the pointer is over the page, its moment: the values of the legend are of that.
fn moment_ui(ui: &mut Ui, window: &TimeWindow, rect: Rect) {
    if let Some(time_ns) = window.pointer_ns().filter(|_| ui.cursor().top() + theme::GAP <= rect.bottom()) {
        note_ui(ui, &format!("at {}", quantity::moment(time_ns)));
    }
}

fn cores_ui(ui: &mut Ui, heads: Rect, plot: Rect, data: &LiveData<'_>, state: &mut LiveState) {
    let palette = theme::palette(ui);
    let cores = &data.model.cores;
    let is_measured = !cores.columns().is_empty();
    let as_lines = state.cores_as_lines;
    heads_ui(
        ui,
        heads,
        "Cores",
        |ui| {
            if icon_button_ui(ui, ICON_GRID_ON, "Cores as heat strip", !as_lines).clicked() {
                state.cores_as_lines = false;
            }
            if icon_button_ui(ui, ICON_SHOW_CHART, "Cores as lines", as_lines).clicked() {
                state.cores_as_lines = true;
            }
        },
        |ui| {
            let Some(newest) = cores.newest() else { return };
            let percent = format!("{:.0} % of {}", mean(&newest.core_percent), cores.cores());
            let used = format::bytes(newest.memory_used_bytes);
            if as_lines {
                note_ui(ui, &percent);
                ui.horizontal(|ui| core_legend_ui(ui, cores));
                return;
            }
            key_ui(ui, palette.accent, "average", &percent);
            key_ui(ui, memory_color(palette), "memory", &used);
            if ui.available_height() >= theme::GAP {
                ui.horizontal(heat_legend_ui);
            }
        },
    );
    let window = &mut state.window;
    if !is_measured {
        let words = match data.model.progress.summary {
            Some(_) => "Not measured: the run ended before the first sample, or was not monitored.",
            None => "No measurement yet: the first sample comes within a second.",
        };
        empty_plot_ui(ui, plot, window, "CPU use of each core over time", words);
    } else if as_lines {
        core_lines_ui(ui, plot, cores, window);
    } else {
        let strip = strip_height(plot.height(), cores.cores());
        let (cells, below) = plot.split_top_bottom_at_y(plot.top() + strip);
        heat_strip_ui(ui, cells, cores, window, &mut state.heat);
        let below = below.with_min_y(below.top() + theme::UNIT);
        if below.height() >= MIN_AVERAGE_HEIGHT {
            core_average_ui(ui, below, cores, window);
        }
    }
}

/// A few cores take a low strip; many take most of the band, or all of it.
fn strip_height(band: f32, cores: usize) -> f32 {
    let most = (band * STRIP_SHARE).floor();
    let wanted = heat_strip::max_height(cores);
    if wanted <= most {
        wanted
    } else if wanted > 2.0 * band {
        band
    } else {
        most
    }
}

fn switch_ui(ui: &mut Ui, state: &mut LiveState) {
    if icon_button_ui(ui, ICON_LIST_ALT, "Queue over time", !state.shows_throughput).clicked() {
        state.shows_throughput = false;
    }
    if icon_button_ui(ui, ICON_SPEED, "Throughput over time", state.shows_throughput).clicked() {
        state.shows_throughput = true;
    }
}

fn queue_ui(
    ui: &mut Ui,
    heads: Rect,
    plot: Rect,
    data: &LiveData<'_>,
    steps: &[Step],
    state: &mut LiveState,
    with_switch: bool,
) {
    let palette = theme::palette(ui);
    let pointed = state.window.pointer_ns().and_then(|time_ns| {
        let index = steps.partition_point(|step| step.to_ns as f64 <= time_ns);
        steps.get(index)
    });
    let step = pointed.or(steps.last());
    let is_over = pointed.is_none() && data.model.progress.summary.is_some();
    let running = step.map_or_else(String::new, |step| match (step.running_min, step.running_max) {
        // Its last step is the time in which the last task ended.
        _ if is_over => format::count(0),
        (min, max) if min == max => format::count(max),
        (min, max) => format!("{min}–{max}"),
    });
    let window = state.window;
    heads_ui(
        ui,
        heads,
        "Queue",
        |ui| {
            if with_switch {
                switch_ui(ui, state);
            }
        },
        |ui| {
            key_ui(
                ui,
                palette.queued,
                "queued",
                &format::count(step.map_or(data.model.depth.tasks(), |step| step.queued)),
            );
            key_ui(ui, palette.accent, "running", &running);
            let ended = format::count(step.map_or(0, |step| step.ended));
            key_ui(ui, palette.outcome(OutcomeClass::Done), "ended", &ended);
            moment_ui(ui, &window, heads);
        },
    );
    depth_plot_ui(ui, plot, &data.model.depth, steps, &mut state.window);
}

fn throughput_ui(ui: &mut Ui, heads: Rect, plot: Rect, data: &LiveData<'_>, state: &mut LiveState, with_switch: bool) {
    let palette = theme::palette(ui);
    let (pool, now_ns) = (&data.model.pool, data.now_ns);
    let pointed = state.window.pointer_ns().and_then(|time_ns| pool.column_at(time_ns as u64));
    // Wide enough for some tasks to end in each: single ends would be drawn as a comb.
    let group = group_of(pool, state.window.span_ns());
    let groups = pool.columns().len().div_ceil(group);
    let rate_of = |place: usize| pool.rate(place * group..(place + 1) * group, now_ns);
    let newest = || pool.rate(pool.columns().len().saturating_sub(2 * group)..groups * group, now_ns);
    let rate = match pointed {
        None if data.model.progress.paused && data.model.progress.summary.is_none() => 0.0,
        None => newest(),
        Some(column) => rate_of(column / group),
    };
    // Memory holds until it is measured again.
    let memory_at = |column: usize| pool.columns()[..=column].iter().rev().find_map(|column| column.memory_bytes);
    let memory = pointed.map_or(pool.memory_bytes(), memory_at);
    let memory_words = memory.map_or_else(|| "–".to_owned(), format::bytes);
    let window = state.window;
    heads_ui(
        ui,
        heads,
        "Throughput",
        |ui| {
            if with_switch {
                switch_ui(ui, state);
            }
        },
        |ui| {
            key_ui(ui, palette.outcome(OutcomeClass::Done), "ended", &format::rate(rate));
            key_ui(ui, memory_color(palette), "memory", &memory_words);
            note_ui(ui, "of all workers");
            moment_ui(ui, &window, heads);
        },
    );
    let window = &mut state.window;
    let has_memory = plot.height() >= MIN_MEMORY_HEIGHT && pool.memory_bytes().is_some();
    let upper = if has_memory { (plot.height() * RATE_SHARE).floor() } else { plot.height() };
    let (upper, lower) = plot.split_top_bottom_at_y(plot.top() + upper);
    let width_ns = pool.width_ns() as f64;
    let span = |column: usize| (column as f64 * width_ns, ((column + 1) as f64 * width_ns).min(now_ns as f64));
    let largest = (0..groups).map(rate_of).fold(0.0, f64::max);
    let words = |value: f64| if value.fract() == 0.0 { quantity::short_count(value) } else { String::new() };
    let frame = PlotFrame { name: "throughput", rect: upper, y_max: (largest * 1.08).max(1.0), y_words: &words };
    let response = plot_frame_ui(ui, &frame, window, |plot| {
        let group_ns = width_ns * group as f64;
        let rates = (0..groups).map(|place| {
            let (from_ns, _) = span(place * group);
            let (_, to_ns) = span((place + 1) * group - 1);
            (from_ns, to_ns, rate_of(place))
        });
        // The rate of a moment that has hardly begun would be drawn as a fall to nothing.
        let known =
            rates.filter(|(from_ns, to_ns, _)| *from_ns == 0.0 || to_ns - from_ns >= group_ns * MIN_KNOWN_SHARE);
        plot.steps(known, palette.outcome(OutcomeClass::Done));
    });
    let rate_words = || format!("{} a moment ago, at most {}", format::rate(rate), format::rate(largest));
    describe(ui, &response, Role::Image, "Ended tasks a second over time", rate_words);
    response.on_hover_text("Tasks that ended, a second; cancelled ones are left out");
    if !has_memory {
        return;
    }
    let most = pool.columns().iter().filter_map(|column| column.memory_bytes).max().unwrap_or(1);
    // Marks are whole numbers of it.
    let unit = if most >= 1 << 30 { GIB } else { MIB };
    let words = |value: f64| if value == 0.0 { String::new() } else { format::bytes((value * unit) as u64) };
    let frame = PlotFrame {
        name: "memory of the workers",
        rect: lower.with_min_y(lower.top() + theme::UNIT),
        y_max: (most as f64 * 1.08 / unit).max(1.0),
        y_words: &words,
    };
    let response = plot_frame_ui(ui, &frame, window, |plot| {
        let mut held = None;
        let parts = pool.columns().iter().enumerate().filter_map(|(index, column)| {
            held = column.memory_bytes.or(held);
            let (from_ns, to_ns) = span(index);
            held.map(|bytes| (from_ns, to_ns, bytes as f64 / unit))
        });
        plot.steps(parts, memory_color(palette));
    });
    let words = || format!("{memory_words} now, at most {}", format::bytes(most));
    describe(ui, &response, Role::Image, "Memory of all workers over time", words);
    response.on_hover_text("Memory of all workers and their child processes");
}

/// Number of columns that are taken together for a view of this length.
fn group_of(pool: &PoolHistory, span_ns: f64) -> usize {
    let wanted_ns = quantity::round_step(span_ns / MAX_RATES);
    ((wanted_ns / pool.width_ns() as f64).round() as usize).max(1)
}

/// Maximum number of rates in view, about.
const MAX_RATES: f64 = 24.0;

/// Minimum share of its length that the last rate in view covers.
const MIN_KNOWN_SHARE: f64 = 0.25;

const MIB: f64 = (1 << 20) as f64;
const GIB: f64 = (1 << 30) as f64;

fn empty_plot_ui(ui: &mut Ui, rect: Rect, window: &mut TimeWindow, name: &str, words: &str) {
    let palette = theme::palette(ui);
    let no_marks = |_: f64| String::new();
    let frame = PlotFrame { name, rect, y_max: 1.0, y_words: &no_marks };
    let response = plot_frame_ui(ui, &frame, window, |_| {});
    let font = egui::TextStyle::Small.resolve(ui.style());
    let galley = ui.painter().layout_no_wrap(words.to_owned(), font, palette.text_weak);
    let place = Rect::from_center_size(rect.center(), galley.size());
    // The lines of the grid do not cross the words.
    ui.painter().rect_filled(place.expand2(vec2(theme::HALF, 0.0)), 0.0, palette.sunken);
    ui.painter().galley(place.min, galley, palette.text_weak);
    describe(ui, &response, Role::Image, name, || words.to_owned());
}
