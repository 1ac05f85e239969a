//! The settings of a race, and the buttons that start, stop, save and open one.

use std::path::Path;

use egui::{Button, RichText, Ui};
use egui_material_icons::icons::{
    ICON_CLOSE, ICON_DELETE, ICON_FOLDER_OPEN, ICON_LAYERS, ICON_SAVE, ICON_SPORTS_SCORE, ICON_STOP,
};

use crate::session::race::RaceDraft;
use crate::session::{RaceCommand, Session};
use crate::ui::cut_label::cut_label;
use crate::ui::icon_button::{icon_button, icon_text, primary_button, small_icon_button};
use crate::ui::line_edit::line_edit;
use crate::ui::request::{Question, Requests};
use crate::ui::sanitize;
use crate::ui::theme;
use fanlane_core::job::Mode;
use fanlane_core::model::format;
use fanlane_core::model::race::RaceModel;

/// Minimum width for buttons with labels, in points.
pub const WIDE_FILES: f32 = 44.0 * theme::UNIT;
/// Maximum number of saved races in the menus; others can be opened from the terminal.
const MAX_LISTED: usize = 20;

/// Time between two looks at the time left.
const LOOK_INTERVAL: std::time::Duration = std::time::Duration::from_millis(500);

pub fn setup_ui(ui: &mut Ui, session: &Session, requests: &mut Requests) {
    if session.is_racing() {
        ui.horizontal(|ui| {
            if primary_button(ui, ICON_STOP, "Stop race", true)
                .on_hover_text("Stop the race: finished runs count, the current one does not")
                .clicked()
            {
                requests.command(RaceCommand::Stop);
            }
            if let Some(race) = session.race.shown() {
                let left = race.time_left().map_or_else(String::new, |left| format!(", {}", left.words()));
                let words = format!("{}{left}", status(&race.model()));
                ui.add(egui::Label::new(RichText::new(words).color(theme::palette(ui).text)).truncate());
            }
        });
        // The time left goes on also where no run ends.
        ui.ctx().request_repaint_after(LOOK_INTERVAL);
        return;
    }
    let mut draft = session.race.draft().clone();
    ui.horizontal(|ui| {
        let obstacle = session.race_obstacle();
        let race = primary_button(ui, ICON_SPORTS_SCORE, "Race", obstacle.is_none())
            .on_hover_text("Run the tasks several times in each of the modes and pool sizes chosen here, in turns")
            .on_disabled_hover_text(obstacle.unwrap_or_default());
        if race.clicked() {
            requests.command(RaceCommand::Start);
        }
        modes_ui(ui, &mut draft);
        ui.add_space(theme::UNIT);
        offer_ui(ui, session, requests);
    });
    ui.horizontal(|ui| numbers_ui(ui, &mut draft));
    if draft != *session.race.draft() {
        requests.command(RaceCommand::Edit(draft));
    }
}

fn modes_ui(ui: &mut Ui, draft: &mut RaceDraft) {
    ui.label(RichText::new("Modes").color(theme::palette(ui).text_weak));
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.x = theme::HALF / 2.0;
        for (mode, on) in Mode::ALL.into_iter().zip(&mut draft.modes) {
            let words = if *on { format!("Leave out mode {mode}") } else { format!("Add mode {mode}") };
            let button = ui.add(Button::selectable(*on, mode.name())).on_hover_text(&words);
            if button.accessible_name(format!("Race mode {mode}")).clicked() {
                *on = !*on;
            }
        }
    });
}

/// What the race would be: of which job, of how many tasks, how long.
fn offer_ui(ui: &mut Ui, session: &Session, requests: &mut Requests) {
    let palette = theme::palette(ui);
    if let Some(subject) = session.race_subject() {
        let title = sanitize::command(&subject.title);
        let chip = ui.add(Button::selectable(true, (title.as_str(), icon_text(ICON_CLOSE))));
        let chip = chip.on_hover_text("The job of this run is raced. Press to race the open job instead");
        if chip.accessible_name(format!("Race the open job instead of {title}")).clicked() {
            requests.command(RaceCommand::OfOpenJob);
        }
    }
    let Some(offer) = session.race_offer() else { return };
    let tasks = if offer.tasks < offer.whole {
        format!("{} of {} tasks", format::count(offer.tasks), format::count(offer.whole))
    } else {
        format::plural(offer.whole, "task")
    };
    let (time, hint) = match offer.estimate {
        Some(estimate) => (
            estimate.words(),
            "From the times of the tasks in an earlier run or race; it ends early once every mean is known to 2 %",
        ),
        None => ("time not known yet".to_owned(), "It is estimated once the job has been run or raced"),
    };
    let (over, why) = if offer.is_over_limit {
        (
            ", over the limit",
            ". Each way is run its least number of times whatever the limit: fewer tasks, sizes or modes take less",
        )
    } else {
        ("", "")
    };
    let words = format!("{tasks}, {time}{over}");
    let whole = format!("{words}\n{hint}{why}");
    ui.add(cut_label(RichText::new(words).color(palette.text))).on_hover_text(whole);
}

