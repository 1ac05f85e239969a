//! The details of one run, and the buttons to open, resume, rerun and remove it.

use egui::{Grid, Label, RichText, Ui};
use egui_material_icons::MaterialIcon;
use egui_material_icons::icons::{
    ICON_CHECK_CIRCLE, ICON_CLOSE, ICON_COMPARE_ARROWS, ICON_DELETE, ICON_LINK_OFF, ICON_PLAY_ARROW, ICON_REPLAY,
    ICON_SPORTS_SCORE, ICON_STOP_CIRCLE, ICON_TABLE_ROWS, ICON_VISIBILITY,
};

use crate::session::{Command, HistoryCommand, PastRunUse, Session};
use crate::ui::icon_button::{icon_button, icon_text, small_icon_button};
use crate::ui::request::{Question, Requests};
use crate::ui::sanitize;
use crate::ui::theme;
use crate::ui::widgets::{count_badge_ui, running_badge_ui};
use fanlane_core::event::OutcomeClass;
use fanlane_core::model::date::local_minute;
use fanlane_core::model::format;
use fanlane_core::store::history::{RunRow, RunState};

use super::table::{change_words, command_beside};

/// Maximum number of runs in the menu of those to compare with.
const MAX_COMPARED: usize = 15;

/// Minimum room for the button that removes a run with its word, in points.
const ROOM_FOR_REMOVE: f32 = 14.0 * theme::UNIT;

/// Draws the state of a run: an icon, a colour and a word.
pub fn state_ui(ui: &mut Ui, run: &RunRow) {
    let Some((icon, class)) = state_icon(run) else { return drop(running_badge_ui(ui)) };
    let palette = theme::palette(ui);
    ui.spacing_mut().item_spacing.x = theme::HALF;
    ui.label(icon_text(icon).color(palette.outcome_text(class)));
    ui.label(state_word(run));
}

/// The icon for the state of a run, and the outcome that has its colour; `None` while it is running.
pub fn state_icon(run: &RunRow) -> Option<(MaterialIcon, OutcomeClass)> {
    Some(match run.state {
        RunState::Running => return None,
        RunState::Interrupted => (ICON_LINK_OFF, OutcomeClass::Lost),
        RunState::Stopped => (ICON_STOP_CIRCLE, OutcomeClass::Cancelled),
        RunState::Finished if run.counts.failures() > 0 => {
            (theme::outcome_icon(OutcomeClass::Failed), OutcomeClass::Failed)
        }
        RunState::Finished if run.counts.cancelled > 0 => (ICON_STOP_CIRCLE, OutcomeClass::Cancelled),
        RunState::Finished => (ICON_CHECK_CIRCLE, OutcomeClass::Done),
    })
}

/// The word for the state of a run.
pub fn state_word(run: &RunRow) -> &'static str {
    match run.state {
        RunState::Running => "Running",
        RunState::Interrupted => "Interrupted",
        RunState::Stopped => "Stopped",
        RunState::Finished if run.counts.failures() > 0 => "Failed",
        RunState::Finished if run.counts.cancelled > 0 => "Cancelled",
        RunState::Finished => "Done",
    }
}

/// Draws the details.
pub fn detail_ui(ui: &mut Ui, session: &Session, run: &RunRow, requests: &mut Requests) {
    let palette = theme::palette(ui);
    ui.horizontal(|ui| {
        ui.label(RichText::new(format!("Run {}", run.id)).text_style(theme::title_style()).color(palette.text_strong));
        state_ui(ui, run);
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if small_icon_button(ui, ICON_CLOSE, "Close the details").clicked() {
                requests.command(HistoryCommand::Select(None));
            }
        });
    });
    buttons_ui(ui, session, run, requests);
    ui.add_space(theme::HALF);
    let lines = lines(session, run);
    Grid::new("run").num_columns(2).spacing([theme::GAP, theme::HALF]).show(ui, |ui| {
        for (name, value) in lines {
            ui.label(RichText::new(name).color(theme::palette(ui).text_weak));
            ui.add(Label::new(value).truncate());
            ui.end_row();
        }
    });
    ui.add_space(theme::HALF);
    ui.horizontal_wrapped(|ui| {
        for class in OutcomeClass::ALL {
            let count = run.counts.of(class);
            if count > 0 {
                count_badge_ui(ui, class, count, true);
                ui.add_space(theme::HALF);
            }
        }
    });
    if let Some(mut ends) = session.run.ends_with_window(run.id) {
        let choice = ui.checkbox(&mut ends, "Stop it when this window is closed or killed");
        if choice.on_hover_text("Otherwise it continues in the background, and the next window shows it").changed() {
            requests.command(Command::EndWithWindow(ends));
        }
    }
}

/// The menu of runs to compare with; those of the same job come first.
fn compare_ui(ui: &mut Ui, session: &Session, run: &RunRow, requests: &mut Requests) {
    let others = || session.history.all().iter().filter(|other| other.id != run.id && other.state != RunState::Running);
    let alike = others().filter(|other| other.job_key == run.job_key);
    let rest = others().filter(|other| other.job_key != run.job_key);
    let listed: Vec<&RunRow> = alike.chain(rest).take(MAX_COMPARED).collect();
    let is_busy = session.history.is_comparing();
    let can = !listed.is_empty() && !is_busy && run.state != RunState::Running;
    ui.add_enabled_ui(can, |ui| {
        let menu = ui.menu_button((icon_text(ICON_COMPARE_ARROWS), "Compare"), |ui| {
            for other in listed {
                let started = local_minute(other.started_unix_ms);
                let name = sanitize::command(&other.name);
                let words = format!("Run {}, {started}, {}, {name}", other.id, format::duration(other.wall_ns));
                if ui
                    .add(egui::Button::new(&words).truncate())
                    .accessible_name(format!("Compare with run {}", other.id))
                    .clicked()
                {
                    requests.command(HistoryCommand::Compare(other.id.min(run.id), other.id.max(run.id)));
                    ui.close();
                }
            }
        });
        menu.response
            .accessible_name("Compare with another run")
            .on_hover_text("Two runs side by side: what failed newly, what is fixed, what got slower")
            .on_disabled_hover_text("There is no other run that has ended");
    });
}

