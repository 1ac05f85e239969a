//! The line of the shown run, or of the race under way: what it is, what can be done with it, and how far it is. Nothing here
//! is about the open job, except what Run would start where nothing was run.

mod counts;

use egui::{Align, Button, DragValue, Label, Layout, Response, RichText, Sides, Slider, Ui, vec2};
use egui_material_icons::icons::{
    ICON_ARROW_BACK, ICON_NOTIFICATIONS, ICON_PAUSE, ICON_PLAY_ARROW, ICON_REPLAY, ICON_SPORTS_SCORE, ICON_STOP,
};

use super::action::Action;
use crate::session::race::Estimate;
use crate::session::{Command, CurrentRun, DoneAction, RaceCommand, Session};
use fanlane_core::engine::RunCommand;
use fanlane_core::job::MAX_WORKERS;
use fanlane_core::model::{Progress, format};

use counts::{counts_ui, counts_width, shown_classes};

use super::icon_button::{icon_button, icon_text, steady_icon_button};
use super::part::{left_of_ui, right_end_ui};
use super::prediction::{best_mark_ui, best_words, prediction_ui};
use super::request::Requests;
use super::sanitize;
use super::theme;
use super::widgets::{announce, hold_words, progress_bar_ui};
use super::window_title::count_words;

/// Minimum width of the line with words for the outcomes, in points.
const ROOM_FOR_WORDS: f32 = 1240.0;
/// Width of the rate: fits `12,345 /s`.
const RATE_WIDTH: f32 = 10.0 * theme::UNIT;
/// Width of the time left: fits `59 min 59 s so far`.
const LEFT_WIDTH: f32 = 18.0 * theme::UNIT;
/// Width of the right end of the line before it was drawn for the first time.
const CONTROLS_WIDTH: f32 = 80.0 * theme::UNIT;
/// Height of the line, the same with and without buttons.
const HEIGHT: f32 = theme::ROW + theme::UNIT;

/// Draws the line and the bar below it; returns the button Pause of a run under way.
pub fn run_bar_ui(ui: &mut Ui, session: &Session, requests: &mut Requests) -> Option<Response> {
    let size = vec2(ui.available_width(), HEIGHT);
    ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
        ui.set_min_size(size);
        if session.is_racing() {
            race_ui(ui, session, requests);
            return None;
        }
        let Some(run) = session.run.current() else {
            nothing_ui(ui, session);
            return None;
        };
        if session.is_running() {
            Some(under_way_ui(ui, session, run, requests))
        } else {
            ended_ui(ui, session, run, requests);
            None
        }
    })
    .inner
}

/// Draws how far the shown run is, over the whole width; during a race and without a run an empty bar, so that nothing moves.
pub fn run_progress_ui(ui: &mut Ui, session: &Session) {
    match session.run.current().filter(|_| !session.is_racing()) {
        Some(run) => progress_bar_ui(ui, &run.model().progress),
        None => ui.allocate_response(vec2(ui.available_width(), theme::UNIT), egui::Sense::hover()),
    };
}

fn nothing_ui(ui: &mut Ui, session: &Session) {
    let words = match (session.editor.preview().expanded(), session.run_obstacle()) {
        (_, Some(obstacle)) => format!("Not run yet. {obstacle}"),
        (Some(expanded), None) => format!("Not run yet: Run starts {}", format::plural(expanded.tasks, "task")),
        (None, None) => "Reading the inputs…".to_owned(),
    };
    let words = sanitize::line(words.as_bytes());
    ui.add(Label::new(RichText::new(words).color(theme::palette(ui).text_weak)).truncate());
}

fn race_ui(ui: &mut Ui, session: &Session, requests: &mut Requests) {
    let words = race_words(session);
    let left = session.race.shown().and_then(|race| race.time_left()).map(|left| left.words());
    Sides::new().height(ui.available_height()).shrink_left().truncate().show(
        ui,
        |ui| {
            ui.label(RichText::new(words).color(theme::palette(ui).text_strong));
        },
        |ui| {
            if icon_button(ui, ICON_STOP, Action::Stop.text(), true).on_hover_text("Stop the race (Esc)").clicked() {
                requests.action(Action::Stop);
            }
            if let Some(left) = left {
                ui.label(RichText::new(left).text_style(theme::number_style()).color(theme::palette(ui).text));
            }
        },
    );
}

