//! The bar above all pages: run, pause and stop, mode, number of workers, progress.

use egui::{Align, Button, DragValue, Layout, Rect, RichText, Slider, Ui, pos2, vec2};
use egui_material_icons::icons::{ICON_ARROW_BACK, ICON_PAUSE, ICON_PLAY_ARROW, ICON_STOP};

use super::action::Action;
use crate::session::{Command, CurrentRun, Session};
use fanlane_core::engine::RunCommand;
use fanlane_core::event::OutcomeCounts;
use fanlane_core::job::{MAX_WORKERS, Mode};
use fanlane_core::model::race::secs_words;
use fanlane_core::model::{Progress, format};

use super::icon_button::{icon_button, primary_button, steady_icon_button};
use super::request::Requests;
use super::sanitize;
use super::theme;
use super::widgets::{hold_words, progress_bar_ui};

/// Width of the reason why a run waits, in points: fits `Waiting: 100000 tasks need 16384 MiB free; 1024 MiB are`.
const HOLD_WIDTH: f32 = 50.0 * theme::UNIT;

/// The keyboard focus among the run buttons: on Run before a run, on Pause during it.
#[derive(Default)]
pub struct TopBar {
    begun: bool,
    was_running: bool,
    had_focus: bool,
    run_or_pause: Option<egui::Id>,
}

impl TopBar {
    /// No other widget than Run or Pause takes the space bar.
    pub fn has_or_frees_focus(&self, ctx: &egui::Context) -> bool {
        ctx.memory(|memory| memory.focused()).is_none_or(|focused| Some(focused) == self.run_or_pause)
    }

    /// Draws the bar.
    pub fn show_ui(&mut self, ui: &mut Ui, session: &Session, requests: &mut Requests) {
        ui.horizontal(|ui| {
            self.run_buttons_ui(ui, session, requests);
            ui.add_space(theme::UNIT);
            mode_ui(ui, session, requests);
            ui.add_space(theme::UNIT);
            workers_ui(ui, session, requests);
        });
        progress_ui(ui, session, requests);
    }

    fn run_buttons_ui(&mut self, ui: &mut Ui, session: &Session, requests: &mut Requests) {
        let running = session.is_running();
        let (paused, stopping) = session.run.current().map_or((false, false), |run| {
            let model = run.model();
            (model.progress.paused, model.progress.stopping)
        });
        let obstacle = session.run_obstacle();
        let run = primary_button(ui, ICON_PLAY_ARROW, Action::Run.text(), obstacle.is_none())
            .on_hover_text(Action::Run.hint())
            .on_disabled_hover_text(obstacle.unwrap_or_default());
        if run.clicked() {
            requests.action(Action::Run);
        }
        let (icon, words) = if paused { (ICON_PLAY_ARROW, "Resume") } else { (ICON_PAUSE, Action::PauseResume.text()) };
        let can_pause = session.run.current().is_none_or(|run| run.allows(RunCommand::Pause));
        // The same width with either label, so that Stop does not move.
        let pause = steady_icon_button(ui, icon, words, running && !stopping && can_pause, 12.0 * theme::UNIT)
            .on_hover_text(Action::PauseResume.hint())
            .on_disabled_hover_text(if running && !can_pause {
                "Its engine cannot pause a run"
            } else {
                "No run is under way"
            });
        if pause.clicked() {
            requests.action(Action::PauseResume);
        }
        let racing = session.is_racing();
        let stop = icon_button(ui, ICON_STOP, Action::Stop.text(), (running && !stopping) || racing)
            .on_hover_text(if racing { "Stop the race (Esc)".to_owned() } else { Action::Stop.hint() })
            .on_disabled_hover_text(if stopping { "The run is stopping" } else { "No run is under way" });
        if stop.clicked() {
            requests.action(Action::Stop);
        }
        self.move_focus(running, &run, &pause);
    }

    fn move_focus(&mut self, running: bool, run: &egui::Response, pause: &egui::Response) {
        let has_focus = run.has_focus() || pause.has_focus();
        // A button that was disabled since has lost it already.
        let had_focus = std::mem::replace(&mut self.had_focus, has_focus) || has_focus;
        if !std::mem::replace(&mut self.begun, true) {
            run.request_focus();
        } else if running != self.was_running && had_focus {
            if running { pause.request_focus() } else { run.request_focus() }
        }
        self.was_running = running;
        self.run_or_pause = if pause.has_focus() { Some(pause.id) } else { Some(run.id) };
    }
}

