//! The page Runs: the queue of jobs, if there are any, and the history as a table, with the details of one run below it, which can be opened, resumed or run again.

mod compare;
mod detail;
mod queue;
mod table;

use egui::{Align, CentralPanel, Frame, Layout, Panel, RichText, Ui};
use egui_material_icons::icons::{ICON_FILTER_ALT_OFF, ICON_HISTORY, ICON_HOURGLASS_EMPTY, ICON_WARNING};

use crate::session::{HistoryCommand, Page, Session};
use crate::ui::line_edit::line_edit;
use crate::ui::request::Requests;
use crate::ui::theme;
use crate::ui::widgets::empty_state_ui;
use crate::ui::{PageTab, PageView};
use fanlane_core::model::format;

use compare::CompareView;
pub use detail::{state_icon, state_word};

/// Share of the page that two runs side by side take at first.
const COMPARISON_SHARE: f32 = 0.7;

/// The page Runs.
#[derive(Default)]
pub struct RunsView {
    compare: CompareView,
}

impl PageView for RunsView {
    fn tab(&self) -> PageTab {
        PageTab { page: Page::RUNS, icon: ICON_HISTORY, explanation: "The queue of jobs, and the history of runs" }
    }

    fn show_ui(&mut self, ui: &mut Ui, session: &Session, requests: &mut Requests) {
        if queue::queue_ui(ui, session, requests) {
            ui.add_space(theme::UNIT);
        }
        self.runs_ui(ui, session, requests);
    }
}

impl RunsView {
    fn runs_ui(&mut self, ui: &mut Ui, session: &Session, requests: &mut Requests) {
        let runs = &session.history;
        if !runs.is_kept() {
            let advice = "This window records no runs: there is no folder for them, or FANLANE_NO_HISTORY is set.";
            empty_state_ui(ui, ICON_HISTORY, "No history", advice);
            return;
        }
        if let Some(error) = runs.error() {
            empty_state_ui(ui, ICON_WARNING, "The history cannot be shown", error);
            return;
        }
        if runs.is_unread() {
            empty_state_ui(ui, ICON_HOURGLASS_EMPTY, "Reading the history…", "");
            return;
        }
        if runs.all().is_empty() {
            let advice = "Press Run: runs are recorded here, also those in the terminal.";
            empty_state_ui(ui, ICON_HISTORY, "No runs yet", advice);
            return;
        }
        filter_ui(ui, session, requests);
        ui.add_space(theme::UNIT);
        if let Some(both) = session.history.comparison() {
            let frame = Frame::new().inner_margin(egui::Margin { top: theme::UNIT as i8, ..egui::Margin::ZERO });
            let room = ui.available_height();
            Panel::bottom("runs compared")
                .frame(frame)
                .resizable(true)
                .default_size(room * COMPARISON_SHARE)
                .size_range(room * 0.3..=room * 0.9)
                .show(ui, |ui| self.compare.show_ui(ui, session, both, requests));
        } else if let Some(run) = session.history.selected().cloned() {
            let frame = Frame::new().inner_margin(egui::Margin { top: theme::UNIT as i8, ..egui::Margin::ZERO });
            Panel::bottom("run below").frame(frame).resizable(false).show(ui, |ui| {
                detail::detail_ui(ui, session, &run, requests);
            });
        }
        CentralPanel::default().frame(Frame::new()).show(ui, |ui| {
            if session.history.shown().next().is_none() {
                empty_state_ui(ui, ICON_FILTER_ALT_OFF, "No matching runs", "Clear the search.");
            } else {
                table::table_ui(ui, session, requests);
            }
        });
    }
}

fn filter_ui(ui: &mut Ui, session: &Session, requests: &mut Requests) {
    ui.horizontal(|ui| {
        let mut text = session.history.filter().to_owned();
        let field = line_edit(&mut text).hint_text("Search runs").desired_width(20.0 * theme::UNIT);
        if ui.add(field).accessible_name("Search in the names of the runs").changed() {
            requests.command(HistoryCommand::Filter(text));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let runs = session.history.all();
            let size = format::bytes(runs.iter().map(|run| run.bytes).sum());
            let text = format!("{}, {size}", format::plural(runs.len() as u64, "run"));
            ui.label(RichText::new(text).color(theme::palette(ui).text_weak));
        });
    });
}