/// `Race of Primes · round 2 · pool of 4`.
pub fn race_words(session: &Session) -> String {
    let Some(race) = session.race.shown() else { return String::new() };
    let model = race.model();
    let Some(header) = &model.header else { return "Race · starting".to_owned() };
    let name = sanitize::command(&header.name);
    let Some(turn) = model.current.as_ref().map(|current| current.turn) else { return format!("Race of {name}") };
    let round = if turn.warm_up {
        "warm-up".to_owned()
    } else {
        format!("round {}", turn.block.saturating_sub(header.rules.warm_up) + 1)
    };
    let contender = header.contenders.get(turn.contender).map_or_else(String::new, |one| format!(" · {}", one.name()));
    format!("Race of {name} · {round}{contender}")
}

fn under_way_ui(ui: &mut Ui, session: &Session, run: &CurrentRun, requests: &mut Requests) -> Response {
    let has_words = ui.available_width() >= ROOM_FOR_WORDS;
    let (paused, stopping) = {
        let model = run.model();
        (model.progress.paused, model.progress.stopping)
    };
    left_of_ui(ui, "run under way", vec2(CONTROLS_WIDTH, HEIGHT), |ui| left_ui(ui, has_words, session, run, requests));
    right_end_ui(ui, "run under way", |ui| {
        let can_pause = run.allows(RunCommand::Pause);
        let (icon, words) = if paused { (ICON_PLAY_ARROW, "Resume") } else { (ICON_PAUSE, Action::PauseResume.text()) };
        // The same width with either label, so that Stop does not move.
        let pause = steady_icon_button(ui, icon, words, !stopping && can_pause, 13.0 * theme::UNIT)
            .on_hover_text(Action::PauseResume.hint())
            .on_disabled_hover_text(if can_pause { "The run is stopping" } else { "Its engine cannot pause a run" });
        if pause.clicked() {
            requests.action(Action::PauseResume);
        }
        let stop = icon_button(ui, ICON_STOP, Action::Stop.text(), !stopping)
            .on_hover_text(Action::Stop.hint())
            .on_disabled_hover_text("The run is stopping");
        if stop.clicked() {
            requests.action(Action::Stop);
        }
        workers_ui(ui, session, run, requests);
        when_done_ui(ui, session, requests);
        let left_secs = session.predicted_left_secs(session.workers()).ok();
        let model = run.model();
        let progress = &model.progress;
        let now_ns = run.now_ns(&model);
        let is_held = progress.paused || hold_words(progress).is_some();
        let rate = progress.rate(now_ns);
        let rate = if is_held || rate == 0.0 { "—".to_owned() } else { format::rate(rate) };
        fixed_ui(ui, RATE_WIDTH, &rate);
        fixed_ui(ui, LEFT_WIDTH, &time_left(progress, now_ns, left_secs, is_held));
        pause
    })
}

/// The way to what happens at the end, marked where something was chosen.
fn when_done_ui(ui: &mut Ui, session: &Session, requests: &mut Requests) {
    let chosen = match session.done_action() {
        DoneAction::Nothing => None,
        DoneAction::Run(line) => Some(format!("When done: {}", sanitize::command(line))),
        DoneAction::ShutDown => Some("When done: shut down".to_owned()),
    };
    let palette = theme::palette(ui);
    let color = if chosen.is_some() { palette.accent_text } else { palette.text_weak };
    let icon = icon_text(ICON_NOTIFICATIONS).color(color);
    let hint = chosen.unwrap_or_else(|| Action::WhenDone.hint());
    let button = ui.add(Button::new(icon).frame_when_inactive(false)).on_hover_text(hint);
    if button.accessible_name(Action::WhenDone.text()).clicked() {
        requests.action(Action::WhenDone);
    }
}