fn mode_ui(ui: &mut Ui, session: &Session, requests: &mut Requests) {
    ui.label(RichText::new("Mode").color(theme::palette(ui).text_weak));
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.x = theme::HALF / 2.0;
        for mode in Mode::ALL {
            let button = Button::selectable(session.mode() == mode, mode.name());
            let response = ui
                .add_enabled(!session.is_running(), button)
                .on_hover_text(mode_explanation(mode))
                .on_disabled_hover_text("A run keeps the mode that it was started with, unlike its number of workers");
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

fn workers_ui(ui: &mut Ui, session: &Session, requests: &mut Requests) {
    let enabled = session.workers_obstacle().is_none();
    let mut workers = session.workers();
    ui.label(RichText::new("Workers").color(theme::palette(ui).text_weak));
    ui.add_enabled_ui(enabled, |ui| {
        let end = session.machine().slider_end();
        let mut shown = workers.min(end);
        let slider = ui.add(Slider::new(&mut shown, 1..=end).integer().show_value(false));
        let slider = slider.accessible_name("Workers");
        ticks_ui(ui, slider.rect, session);
        if slider.changed() {
            requests.command(Command::SetWorkers(shown));
        }
        hint(slider, session);
        let number = DragValue::new(&mut workers).range(1..=MAX_WORKERS).speed(0.1).update_while_editing(false);
        let number = ui.add(number).accessible_name("Number of workers");
        if number.changed() {
            requests.command(Command::SetWorkers(workers));
        }
        hint(number, session);
    });
    forecast_ui(ui, session);
}

/// The forecast of the last race of this job for the chosen pool size.
fn forecast_ui(ui: &mut Ui, session: &Session) {
    let (Some(forecast), Some(job)) = (session.forecast(), session.editor.preview().job()) else { return };
    if session.is_running() && !session.is_of_open_job() || session.mode() != forecast.mode {
        return;
    }
    let Some(secs) = forecast.secs(job, session.workers()) else { return };
    let knee = forecast.knee.map_or_else(String::new, |knee| format!(", knee at {knee}"));
    let words = format!("forecast {}{knee}", secs_words(secs));
    let hint = "Time of the run with this pool size, according to the last race of this job. Larger pools than the knee \
                gain little";
    ui.label(RichText::new(words).color(theme::palette(ui).text_weak)).on_hover_text(hint);
}

fn hint(response: egui::Response, session: &Session) {
    let machine = session.machine();
    let of_what = match session.run.under_way() {
        Some(run) => format!("of {}, which is under way", sanitize::command(&run.title())),
        None => "of the next run".to_owned(),
    };
    response
        .on_hover_text(format!(
            "Number of workers {of_what}. This machine has {} and {}. The number field takes up to {MAX_WORKERS}.",
            format::plural(machine.physical_cores.into(), "core"),
            format::plural(machine.logical_cores.into(), "thread"),
        ))
        .on_disabled_hover_text(session.workers_obstacle().unwrap_or_default());
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

fn progress_ui(ui: &mut Ui, session: &Session, requests: &mut Requests) {
    let size = vec2(ui.available_width(), theme::ROW);
    ui.allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), |ui| {
        ui.set_min_size(size);
        let Some(run) = session.run.current().filter(|_| !session.is_racing()) else {
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| not_run_ui(ui, session));
            return;
        };
        // Asked of the session before its model is locked.
        let running = session.is_running();
        let model = run.model();
        let now_ns = run.now_ns(&model);
        let progress = &model.progress;
        match hold_words(progress) {
            Some(words) => match &progress.summary {
                Some(summary) => hold_ui(ui, &format!("{words} after {}", format::duration(summary.wall_ns))),
                None => hold_ui(ui, &words),
            },
            None => {
                number_ui(ui, 19.0, &state(run, progress, now_ns));
                number_ui(ui, 13.0, &format::rate(progress.rate(now_ns)));
            }
        }
        let failed = progress.counts.failures();
        let failed_color = if failed > 0 { theme::palette(ui).error } else { theme::palette(ui).text_weak };
        let words = failed_words(&progress.counts);
        fixed_ui(ui, 19.0, RichText::new(words).text_style(theme::number_style()).color(failed_color));
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            if let Some(before) = session.run.before() {
                back_ui(ui, before, running, requests);
            }
            if !session.is_of_open_job() || run.job.name != session.editor.draft().name {
                // Another job is open: name the run that the numbers belong to.
                let name = sanitize::command(run.job.display_name());
                let id = run.history_id().map_or_else(String::new, |id| format!(" · run {id}"));
                let name = RichText::new(format!("{name}{id}:")).color(theme::palette(ui).text_weak);
                ui.scope(|ui| {
                    ui.set_max_width(22.0 * theme::UNIT);
                    ui.add(egui::Label::new(name).truncate());
                });
            }
            let total = format::count(progress.tasks);
            // As wide as the last number, so that the bar does not move.
            let done = format!("{:>width$} / {total}", format::count(progress.ended()), width = total.len());
            ui.label(RichText::new(done).text_style(theme::number_style()).color(theme::palette(ui).text_strong));
            progress_bar_ui(ui, progress);
        });
    });
}

