//! The line over the results: the search, the outcomes with their numbers, the button that reruns failed tasks; and below it
//! what else is asked for, each with a button that takes it away.

use egui::{Align, Button, Layout, RichText, Ui};
use egui_material_icons::icons::{ICON_CLOSE, ICON_HOURGLASS_EMPTY, ICON_REPLAY, ICON_WARNING};

use crate::session::{COLUMN_EXAMPLES, Command, RowQuery, SearchScope, Session};
use crate::ui::action::Action;
use crate::ui::icon_button::{icon_button, icon_text};
use crate::ui::line_edit::line_edit;
use crate::ui::request::Requests;
use crate::ui::sanitize;
use crate::ui::theme;
use fanlane_core::event::{OutcomeClass, OutcomeCounts};
use fanlane_core::model::format;

/// Minimum width for outcomes with words beside their icons, in points.
const ROOM_FOR_WORDS: f32 = 1100.0;
/// Width of the button that runs failed tasks again, with its label, in points.
const RERUN_WIDTH: f32 = 19.0 * theme::UNIT;
/// Maximum width of what else is asked for, in points.
const MAX_CHIP_WIDTH: f32 = 60.0 * theme::UNIT;

/// The line over the table.
#[derive(Default)]
pub struct Filter {
    wants_focus: bool,
}

impl Filter {
    /// Puts the focus into the search field when it is drawn next.
    pub fn focus(&mut self) {
        self.wants_focus = true;
    }

    /// Draws the line.
    pub fn show_ui(&mut self, ui: &mut Ui, session: &Session, requests: &mut Requests) {
        let Some(run) = session.run.current() else { return };
        let all = run.model().progress.counts;
        let running = session.is_running();
        let room_for_words = ui.available_width() >= ROOM_FOR_WORDS;
        let mut query = session.run.query().clone();
        // The numbers follow the search, not the outcome that is chosen beside them.
        let is_searched = query.of_all_outcomes().is_filtered();
        let counts = if is_searched { session.run.rows().counts() } else { all };
        ui.horizontal(|ui| {
            self.search_ui(ui, &mut query, room_for_words);
            classes_ui(ui, &mut query, counts, room_for_words);
            if running {
                waiting_ui(ui, &mut query, run.model().queued(), room_for_words);
            }
            let room_for_label = ui.available_width() >= RERUN_WIDTH;
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let why_not = if running { "A run is under way" } else { "Every task succeeded" };
                let can_rerun = all.not_done() > 0 && !running;
                let words = Action::RerunFailed.text();
                let again = if room_for_label {
                    icon_button(ui, ICON_REPLAY, words, can_rerun)
                } else {
                    let button = Button::new(icon_text(ICON_REPLAY));
                    ui.add_enabled(can_rerun, button).accessible_name(words)
                };
                let again = again.on_hover_text(Action::RerunFailed.hint()).on_disabled_hover_text(why_not);
                if again.clicked() {
                    requests.action(Action::RerunFailed);
                }
            });
        });
        chips_ui(ui, &mut query);
        if query != *session.run.query() {
            requests.command(Command::SetQuery(query));
        }
    }

    fn search_ui(&mut self, ui: &mut Ui, query: &mut RowQuery, wide: bool) {
        let (hint, name) = match query.scope {
            SearchScope::Commands => ("Search ( / )", "Search in the command lines"),
            SearchScope::Outputs => ("Search outputs", "Search in the outputs"),
        };
        let width = if wide { 34.0 } else { 15.0 } * theme::UNIT;
        let field = line_edit(&mut query.text).hint_text(hint).desired_width(width);
        let field = ui.add(field).accessible_name(name);
        if std::mem::take(&mut self.wants_focus) {
            field.request_focus();
        }
        field.on_hover_ui(columns_ui);
        ui.spacing_mut().item_spacing.x = theme::HALF;
        ui.spacing_mut().button_padding.x = theme::HALF;
        for (scope, word) in [(SearchScope::Commands, "commands"), (SearchScope::Outputs, "outputs")] {
            let button = ui.add(Button::selectable(query.scope == scope, word));
            let hint = format!("Search in the {word} of the tasks");
            if button.on_hover_text(&hint).accessible_name(format!("Search {word}")).clicked() {
                query.scope = scope;
                self.wants_focus = true;
            }
        }
        ui.add_space(theme::UNIT);
    }
}

