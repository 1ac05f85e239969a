//! Queued and ended tasks over time, and below, with a scale of its own, the running tasks: a few would be a flat line beside
//! a queue of thousands.

use egui::{Rangef, Rect, Response, Role, Ui};

use super::plot_frame::{PlotFrame, plot_frame_ui};
use super::time_window::TimeWindow;
use super::{describe, quantity};
use crate::ui::theme;
use fanlane_core::event::OutcomeClass;
use fanlane_core::model::depth::Step;
use fanlane_core::model::{DepthHistory, format};

/// The share of the height for queued and ended tasks.
const UPPER_SHARE: f32 = 0.6;
/// Distance of the plots, in points: keeps the numbers of their axes apart.
const PLOT_DISTANCE: f32 = theme::UNIT;
/// Width of the slots in which changes of the running tasks are merged, in points.
const SLOT_WIDTH: f32 = 2.0;

/// Draws queued, running and ended tasks over time.
pub fn depth_plot_ui(
    ui: &mut Ui,
    rect: Rect,
    depth: &DepthHistory,
    steps: &[Step],
    window: &mut TimeWindow,
) -> Response {
    let palette = theme::palette(ui);
    let (from_ns, to_ns) = window.range_ns();
    let first = steps.partition_point(|step| (step.to_ns as f64) < from_ns);
    let last = steps.partition_point(|step| (step.from_ns as f64) <= to_ns);
    let visible = &steps[first..last.max(first)];
    let slot_ns = (to_ns - from_ns) / f64::from((rect.width() / SLOT_WIDTH).max(1.0));
    let running = Running::of(visible, (from_ns, to_ns), slot_ns);
    let running_max = steps.iter().map(|step| step.running_max).max().unwrap_or(0).max(1);
    let middle = rect.top() + ((rect.height() - PLOT_DISTANCE) * UPPER_SHARE).floor();
    let part = |y: Rangef| Rect::from_x_y_ranges(rect.x_range(), y);
    let words = |value: f64| if value.fract() == 0.0 { quantity::short_count(value) } else { String::new() };
    let upper = PlotFrame {
        name: "queued and ended tasks",
        rect: part(Rangef::new(rect.top(), middle)),
        y_max: depth.tasks().max(1) as f64 * 1.04,
        y_words: &words,
    };
    let curve = |value: fn(&Step) -> u64| {
        visible.iter().map(move |step| (step.from_ns as f64, step.to_ns as f64, value(step) as f64))
    };
    let response = plot_frame_ui(ui, &upper, window, |plot| {
        plot.steps(curve(|step| step.queued), palette.queued);
        plot.steps(curve(|step| step.ended), palette.outcome(OutcomeClass::Done));
    });
    let newest = || steps.last().map_or_else(|| "nothing yet".to_owned(), step_words);
    describe(ui, &response, Role::Image, "Queued and ended tasks over time", newest);
    let lower = PlotFrame {
        name: "running tasks",
        rect: part(Rangef::new(middle + PLOT_DISTANCE, rect.bottom())),
        y_max: running_max as f64 * 1.1,
        y_words: &words,
    };
    let lower_response = plot_frame_ui(ui, &lower, window, |plot| {
        plot.range(running.ranges, palette.accent.gamma_multiply(0.35));
        plot.steps(running.means, palette.accent);
    });
    describe(ui, &lower_response, Role::Image, "Running tasks over time", newest);
    response
}

fn step_words(step: &Step) -> String {
    format!(
        "{} queued, {} running, {} ended",
        format::count(step.queued),
        format::count(step.running_max),
        format::count(step.ended)
    )
}

/// Running tasks in slots of a few pixels: the gaps between tasks take microseconds and would be drawn as a comb. The line is
/// the mean, the band around it goes from minimum to maximum.
#[derive(Default)]
struct Running {
    means: Vec<(f64, f64, f64)>,
    ranges: Vec<(f64, f64, f64, f64)>,
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
            self.means.push((left_ns, end_ns, area / (end_ns - left_ns)));
            self.ranges.push((left_ns, end_ns, min as f64, max as f64));
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
        assert_eq!(running.ranges, [(0.0, 1000.0, 0.0, 7.0)]);
        assert!((running.means[0].2 - 3.63).abs() < 1e-9, "{:?}", running.means);
    }

    #[test]
    fn a_long_step_keeps_its_edges() {
        let steps = [step(0, 333, 1), step(333, 1000, 2)];
        let running = Running::of(&steps, (0.0, 1000.0), 10.0);
        assert_eq!(running.means, [(0.0, 333.0, 1.0), (333.0, 1000.0, 2.0)]);
    }
}