fn not_run_ui(ui: &mut Ui, session: &Session) {
    let words = match (session.editor.preview().expanded(), session.run_obstacle()) {
        _ if session.is_racing() => "A race is running: see the page Race".to_owned(),
        (_, Some(_)) => "Not run yet: the job has a mistake".to_owned(),
        (Some(expanded), None) => {
            format!("Not run yet: Run starts {}", format::plural(expanded.tasks, "task"))
        }
        (None, None) => "Reading the inputs…".to_owned(),
    };
    ui.label(RichText::new(words).color(theme::palette(ui).text_weak));
}

/// Failed tasks, and cancelled ones where there are some.
fn failed_words(counts: &OutcomeCounts) -> String {
    let failed = format!("{} failed", format::count(counts.failures()));
    match counts.cancelled {
        0 => failed,
        cancelled => format!("{failed}, {} cancelled", format::count(cancelled)),
    }
}

/// The way back to the run that was rerun.
fn back_ui(ui: &mut Ui, before: &CurrentRun, running: bool, requests: &mut Requests) {
    let title = sanitize::command(&before.title());
    let button = icon_button(ui, ICON_ARROW_BACK, &format!("Back to {title}"), !running);
    let hint = "Show the run again that this one was made from, with its results";
    if button.on_hover_text(hint).on_disabled_hover_text("A run is under way").clicked() {
        requests.command(Command::Back);
    }
}

/// The state of the run with its time.
fn state(run: &CurrentRun, progress: &Progress, now_ns: u64) -> String {
    match &progress.summary {
        Some(summary) if summary.stopped => format!("stopped after {}", format::duration(summary.wall_ns)),
        Some(summary) => format!("ended in {}", format::duration(summary.wall_ns)),
        None if !run.expects_events() => "interrupted".to_owned(),
        None if progress.stopping => "stopping…".to_owned(),
        None if progress.paused => "paused".to_owned(),
        None => progress
            .left_secs(now_ns)
            .map(|left| format!("{} left", format::estimate(left)))
            // No task has ended yet, so there is no estimate.
            .unwrap_or_else(|| format!("{} so far", format::estimate(now_ns as f64 / 1e9))),
    }
}

/// Why a run waits or ended early, in place of its rate and its time left.
fn hold_ui(ui: &mut Ui, words: &str) {
    let size = vec2(HOLD_WIDTH, theme::ROW);
    ui.allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), |ui| {
        ui.set_min_size(size);
        let text = RichText::new(words).color(theme::palette(ui).warning);
        ui.add(egui::Label::new(text).truncate()).on_hover_text(words);
    });
}

fn number_ui(ui: &mut Ui, units: f32, text: &str) {
    let color = theme::palette(ui).text;
    fixed_ui(ui, units, RichText::new(text).text_style(theme::number_style()).color(color));
}

/// A text at the right end of a fixed width.
fn fixed_ui(ui: &mut Ui, units: f32, text: RichText) {
    let size = vec2(units * theme::UNIT, theme::ROW);
    ui.allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), |ui| {
        ui.set_min_size(size);
        ui.label(text);
    });
}