fn numbers_ui(ui: &mut Ui, draft: &mut RaceDraft) {
    // A letter is about as wide as a unit of the grid.
    let width = (draft.sizes.chars().count() as f32 + 3.0).clamp(11.0, 24.0);
    field_ui(ui, "Pool sizes", &mut draft.sizes, width, "Numbers of workers, separated by commas", "");
    field_ui(
        ui,
        "Runs of each",
        &mut draft.repeat,
        7.0,
        "Empty: at least three, until the mean is known to 2 %",
        "auto",
    );
    field_ui(
        ui,
        "Tasks",
        &mut draft.tasks,
        9.0,
        "Empty: all, or of a long job as many as the time limit has room for, from all parts of it; a number, or all",
        "auto",
    );
    field_ui(
        ui,
        "Time limit",
        &mut draft.time_limit,
        6.0,
        "In seconds; after it no further round starts, once each way has run three times",
        "",
    );
    ui.label(RichText::new("s").color(theme::palette(ui).text_weak));
    let chunks = ui.add(Button::selectable(draft.chunks, "Chunk sizes")).accessible_name("Race chunk sizes");
    if chunks.on_hover_text("Also race chunk sizes (tasks per message) in the largest pool").clicked() {
        draft.chunks = !draft.chunks;
    }
}

fn field_ui(ui: &mut Ui, label: &str, text: &mut String, width: f32, meaning: &str, empty: &str) {
    let label = ui.label(RichText::new(label).color(theme::palette(ui).text_weak)).on_hover_text(meaning);
    ui.add(line_edit(text).hint_text(empty).desired_width(width * theme::UNIT))
        .labelled_by(label.id)
        .on_hover_text(meaning);
}

/// Steps with races as files; `narrow`: icons alone.
pub fn files_ui(ui: &mut Ui, session: &Session, narrow: bool, requests: &mut Requests) {
    let listed = session.race.saved();
    let shown = session.race.shown();
    let words = |full: &'static str| if narrow { "" } else { full };
    let saved = shown.is_some_and(|race| race.file.is_some());
    let enabled = shown.is_some() && !saved && session.race.can_save();
    let why_not = if saved { "Already saved" } else { "There is no race to save, or no folder to save it in" };
    let save = if narrow {
        ui.add_enabled(enabled, Button::new(icon_text(ICON_SAVE))).accessible_name("Save race")
    } else {
        icon_button(ui, ICON_SAVE, "Save race", enabled)
    };
    if save.on_hover_text("Save the race with all its measurements").on_disabled_hover_text(why_not).clicked() {
        requests.command(RaceCommand::Save);
    }
    let unsaved = if session.is_racing() { &[] } else { session.race.unsaved() };
    ui.add_enabled_ui(!listed.is_empty() || !unsaved.is_empty(), |ui| {
        let menu = ui.menu_button((icon_text(ICON_FOLDER_OPEN), words("Open")), |ui| {
            for race in unsaved.iter().rev() {
                if ui.button(format!("{} (not saved)", unsaved_name(&race.model()))).clicked() {
                    requests.command(RaceCommand::Reopen(race.serial));
                    ui.close();
                }
            }
            for file in listed.iter().take(MAX_LISTED) {
                ui.horizontal(|ui| {
                    let name = file_name(file);
                    if small_icon_button(ui, ICON_DELETE, &format!("Delete {name}…")).clicked() {
                        requests.ask(Question::RemoveRace(file.clone()));
                        ui.close();
                    }
                    if ui.button(name).clicked() {
                        requests.command(RaceCommand::Open(file.clone()));
                        ui.close();
                    }
                });
            }
        });
        let menu = menu.response.accessible_name("Open a saved race");
        menu.on_hover_text("Open a saved race").on_disabled_hover_text("No race has been saved yet");
    });
    if let Some((file, _)) = session.race.comparison() {
        let remove = ui.button(format!("Hide {}", file_name(file)));
        if remove.on_hover_text("Stop comparing the two races").clicked() {
            requests.command(RaceCommand::Compare(None));
        }
    } else {
        ui.add_enabled_ui(!listed.is_empty() && shown.is_some(), |ui| {
            let menu = ui.menu_button((icon_text(ICON_LAYERS), words("Compare")), |ui| {
                for file in listed.iter().take(MAX_LISTED) {
                    if ui.button(file_name(file)).clicked() {
                        requests.command(RaceCommand::Compare(Some(file.clone())));
                        ui.close();
                    }
                }
            });
            let menu = menu.response.accessible_name("Compare with a saved race");
            menu.on_hover_text("Compare this race with a saved one")
                .on_disabled_hover_text("Needs a race to compare and a saved one");
        });
    }
}

/// The job of a race that is not saved, and how much was raced.
fn unsaved_name(model: &RaceModel) -> String {
    let name = model.header.as_ref().map_or_else(String::new, |header| sanitize::command(&header.name));
    format!("{name}, {}", format::plural(model.runs.len() as u64, "run"))
}

fn file_name(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    name.trim_end_matches(".race.json").to_owned()
}

/// The progress of the race.
fn status(model: &RaceModel) -> String {
    let (Some(header), Some(current)) = (&model.header, &model.current) else {
        return "Between two runs".to_owned();
    };
    let rules = &header.rules;
    let round = match current.turn.block {
        block if block < rules.warm_up => "Warming up".to_owned(),
        block if rules.least_runs == rules.most_runs => {
            format!("Round {} of {}", block - rules.warm_up + 1, rules.least_runs)
        }
        block => format!("Round {}, at least {}", block - rules.warm_up + 1, rules.least_runs),
    };
    let place = model.runs.iter().filter(|run| run.turn.block == current.turn.block).count() + 1;
    let contender = &header.contenders[current.turn.contender];
    let case = header.cases.get(contender.case as usize).filter(|_| header.cases.len() > 1);
    let job = case.map_or_else(String::new, |case| format!("{}, ", case.job.display_name()));
    format!("{round}: {job}{} ({place} of {})", contender.name(), header.contenders.len())
}
