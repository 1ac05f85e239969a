//! The page Results: a table of the tasks, and the details of one task beside or below it.

mod causes;
mod detail;
mod filter;
mod find;
mod live_text;
mod output;
mod place;
mod steering;
mod table;
mod task_label;
mod words;

use egui::{CentralPanel, Frame, Panel, Ui};
use egui_material_icons::icons::{ICON_FILTER_ALT_OFF, ICON_HOURGLASS_EMPTY, ICON_TABLE_ROWS};

use crate::session::{Command, Page, Session};
use crate::ui::areas::{Area, keys_are_free};
use crate::ui::request::Requests;
use crate::ui::theme;
use crate::ui::widgets::empty_state_ui;
use crate::ui::{PageTab, PageView};
use fanlane_core::event::TaskId;

use causes::CauseList;
use detail::Detail;
use filter::Filter;

pub use task_label::task_label_ui;

/// Minimum width for details beside the table, in points.
const WIDE: f32 = 1200.0;

/// Height of a page below which it shows fewer causes, in points.
const LOW: f32 = 600.0;

/// The page Results.
#[derive(Default)]
pub struct ResultsView {
    filter: Filter,
    causes: CauseList,
    detail: Detail,
    /// The details are beside the table rather than below it.
    beside: bool,
    /// The task whose row was brought into view, and the height of the table then.
    seen: Option<(TaskId, f32)>,
    /// A row to bring into view.
    scroll_to: Option<(usize, Option<egui::Align>)>,
}

impl PageView for ResultsView {
    fn tab(&self) -> PageTab {
        PageTab { page: Page::RESULTS, icon: ICON_TABLE_ROWS, explanation: "The results of the tasks" }
    }

    fn focus_search(&mut self) {
        self.filter.focus();
    }

    fn find(&mut self) {
        self.detail.open_find();
    }

    fn dismiss(&mut self) -> bool {
        self.detail.close_find()
    }

    fn show_ui(&mut self, ui: &mut Ui, session: &Session, requests: &mut Requests) {
        if session.run.current().is_none() {
            let advice = "Press Run, or drop a job file on the window: each finished task gets a row here.";
            empty_state_ui(ui, ICON_TABLE_ROWS, "No results yet", advice);
            return;
        }
        self.filter.show_ui(ui, session, requests);
        ui.add_space(theme::UNIT);
        let is_shared = session.run.selected().is_some() && ui.available_width() < WIDE;
        let causes = match ui.available_height() {
            low if low < LOW && is_shared => 1,
            low if low < LOW => 3,
            _ => 5,
        };
        self.causes.show_ui(ui, session, causes, requests);
        self.take_arrows(ui, session, requests);
        self.beside &= session.run.selected().is_some();
        if let Some(task) = session.run.selected() {
            self.beside = ui.available_width() >= WIDE;
            // A window that was made smaller leaves room for the table.
            let room = ui.available_size();
            let frame = Frame::new();
            let panel = if self.beside {
                let frame = frame.inner_margin(egui::Margin { left: theme::GAP as i8, ..egui::Margin::ZERO });
                Panel::right("task beside")
                    .frame(frame)
                    .default_size(ui.available_width() * 0.4)
                    .size_range(360.0..=(room.x * 0.55).max(360.0))
            } else {
                let frame = frame.inner_margin(egui::Margin { top: theme::UNIT as i8, ..egui::Margin::ZERO });
                Panel::bottom("task below")
                    .frame(frame)
                    .default_size(ui.available_height() * if ui.available_height() < LOW { 0.58 } else { 0.5 })
                    .size_range(120.0..=(room.y * 0.75).max(120.0))
            };
            panel.resizable(true).show(ui, |ui| self.detail.show_ui(ui, session, task, requests));
        }
        let space = egui::Margin { right: if self.beside { theme::GAP as i8 } else { 0 }, ..egui::Margin::ZERO };
        CentralPanel::default()
            .frame(Frame::new().inner_margin(space))
            .show(ui, |ui| self.rows_ui(ui, session, requests));
    }
}

