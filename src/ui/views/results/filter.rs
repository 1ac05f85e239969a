//! The filter of the results by outcome and by text, and the button that reruns failed tasks.

use egui::{Align, Button, Layout, RichText, Ui};
use egui_material_icons::icons::ICON_REPLAY;

use crate::session::{Command, RowQuery, SearchScope, Session};
use crate::ui::action::Action;
use crate::ui::icon_button::{icon_button, icon_text};
use crate::ui::line_edit::line_edit;
use crate::ui::request::Requests;
use crate::ui::theme;
use fanlane_core::event::{OutcomeClass, OutcomeCounts};
use fanlane_core::model::format;

/// Minimum width for outcomes with words beside their icons, in points.
const ROOM_FOR_WORDS: f32 = 1100.0;

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
        let counts = run.model().progress.counts;
        let running = session.is_running();
        let room_for_words = ui.available_width() >= ROOM_FOR_WORDS;
        ui.horizontal(|ui| {
            let mut query = session.run.query().clone();
            self.search_ui(ui, &mut query);
            classes_ui(ui, &mut query, counts, room_for_words);
            if query != *session.run.query() {
                requests.command(Command::SetQuery(query));
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let failed = counts.not_done();
                let why_not = if running { "A run is under way" } else { "Every task succeeded" };
                let again = icon_button(ui, ICON_REPLAY, Action::RerunFailed.text(), failed > 0 && !running)
                    .on_hover_text(Action::RerunFailed.hint())
                    .on_disabled_hover_text(why_not);
                if again.clicked() {
                    requests.action(Action::RerunFailed);
                }
            });
        });
    }

    fn search_ui(&mut self, ui: &mut Ui, query: &mut RowQuery) {
        let (hint, name) = match query.scope {
            SearchScope::Commands => ("Search commands ( / )", "Search in the command lines"),
            SearchScope::Outputs => ("Search outputs ( / )", "Search in the outputs"),
        };
        let field = line_edit(&mut query.text).hint_text(hint).desired_width(18.0 * theme::UNIT);
        let field = ui.add(field).accessible_name(name);
        if std::mem::take(&mut self.wants_focus) {
            field.request_focus();
        }
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

fn classes_ui(ui: &mut Ui, query: &mut RowQuery, counts: OutcomeCounts, room_for_words: bool) {
    let palette = theme::palette(ui);
    ui.spacing_mut().item_spacing.x = theme::HALF;
    ui.spacing_mut().button_padding.x = theme::HALF;
    let chosen = query.class;
    let all = RichText::new(format!("All {}", format::count(counts.total())));
    if ui.add(Button::selectable(chosen.is_none(), all)).accessible_name("Show all outcomes").clicked() {
        query.class = None;
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
        }
    }
}
