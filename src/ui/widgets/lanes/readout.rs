//! The line below the lanes: the bar under the pointer or the cursor, or the selected stretch of time, or the gestures.

use egui::{Align, Button, Layout, Rect, RichText, Ui, UiBuilder};
use egui_material_icons::icons::{ICON_CLOSE, ICON_TABLE_ROWS};

use super::find::Found;
use super::{LanesAction, LanesData, links, menu};
use crate::ui::icon_button::{icon_text, small_icon_button};
use crate::ui::theme;
use crate::ui::widgets::{TimeWindow, badge, quantity};
use fanlane_core::event::OutcomeClass;
use fanlane_core::model::{LatestLine, Stretch, format};

/// The gestures of the lanes.
const GESTURES: &str =
    "Ctrl+wheel: zoom · Drag: move · Shift+drag: select time · Double click: whole run · Click: open the task";

/// Maximum length of an input in the tooltip, in characters.
const MAX_INPUT_CHARS: usize = 48;

/// Draws the line. Where the lanes scroll it says so.
pub fn line_ui(
    ui: &mut Ui,
    rect: Rect,
    data: &LanesData<'_>,
    window: &mut TimeWindow,
    found: Option<&Found>,
    scrolls: bool,
) -> Option<LanesAction> {
    let palette = theme::palette(ui);
    let mut action = None;
    let builder = UiBuilder::new().max_rect(rect).layout(Layout::left_to_right(Align::Center));
    ui.scope_builder(builder, |ui| {
        let small = |ui: &mut Ui, text: String, color| {
            ui.add(egui::Label::new(RichText::new(text).small().color(color)).truncate());
        };
        match (found, window.selection()) {
            (Some(found), _) => small(ui, sentence(data, found), palette.text),
            (None, Some(stretch)) => {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    ui.spacing_mut().item_spacing.x = theme::UNIT;
                    ui.spacing_mut().button_padding.y = 0.0;
                    ui.spacing_mut().interact_size.y = rect.height() - theme::HALF;
                    if small_icon_button(ui, ICON_CLOSE, "Clear the selection (Esc)").clicked() {
                        window.select(None);
                    }
                    let words = "Show these results";
                    let button = Button::new((icon_text(ICON_TABLE_ROWS).size(theme::BODY_SIZE), words));
                    if ui.add(button).accessible_name(words).clicked() {
                        action = Some(LanesAction::ShowStretch(stretch));
                    }
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        small(ui, stretch_sentence(data, stretch), palette.text);
                    });
                });
            }
            (None, None) if scrolls => small(ui, format!("Wheel: scroll · {GESTURES}"), palette.text_weak),
            (None, None) => small(ui, GESTURES.to_owned(), palette.text_weak),
        }
    });
    action
}

/// `2.10 s to 3.40 s: 42 tasks (40 done, 2 failed) · busy 93 % · mean 0.12 s · 32.3 /s`.
fn stretch_sentence(data: &LanesData<'_>, stretch: Stretch) -> String {
    let totals = stretch.totals(data.lanes, data.now_ns);
    let [from, to] = [stretch.from_ns, stretch.to_ns].map(|time_ns| quantity::moment(time_ns as f64));
    let mut parts: Vec<String> = OutcomeClass::ALL
        .into_iter()
        .filter(|class| totals.ended.of(*class) > 0)
        .map(|class| format!("{} {}", format::count(totals.ended.of(class)), class.name()))
        .collect();
    if totals.running > 0 {
        parts.push(format!("{} running", format::count(totals.running)));
    }
    if totals.retried > 0 {
        parts.push(format!("{} tried again", format::count(totals.retried)));
    }
    let mut text = format!("{from} to {to}: {}", format::plural(totals.tasks(), "task"));
    if !parts.is_empty() {
        text += &format!(" ({})", parts.join(", "));
    }
    if let Some(busy) = totals.busy {
        text += &format!(" · busy {}", quantity::share(busy));
    }
    if let Some(mean_ns) = totals.mean_wall_ns {
        text += &format!(" · mean {}", format::duration(mean_ns));
    }
    text + &format!(" · {}", format::rate(totals.rate(stretch)))
}

/// The tooltip of a bar.
pub fn tooltip_ui(ui: &mut Ui, data: &LanesData<'_>, found: &Found) {
    ui.set_max_width(ui.spacing().tooltip_width);
    let class = class(data, found);
    ui.horizontal(|ui| {
        ui.strong(format!("Task {}", format::count(data.tasks.number(found.task))));
        let input = data.tasks.input(found.task);
        ui.label(RichText::new(input.chars().take(MAX_INPUT_CHARS).collect::<String>()).monospace());
        match class {
            Some(class) => badge::outcome_badge_ui(ui, class),
            None => ui.label(running_word(data, found)),
        };
        if let Some(words) = attempt_words(data, found) {
            ui.label(words);
        }
    });
    ui.add(egui::Label::new(RichText::new(data.tasks.label(found.task)).monospace()).truncate());
    ui.label(times(data, found));
    if let Some(line) = latest_line(data, found) {
        ui.add(egui::Label::new(RichText::new(line).monospace()).truncate());
    }
    if let Some(words) = links::words(data, found) {
        ui.label(words);
    }
    if menu::is_running(data, found) {
        ui.weak("Right click: kill, restart, skip");
    }
    if found.crowd > 1 {
        ui.weak(format!("one of {} here: zoom in to tell them apart", format::count(u64::from(found.crowd))));
    }
}

/// `Lane 3 · Task 12 · done · 0.53 s from 1.20 s · command line`.
pub fn sentence(data: &LanesData<'_>, found: &Found) -> String {
    let state = class(data, found).map_or_else(|| running_word(data, found), OutcomeClass::name);
    let again = attempt_words(data, found).map_or_else(String::new, |words| format!(", {words}"));
    let label = data.tasks.label(found.task);
    let (lane, task) = (found.place.lane + 1, format::count(data.tasks.number(found.task)));
    let line = latest_line(data, found).map_or_else(String::new, |line| format!(" · {line}"));
    let links = links::words(data, found).map_or_else(String::new, |words| format!(" · {words}"));
    format!("Lane {lane} · Task {task} · {state}{again} · {}{links}{line} · {label}", times(data, found))
}

/// `try 1 of 3, tried again`; `None` for a task that is tried once.
fn attempt_words(data: &LanesData<'_>, found: &Found) -> Option<String> {
    let again = found.bar(data).is_some_and(|bar| bar.retried());
    let attempt = data.tasks.attempt(found.task, found.from_ns).map(|(place, of)| format!("try {place} of {of}"));
    match (attempt, again) {
        (Some(words), true) => Some(format!("{words}, tried again")),
        (Some(words), false) => Some(words),
        (None, true) => Some("tried again".to_owned()),
        (None, false) => None,
    }
}

fn times(data: &LanesData<'_>, found: &Found) -> String {
    let wall = format::duration(found.to_ns.saturating_sub(found.from_ns));
    let so_far = if class(data, found).is_none() { " so far" } else { "" };
    let progress = progress(data, found).map_or_else(String::new, |words| format!(", {words}"));
    format!("{wall}{so_far}, from {}{progress}", quantity::moment(found.from_ns as f64))
}

fn class(data: &LanesData<'_>, found: &Found) -> Option<OutcomeClass> {
    found.bar(data).map(|bar| bar.class())
}

fn running_word(data: &LanesData<'_>, found: &Found) -> &'static str {
    let running = data.lanes.lanes().get(found.place.lane).and_then(|lane| lane.running);
    if running.is_some_and(|running| running.is_suspended) { "stopped by a signal" } else { "running" }
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