impl ResultsView {
    fn rows_ui(&mut self, ui: &mut Ui, session: &Session, requests: &mut Requests) {
        let rows = session.run.rows();
        let queued = session.run.queued_rows();
        if !rows.rows().is_empty()
            || !rows.rest().is_empty()
            || !session.run.running_rows().is_empty()
            || !queued.is_empty()
        {
            self.bring_into_view(session, ui.available_height());
            return table::table_ui(ui, session, &queued, self.scroll_to.take(), requests);
        }
        let query = session.run.query();
        if query.waiting {
            let advice = match query.text.trim() {
                "" => "All tasks have begun.",
                _ => "None of the next ones matches; the number of a task finds it anywhere.",
            };
            empty_state_ui(ui, ICON_HOURGLASS_EMPTY, "No task waits here", advice);
        } else if rows.is_under_way() {
            empty_state_ui(ui, ICON_HOURGLASS_EMPTY, "Searching the results…", "");
        } else if query.is_filtered() {
            let advice = "Clear the search or the filter.";
            let empty = empty_state_ui(ui, ICON_FILTER_ALT_OFF, "No matching tasks", advice);
            let below = empty.rect.center() + egui::vec2(0.0, 9.0 * theme::UNIT);
            let button = egui::Rect::from_center_size(below, egui::vec2(12.0 * theme::UNIT, theme::ROW + theme::HALF));
            if ui.put(button, egui::Button::new("Show all")).clicked() {
                requests.command(Command::SetQuery(query.unfiltered()));
            }
        } else {
            empty_state_ui(ui, ICON_HOURGLASS_EMPTY, "No task has ended yet", "The first result appears here.");
        }
    }

    /// Scrolls once to a task that was selected, also on another page, and again where the table became lower.
    fn bring_into_view(&mut self, session: &Session, height: f32) {
        let selected = session.run.selected();
        let has_room = |(task, seen)| Some(task) == selected && height >= seen;
        let was_seen = self.seen.is_some_and(has_room);
        self.seen = selected.map(|task| (task, height));
        if was_seen {
            return;
        }
        let place = selected.and_then(|task| place_of(session, &session.run.running_rows(), task));
        // No further than it takes: a row that was clicked stays where it is.
        self.scroll_to = place.map(|place| (place, None)).or(self.scroll_to);
    }

    /// The arrow keys move the selection, unless a field has the focus.
    fn take_arrows(&mut self, ui: &Ui, session: &Session, requests: &mut Requests) {
        if !keys_are_free(ui.ctx()) {
            return;
        }
        let focus_is_free = ui.ctx().memory(|memory| memory.focused().is_none()) || Area::Page.has_focus(ui.ctx());
        let step = ui.input(|input| {
            i64::from(input.key_pressed(egui::Key::ArrowDown)) - i64::from(input.key_pressed(egui::Key::ArrowUp))
        });
        if step == 0 || !focus_is_free {
            return;
        }
        let running = session.run.running_rows();
        let found = session.run.rows();
        let rows = running.len() + found.rows().len() + found.rest().len() + session.run.queued_rows().len();
        let place = match session.run.selected().and_then(|task| place_of(session, &running, task)) {
            _ if rows == 0 => return,
            Some(place) => (place as i64 + step).clamp(0, rows as i64 - 1) as usize,
            None => 0,
        };
        if let Some(task) = task_at(session, &running, place) {
            requests.command(Command::SelectTask(Some(task)));
            self.scroll_to = Some((place, None));
        }
    }
}

/// The row of a task in the table: running tasks come first, cancelled ones without a record last.
fn place_of(session: &Session, running: &[TaskId], task: TaskId) -> Option<usize> {
    let rows = session.run.rows();
    let place = running.iter().position(|one| *one == task);
    place.or_else(|| {
        let index = session.run.current()?.model().records.index_of(task);
        match index {
            Some(index) => Some(running.len() + rows.rows().iter().position(|row| *row as usize == index)?),
            None if session.run.query().waiting => session.run.queued_rows().iter().position(|one| *one == task),
            None => Some(running.len() + rows.rows().len() + rows.rest().binary_search(&task).ok()?),
        }
    })
}

fn task_at(session: &Session, running: &[TaskId], place: usize) -> Option<TaskId> {
    if let Some(task) = running.get(place) {
        return Some(*task);
    }
    let rows = session.run.rows();
    let place = place - running.len();
    match rows.rows().get(place) {
        Some(row) => session.run.current()?.model().records.get(*row as usize).map(|record| record.task),
        None if session.run.query().waiting => session.run.queued_rows().get(place).copied(),
        None => rows.rest().get(place - rows.rows().len()).copied(),
    }
}
