//! The bar under the pointer or the cursor in words, or else the gestures of the lanes.

use egui::{Align, Layout, Rect, RichText, Ui, UiBuilder};

use super::{Found, LanesData};
use crate::ui::theme;
use crate::ui::widgets::{badge, quantity};
use fanlane_core::event::OutcomeClass;
use fanlane_core::model::{LatestLine, format};

/// The gestures of the lanes.
const ADVICE: &str = "Wheel: zoom · Drag: move · Double click: whole run · Click: open the task";

/// The line below the lanes.
pub fn line_ui(ui: &mut Ui, rect: Rect, data: &LanesData<'_>, found: Option<&Found>) {
    let palette = theme::palette(ui);
    let builder = UiBuilder::new().max_rect(rect).layout(Layout::left_to_right(Align::Center));
    ui.scope_builder(builder, |ui| {
        let (text, color) = match found {
            Some(found) => (sentence(data, found), palette.text),
            None => (ADVICE.to_owned(), palette.text_weak),
        };
        ui.add(egui::Label::new(RichText::new(text).small().color(color)).truncate());
    });
}

/// The tooltip of a bar.
pub fn tooltip_ui(ui: &mut Ui, data: &LanesData<'_>, found: &Found) {
    ui.set_max_width(ui.spacing().tooltip_width);
    let class = class(data, found);
    ui.horizontal(|ui| {
        ui.strong(format!("Task {}", format::count((data.number)(found.task))));
        match class {
            Some(class) => badge::outcome_badge_ui(ui, class),
            None => ui.label("running"),
        };
        if retried(data, found) {
            ui.label("tried again");
        }
    });
    ui.add(egui::Label::new(RichText::new((data.label)(found.task)).monospace()).truncate());
    ui.label(times(data, found));
    if let Some(line) = latest_line(data, found) {
        ui.add(egui::Label::new(RichText::new(line).monospace()).truncate());
    }
    if found.crowd > 1 {
        ui.weak(format!("one of {} here: zoom in to tell them apart", format::count(u64::from(found.crowd))));
    }
}

/// `Lane 3 · Task 12 · done · 0.53 s from 1.20 s · command line`.
pub fn sentence(data: &LanesData<'_>, found: &Found) -> String {
    let state = class(data, found).map_or("running", OutcomeClass::name);
    let again = if retried(data, found) { ", tried again" } else { "" };
    let label = (data.label)(found.task);
    let (lane, task) = (found.place.lane + 1, format::count((data.number)(found.task)));
    let line = latest_line(data, found).map_or_else(String::new, |line| format!(" · {line}"));
    format!("Lane {lane} · Task {task} · {state}{again} · {}{line} · {label}", times(data, found))
}

fn times(data: &LanesData<'_>, found: &Found) -> String {
    let wall = format::duration(found.to_ns.saturating_sub(found.from_ns));
    let so_far = if class(data, found).is_none() { " so far" } else { "" };
    let progress = progress(data, found).map_or_else(String::new, |words| format!(", {words}"));
    format!("{wall}{so_far}, from {}{progress}", quantity::moment(found.from_ns as f64))
}

fn class(data: &LanesData<'_>, found: &Found) -> Option<OutcomeClass> {
    let lane = data.lanes.lanes().get(found.place.lane)?;
    lane.bars.as_slice().get(found.place.bar).map(|bar| bar.class())
}

fn retried(data: &LanesData<'_>, found: &Found) -> bool {
    let lane = data.lanes.lanes().get(found.place.lane);
    lane.and_then(|lane| lane.bars.as_slice().get(found.place.bar)).is_some_and(|bar| bar.retried())
}

/// The latest line of a running task.
fn latest_line(data: &LanesData<'_>, found: &Found) -> Option<String> {
    let lane = data.lanes.lanes().get(found.place.lane)?;
    lane.running.filter(|running| running.task == found.task)?;
    lane.latest_line().map(LatestLine::words)
}

/// The reported progress of a running task.
fn progress(data: &LanesData<'_>, found: &Found) -> Option<String> {
    let lane = data.lanes.lanes().get(found.place.lane)?;
    lane.running.filter(|running| running.task == found.task)?;
    lane.progress().map(badge::progress_words)
}
