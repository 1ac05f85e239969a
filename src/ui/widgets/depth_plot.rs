//! Queued and ended tasks over time, and below, with a scale of its own, the running tasks: a few would be a flat line beside
//! a queue of thousands.

use egui::{Response, RichText, Role, Sense, Stroke, Ui, vec2};
use egui_plot::{FilledArea, PlotPoint};

use super::describe;
use super::plot_frame::{PlotFrame, line as curve, plot_frame_ui};
use super::quantity;
use super::time_axis::AXIS_HEIGHT;
use super::time_window::TimeWindow;
use crate::ui::theme::{self, Palette};
use fanlane_core::event::OutcomeClass;
use fanlane_core::model::DepthHistory;
use fanlane_core::model::depth::Step;
use fanlane_core::model::format;

/// The share of the height for queued and ended tasks.
const UPPER_SHARE: f32 = 0.62;

/// Distance of the plots, in points: keeps the numbers of their axes apart.
const PLOT_DISTANCE: f32 = theme::UNIT + theme::HALF;

/// Width of the slots in which changes are merged, in points.
const SLOT_WIDTH: f32 = 2.0;

/// Draws queued, running and ended tasks over time, in the available room.
pub fn depth_plot_ui(ui: &mut Ui, depth: &DepthHistory, now_ns: u64, window: &mut TimeWindow) -> Response {
    let palette = theme::palette(ui);
    let steps = depth.steps(now_ns);
    legend_ui(ui, palette, &steps, depth.tasks(), window.pointer_ns());
    let (from_ns, to_ns) = window.range_ns();
    let first = steps.partition_point(|step| (step.to_ns as f64) < from_ns);
    let last = steps.partition_point(|step| (step.from_ns as f64) <= to_ns);
    let visible = &steps[first..last.max(first)];
    let slot_ns = (to_ns - from_ns) / f64::from((ui.available_width() / SLOT_WIDTH).max(1.0));
    let queued = line(visible, slot_ns / 1e9, |step| step.queued as f64);
    let ended = line(visible, slot_ns / 1e9, |step| step.ended as f64);
    let running = Running::of(visible, (from_ns, to_ns), slot_ns);
    let running_max = steps.iter().map(|step| step.running_max).max().unwrap_or(0).max(1);
    let room = ui.available_height() - PLOT_DISTANCE;
    let plots_height = room - AXIS_HEIGHT;
    ui.spacing_mut().item_spacing.y = PLOT_DISTANCE;
    let words = |value: f64| if value.fract() == 0.0 { quantity::short_count(value) } else { String::new() };
    let upper = PlotFrame {
        name: "queued and ended tasks",
        height: (plots_height * UPPER_SHARE).floor(),
        time_axis: false,
        y_max: depth.tasks().max(1) as f64 * 1.04,
        y_words: &words,
    };
    let response = plot_frame_ui(ui, &upper, window, |plot| {
        plot.line(curve("queued", &queued, palette.queued));
        plot.line(curve("ended", &ended, palette.outcome(OutcomeClass::Done)));
    });
    let newest = || steps.last().map_or_else(|| "nothing yet".to_owned(), step_words);
    describe(ui, &response, Role::Image, "Queued and ended tasks over time", newest);
    let lower = PlotFrame {
        name: "running tasks",
        height: room - upper.height,
        time_axis: true,
        y_max: running_max as f64 * 1.1,
        y_words: &words,
    };
    let lower_response = plot_frame_ui(ui, &lower, window, |plot| {
        let fill = palette.accent.gamma_multiply(0.35);
        plot.add(
            FilledArea::new("range", &running.secs, &running.min, &running.max).fill_color(fill).allow_hover(false),
        );
        plot.line(curve("running", &running.mean, palette.accent));
    });
    describe(ui, &lower_response, Role::Image, "Running tasks over time", newest);
    response
}

fn step_words(step: &Step) -> String {
    format!("{} queued, {} running, {} ended", step.queued, step.running_max, step.ended)
}

// The legend also shows the values: at the pointer, or else the newest.
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

// Drawn as steps: a slope would show values that never existed.
fn line(steps: &[Step], slot_secs: f64, value: impl Fn(&Step) -> f64) -> Vec<PlotPoint> {
    let mut points: Vec<PlotPoint> = Vec::with_capacity(2 * steps.len());
    for step in steps {
        let value = value(step);
        let to_secs = step.to_ns as f64 / 1e9;
        match points.last_mut() {
            Some(last) if last.y == value => last.x = to_secs,
            _ => points.extend([PlotPoint::new(step.from_ns as f64 / 1e9, value), PlotPoint::new(to_secs, value)]),
        }
    }
    thinned(&points, slot_secs)
}

