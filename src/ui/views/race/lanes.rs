//! The view Lanes: what each worker did in two runs, on one axis of time.

use egui::{Align2, Color32, ComboBox, FontId, Mesh, Rangef, Rect, RichText, Role, ScrollArea, Sense, Ui, pos2, vec2};
use egui_material_icons::icons::ICON_VIEW_TIMELINE;

use crate::ui::theme;
use crate::ui::widgets::time_axis::{self, AXIS_HEIGHT, Ticks};
use crate::ui::widgets::{TimeWindow, describe, empty_state_ui};
use fanlane_core::model::race::{MAX_TRACED_TASKS, RaceModel, Span, Trace};

use super::{race_name, secs_words};

/// Width of the numbers of the lanes, in points.
const HEAD_WIDTH: f32 = 5.0 * theme::UNIT;
/// Minimum and maximum height of a lane, in points.
const LANE_HEIGHT: Rangef = Rangef { min: 1.25 * theme::UNIT, max: 6.0 * theme::UNIT };

/// The state of the view.
#[derive(Default)]
pub struct LanesView {
    chosen: [Option<Choice>; 2],
    window: TimeWindow,
}

/// A run of the shown race, or of the one that it is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Choice {
    beside: bool,
    contender: usize,
}

struct Entry<'a> {
    choice: Choice,
    name: String,
    is_chunked: bool,
    trace: &'a Trace,
}

impl LanesView {
    pub fn show_ui(&mut self, ui: &mut Ui, model: &RaceModel, beside: Option<&RaceModel>) {
        let entries = entries(model, beside);
        let Some(first) = entries.first() else {
            let too_many = model
                .header
                .as_ref()
                .is_some_and(|header| header.cases.iter().any(|case| case.tasks > MAX_TRACED_TASKS));
            let advice = if too_many {
                "Lanes are not kept for batches of more than 100,000 tasks. Race a part of the batch to see them."
            } else {
                "They appear after the first run that counts."
            };
            empty_state_ui(ui, ICON_VIEW_TIMELINE, "No lanes", advice);
            return;
        };
        let find = |choice: Option<Choice>| entries.iter().find(|entry| Some(entry.choice) == choice);
        let upper = find(self.chosen[0]).unwrap_or(first);
        // By default the first run is compared with the fastest of the others.
        let fastest = entries.iter().skip(1).filter(|entry| !entry.is_chunked).min_by_key(|entry| entry.trace.wall_ns);
        let lower = find(self.chosen[1]).or(fastest).unwrap_or(first);
        let shown = [upper, lower];
        let end_ns = shown.iter().map(|entry| entry.trace.wall_ns).max().unwrap_or(1);
        self.window.begin(end_ns);
        let lanes = shown.map(|entry| entry.trace.lanes().max(1) as f32);
        let controls = theme::ROW + 2.0 * theme::UNIT;
        let room = (ui.available_height() - AXIS_HEIGHT - 2.0 * controls - 3.0 * theme::UNIT).max(0.0);
        let height = (room / (lanes[0] + lanes[1])).clamp(LANE_HEIGHT.min, LANE_HEIGHT.max);
        for (place, entry) in shown.into_iter().enumerate() {
            let label = if place == 0 { "Upper run" } else { "Lower run" };
            ui.horizontal(|ui| {
                ui.set_min_height(theme::ROW);
                if let Some(choice) = choice_ui(ui, label, &entries, entry) {
                    self.chosen[place] = Some(choice);
                }
                let words = format!(
                    "{}, the run nearest the median. Bars are tasks; in the gaps the worker is idle.",
                    secs_words(entry.trace.wall_ns as f64 / 1e9)
                );
                ui.add(egui::Label::new(RichText::new(words).small().color(theme::palette(ui).text_weak)).truncate());
            });
            // If the room does not suffice, each run gets half of it.
            let max_height =
                (lanes[place] * height).min((room / 2.0).max(room - lanes[1 - place] * height)).max(LANE_HEIGHT.max);
            ScrollArea::vertical().id_salt(label).max_height(max_height).show(ui, |ui| {
                lanes_ui(ui, entry, &mut self.window, height);
            });
        }
        axis_ui(ui, &self.window);
    }
}

fn entries<'a>(model: &'a RaceModel, beside: Option<&'a RaceModel>) -> Vec<Entry<'a>> {
    let of = |model: &'a RaceModel, beside: bool, suffix: String| {
        let traces = model.traces.iter().enumerate().filter_map(|(place, trace)| Some((place, trace.as_ref()?)));
        traces.map(move |(contender, trace)| Entry {
            choice: Choice { beside, contender },
            name: format!("{}{suffix}", model.contenders()[contender].name()),
            is_chunked: model.contenders()[contender].chunk.is_some(),
            trace,
        })
    };
    let own = of(model, false, String::new());
    let other = beside.map(|other| of(other, true, format!(" · {}", race_name(other))));
    own.chain(other.into_iter().flatten()).collect()
}

