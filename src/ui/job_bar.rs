//! The line of the open job: open and save it, its name, how the next run is run, and Run.

use egui::{Align, Button, DragValue, Layout, Rect, Response, RichText, Slider, Ui, pos2, vec2};
use egui_material_icons::icons::{ICON_ADD, ICON_FOLDER_OPEN, ICON_PLAY_ARROW, ICON_SAVE};

use super::action::Action;
use super::cut_label::cut_label;
use super::engine_choice::engine_choice_ui;
use crate::session::{Command, Page, Session};
use fanlane_core::job::{MAX_WORKERS, Mode};
use fanlane_core::model::format;
use fanlane_core::model::race::secs_words;

use super::icon_button::{icon_button, primary_button, small_icon_button};
use super::prediction::{best_mark_ui, best_words, prediction_ui};
use super::request::Requests;
use super::sanitize;
use super::theme;

/// Minimum width of the line with words beside its icons, in points.
const ROOM_FOR_WORDS: f32 = 1160.0;
/// Maximum width of the job's name.
const NAME_WIDTH: f32 = 24.0 * theme::UNIT;

/// Draws the line; returns the button Run.
pub fn job_bar_ui(ui: &mut Ui, session: &Session, requests: &mut Requests) -> Response {
    let has_words = ui.available_width() >= ROOM_FOR_WORDS;
    ui.horizontal(|ui| {
        let buttons = [(ICON_ADD, Action::New), (ICON_FOLDER_OPEN, Action::Open), (ICON_SAVE, Action::Save)];
        for (icon, action) in buttons {
            let button = if has_words {
                icon_button(ui, icon, action.text(), true).on_hover_text(action.hint())
            } else {
                small_icon_button(ui, icon, action.text()).on_hover_text(action.hint())
            };
            if button.clicked() {
                requests.action(action);
            }
        }
        name_ui(ui, session, requests);
        ui.add_space(theme::UNIT);
        if engine_choice_ui(ui, session, requests) {
            ui.add_space(theme::UNIT);
        }
        mode_ui(ui, session, requests);
        ui.add_space(theme::UNIT);
        workers_ui(ui, session, has_words, requests);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let obstacle = session.run_obstacle();
            let run = primary_button(ui, ICON_PLAY_ARROW, Action::Run.text(), obstacle.is_none())
                .on_hover_text(Action::Run.hint())
                .on_disabled_hover_text(obstacle.unwrap_or_default());
            if run.clicked() {
                requests.action(Action::Run);
            }
            forecast_ui(ui, session);
            run
        })
        .inner
    })
    .inner
}

/// The name of the open job, which leads to it.
fn name_ui(ui: &mut Ui, session: &Session, requests: &mut Requests) {
    let name = sanitize::command(&session.editor.shown_name());
    let edited = session.editor.is_edited();
    let color = theme::palette(ui).text_strong;
    let words = RichText::new(name.as_str()).color(color);
    let size = vec2(NAME_WIDTH.min(ui.available_width() / 4.0), theme::ROW + theme::HALF);
    let button = ui
        .allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
            ui.set_min_width(size.x);
            let room = if edited { size.x - theme::UNIT } else { size.x };
            let button = ui.scope(|ui| {
                ui.set_max_width(room);
                ui.add(Button::selectable(false, words).truncate())
            });
            if edited {
                // Outside of the name, which may be cut; its button says it in words.
                let font = egui::TextStyle::Body.resolve(ui.style());
                ui.painter().text(button.inner.rect.right_center(), egui::Align2::CENTER_CENTER, "*", font, color);
            }
            button.inner
        })
        .inner;
    let hint = if edited { "The open job, with unsaved changes" } else { "The open job" };
    let spoken = if edited { format!("Open job: {name}, edited") } else { format!("Open job: {name}") };
    if button.on_hover_text(format!("{name}\n{hint}")).accessible_name(spoken).clicked() {
        requests.command(Command::Show(Page::JOB));
    }
}

fn mode_ui(ui: &mut Ui, session: &Session, requests: &mut Requests) {
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.x = theme::HALF / 2.0;
        for mode in Mode::ALL {
            let button = Button::selectable(session.editor.mode() == mode, mode.name());
            let obstacle = session.mode_obstacle(mode);
            let response = ui.add_enabled(obstacle.is_none(), button).on_hover_text(mode_explanation(mode));
            let response = response.on_disabled_hover_text(obstacle.unwrap_or_default());
            if response.accessible_name(format!("Mode {mode}")).clicked() {
                requests.command(Command::SetMode(mode));
            }
        }
    });
}