/// The pool of the run under way.
fn workers_ui(ui: &mut Ui, session: &Session, run: &CurrentRun, requests: &mut Requests) {
    let obstacle = session.workers_obstacle();
    let mut workers = session.workers();
    let forecast = session.forecast_of(run);
    let was = workers;
    let predict = |workers| session.predicted_left_secs(workers);
    let hint = |ui: &Ui, response: Response, workers: u32| {
        if prediction_ui(ui, &response, was, workers, &predict) {
            return;
        }
        let best = best_words(forecast).map_or_else(String::new, |best| format!("; {best}"));
        let words = format!("Number of workers of {}, from now on{best}", sanitize::command(&run.title()));
        response.on_hover_text(words).on_disabled_hover_text(obstacle.unwrap_or_default());
    };
    ui.add_enabled_ui(obstacle.is_none(), |ui| {
        let end = session.machine().slider_end();
        let mut shown = workers.min(end);
        ui.spacing_mut().slider_width = 8.0 * theme::UNIT;
        let slider = ui.add(Slider::new(&mut shown, 1..=end).integer().show_value(false)).accessible_name("Workers");
        if slider.changed() {
            requests.command(Command::SetWorkers(shown));
        }
        best_mark_ui(ui, slider.rect, end, forecast);
        let moved = if slider.changed() { shown } else { workers };
        hint(ui, slider, moved);
        let suffix = if workers == 1 { " worker" } else { " workers" };
        let number = DragValue::new(&mut workers).range(1..=MAX_WORKERS).speed(0.1).update_while_editing(false);
        let number = number.suffix(suffix);
        let number = ui.add(number).accessible_name("Number of workers");
        if number.changed() {
            requests.command(Command::SetWorkers(workers));
        }
        hint(ui, number, workers);
    });
}

fn ended_ui(ui: &mut Ui, session: &Session, run: &CurrentRun, requests: &mut Requests) {
    let has_words = ui.available_width() >= ROOM_FOR_WORDS;
    let (counts, rate) = {
        let model = run.model();
        (model.progress.counts, format::rate(model.progress.rate(run.now_ns(&model))))
    };
    left_of_ui(ui, "ended run", vec2(CONTROLS_WIDTH, HEIGHT), |ui| left_ui(ui, has_words, session, run, requests));
    right_end_ui(ui, "ended run", |ui| {
        fixed_ui(ui, RATE_WIDTH, &rate);
        worth_ui(ui, session, has_words, requests);
        let again = counts.not_done();
        if again > 0 {
            let what = if again == counts.failures() { "failed" } else { "not done" };
            let words = format!("Rerun {} {what}", format::count(again));
            let obstacle = run.obstacle_to_rerun().or(session.is_racing().then_some("A race is under way"));
            let button = icon_button(ui, ICON_REPLAY, &words, obstacle.is_none());
            let button = button.on_hover_text(Action::RerunFailed.hint());
            if button.on_disabled_hover_text(obstacle.unwrap_or_default()).clicked() {
                requests.action(Action::RerunFailed);
            }
        }
    });
}

/// The way to a race of the job of the run that has ended, and how long that would take.
fn worth_ui(ui: &mut Ui, session: &Session, has_words: bool, requests: &mut Requests) {
    const NAME: &str = "Was the pool worth it?";
    let obstacle = session.obstacle_to_ask_worth();
    let estimate = session.worth_offer().and_then(|offer| offer.estimate).map(Estimate::words);
    let time = estimate.as_ref().filter(|_| has_words).map_or_else(String::new, |time| format!(" {time}"));
    let button = Button::new((icon_text(ICON_SPORTS_SCORE), format!("Worth it?{time}")));
    let takes = match estimate {
        Some(time) => format!("The race takes {time}"),
        None => "How long the race takes is not known".to_owned(),
    };
    let hint = format!("{NAME} Races this job: one process, threads and pools of several sizes. {takes}.");
    let button = ui.add_enabled(obstacle.is_none(), button).accessible_name(NAME).on_hover_text(hint);
    if button.on_disabled_hover_text(obstacle.unwrap_or_default()).clicked() {
        requests.command(RaceCommand::OfRun);
    }
}

/// Width that is kept free for the name of a run, in points.
const MIN_NAME: f32 = 10.0 * theme::UNIT;
/// Maximum width that is kept free for the state of a run, in points.
const MAX_STATE_WIDTH: f32 = 16.0 * theme::UNIT;

