//! Is the queue draining? Queued and ended tasks over time, and below, on the same axis of time but with a scale of
//! its own, the tasks being done: a handful would be a flat line beside a queue of thousands.

use egui::{Response, RichText, Role, Sense, Stroke, Ui, WidgetInfo, vec2};
use egui_plot::{FilledArea, Line, PlotPoint, PlotPoints};

use super::plot_frame::{PlotFrame, plot_frame_ui};
use super::quantity;
use super::time_axis::AXIS_HEIGHT;
use super::time_window::TimeWindow;
use crate::event::OutcomeClass;
use crate::model::DepthHistory;
use crate::model::depth::Step;
use crate::model::format;
use crate::ui::theme::{self, Palette};

/// The part of the height that queued and ended take.
const UPPER_SHARE: f32 = 0.62;

/// Tasks queued, running and ended over time, in all the room there is.
pub fn depth_plot_ui(ui: &mut Ui, depth: &DepthHistory, now_ns: u64, window: &mut TimeWindow) -> Response {
    let palette = theme::palette(ui);
    let steps = depth.steps(now_ns);
    legend_ui(ui, palette, &steps, depth.tasks(), window.pointer_ns());
    let (from_ns, to_ns) = window.range_ns();
    let first = steps.partition_point(|step| (step.to_ns as f64) < from_ns);
    let last = steps.partition_point(|step| (step.from_ns as f64) <= to_ns);
    let visible = &steps[first..last.max(first)];
    let queued = line(visible, |step| step.queued as f64);
    let ended = line(visible, |step| step.ended as f64);
    let running = line(visible, |step| step.running_mean);
    let band = Band::of(visible);
    let running_max = steps.iter().map(|step| step.running_max).max().unwrap_or(0).max(1);
    let room = ui.available_height() - theme::HALF;
    let plots_height = room - AXIS_HEIGHT;
    ui.spacing_mut().item_spacing.y = theme::HALF;
    let words = |value: f64| if value.fract() == 0.0 { quantity::short_count(value) } else { String::new() };
    let upper = PlotFrame {
        name: "queued and ended tasks",
        height: (plots_height * UPPER_SHARE).floor(),
        time_axis: false,
        y_max: depth.tasks().max(1) as f64 * 1.04,
        whole_numbers: true,
        y_words: &words,
    };
    let response = plot_frame_ui(ui, &upper, window, |plot| {
        let pen = |color| Stroke::new(theme::LINE, color);
        plot.line(Line::new("queued", PlotPoints::Borrowed(&queued)).stroke(pen(palette.queued)).allow_hover(false));
        let color = palette.outcome(OutcomeClass::Done);
        plot.line(Line::new("ended", PlotPoints::Borrowed(&ended)).stroke(pen(color)).allow_hover(false));
    });
    let label = "Queued and ended tasks over time";
    describe(ui, &response, label, &steps);
    let lower = PlotFrame {
        name: "running tasks",
        height: room - upper.height,
        time_axis: true,
        y_max: running_max as f64 * 1.1,
        whole_numbers: true,
        y_words: &words,
    };
    let lower_response = plot_frame_ui(ui, &lower, window, |plot| {
        let fill = palette.accent.gamma_multiply(0.35);
        plot.add(FilledArea::new("range", &band.secs, &band.min, &band.max).fill_color(fill).allow_hover(false));
        let pen = Stroke::new(theme::LINE, palette.accent);
        plot.line(Line::new("running", PlotPoints::Borrowed(&running)).stroke(pen).allow_hover(false));
    });
    describe(ui, &lower_response, "Running tasks over time", &steps);
    response
}

fn describe(ui: &Ui, response: &Response, label: &str, steps: &[Step]) {
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::Image, ui.is_enabled(), label);
        info.current_text_value = Some(steps.last().map_or_else(|| "nothing yet".to_owned(), step_words));
        info
    });
}

fn step_words(step: &Step) -> String {
    format!("{} queued, {} running, {} ended", step.queued, step.running_max, step.ended)
}

// The legend is the read-out too: of the moment under the pointer, or else of the newest.
fn legend_ui(ui: &mut Ui, palette: &Palette, steps: &[Step], tasks: u64, pointer_ns: Option<f64>) {
    let at_pointer = pointer_ns.and_then(|time_ns| {
        let index = steps.partition_point(|step| step.to_ns as f64 <= time_ns);
        steps.get(index).map(|step| (time_ns, step))
    });
    let step = at_pointer.map(|(_, step)| step).or(steps.last());
    let running = step.map_or_else(String::new, |step| match (step.running_min, step.running_max) {
        (min, max) if min == max => format::count(max),
        (min, max) => format!("{min}–{max}"),
    });
    let queued = step.map_or(tasks, |step| step.queued);
    let ended = step.map_or(0, |step| step.ended);
    ui.horizontal(|ui| {
        ui.set_height(theme::BODY_SIZE + theme::HALF);
        key_ui(ui, palette.queued, "queued", &format::count(queued), palette);
        key_ui(ui, palette.accent, "running", &running, palette);
        key_ui(ui, palette.outcome(OutcomeClass::Done), "ended", &format::count(ended), palette);
        if let Some((time_ns, _)) = at_pointer {
            ui.label(RichText::new(format!("at {}", quantity::moment(time_ns))).small().color(palette.text_weak));
        }
    });
}

fn key_ui(ui: &mut Ui, color: egui::Color32, name: &str, value: &str, palette: &Palette) {
    let (rect, _) = ui.allocate_exact_size(vec2(1.5 * theme::UNIT, theme::UNIT), Sense::hover());
    ui.painter().hline(rect.x_range(), rect.center().y, Stroke::new(2.0 * theme::LINE, color));
    ui.spacing_mut().item_spacing.x = theme::HALF;
    ui.label(RichText::new(name).small().color(palette.text_weak));
    ui.label(RichText::new(value).text_style(theme::small_number_style()).color(palette.text));
    ui.spacing_mut().item_spacing.x = theme::UNIT;
    ui.add_space(theme::HALF);
}

// Steps are drawn as steps: a slope would claim values that never were.
fn line(steps: &[Step], value: impl Fn(&Step) -> f64) -> Vec<PlotPoint> {
    let mut points: Vec<PlotPoint> = Vec::with_capacity(2 * steps.len());
    for step in steps {
        let value = value(step);
        let to_secs = step.to_ns as f64 / 1e9;
        match points.last_mut() {
            Some(last) if last.y == value => last.x = to_secs,
            _ => points.extend([PlotPoint::new(step.from_ns as f64 / 1e9, value), PlotPoint::new(to_secs, value)]),
        }
    }
    points
}

#[derive(Default)]
struct Band {
    secs: Vec<f64>,
    min: Vec<f64>,
    max: Vec<f64>,
}

impl Band {
    fn of(steps: &[Step]) -> Self {
        let mut band = Self::default();
        for step in steps {
            for time_ns in [step.from_ns, step.to_ns] {
                band.secs.push(time_ns as f64 / 1e9);
                band.min.push(step.running_min as f64);
                band.max.push(step.running_max as f64);
            }
        }
        band
    }
}
