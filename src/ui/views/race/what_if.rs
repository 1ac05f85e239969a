//! The view What if: the recorded tasks with another pool size, chunk size or order, replayed by the dispatcher in simulated
//! time, beside the measured times.

use std::num::NonZeroU32;

use egui::{Button, DragValue, RichText, Slider, Ui};
use egui_material_icons::icons::ICON_ALT_ROUTE;

use crate::session::race::{Question, WhatIf, WhatIfOrder};
use crate::ui::theme;
use crate::ui::widgets::chart::{
    Chart, ChartAxis, ChartMark, ChartPoint, LineKind, Scale, Series, chart_legend_ui, chart_ui,
};
use crate::ui::widgets::empty_state_ui;
use fanlane_core::model::race::{RaceModel, chunks, knee_within};

use super::digest::Digest;
use super::secs_words;

/// Maximum number of pool sizes that are replayed; more are thinned out.
const MAX_SIZES: u32 = 32;
/// Maximum number of tasks that are replayed at all sizes; larger batches only at the chosen and the measured ones.
const MAX_QUICK_TASKS: usize = 5_000;

/// The state of the view.
#[derive(Default)]
pub struct WhatIfView {
    workers: u32,
    chunk: u32,
    order: WhatIfOrder,
    answer: Option<Answer>,
}

/// The curve for a question, kept until question or tasks change.
struct Answer {
    what_if: WhatIf,
    chunk: Option<NonZeroU32>,
    order: WhatIfOrder,
    /// The largest pool size.
    largest: u32,
    /// Sizes with their predicted seconds, smallest first.
    curve: Vec<(u32, f64)>,
}

impl WhatIfView {
    pub fn show_ui(&mut self, ui: &mut Ui, model: &RaceModel, digest: &Digest) {
        let what_if = match &digest.what_if {
            Ok(what_if) => what_if,
            Err(why) => {
                empty_state_ui(ui, ICON_ALT_ROUTE, "Nothing to replay", &format!("It needs recorded tasks: {why}."));
                return;
            }
        };
        let cores = model.header.as_ref().map_or(1, |header| header.evidence.logical_cores.max(1));
        let largest = digest.sizes.last().map_or(1, |(size, _)| *size).max(2 * cores);
        if self.workers == 0 {
            self.workers = digest.sizes.last().map_or(cores, |(size, _)| *size);
        }
        self.choices_ui(ui, largest, what_if.tasks() as u64);
        let curve = self.curve(what_if, largest, &digest.sizes.iter().map(|(size, _)| *size).collect::<Vec<_>>());
        let chosen = curve.iter().find(|(size, _)| *size == self.workers).map_or(0.0, |(_, secs)| *secs);
        let knee = knee_within(&curve);
        let recorded = model.contenders()[what_if.recorded()].name();
        sentence_ui(ui, self.workers, chosen, knee, &recorded);
        let series = [
            Series {
                name: "predicted".to_owned(),
                color: theme::palette(ui).line(0),
                points: curve.iter().map(|(size, secs)| ChartPoint::new(f64::from(*size), *secs)).collect(),
                line: LineKind::Dashed,
                dots: false,
            },
            Series {
                name: "measured (order as given, adaptive chunks)".to_owned(),
                color: theme::palette(ui).line(1),
                points: digest
                    .sizes
                    .iter()
                    .map(|(size, time)| ChartPoint::with_half_width(f64::from(*size), time.mean, time.half_width()))
                    .collect(),
                line: LineKind::None,
                dots: true,
            },
            Series {
                name: "chosen".to_owned(),
                color: theme::palette(ui).line(2),
                points: vec![ChartPoint::new(f64::from(self.workers), chosen)],
                line: LineKind::None,
                dots: true,
            },
        ];
        chart_legend_ui(ui, &series);
        let highest = series.iter().map(Series::top).fold(0.0, f64::max);
        let marks: Vec<ChartMark> =
            knee.map(|knee| ChartMark { x: knee.into(), words: format!("knee at {knee}") }).into_iter().collect();
        let chart = Chart {
            name: "Predicted wall time over workers",
            value: format!("{} at {} workers", secs_words(chosen), self.workers),
            x: ChartAxis {
                title: "workers",
                min: 0.5,
                max: f64::from(largest) + 0.5,
                scale: Scale::Linearly(whole_sizes(largest)),
                words: &|value| format!("{value:.0}"),
            },
            y: ChartAxis {
                title: "wall time",
                min: 0.0,
                max: highest.max(1e-9) * 1.06,
                scale: Scale::Linear,
                words: &secs_words,
            },
            series: &series,
            marks: &marks,
        };
        let height = ui.available_height();
        chart_ui(ui, &chart, height);
    }