/// What the run is and what it does, and at the right its counts.
fn left_ui(ui: &mut Ui, has_words: bool, session: &Session, run: &CurrentRun, requests: &mut Requests) {
    let palette = theme::palette(ui);
    let (state, is_strong) = state_words(run, &run.model().progress);
    let color = if is_strong { palette.warning } else { palette.text_weak };
    let words = RichText::new(&state).color(color);
    let words = egui::WidgetText::from(words).into_galley(ui, None, f32::INFINITY, egui::TextStyle::Body);
    let classes = shown_classes(&run.model().progress.counts);
    let state_width = words.size().x;
    let needed = counts_width(&run.model().progress, &classes, has_words) + state_width.min(MAX_STATE_WIDTH) + MIN_NAME;
    // Other places have them, too: the progress bar, Live and Results.
    let classes = if ui.available_width() < needed { Vec::new() } else { classes };
    Sides::new().height(ui.available_height()).shrink_left().truncate().show(
        ui,
        |ui| {
            if let Some(before) = session.run.before() {
                back_ui(ui, before, session.is_running(), requests);
            }
            let model = run.model();
            let title = RichText::new(title(run)).color(palette.text_strong);
            // The name can be cut; what must be seen cannot.
            let least = ui.available_width() * if is_strong { 0.35 } else { 0.2 };
            let gap = ui.spacing().item_spacing.x;
            let most = (ui.available_width() - state_width - gap).max(least);
            ui.scope(|ui| {
                ui.set_max_width(most);
                ui.label(title);
            });
            let spoken = spoken_state(&state, &model.progress);
            let words = RichText::new(&state).color(color);
            let label = ui.label(words).on_hover_text(state);
            announce(&label.accessible_name(spoken), false);
        },
        |ui| counts_ui(ui, &run.model().progress, &classes, has_words),
    );
}

/// `First look · run 12`.
pub fn title(run: &CurrentRun) -> String {
    let name = sanitize::command(run.job.display_name());
    run.history_id().map_or_else(|| name.clone(), |id| format!("{name} · run {id}"))
}

/// What the run does or how it ended, and whether that must be seen.
fn state_words(run: &CurrentRun, progress: &Progress) -> (String, bool) {
    let after = |words: &str, wall_ns| format!("{words} after {}", format::duration(wall_ns));
    match (&progress.summary, hold_words(progress)) {
        (Some(summary), Some(words)) => (after(&words, summary.wall_ns), true),
        (None, Some(words)) => (words, true),
        (Some(summary), None) if summary.stopped => (after("stopped", summary.wall_ns), false),
        (Some(summary), None) => (format!("ended in {}", format::duration(summary.wall_ns)), false),
        (None, None) if !run.expects_events() => ("interrupted".to_owned(), true),
        (None, None) if progress.stopping => ("stopping…".to_owned(), true),
        (None, None) if progress.cannot_start.is_some() => ("cannot start a worker".to_owned(), true),
        (None, None) if progress.paused => match progress.stopped_before {
            Some(task) => (format!("paused before task {}", format::count(run.number(task))), true),
            None => ("paused".to_owned(), true),
        },
        (None, None) => ("running".to_owned(), false),
    }
}

/// The state as it is said when it changes: the outcomes with the end of the run.
fn spoken_state(state: &str, progress: &Progress) -> String {
    match &progress.summary {
        Some(_) => format!("{state}: {}", count_words(&progress.counts)),
        None => state.to_owned(),
    }
}

/// The way back to the run that was rerun.
fn back_ui(ui: &mut Ui, before: &CurrentRun, running: bool, requests: &mut Requests) {
    let title = sanitize::command(&before.title());
    let button = icon_button(ui, ICON_ARROW_BACK, &format!("Back to {title}"), !running);
    let hint = "Show the run again that was shown before, with its results";
    if button.on_hover_text(hint).on_disabled_hover_text("A run is under way").clicked() {
        requests.command(Command::Back);
    }
}

fn time_left(progress: &Progress, now_ns: u64, left_secs: Option<f64>, is_held: bool) -> String {
    if is_held || progress.stopping {
        return "—".to_owned();
    }
    let so_far_ns = now_ns.saturating_sub(progress.resumed.0);
    // Before a task has ended there is no estimate.
    // Nor where all that has come of inputs that still grow has ended.
    let known =
        left_secs.or_else(|| progress.left_secs(now_ns)).filter(|_| !progress.grows || progress.remaining() > 0);
    let at_least = if progress.grows { "\u{2265} " } else { "" };
    known.map_or_else(
        || format!("{} so far", format::estimate(so_far_ns as f64 / 1e9)),
        |left| format!("{at_least}{} left", format::estimate(left)),
    )
}

/// A text at the right end of a fixed width, or of its own where that is larger.
fn fixed_ui(ui: &mut Ui, width: f32, text: &str) {
    let text = RichText::new(text).text_style(theme::number_style()).color(theme::palette(ui).text);
    let text = egui::WidgetText::from(text).into_galley(ui, None, f32::INFINITY, egui::TextStyle::Body);
    let size = vec2(width.max(text.size().x), theme::ROW);
    ui.allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), |ui| {
        ui.set_min_size(size);
        ui.label(text);
    });
}