/// How columns are searched.
fn columns_ui(ui: &mut Ui) {
    ui.label("Text, and words about columns:");
    egui::Grid::new("columns").num_columns(2).spacing([theme::GAP, theme::HALF]).show(ui, |ui| {
        for pair in COLUMN_EXAMPLES.chunks(2) {
            for (_, example) in pair {
                ui.label(RichText::new(*example).monospace());
            }
            ui.end_row();
        }
    });
}

fn classes_ui(ui: &mut Ui, query: &mut RowQuery, counts: OutcomeCounts, room_for_words: bool) {
    let palette = theme::palette(ui);
    ui.spacing_mut().item_spacing.x = theme::HALF;
    ui.spacing_mut().button_padding.x = theme::HALF;
    let chosen = query.class;
    let has_none = chosen.is_none() && !query.waiting;
    let all = RichText::new(format!("All {}", format::count(counts.total())));
    if ui.add(Button::selectable(has_none, all)).accessible_name("Show all outcomes").clicked() {
        (query.class, query.waiting) = (None, false);
    }
    for class in OutcomeClass::ALL {
        let count = counts.of(class);
        let icon = icon_text(theme::outcome_icon(class)).color(palette.outcome_text(class));
        let word = theme::outcome_word(class);
        let count = format::count(count);
        let text = if room_for_words { format!("{word} {count}") } else { count.clone() };
        let response = ui.add(Button::selectable(chosen == Some(class), (icon, text)));
        let response =
            response.on_hover_text(format!("{word}: {count}")).accessible_name(format!("Only {}", class.name()));
        if response.clicked() {
            query.class = if chosen == Some(class) { None } else { Some(class) };
            query.waiting = false;
        }
    }
}

/// The tasks that wait, beside the outcomes of those that do not any more.
fn waiting_ui(ui: &mut Ui, query: &mut RowQuery, queued: u64, room_for_words: bool) {
    let count = format::count(queued);
    let icon = icon_text(ICON_HOURGLASS_EMPTY).color(theme::palette(ui).text_weak);
    let text = if room_for_words { format!("Waiting {count}") } else { count.clone() };
    let hint =
        format!("Waiting: {count}. Shows the next ones, which can be put in front, given a priority or a breakpoint");
    let button = ui.add(Button::selectable(query.waiting, (icon, text))).on_hover_text(hint);
    if button.accessible_name("Only waiting").clicked() {
        (query.waiting, query.class, query.cause) = (!query.waiting, None, None);
    }
}

/// What else is asked for; a cause is chosen in its own list.
fn chips_ui(ui: &mut Ui, query: &mut RowQuery) {
    let mistake = query.words().mistake;
    if (query.lane, query.span, &mistake) == (None, None, &None) {
        return;
    }
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = theme::UNIT;
        if let Some(lane) = query.lane
            && chip_ui(ui, &format!("lane {}", lane.0 + 1))
        {
            query.lane = None;
        }
        if let Some(span) = query.span {
            let [from, to] = [span.from_ns, span.to_ns].map(format::duration);
            if chip_ui(ui, &format!("from {from} to {to}")) {
                query.span = None;
            }
        }
        if let Some(mistake) = mistake {
            let palette = theme::palette(ui);
            ui.label(icon_text(ICON_WARNING).color(palette.warning));
            ui.label(RichText::new(sanitize::line(mistake.as_bytes())).color(palette.warning));
        }
    });
}

/// A part of the query; true when it was taken away.
fn chip_ui(ui: &mut Ui, words: &str) -> bool {
    let mut clicked = false;
    ui.scope(|ui| {
        ui.set_max_width(MAX_CHIP_WIDTH);
        let chip = ui.add(Button::selectable(true, (words, icon_text(ICON_CLOSE))).truncate());
        let chip = chip.on_hover_text("Remove this filter");
        clicked = chip.accessible_name(format!("Remove filter: {words}")).clicked();
    });
    clicked
}