    fn choices_ui(&mut self, ui: &mut Ui, largest: u32, tasks: u64) {
        ui.horizontal_wrapped(|ui| {
            let weak = theme::palette(ui).text_weak;
            ui.label(RichText::new("Workers").color(weak));
            ui.spacing_mut().slider_width = 12.0 * theme::UNIT;
            let slider = Slider::new(&mut self.workers, 1..=largest).integer();
            ui.add(slider).accessible_name("What-if workers");
            ui.add_space(theme::UNIT);
            ui.label(RichText::new("Chunk").color(weak));
            let most = u32::try_from(tasks).unwrap_or(u32::MAX).max(1);
            let chunk = DragValue::new(&mut self.chunk).range(0..=most).speed(0.2);
            let chunk = chunk
                .custom_formatter(|value, _| if value < 1.0 { "adaptive".to_owned() } else { format!("{value:.0}") });
            let chunk = chunk.custom_parser(|text| text.trim().parse().ok().or(Some(0.0)));
            ui.add(chunk).on_hover_text("Tasks per message; 0: adaptive").accessible_name("What-if chunk size");
            let pythons = chunks::python_default(tasks, self.workers);
            if ui
                .button(format!("Python's {pythons}"))
                .on_hover_text("The default chunk size of Python's Pool.map")
                .clicked()
            {
                self.chunk = pythons;
            }
            ui.add_space(theme::UNIT);
            ui.label(RichText::new("Order").color(weak));
            ui.spacing_mut().item_spacing.x = theme::HALF / 2.0;
            for order in WhatIfOrder::ALL {
                let button = ui.add(Button::selectable(self.order == order, order.name()));
                if button.accessible_name(format!("Order {}", order.name())).clicked() {
                    self.order = order;
                }
            }
        });
    }

    /// The curve for the current choices, replayed when they or the tasks change.
    fn curve(&mut self, what_if: &WhatIf, largest: u32, measured: &[u32]) -> Vec<(u32, f64)> {
        let chunk = NonZeroU32::new(self.chunk);
        let is_asked = |answer: &Answer| {
            answer.chunk == chunk
                && answer.order == self.order
                && answer.largest == largest
                && answer.what_if == *what_if
        };
        let mut answer = self.answer.take().filter(is_asked).unwrap_or_else(|| {
            let question = Question { workers: 1, chunk, order: self.order };
            let step = if what_if.tasks() > MAX_QUICK_TASKS { largest } else { largest.div_ceil(MAX_SIZES) };
            let mut sizes: Vec<u32> =
                (1..=largest).step_by(step.max(1) as usize).chain(measured.iter().copied()).collect();
            sizes.push(largest);
            sizes.sort_unstable();
            sizes.dedup();
            Answer {
                what_if: what_if.clone(),
                chunk,
                order: self.order,
                largest,
                curve: what_if.sweep(question, sizes),
            }
        });
        if !answer.curve.iter().any(|(size, _)| *size == self.workers) {
            let question = Question { workers: self.workers, chunk, order: self.order };
            answer.curve.extend(what_if.sweep(question, [self.workers]));
            answer.curve.sort_unstable_by_key(|(size, _)| *size);
        }
        let curve = answer.curve.clone();
        self.answer = Some(answer);
        curve
    }
}

/// The sizes with a mark on the axis, about sixteen at most.
fn whole_sizes(largest: u32) -> Vec<f64> {
    let step = largest.div_ceil(16);
    (1..=largest).filter(|size| *size == 1 || size % step == 0).map(f64::from).collect()
}

fn sentence_ui(ui: &mut Ui, workers: u32, secs: f64, knee: Option<u32>, recorded: &str) {
    let knee = knee.map_or_else(String::new, |knee| format!(" More than {knee} gain little."));
    let workers = fanlane_core::model::format::plural(workers.into(), "worker");
    let words = format!("{workers} would take {}.{knee} Replayed from the tasks of {recorded}.", secs_words(secs));
    ui.label(RichText::new(words).color(theme::palette(ui).text_strong));
}