fn choice_ui(ui: &mut Ui, label: &str, entries: &[Entry<'_>], shown: &Entry<'_>) -> Option<Choice> {
    let mut chosen = None;
    let combo = ComboBox::from_id_salt(label).selected_text(&shown.name).width(24.0 * theme::UNIT).show_ui(ui, |ui| {
        for entry in entries {
            if ui.selectable_label(entry.choice == shown.choice, &entry.name).clicked() {
                chosen = Some(entry.choice);
            }
        }
    });
    combo.response.accessible_name(label);
    chosen
}

fn lanes_ui(ui: &mut Ui, entry: &Entry<'_>, window: &mut TimeWindow, height: f32) {
    let palette = theme::palette(ui);
    let lanes = entry.trace.lanes();
    let size = vec2(ui.available_width(), height * lanes as f32);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
    let time = Rangef::new(rect.left() + HEAD_WIDTH, rect.right() - theme::GAP);
    window.navigate(ui, &response, time);
    let row = |lane: u32| {
        let top = rect.top() + height * lane as f32;
        Rect::from_x_y_ranges(time, top + 1.0..=top + height - 1.0)
    };
    let painter = ui.painter_at(rect);
    for lane in 0..lanes {
        let row = row(lane);
        painter.rect_filled(row, 0.0, palette.idle);
        let font = FontId::proportional(theme::SMALL_SIZE - 1.0);
        let at = pos2(time.min - theme::HALF, row.center().y);
        painter.text(at, Align2::RIGHT_CENTER, lane + 1, font, palette.text_weak);
    }
    let (from_ns, to_ns) = window.range_ns();
    let mut mesh = Mesh::default();
    let mut ends = vec![f32::NEG_INFINITY; lanes as usize];
    let mut order: Vec<&Span> = entry.trace.spans.iter().collect();
    order.sort_unstable_by_key(|span| span.start_ns);
    for span in order {
        if (span.end_ns() as f64) < from_ns || span.start_ns as f64 > to_ns {
            continue;
        }
        let [left, right] = [span.start_ns, span.end_ns()].map(|ns| window.place_of(time, ns as f64));
        let end = &mut ends[span.lane as usize];
        // Bars within one pixel are one bar.
        if right - *end < 0.5 {
            continue;
        }
        *end = right.max(left + 1.0);
        let bar = row(span.lane).with_min_x(left.max(time.min)).with_max_x((right - 0.5).max(left + 0.5).min(time.max));
        mesh.add_colored_rect(bar, color(ui, span));
    }
    painter.add(mesh);
    let words = format!(
        "{} lanes, {} attempts, {}",
        lanes,
        entry.trace.spans.len(),
        secs_words(entry.trace.wall_ns as f64 / 1e9)
    );
    describe(ui, &response, Role::Image, &format!("Lanes of {}", entry.name), || words.clone());
    if let Some(pointer) = response.hover_pos().filter(|pointer| time.contains(pointer.x)) {
        let lane = ((pointer.y - rect.top()) / height) as u32;
        let at_ns = window.time_at(time, pointer.x);
        let slack_ns = window.span_ns() / f64::from(time.span().max(1.0));
        let found = entry.trace.spans.iter().find(|span| {
            span.lane == lane && span.start_ns as f64 - slack_ns <= at_ns && at_ns <= span.end_ns() as f64 + slack_ns
        });
        if let Some(span) = found {
            let words = format!(
                "Task {} in lane {}\nfrom {} for {}, CPU {}",
                span.task + 1,
                lane + 1,
                secs_words(span.start_ns as f64 / 1e9),
                secs_words(span.wall_ns as f64 / 1e9),
                secs_words(span.cpu_ns as f64 / 1e9),
            );
            response.on_hover_text_at_pointer(words);
        }
    }
}

fn color(ui: &Ui, span: &Span) -> Color32 {
    use fanlane_core::event::OutcomeClass::{Done, Failed};
    theme::palette(ui).outcome(if span.done { Done } else { Failed })
}

fn axis_ui(ui: &mut Ui, window: &TimeWindow) {
    let palette = theme::palette(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), AXIS_HEIGHT), Sense::hover());
    let time = Rangef::new(rect.left() + HEAD_WIDTH, rect.right() - theme::GAP);
    let (from_ns, to_ns) = window.range_ns();
    let ticks = Ticks::new(from_ns, to_ns, time.span().max(1.0));
    for time_ns in &ticks.times_ns {
        let x = window.place_of(time, *time_ns);
        let words = time_axis::label(*time_ns, ticks.step_ns);
        let font = FontId::proportional(theme::SMALL_SIZE);
        ui.painter().text(pos2(x, rect.top() + theme::HALF), Align2::CENTER_TOP, words, font, palette.text_weak);
    }
}