fn lines(session: &Session, run: &RunRow) -> Vec<(&'static str, String)> {
    let machine = &run.environment;
    let workers = match run.mode {
        fanlane_core::job::Mode::One => "one process".to_owned(),
        fanlane_core::job::Mode::Threads => format::plural(u64::from(run.workers), "thread"),
        fanlane_core::job::Mode::Pool => format!("a pool of {}", run.workers),
    };
    let change = change_words(session, run).zip(session.history.before(run));
    let change = change.map_or_else(String::new, |(words, before)| format!(" ({words} than run {})", before.id));
    let change = change.replace("as before than", "as");
    let mut lines = vec![
        ("Job", job_words(session, run)),
        (
            "When",
            format!("{}, {}{change}, on {workers}", local_minute(run.started_unix_ms), format::duration(run.wall_ns)),
        ),
        (
            "Where",
            format!(
                "{}, on {} ({}, {}), Fanlane {}",
                sanitize::command(&run.folder.display().to_string()),
                sanitize::command(&machine.host),
                sanitize::command(&machine.system),
                format::plural(u64::from(machine.cores), "core"),
                sanitize::command(&machine.version),
            ),
        ),
    ];
    if let Some(interpreter) = &machine.interpreter {
        lines.push(("Interpreter", sanitize::command(&interpreter.words_in(run.mode))));
    }
    if let Some(before) = run.continues {
        let earlier = run.earlier.words().map_or_else(String::new, |words| format!(", {words}"));
        lines.push(("Continues", format!("run {before}{earlier}")));
    }
    if run.left_out > 0 {
        lines.push((
            "Missing",
            format!("{} that the disk was too slow to record", format::plural(run.left_out, "attempt")),
        ));
    }
    lines
}

/// The name of the job, and what it does where that is something else.
fn job_words(session: &Session, run: &RunRow) -> String {
    let name = sanitize::command(&run.name);
    let command = command_beside(&name, session.history.command(run));
    command.map_or_else(|| name.clone(), |command| format!("{name}: {command}"))
}

fn buttons_ui(ui: &mut Ui, session: &Session, run: &RunRow, requests: &mut Requests) {
    let why_not = if session.is_running() {
        Some("A run is under way")
    } else if session.history.is_opening() {
        Some("Another run is being opened")
    } else if run.state == RunState::Running {
        Some("This run is still running")
    } else {
        None
    };
    let ended_by_itself = run.counts.total() - run.counts.cancelled;
    let no_rest = (ended_by_itself >= run.tasks).then_some("Every task has ended");
    let no_failed = (run.counts.failures() == 0).then_some("No task failed");
    ui.horizontal_wrapped(|ui| {
        if run.state == RunState::Running {
            let obstacle = if session.is_busy() {
                Some("A run is under way in this window")
            } else {
                (!session.detached.is_running(run.id)).then_some("It is running in a terminal or in another window")
            };
            let watch = icon_button(ui, ICON_VISIBILITY, "Watch", obstacle.is_none());
            let watch = watch.on_hover_text("Follow it here from its start");
            if watch.on_disabled_hover_text(obstacle.unwrap_or_default()).clicked() {
                requests.command(Command::WatchRun(run.id));
            }
        }
        let mut button = |icon, words: &str, hint: &str, then, obstacle: Option<&str>| {
            let obstacle = why_not.or(obstacle);
            let button = icon_button(ui, icon, words, obstacle.is_none()).on_hover_text(hint);
            if button.on_disabled_hover_text(obstacle.unwrap_or_default()).clicked() {
                requests.command(HistoryCommand::Open(run.id, then));
            }
        };
        button(ICON_TABLE_ROWS, "Open", "Show its results and its lanes", PastRunUse::Show, None);
        button(ICON_PLAY_ARROW, "Resume", "Run the remaining tasks", PastRunUse::Resume, no_rest);
        button(ICON_REPLAY, "Rerun failed", "Run the failed tasks again", PastRunUse::RerunFailed, no_failed);
        button(ICON_REPLAY, "Rerun all", "Run all tasks again", PastRunUse::Rerun, None);
        let nothing_done = (run.counts.done == 0).then_some("No task is done");
        let racing = session.is_racing().then_some("A race is under way");
        let hint = "Race this job: the same tasks in one process, in threads and in pools of several sizes";
        button(ICON_SPORTS_SCORE, "Was the pool worth it?", hint, PastRunUse::Worth, nothing_done.or(racing));
        compare_ui(ui, session, run, requests);
        let goes_on = run.state == RunState::Running;
        let remove = if ui.available_width() < ROOM_FOR_REMOVE {
            ui.add_enabled(!goes_on, egui::Button::new(icon_text(ICON_DELETE))).accessible_name("Remove…")
        } else {
            icon_button(ui, ICON_DELETE, "Remove…", !goes_on)
        };
        let remove = remove.on_hover_text("Remove this run from the history");
        if remove.on_disabled_hover_text("This run is still running").clicked() {
            requests.ask(Question::RemoveRun(run.id, run.name.clone()));
        }
    });
    ui.add_space(theme::HALF);
}