// Keeps the first, the last, the lowest and the highest point of each slot: thousands in a few pixels look the same and cost
// most of the time of a frame.
fn thinned(points: &[PlotPoint], slot_secs: f64) -> Vec<PlotPoint> {
    let slot = |point: &PlotPoint| (point.x / slot_secs).floor();
    let mut kept = Vec::with_capacity(points.len());
    for sharing in points.chunk_by(|one, other| slot(one) == slot(other)) {
        let by_height = |one: &usize, other: &usize| sharing[*one].y.total_cmp(&sharing[*other].y);
        let least = (0..sharing.len()).min_by(by_height).unwrap_or(0);
        let largest = (0..sharing.len()).max_by(by_height).unwrap_or(0);
        let mut places = [0, least.min(largest), least.max(largest), sharing.len() - 1].to_vec();
        places.dedup();
        kept.extend(places.into_iter().map(|place| sharing[place]));
    }
    kept
}

/// Running tasks in slots of a few pixels: the gaps between tasks take microseconds and would be drawn as a comb. The line is
/// the mean, the band around it goes from minimum to maximum.
#[derive(Default)]
struct Running {
    mean: Vec<PlotPoint>,
    secs: Vec<f64>,
    min: Vec<f64>,
    max: Vec<f64>,
}

impl Running {
    fn of(steps: &[Step], (from_ns, to_ns): (f64, f64), slot_ns: f64) -> Self {
        let mut running = Self::default();
        let mut rest = steps;
        let mut left_ns = from_ns;
        while let Some(first) = rest.iter().position(|step| step.to_ns as f64 > left_ns) {
            rest = &rest[first..];
            // A step that is longer than a slot is drawn as a whole.
            let right_ns = (left_ns + slot_ns).max((rest[0].to_ns as f64).min(to_ns));
            let sharing = &rest[..rest.partition_point(|step| (step.from_ns as f64) < right_ns)];
            running.push(sharing, left_ns, right_ns);
            if right_ns >= to_ns {
                break;
            }
            left_ns = right_ns;
        }
        running
    }

    fn push(&mut self, steps: &[Step], left_ns: f64, right_ns: f64) {
        let (mut area, mut min, mut max, mut end_ns) = (0.0, u64::MAX, 0, left_ns);
        for step in steps {
            let from_ns = left_ns.max(step.from_ns as f64);
            let to_ns = right_ns.min(step.to_ns as f64);
            area += step.running_mean * (to_ns - from_ns);
            min = min.min(step.running_min);
            max = max.max(step.running_max);
            end_ns = to_ns;
        }
        if end_ns > left_ns {
            for time_ns in [left_ns, end_ns] {
                self.secs.push(time_ns / 1e9);
                self.min.push(min as f64);
                self.max.push(max as f64);
                self.mean.push(PlotPoint::new(time_ns / 1e9, area / (end_ns - left_ns)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(from_ns: u64, to_ns: u64, running: u64) -> Step {
        Step {
            from_ns,
            to_ns,
            running_min: running,
            running_max: running,
            running_mean: running as f64,
            queued: 0,
            ended: 0,
        }
    }

    #[test]
    fn slots_keep_the_mean_the_dip_and_the_peak() {
        let steps = [step(0, 400, 4), step(400, 500, 0), step(500, 590, 4), step(590, 600, 7), step(600, 1000, 4)];
        let running = Running::of(&steps, (0.0, 1000.0), 1000.0);
        assert_eq!((running.min.as_slice(), running.max.as_slice()), ([0.0, 0.0].as_slice(), [7.0, 7.0].as_slice()));
        assert!((running.mean[0].y - 3.63).abs() < 1e-9, "{:?}", running.mean);
    }

    #[test]
    fn a_line_of_many_steps_has_few_points_and_each_of_its_peaks() {
        // Ends pile up, but for one moment of a thousand.
        let steps: Vec<Step> = (0..10_000)
            .map(|at| Step { ended: if at == 4321 { 90_000 } else { at }, ..step(1000 * at, 1000 * (at + 1), 1) })
            .collect();
        let of = |slot_secs: f64| line(&steps, slot_secs, |step| step.ended as f64);
        let (all, thin) = (of(1e-9), of(1e-4));
        assert!(all.len() > 19_000 && thin.len() <= 404, "{} and {}", all.len(), thin.len());
        assert!(thin.iter().any(|point| point.y == 90_000.0), "the peak stays");
        assert_eq!((thin.first(), thin.last()), (all.first(), all.last()));
        // Between its neighbours in time, a point that is left out lies within what they span, and they are close.
        assert!(thin.windows(2).all(|pair| pair[0].x <= pair[1].x));
        let height =
            |points: &[PlotPoint], secs: f64| points.iter().rfind(|point| point.x <= secs).map(|point| point.y);
        for point in all.iter().filter(|point| point.y < 90_000.0) {
            let drawn = height(&thin, point.x).expect("the first point stays");
            assert!((drawn - point.y).abs() <= 100.0 || drawn == 90_000.0, "{point:?} beside {drawn}");
        }
    }

    #[test]
    fn a_long_step_keeps_its_edges() {
        let steps = [step(0, 333, 1), step(333, 1000, 2)];
        let running = Running::of(&steps, (0.0, 1000.0), 10.0);
        let points: Vec<_> = running.mean.iter().map(|point| ((point.x * 1e9).round() as u64, point.y)).collect();
        assert_eq!(points, [(0, 1.0), (333, 1.0), (333, 2.0), (1000, 2.0)]);
    }
}