const fn mode_explanation(mode: Mode) -> &'static str {
    match mode {
        Mode::One => "One process, one task at a time: the baseline for comparisons",
        Mode::Threads => "One process with a thread per worker: a crash ends all workers",
        Mode::Pool => "A process per worker: a crash costs one task, and memory is not shared",
    }
}

fn workers_ui(ui: &mut Ui, session: &Session, has_words: bool, requests: &mut Requests) {
    let is_one = session.editor.mode() == Mode::One;
    // Beside the workers of a run, those of the job are named by what they are for.
    let of_next = if session.is_running() { " of the next run" } else { "" };
    let mut workers = session.editor.workers();
    if has_words {
        ui.label(RichText::new("Workers").color(theme::palette(ui).text_weak));
    }
    let machine = session.machine();
    let forecast = session.forecast();
    let best = best_words(forecast).map_or_else(String::new, |best| format!(" {best}."));
    let was = workers;
    let predict = |workers| session.predicted_job_secs(workers);
    let hint = |ui: &Ui, response: Response, workers: u32| {
        if prediction_ui(ui, &response, was, workers, &predict) {
            return;
        }
        let machine = format!(
            "Number of workers of the next run. This machine has {} and {}. The number field takes up to {MAX_WORKERS}.{best}",
            format::plural(machine.physical_cores.into(), "core"),
            format::plural(machine.logical_cores.into(), "thread"),
        );
        response.on_hover_text(machine).on_disabled_hover_text("Mode one has a single worker");
    };
    ui.add_enabled_ui(!is_one, |ui| {
        let end = machine.slider_end();
        let mut shown = workers.min(end);
        ui.spacing_mut().slider_width = if has_words { 15.0 } else { 11.0 } * theme::UNIT;
        let slider = ui.add(Slider::new(&mut shown, 1..=end).integer().show_value(false));
        let slider = slider.accessible_name(format!("Workers{of_next}"));
        ticks_ui(ui, slider.rect, session);
        best_mark_ui(ui, slider.rect, end, forecast);
        if slider.changed() {
            requests.command(Command::SetJobWorkers(shown));
        }
        let moved = if slider.changed() { shown } else { workers };
        hint(ui, slider, moved);
        let number = DragValue::new(&mut workers).range(1..=MAX_WORKERS).speed(0.1).update_while_editing(false);
        let number = ui.add(number).accessible_name(format!("Number of workers{of_next}"));
        if number.changed() {
            requests.command(Command::SetJobWorkers(workers));
        }
        hint(ui, number, workers);
    });
}

/// The forecast of the last race of this job for the chosen pool size.
fn forecast_ui(ui: &mut Ui, session: &Session) {
    let Some(forecast) = session.forecast() else { return };
    if session.editor.mode() != forecast.mode {
        return;
    }
    let Some(secs) = forecast.secs(session.editor.workers()) else { return };
    let best = best_words(Some(forecast)).map_or_else(String::new, |best| format!(", {best}"));
    let words = format!("forecast {}{best}", secs_words(secs));
    let hint = format!(
        "{words}. The time of the run with this number of workers, by the last race of this job; more workers than the best \
         number gain little"
    );
    ui.add(cut_label(RichText::new(words).color(theme::palette(ui).text_weak))).on_hover_text(hint);
}

/// Marks below the slider at the numbers of cores and of threads.
fn ticks_ui(ui: &Ui, slider: Rect, session: &Session) {
    let machine = session.machine();
    let radius = slider.height() / 2.5;
    let rail = slider.x_range().shrink(radius);
    let steps = (machine.slider_end() - 1) as f32;
    let palette = theme::palette(ui);
    let font = egui::FontId::proportional(theme::SMALL_SIZE - 2.0);
    let mark = |count: u32, align, words: String| {
        let x = rail.min + rail.span() * (count - 1) as f32 / steps;
        let top = slider.bottom() - theme::HALF;
        ui.painter().vline(x, top..=top + theme::HALF, egui::Stroke::new(1.0, palette.edge));
        ui.painter().text(pos2(x, top + theme::HALF - 1.0), align, words, font.clone(), palette.text_weak);
    };
    if machine.physical_cores == machine.logical_cores {
        mark(machine.logical_cores, egui::Align2::CENTER_TOP, format::plural(machine.logical_cores.into(), "core"));
    } else {
        mark(machine.physical_cores, egui::Align2::RIGHT_TOP, format::plural(machine.physical_cores.into(), "core"));
        mark(machine.logical_cores, egui::Align2::LEFT_TOP, format::plural(machine.logical_cores.into(), "thread"));
    }
}
